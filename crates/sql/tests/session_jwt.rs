//! Beside the extension pg_session_jwt, whose functions answer who asks, and beside a schema `auth` of somebody else.
//!
//! The extension here has its interface, and is installed as extensions are; it cannot verify signatures.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use common::{Answer, Server, set_up};
use rowgate_pgtest::{Cluster, Database, Options, Version};
use rowgate_store::ErrorKind;
use rowgate_store::postgres::install::{ClientRole, Grants, Step, install, plan};
use rowgate_store::postgres::uninstall;
use serde_json::{Value, json};

/// A server whose directory of extensions has it.
fn cluster() -> Cluster {
    let directory = std::env::temp_dir().join(format!("rowgate-sql-extension-{}", std::process::id()));
    let extension = directory.join("extension");
    std::fs::create_dir_all(&extension).unwrap();
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pg_session_jwt");
    for file in ["pg_session_jwt.control", "pg_session_jwt--0.5.0.sql"] {
        std::fs::copy(from.join(file), extension.join(file)).unwrap();
    }
    let path = format!("{}:$system", directory.display());
    Cluster::start(
        Version::V18,
        Options {
            durable: false,
            settings: vec![("extension_control_path", path)],
            ..Options::default()
        },
    )
}

fn with_extension(database: &Database) {
    let sql = "create extension pg_session_jwt";
    database.client().batch_execute(sql).unwrap();
}

fn grants(clients: &[&str]) -> Grants {
    let client = |name: &&str| ClientRole {
        name: (*name).to_owned(),
        sessions: 1,
        schemas: vec!["public".into()],
    };
    Grants {
        clients: clients.iter().map(client).collect(),
        ..Grants::default()
    }
}

#[test]
fn the_extension_answers_who_asks() {
    let cluster = cluster();
    let server = Server::prepared(&cluster, 1, with_extension, |_| {});
    let own = "select extname from pg_depend d join pg_extension e on e.oid = d.refobjid where d.objid = 'auth.user_id()'::regprocedure";
    let owner: String = server.database.client().query_one(own, &[]).unwrap().get(0);
    assert_eq!(owner, "pg_session_jwt");
    // By turns in one session.
    for _ in 0..3 {
        for user in ["ann", "bob"] {
            assert_eq!(server.value(user, "select auth.user_id()"), json!(user));
            let owners = server.rows(user, "select distinct owner from note");
            assert_eq!(owners, json!([[user]]));
            let bodies = server.rows(user, "insert into note (body) values ('mine') returning owner");
            assert_eq!(bodies, json!([[user]]));
        }
        let batch = server
            .request("authenticated", Some("ann"))
            .arrays()
            .raw()
            .batch(&["select auth.user_id()", "select auth.session() ->> 'role'"]);
        assert_eq!(
            batch.body["results"][0]["rows"],
            json!([["ann"]]),
            "{}",
            batch.text
        );
        assert_eq!(batch.body["results"][1]["rows"], json!([["member"]]));
    }
    let nobody = server.request("anonymous", None).arrays().raw();
    let answer = nobody.query("select auth.session() -> 'sub', auth.user_id()", &[]);
    assert_eq!(answer.body["rows"], json!([[null, null]]), "{}", answer.text);
    // An error leaves the session usable.
    assert_eq!(server.ask("ann", "select 1/0").error().1, "22012");
    assert_eq!(server.value("bob", "select auth.user_id()"), "bob");
}

#[test]
fn a_token_is_worth_nothing_in_the_next_request() {
    let cluster = cluster();
    let server = Server::prepared(&cluster, 1, with_extension, |_| {});
    let read = "select current_setting('pg_session_jwt.jwt'), pg_backend_pid()";
    let row = server.rows("ann", read)[0].clone();
    let stolen = row[0].as_str().unwrap();
    let replay = format!("select set_config('pg_session_jwt.jwt', '{stolen}', false)");
    let last = |answer: &Answer| -> Option<Value> {
        let results = answer.body["results"].as_array()?;
        Some(results.last()?["rows"][0][0].clone())
    };
    let request = server.request("authenticated", Some("mallory")).arrays().raw();
    let same = request.batch(&["select pg_backend_pid()"]);
    assert_eq!(last(&same).as_ref(), Some(&row[1]));
    let answer = request.batch(&[&replay, "select auth.user_id()"]);
    assert_eq!(
        answer.error(),
        (
            400,
            "23514",
            "Token ID must be strictly monotonically increasing."
        )
    );
    // A request without a token has a token of nobody, so that the last one is not taken again.
    let nobody = |token: Option<&str>| server.request("anonymous", token).arrays().raw();
    let known = nobody(Some("ann")).query(read, &[]);
    let stolen = known.body["rows"][0][0].as_str().unwrap().to_owned();
    let replay = format!("select set_config('pg_session_jwt.jwt', '{stolen}', false)");
    let answer = nobody(None).batch(&[&replay, "select auth.user_id()"]);
    assert_eq!(answer.error().1, "23514", "{}", answer.text);
    // Nor does a setting in the clear say anything.
    let answer = request.batch(&[
        "select set_config('request.jwt.claims', '{\"sub\":\"bob\"}', false)",
        "select auth.user_id()",
    ]);
    assert_eq!(last(&answer), Some(json!("mallory")));
}

#[test]
fn installing_leaves_what_is_not_ours() {
    let cluster = cluster();
    let database = cluster.database("extension");
    with_extension(&database);
    let functions = "select count(*), md5(string_agg(prosrc, ',' order by oid)) from pg_proc where pronamespace = 'auth'::regnamespace";
    let state = || -> (i64, String) {
        let row = database.client().query_one(functions, &[]).unwrap();
        (row.get(0), row.get(1))
    };
    let before = state();
    let steps = install(database.url(), &grants(&["authenticated"])).unwrap();
    assert!(steps.contains(&Step::UseSessionJwt), "{steps:?}");
    assert!(!steps.contains(&Step::CreateAuth), "{steps:?}");
    assert_eq!(state(), before);
    let again = plan(database.url(), &Grants::default()).unwrap();
    assert_eq!(again, [], "the second time there is nothing to do");
    uninstall::uninstall(database.url()).unwrap();
    assert_eq!(state(), before);
    let left: i64 = database
        .client()
        .query_one(
            "select count(*) from pg_namespace where nspname like 'rowgate%'",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(left, 0);
}

#[test]
fn a_schema_auth_of_others_can_be_forged_and_so_has_no_clients() {
    let database = Cluster::shared(Version::V15).database("foreign");
    let others = "create schema auth; create function auth.uid() returns uuid language sql
        as $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$";
    database.client().batch_execute(others).unwrap();
    let refused = install(database.url(), &grants(&["authenticated"])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("could be anybody"), "{refused}");
    let steps = install(database.url(), &Grants::default()).unwrap();
    assert!(steps.contains(&Step::KeepAuth("postgres".into())), "{steps:?}");
    let functions: i64 = database
        .client()
        .query_one(
            "select count(*) from pg_proc where pronamespace = 'auth'::regnamespace",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(functions, 1);
    // Its own kind of database still works beside it.
    set_up(&Cluster::shared(Version::V15).database("beside"), 1);
}
