//! The real binary on Postgres: the same decisions, several servers on one database, tokens from SQL, and a database that goes away.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use rowgate::client::{Ask, Client, ClientError};
use rowgate::surface::HttpSurface;
use rowgate_pgtest::{Cluster, Database, Options, Version, versions};
use rowgate_scenario::notation::{Object, Warrant};
use rowgate_scenario::scenario::{Check, Query, Resource};
use rowgate_scenario::surface::{Answer, Rows, Surface, SurfaceError};
use rowgate_scenario::tree::Node;
use rowgate_scenario::{find, read, run};
use serde_json::{Value, json};
use support::postgres::{KEY, Serving, installed, installed_on};
use support::{Server, binary};

const SCHEMA: &str = "version 0.3 type user type doc relation owner [user] relation viewer [user] inherit viewer if relation owner";

fn post(client: &Client, path: &[&str], body: &Value, token: Option<&str>) -> Result<Value, ClientError> {
    client.post(&Ask {
        path,
        body: Some(body),
        token,
        ..Ask::default()
    })
}

fn warrant(doc: &str, user: &str) -> Value {
    let subject = json!({"resource_type": "user", "resource_id": user});
    json!({"resource_type": "doc", "resource_id": doc, "relation": "owner", "subject": subject})
}

/// Creates or deletes a warrant; returns its token.
fn write(client: &Client, op: &str, doc: &str) -> Result<String, ClientError> {
    let mut body = warrant(doc, "ann");
    body["op"] = op.into();
    let answer = post(client, &["fga", "v1", "warrants"], &body, None)?;
    Ok(answer["warrant_token"].as_str().unwrap().to_owned())
}

fn allowed(client: &Client, doc: &str, token: Option<&str>) -> Result<bool, ClientError> {
    let mut check = warrant(doc, "ann");
    check["relation"] = "viewer".into();
    let answer = post(
        client,
        &["fga", "v1", "check"],
        &json!({"checks": [check]}),
        token,
    )?;
    Ok(answer["result"] == "authorized")
}

fn put_schema(client: &Client) {
    let (model, _) = rowgate_schema::compile(SCHEMA).unwrap();
    let json = rowgate_schema::to_json(model.schema());
    post(client, &["fga", "v1", "schema"], &json, None).unwrap();
}

