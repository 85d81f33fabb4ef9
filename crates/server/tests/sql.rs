//! `/sql` of a whole server: its answers against the OpenAPI document, its counters, and the tokens of the server itself.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rowgate_identity::built_in::Grant;
use rowgate_pgtest::{Cluster, Database, Version};
use rowgate_server::config::IssuerConfig;
use rowgate_server::sql;
use rowgate_store::postgres::install::{ClientRole, Grants, install};
use serde_json::{Value, json};
use support::document::Document;
use support::provider::Provider;
use support::{Answer, Served};

/// A server with `/sql` before a database that has a table with one row for each of two users.
struct Sql {
    server: Served,
    database: Database,
}

impl Sql {
    fn start(change: impl FnOnce(&mut sql::Config)) -> Self {
        Self::start_with(change, |_| {})
    }

    fn start_with(
        change: impl FnOnce(&mut sql::Config),
        more: impl FnOnce(&mut rowgate_server::Config),
    ) -> Self {
        let database = Cluster::shared(Version::V15).database("served");
        let client = |name: &str| ClientRole {
            name: name.into(),
            sessions: 2,
            schemas: vec!["public".into()],
        };
        let grants = Grants {
            clients: vec![client("authenticated"), client("anonymous")],
            ..Grants::default()
        };
        install(database.url(), &grants).unwrap();
        let note = "create table note (owner text not null default auth.user_id(), body text not null);
            alter table note enable row level security;
            create policy own on note to authenticated using ((select auth.user_id()) = owner);
            insert into note values ('ann', 'of ann'), ('bob', 'of bob')";
        database.client().batch_execute(note).unwrap();
        let mut config = sql::Config::new(database.url().parse().unwrap());
        config.anonymous = true;
        change(&mut config);
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let server = Served::start_in(directory, |server| {
            server.sql = Some(config);
            more(server);
        });
        Self { server, database }
    }

    /// A token of the server's own issuer.
    fn token(&self, user: &str) -> String {
        let minted = self.server.post("/rowgate/v1/tokens", json!({"user": user})).ok();
        minted["token"].as_str().unwrap().to_owned()
    }

    fn send(&self, role: &str, token: Option<&str>, more: &[(&str, &str)], body: &[u8]) -> Answer {
        let connection = format!("postgres://{role}@db.example.com/{}", self.database.name());
        let token = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Neon-Connection-String", connection.as_str())];
        headers.extend(token.as_deref().map(|token| ("Authorization", token)));
        headers.extend(more);
        self.server.send("POST", "/sql", &headers, Some(body))
    }

