//! A table that belongs to many users, and what is asked of it.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use rowgate_pgtest::{Cluster, Database, Options, Version};
use rowgate_store::postgres::install::{ClientRole, Grants, install};
use serde_json::{Value, json};

use crate::http::client::{Connection, post};

/// How many users there are.
pub const USERS: usize = 1_000;

/// How many todos a user has.
pub const TODOS_EACH: usize = 200;

/// What a new session of a client role may have at a time.
const SESSIONS: i32 = 40;

const TODOS: &str = "create table todos (id bigint generated always as identity primary key, user_id text not null default auth.user_id(),
        task text not null, is_complete boolean not null default false, inserted_at timestamptz not null);
    insert into todos (user_id, task, is_complete, inserted_at)
        select 'user' || n % 1000, 'task number ' || n, n % 3 = 0, '2026-01-01'::timestamptz + n * interval '1 minute'
        from generate_series(0, 199999) n;
    create index on todos (user_id, inserted_at desc);
    alter table todos enable row level security;
    create policy own on todos to authenticated using ((select auth.user_id()) = user_id) with check ((select auth.user_id()) = user_id);";

/// A statement, for a driver and for `/sql`. Both have a parameter, `$1`.
pub struct Statement {
    /// What results call it.
    pub name: &'static str,
    /// For a driver that says itself who asks, with the user as its last parameter, if it has one.
    pub bare: &'static str,
    /// For `/sql`, where the policy knows.
    pub sql: &'static str,
    /// What `$1` is: the id of one of the user's todos, or a constant.
    pub by_id: bool,
    /// Whether the bare statement names the user.
    pub by_user: bool,
    /// How many rows the answer has.
    pub rows: usize,
}

/// From nothing to a page of a list.
pub const STATEMENTS: [Statement; 3] = [
    Statement {
        name: "select 1",
        bare: "select $1::bigint",
        sql: "select $1::bigint",
        by_id: false,
        by_user: false,
        rows: 1,
    },
    Statement {
        name: "a row by its key",
        bare: "select id, task, is_complete, inserted_at from todos where id = $1 and user_id = $2",
        sql: "select id, task, is_complete, inserted_at from todos where id = $1",
        by_id: true,
        by_user: true,
        rows: 1,
    },
    Statement {
        name: "the newest 50 rows",
        bare: "select id, task, is_complete, inserted_at from todos where user_id = $2 order by inserted_at desc limit $1",
        sql: "select id, task, is_complete, inserted_at from todos order by inserted_at desc limit $1",
        by_id: false,
        by_user: true,
        rows: 50,
    },
];

/// The database, and a token for each user.
pub struct World {
    pub database: Database,
    /// By the number of the user.
    pub tokens: Vec<String>,
    // Ends after the database.
    _cluster: Cluster,
}

impl World {
    /// A database with the table.
    pub fn new() -> Result<Self> {
        let cluster = Cluster::start(Version::V15, Options::default());
        let database = cluster.database("bench");
        let client = ClientRole {
            name: "authenticated".into(),
            sessions: SESSIONS,
            schemas: vec!["public".into()],
        };
        let grants = Grants {
            clients: vec![client],
            ..Grants::default()
        };
        install(database.url(), &grants)?;
        let mut admin = database.client();
        admin.batch_execute(TODOS)?;
        admin.batch_execute("vacuum analyze todos")?;
        Ok(Self {
            database,
            tokens: Vec::new(),
            _cluster: cluster,
        })
    }

    /// With a token for each user, from the server's own issuer.
    pub fn with_tokens(self, server: SocketAddr) -> Result<Self> {
        let mut connection = Connection::open(server)?;
        let mut mint = |user: usize| -> Result<String> {
            let body = json!({"user": user_name(user), "organization": "org_1", "roles": ["member"], "permissions": ["todos:read"]});
            let request = post(
                "/rowgate/v1/tokens",
                "application/json",
                body.to_string().as_bytes(),
            );
            let answer: Value = serde_json::from_slice(connection.exchange(&request)?)?;
            Ok(answer["token"].as_str().context("no token")?.to_owned())
        };
        let tokens = (0..USERS).map(&mut mint).collect::<Result<_>>()?;
        Ok(Self { tokens, ..self })
    }
}

/// A user of the table.
pub fn user_name(user: usize) -> String {
    format!("user{user}")
}