/// The status and the code of a refusal.
fn refusal<T>(answer: Result<T, ClientError>) -> (u16, String) {
    match answer {
        Err(ClientError::Refused(refused)) => (refused.status, refused.code),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Two servers on one database: one is written to, the other one is asked.
struct Split {
    writes: HttpSurface,
    reads: HttpSurface,
    asked: Client,
}

impl Split {
    /// Lets the server that is asked catch up, by asking it something at the head.
    fn catch_up(&self) -> Result<(), SurfaceError> {
        let latest = Ask {
            path: &["fga", "v1", "query"],
            query: &[("q", "select user where user:nobody is parent")],
            token: Some("latest"),
            ..Ask::default()
        };
        match self.asked.get(&latest) {
            // The scenario's schema may have no such type.
            Ok(_) | Err(ClientError::Refused(_)) => Ok(()),
            Err(error) => Err(SurfaceError::Broken(error.to_string())),
        }
    }
}

impl Surface for Split {
    fn apply_schema(&mut self, text: &str) -> Result<(), SurfaceError> {
        self.writes.apply_schema(text)
    }

    fn create_resources(&mut self, resources: &[Resource]) -> Result<(), SurfaceError> {
        self.writes.create_resources(resources)
    }

    fn delete_resources(&mut self, resources: &[Object]) -> Result<(), SurfaceError> {
        self.writes.delete_resources(resources)
    }

    fn create_warrants(&mut self, warrants: &[Warrant]) -> Result<(), SurfaceError> {
        self.writes.create_warrants(warrants)
    }

    fn delete_warrants(&mut self, warrants: &[Warrant]) -> Result<(), SurfaceError> {
        self.writes.delete_warrants(warrants)
    }

    fn check(&mut self, check: &Check) -> Result<Answer, SurfaceError> {
        self.catch_up()?;
        self.reads.check(check)
    }

    fn explain(&mut self, check: &Check) -> Result<Option<Node>, SurfaceError> {
        self.catch_up()?;
        self.reads.explain(check)
    }

    fn query(&mut self, query: &Query) -> Result<Rows, SurfaceError> {
        self.catch_up()?;
        self.reads.query(query)
    }
}

#[test]
fn every_scenario_holds_when_one_server_is_written_to_and_another_one_is_asked() {
    for version in versions() {
        let database = installed(version);
        // Both sign with the same keys.
        let shared = tempfile::tempdir().unwrap();
        let config = shared.path().join("rowgate.toml");
        std::fs::write(&config, "[built_in]\nkeys = \"keys\"\n").unwrap();
        let one = Serving::start_with(&database, Some(&config));
        let two = Serving::start_with(&database, Some(&config));
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let (mut wrong, mut ran) = (String::new(), 0);
        for (number, file) in find(&scenarios).unwrap().into_iter().enumerate() {
            let scenario = read(&file).unwrap();
            let name = json!({"name": format!("scenario-{number}")});
            post(&one.client(), &["rowgate", "v1", "environments"], &name, None).unwrap();
            let key = one.client().post(&Ask {
                path: &["rowgate", "v1", "keys"],
                query: &[("environment", &format!("scenario-{number}"))],
                body: Some(&name),
                ..Ask::default()
            });
            let key = key.unwrap()["key"].as_str().unwrap().to_owned();
            let client = |server: &Serving| Client::new(&server.url, &key).unwrap();
            let asked = client(&two);
            eventually("the other server knows the key", || {
                asked
                    .get(&Ask {
                        path: &["fga", "v1", "schema"],
                        ..Ask::default()
                    })
                    .is_ok()
            });
            let mut split = Split {
                writes: HttpSurface::new(client(&one)),
                reads: HttpSurface::new(client(&two)),
                asked,
            };
            let report = run(&scenario, &mut split);
            ran += 1;
            if !report.passed() {
                wrong.push_str(&report.to_string());
            }
        }
        assert!(wrong.is_empty(), "PostgreSQL {version}: {wrong}");
        assert!(ran >= 20);
    }
}

#[test]
fn a_token_of_one_server_is_good_on_the_other() {
    for version in versions() {
        let database = installed(version);
        let servers = [Serving::start(&database), Serving::start(&database)];
        let clients = [servers[0].client(), servers[1].client()];
        put_schema(&clients[0]);
        for round in 0..60 {
            let (from, to) = (&clients[round % 2], &clients[1 - round % 2]);
            let doc = (round / 4).to_string();
            let (op, there) = if round % 4 < 2 {
                ("create", true)
            } else {
                ("delete", false)
            };
            // Each change is asked for on the server that did not make it; the second create of two changes nothing.
            let token = match write(from, op, &doc) {
                Ok(token) => token,
                Err(ClientError::Refused(refused)) if round % 4 == 3 => {
                    assert_eq!(refused.status, 404);
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            assert_eq!(allowed(to, &doc, Some(&token)).unwrap(), there, "{round}");
            assert_eq!(allowed(to, &doc, Some("latest")).unwrap(), there);
        }
        let ready = servers[1].ready().unwrap();
        assert_eq!(ready["store"]["reachable"], true, "{ready}");
        assert_eq!(ready["environments"][0]["behind"], 0, "{ready}");
        // What one server says is stored, the other one has when the first is gone.
        let [one, two] = servers;
        write(&one.client(), "create", "last").unwrap();
        one.kill();
        assert!(allowed(&two.client(), "last", Some("latest")).unwrap());
    }
}

#[test]
fn a_token_from_sql_is_good_over_http() {
    let database = installed(Version::V18);
    let server = Serving::start(&database);
    let client = server.client();
    put_schema(&client);
    let mut app = database.client_as("rg_app");
    let sql = "select rowgate.create_warrant('doc:1', 'owner', 'user:ann'), rowgate.token()";
    app.batch_execute("begin").unwrap();
    let token: String = app.query_one(sql, &[]).unwrap().get(1);
    assert!(!allowed(&client, "1", None).unwrap());
    assert_eq!(
        refusal(allowed(&client, "1", Some(&token))).0,
        400,
        "it is not committed"
    );
    // A request that came too early waits a moment.
    let waiting = std::thread::spawn({
        let (client, token) = (server.client(), token.clone());
        move || allowed(&client, "1", Some(&token)).unwrap()
    });
    std::thread::sleep(Duration::from_millis(150));
    app.batch_execute("commit").unwrap();
    assert!(waiting.join().unwrap());
    app.batch_execute("begin").unwrap();
    let token: String = app
        .query_one(
            "select rowgate.delete_warrant('doc:1', 'owner', 'user:ann'), rowgate.token()",
            &[],
        )
        .unwrap()
        .get(1);
    app.batch_execute("rollback").unwrap();
    assert_eq!(
        refusal(allowed(&client, "1", Some(&token))),
        (400, "invalid_parameter".into())
    );
    assert!(allowed(&client, "1", Some("latest")).unwrap());
}

#[test]
fn decisions_go_on_without_the_database() {
    let cluster = Cluster::start(Version::V15, Options::default());
    let database = installed_on(&cluster);
    let server = Serving::start(&database);
    let client = server.client();
    put_schema(&client);
    write(&client, "create", "1").unwrap();
    cluster.kill();
    assert!(allowed(&client, "1", None).unwrap());
    assert_eq!(
        refusal(write(&client, "create", "2")),
        (503, "store_unavailable".into())
    );
    assert_eq!(refusal(allowed(&client, "1", Some("latest"))).0, 503);
    eventually("it says so", || {
        server.ready().unwrap()["store"]["reachable"] == false
    });
    let ready = server.ready().unwrap();
    assert_eq!(ready["store"]["code"], "store_unavailable", "{ready}");
    assert!(ready["store"]["since"].as_str().unwrap().ends_with('Z'));
    cluster.run();
    eventually("it is there again", || {
        server.ready().unwrap()["store"]["reachable"] == true
    });
    let token = write(&client, "create", "2").unwrap();
    assert!(allowed(&client, "2", Some(&token)).unwrap());
}

fn cli(database: &Database, server: &Serving, arguments: &[&str], input: &str) -> String {
    let _ = database;
    let mut command = binary();
    command.args(arguments);
    command
        .env("ROWGATE_URL", &server.url)
        .env("ROWGATE_API_KEY", KEY);
    support::run(command, input).ok()
}

#[test]
fn everything_moves_from_a_directory_to_a_database_and_back() {
    let from = Server::start();
    from.rowgate_with(&["schema", "apply", "-"], SCHEMA).ok();
    from.rowgate(&[
        "resource",
        "create",
        "doc:d",
        r#"{"title": "A \"title\" with \u0000"}"#,
    ])
    .ok();
    for doc in ["d", "e"] {
        from.rowgate(&["warrant", "create", "user:ann", "owner", &format!("doc:{doc}")])
            .ok();
    }
    from.rowgate(&[
        "warrant",
        "create",
        "user:*",
        "viewer",
        "doc:e",
        "-p",
        "region == \"e'u\"",
    ])
    .ok();
    let export = from.rowgate(&["export"]).ok();
    let contents = |export: &str| export.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();

    let database = installed(Version::V15);
    let server = Serving::start(&database);
    cli(&database, &server, &["import"], &export);
    let again = cli(&database, &server, &["export"], "");
    assert_eq!(contents(&again), contents(&export));
    // Also by a server that reads it from the tables.
    server.kill();
    let server = Serving::start(&database);
    let again = cli(&database, &server, &["export"], "");
    assert_eq!(contents(&again), contents(&export));
    let to = Server::start();
    to.rowgate_with(&["import"], &again).ok();
    assert_eq!(contents(&to.rowgate(&["export"]).ok()), contents(&export));
}

#[test]
fn a_server_says_what_is_wrong_with_the_database() {
    let cluster = Cluster::shared(Version::V15);
    let database = cluster.database("empty");
    let serve = |url: &str| {
        let mut command = binary();
        command.args(["serve", "--listen", "127.0.0.1:0", "--store", url]);
        let run = support::run(command, "");
        assert_ne!(run.code, 0);
        run.err
    };
    let err = serve(database.url());
    assert!(
        err.contains("rowgate pg install") && err.contains("store_not_installed"),
        "{err}"
    );
    let err = serve("postgres://ann:very-secret@127.0.0.1:1/nowhere");
    assert!(
        err.contains("store_unavailable") && !err.contains("very-secret"),
        "{err}"
    );
    let err = serve("postgres://ann:very-secret@127.0.0.1:1/nowhere?sslmode=sometimes");
    assert!(err.contains("sslmode") && !err.contains("very-secret"), "{err}");
}