    /// The answer to a request that announces a body and sends none.
    fn without_its_body(&self, token: &str) -> Answer {
        let mut stream = TcpStream::connect(self.server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = format!(
            "POST /sql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nNeon-Connection-String: postgres://authenticated@x/{}\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
            self.database.name()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        Answer::parse(&text)
    }

    fn ask(&self, token: &str, sql: &str) -> Answer {
        let body = json!({"query": sql}).to_string();
        self.send("authenticated", Some(token), &[], body.as_bytes())
    }
}

fn rows(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    body["rows"].clone()
}

#[test]
fn answers_as_the_document_says() {
    let change = |config: &mut sql::Config| {
        config.limits.request = 100_000;
        config.limits.response = 50_000;
        config.limits.wait = Duration::from_millis(100);
    };
    let sql = Sql::start_with(change, |server| {
        server.limits.body_timeout = Duration::from_secs(2)
    });
    let mut document = Document::of(&sql.server);
    let ann = sql.token("ann");
    let mut check = |answer: &Answer, status: u16| {
        assert_eq!(answer.status, status, "{}", answer.text);
        document.check("POST", "/sql", answer);
    };
    for query in [
        "select * from note",
        "select 1 as a, null as b, array[1, 2] as c, '{\"x\": 1}'::json as d, 1.5::float8 as e",
        "insert into note (body) values ('new') returning body",
        "set work_mem = '8MB'",
        "",
    ] {
        check(&sql.ask(&ann, query), 200);
    }
    let array = [("Neon-Array-Mode", "true"), ("Neon-Raw-Text-Output", "true")];
    let query = br#"{"query": "select $1::int, 2", "params": [1], "arrayMode": true}"#;
    check(&sql.send("authenticated", Some(&ann), &array, query), 200);
    check(
        &sql.send("anonymous", None, &[], br#"{"query": "select auth.user_id()"}"#),
        200,
    );
    let batch = [
        ("Neon-Batch-Isolation-Level", "Serializable"),
        ("Neon-Batch-Read-Only", "true"),
        ("Neon-Batch-Deferrable", "true"),
    ];
    let queries = br#"{"queries": [{"query": "select 1"}, {"query": "select body from note"}]}"#;
    let answer = sql.send("authenticated", Some(&ann), &batch, queries);
    check(&answer, 200);
    assert_eq!(answer.header("neon-batch-isolation-level"), "Serializable");
    check(
        &sql.send("authenticated", Some(&ann), &[], br#"{"queries": []}"#),
        200,
    );
    check(&sql.ask(&ann, "select 1/0"), 400);
    check(&sql.ask("no.token.at.all", "select 1"), 400);
    check(&sql.send("authenticated", None, &[], b"{}"), 400);
    check(&sql.send("authenticated", Some(&ann), &[], b"{"), 400);
    check(&sql.send("postgres", Some(&ann), &[], b"{}"), 400);
    check(&sql.ask(&ann, "copy note to stdout"), 400);
    check(&sql.without_its_body(&ann), 408);
    check(&sql.ask(&ann, &format!("select '{}'", "x".repeat(100_000))), 413);
    check(
        &sql.ask(&ann, "select repeat('x', 1000) from generate_series(1, 100)"),
        507,
    );
    std::thread::scope(|scope| {
        let busy = || sql.ask(&ann, "select pg_sleep(1)");
        let long = [scope.spawn(busy), scope.spawn(busy)];
        std::thread::sleep(Duration::from_millis(300));
        check(&sql.ask(&ann, "select 1"), 503);
        for asked in long {
            check(&asked.join().unwrap(), 200);
        }
    });
    let allowed = sql.server.send("OPTIONS", "/sql", &[], None);
    document.check("OPTIONS", "/sql", &allowed);
    let other = sql.server.send("GET", "/sql", &[], None);
    assert_eq!(
        (other.status, other.text.as_str()),
        (400, "\"query is not supported\"")
    );
    // A database that goes away is a test of the crate itself; a timeout of the whole request takes too long.
    let operation = document.value["paths"]["/sql"]["post"]["responses"]
        .as_object()
        .unwrap();
    for status in operation
        .keys()
        .filter(|status| !["500", "504"].contains(&status.as_str()))
    {
        let seen = format!("POST /sql {status}");
        assert!(
            document.seen.contains(&seen),
            "{seen} is documented and was not seen"
        );
    }
}

#[test]
fn counts_what_becomes_of_requests() {
    let sql = Sql::start(|config| config.limits.response = 50_000);
    let ann = sql.token("ann");
    assert_eq!(
        rows(&sql.ask(&ann, "select body from note")),
        json!([{"body": "of ann"}])
    );
    sql.ask(&ann, "select 1/0");
    sql.ask("bad", "select 1");
    sql.ask(&ann, "select repeat('x', 60000)");
    let metrics = || sql.server.send("GET", "/metrics", &[], None).text;
    let text = metrics();
    for line in [
        "rowgate_sql_requests_total{outcome=\"ok\"} 1",
        "rowgate_sql_requests_total{outcome=\"database_error\"} 1",
        "rowgate_sql_requests_total{outcome=\"refused\"} 1",
        "rowgate_sql_requests_total{outcome=\"too_large\"} 1",
        "rowgate_sql_requests_total{outcome=\"timeout\"} 0",
        "rowgate_sql_database_seconds_count 3",
        "rowgate_sql_sessions_closed_total 1",
        "rowgate_sql_sessions_limit{role=\"authenticated\"} 2",
        "rowgate_sql_waiting{role=\"authenticated\"} 0",
        "rowgate_http_requests_total{route=\"/sql\",method=\"POST\",status=\"200\"} 1",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
    }
    // Two sessions that are busy, and one that waits for them.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| rows(&sql.ask(&ann, "select pg_sleep(1)")));
        }
        let wanted = [
            "rowgate_sql_sessions{role=\"authenticated\",state=\"in_use\"} 2",
            "rowgate_sql_waiting{role=\"authenticated\"} 1",
        ];
        let mut text = String::new();
        let seen = (0..50).any(|_| {
            std::thread::sleep(Duration::from_millis(15));
            text = metrics();
            wanted.iter().all(|line| text.lines().any(|own| own == *line))
        });
        assert!(seen, "{text}");
    });
}

#[test]
fn serves_one_environment() {
    let provider = Provider::new("https://idp.example.com/");
    let of_staging = |name: &str| IssuerConfig {
        environment: "staging".into(),
        ..provider.config(name)
    };
    let sql = Sql::start_with(
        |_| {},
        |server| {
            server.sql_environment = "live".into();
            server.identity.issuers.push(of_staging("idp"));
        },
    );
    let of_default = sql.token("ann");
    let refused = |sql: &Sql, token: &str, message: &str| {
        let answer = sql.ask(token, "select body from note");
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.text.contains(message), "{}", answer.text);
    };
    let other = |own: &str| {
        format!(
            "the token is for the environment `{own}`, and /sql serves the environment `live`; send a token that is for `live`"
        )
    };
    refused(&sql, &of_default, &other("default"));
    refused(&sql, &provider.token(&Grant::new("ann")), &other("staging"));
    let create = |name: &str| {
        sql.server
            .post("/rowgate/v1/environments", json!({"name": name}))
            .ok();
        let path = format!("/rowgate/v1/keys?environment={name}");
        let created = sql.server.post(&path, json!({"name": "app"})).ok();
        created["key"].as_str().unwrap().to_owned()
    };
    // It may be made later.
    let (live, staging) = (create("live"), create("staging"));
    let mint = |key: &str| {
        let body = json!({"user": "ann"});
        let minted = sql
            .server
            .call_as(key, "POST", "/rowgate/v1/tokens", Some(&body))
            .ok();
        minted["token"].as_str().unwrap().to_owned()
    };
    let of_live = mint(&live);
    refused(&sql, &mint(&staging), &other("staging"));
    refused(&sql, &provider.token(&Grant::new("ann")), &other("staging"));
    assert_eq!(
        rows(&sql.ask(&of_live, "select body from note")),
        json!([{"body": "of ann"}])
    );
}

