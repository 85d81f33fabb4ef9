//! Lists of rows over HTTP, from two servers on one database: complete, in order, and continued by either.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::Output;

use rowgate::client::{Ask, Client, ClientError};
use rowgate_pgtest::{Database, Version, versions};
use serde_json::{Value, json};
use support::binary;
use support::postgres::{Serving, installed};

const SCHEMA: &str = "version 0.3
type user
type team
    relation member [user]
type task
    relation owner [user]
    relation team [team]
    relation watcher [user]
    relation reader [user]
    relation fresh [user]
    inherit reader if
        any_of
            relation owner
            relation watcher
            relation member on team [team]
    inherit fresh if
        policy once
policy once() { now() < date(\"2100-01-01\") }
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.task"
type = "task"
id = ["org", "number"]
relations.owner = { column = "owner_id", type = "user" }
relations.team = { column = "team_id", type = "team" }
relations.watcher = { table = "public.watcher", key = ["org", "number"], column = "user_id", type = "user" }
policies.select = "reader"
"#;

const TABLES: &str = "
create table task (org text, number integer, owner_id text, team_id text, primary key (org, number));
create table watcher (org text, number integer, user_id text);
create index on watcher (user_id); create index on watcher (org, number);
insert into task select case n % 3 when 0 then 'a/b' when 1 then 'a' else 'a!' end, n,
    case when n % 2 = 0 then 'ann' end, case when n % 5 = 0 then 'red' end from generate_series(1, 40) n;
insert into watcher select org, number, 'ann' from task where number % 3 = 0";

/// Two servers on one database with tasks, of which `ann` has some.
fn shop(version: Version) -> (Database, [Serving; 2]) {
    let database = installed(version);
    let role = format!("app_{}", database.name());
    let mut admin = database.client();
    admin
        .batch_execute(&format!(
            "create role {role} login; grant rowgate_app to {role}; {TABLES}"
        ))
        .unwrap();
    let servers = [Serving::start(&database), Serving::start(&database)];
    let here = tempfile::tempdir().unwrap();
    std::fs::write(here.path().join("schema.txt"), SCHEMA).unwrap();
    std::fs::write(here.path().join("rowgate.toml"), BINDINGS.replace("ROLE", &role)).unwrap();
    let rls = |command: &str| -> Output {
        binary()
            .args([
                "rls",
                command,
                "--schema",
                "schema.txt",
                "--database",
                database.url(),
            ])
            .current_dir(here.path())
            .output()
            .unwrap()
    };
    let said = |output: &Output| {
        String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
    };
    let first = rls("apply");
    assert!(first.status.success(), "{}", said(&first));
    assert!(!said(&first).contains("Nothing to do"), "{}", said(&first));
    for command in ["plan", "apply"] {
        let again = rls(command);
        assert!(said(&again).contains("Nothing to do"), "{}", said(&again));
    }
    (database, servers)
}

fn grant(client: &Client, resource: (&str, &str), relation: &str, user: &str) -> String {
    let subject = json!({"resource_type": "user", "resource_id": user});
    let body = json!({"resource_type": resource.0, "resource_id": resource.1, "relation": relation, "subject": subject});
    let ask = Ask {
        path: &["fga", "v1", "warrants"],
        body: Some(&body),
        ..Ask::default()
    };
    let answer = client.post(&ask).unwrap();
    answer["warrant_token"].as_str().unwrap().to_owned()
}

fn page(client: &Client, query: &[(&str, &str)], token: Option<&str>) -> Result<Value, ClientError> {
    client.get(&Ask {
        path: &["fga", "v1", "query"],
        query,
        token,
        ..Ask::default()
    })
}

/// All rows of a list as (id, relation), each page from the next server. `between` is called after each page.
fn list(servers: &[Client], q: &str, token: &str, mut between: impl FnMut(usize)) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut after = String::new();
    for turn in 0.. {
        let query = [("q", q), ("limit", "3"), ("order", "asc"), ("after", &after)];
        let first = after.is_empty().then_some(token);
        let answer = page(&servers[turn % servers.len()], &query, first).unwrap();
        for row in answer["data"].as_array().unwrap() {
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            rows.push((text("resource_id"), text("relation")));
        }
        match answer["list_metadata"]["after"].as_str() {
            Some(cursor) => after = cursor.to_owned(),
            None => break,
        }
        between(turn);
    }
    rows
}

/// What SQL says, in the order of the list.
fn by_sql(database: &Database, sql: &str) -> Vec<(String, String)> {
    let id = "replace(replace(org, '~', '~0'), '/', '~1') || '/' || number";
    let sql = format!(
        "select {id}, r from ({sql}) s (org, number, r) order by org collate \"C\", number, r collate \"C\""
    );
    let rows = database.client().query(&sql, &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn rows_of_several_relations_and_of_keys_of_several_columns_are_listed_by_two_servers() {
    for version in versions() {
        let (database, servers) = shop(version);
        let clients = servers.each_ref().map(Serving::client);
        grant(&clients[0], ("team", "red"), "member", "ann");
        let token = grant(&clients[1], ("task", "a/1"), "reader", "ann");
        let owned = "select org, number, 'owner' from task where owner_id = 'ann'";
        let watched = "select org, number, 'watcher' from watcher where user_id = 'ann'";
        let shared = "select org, number, 'reader' from task where org = 'a' and number = 1";
        let read = "select org, number, 'reader' from task where owner_id = 'ann' or team_id = 'red' or number % 3 = 0 or number = 1";
        let fresh = "select org, number, 'fresh' from task";
        let lists = [
            ("select task where user:ann is reader", vec![read]),
            (
                "select task where user:ann is owner, reader, watcher",
                vec![owned, watched, read],
            ),
            (
                "select task where user:ann is *",
                vec![owned, watched, read, fresh],
            ),
            (
                "select explicit task where user:ann is *",
                vec![owned, watched, shared],
            ),
            ("select explicit task where user:ann is reader", vec![shared]),
            ("select task where user:eve is owner, reader", vec![]),
        ];
        for (q, wanted) in lists {
            let listed = list(&clients, q, &token, |_| {});
            let wanted = match wanted[..] {
                [] => Vec::new(),
                _ => by_sql(&database, &wanted.join(" union all ")),
            };
            assert_eq!(listed, wanted, "{version}: {q}");
        }
        // `team` has no subjects of type user, so nobody is listed by it.
        let subjects = "select owner, watcher, reader of type user for task:a~1b/30";
        assert_eq!(
            list(&clients, subjects, &token, |_| {}),
            [("ann", "owner"), ("ann", "reader"), ("ann", "watcher")]
                .map(|(id, relation)| (id.to_owned(), relation.to_owned()))
        );
        // More subjects than one question may read: an error, and not a list that is cut off.
        database
            .client()
            .batch_execute("insert into watcher select 'a', 1, 'u' || n from generate_series(1, 100001) n")
            .unwrap();
        let q = "select watcher of type user for task:a/1";
        let error = page(&clients[0], &[("q", q), ("limit", "3")], None).unwrap_err();
        assert!(error.to_string().contains("more than 100000 edges"), "{error}");
    }
}

#[test]
fn pages_are_of_one_revision_whichever_server_gives_them() {
    for version in versions() {
        let (_database, servers) = shop(version);
        let clients = servers.each_ref().map(Serving::client);
        let mut token = String::new();
        for n in 0..20 {
            token = grant(&clients[n % 2], ("team", &format!("t{n:02}")), "member", "ann");
        }
        let wanted: Vec<(String, String)> = (0..20)
            .map(|n| (format!("t{n:02}"), "member".to_owned()))
            .collect();
        let q = "select team where user:ann is member";
        let listed = list(&clients, q, &token, |turn| {
            // Between the others, so that a page of a later revision would show it.
            for n in 0..20 {
                grant(
                    &clients[n % 2],
                    ("team", &format!("t{n:02}-{turn}")),
                    "member",
                    "ann",
                );
            }
        });
        assert_eq!(listed, wanted, "{version}");
    }
}