#[test]
fn is_not_there_unless_it_is_asked_for() {
    let server = Served::start();
    let answer = server.send("POST", "/sql", &[], Some(b"{}"));
    answer.error(404, "not_found");
    let text = server.send("GET", "/metrics", &[], None).text;
    assert!(!text.contains("rowgate_sql_"), "{text}");
}

/// The session of a token is kept for its next request; the token is verified all the same.
#[test]
fn a_token_that_is_revoked_has_no_use_for_its_session() {
    let sql = Sql::start(|_| {});
    let ann = sql.token("ann");
    let kept = || {
        let text = sql.server.send("GET", "/metrics", &[], None).text;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("rowgate_sql_kept_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    for _ in 0..50 {
        assert_eq!(
            rows(&sql.ask(&ann, "select body from note")),
            json!([{"body": "of ann"}])
        );
        if kept() > 1 {
            break;
        }
    }
    assert!(kept() > 1, "no session is kept");
    let rotated = sql
        .server
        .post("/rowgate/v1/tokens/rotate", json!({"revoke": true}));
    rotated.ok();
    let before = kept();
    let refused = sql.ask(&ann, "select body from note");
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(kept(), before);
    // A new token of the same user is another one.
    assert_eq!(
        rows(&sql.ask(&sql.token("ann"), "select body from note")),
        json!([{"body": "of ann"}])
    );
    assert_eq!(kept(), before);
}
