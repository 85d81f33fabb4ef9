//! What the protocol promises to drivers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use common::Server;
use rowgate_pgtest::Version;
use serde_json::json;

#[test]
fn answers_a_query_in_the_shape_that_drivers_read() {
    let server = Server::start(Version::V15);
    let request = server.request("authenticated", Some("ann"));
    let answer = request
        .clone()
        .arrays()
        .raw()
        .query("select $1::int as x, 'y' as \"a\"\"b\"", &[json!("1")]);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.text,
        r#"{"fields":[{"name":"x","dataTypeID":23,"tableID":0,"columnID":0,"dataTypeSize":4,"dataTypeModifier":-1,"format":"text"},{"name":"a\"b","dataTypeID":25,"tableID":0,"columnID":0,"dataTypeSize":-1,"dataTypeModifier":-1,"format":"text"}],"rows":[["1","y"]],"command":"SELECT","rowCount":1,"rowAsArray":true}"#
    );
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert_eq!(answer.headers["neon-request-id"].len(), 36);
    let typed = request.query(
        "select 1 as a, null as b, true as c, 1.5::float8 as d, 7::int8 as e",
        &[],
    );
    assert_eq!(
        typed.body["rows"],
        json!([{"a": 1, "b": null, "c": true, "d": 1.5, "e": "7"}])
    );
}

#[test]
fn converts_types_that_it_has_to_ask_for() {
    let server = Server::start(Version::V18);
    let mut admin = server.database.client();
    admin.batch_execute("create type mood as enum ('ok', 'sad'); create domain level as int; create type pair as (a int, b text)").unwrap();
    let sql = "select array['ok']::mood[] as m, array[1,2]::level[] as l, array[null, 'a,b']::varchar[] as v, '1 2'::int2vector as i, '{1,2}'::oid[] as o,
        row(1,'x')::pair as p, '10.1.2.3'::inet as n, array[row(1,'x')::pair] as q, '{\"a\":[1]}'::json as j";
    for _ in 0..2 {
        let answer = server.ask("ann", sql);
        assert_eq!(
            answer.body["rows"],
            json!([{"m": ["ok"], "l": [1, 2], "v": [null, "a,b"], "i": "1 2", "o": ["1", "2"], "p": "(1,x)", "n": "10.1.2.3", "q": ["(1,x)"], "j": {"a": [1]}}]),
            "{}",
            answer.text
        );
    }
}

#[test]
fn says_what_commands_did() {
    let server = Server::start(Version::V15);
    let outcome = |sql: &str| {
        let answer = server.ask("ann", sql);
        (answer.body["command"].clone(), answer.body["rowCount"].clone())
    };
    assert_eq!(
        outcome("insert into note (body) values ('a'), ('b')"),
        (json!("INSERT"), json!(2))
    );
    assert_eq!(
        outcome("delete from note where body = 'a'"),
        (json!("DELETE"), json!(1))
    );
    assert_eq!(outcome("set work_mem = '8MB'"), (json!("SET"), json!(null)));
    assert_eq!(
        outcome("create temp table t (a int)"),
        (json!("CREATE"), json!(null))
    );
    assert_eq!(outcome(""), (json!(""), json!(null)));
    assert_eq!(outcome("-- nothing"), (json!(""), json!(null)));
}

#[test]
fn shows_the_errors_of_postgres_with_all_their_fields() {
    let server = Server::start(Version::V15);
    let answer = server.ask("ann", "select nothing from note");
    assert_eq!(
        answer.error(),
        (400, "42703", "column \"nothing\" does not exist")
    );
    assert_eq!(answer.body.as_object().unwrap().len(), 17);
    assert_eq!(answer.body["position"], "8");
    assert_eq!(answer.body["severity"], "ERROR");
    assert_eq!(answer.body["where"], json!(null));
    assert!(answer.body["line"].is_string());
    let two = server.ask("ann", "select 1; select 2");
    assert_eq!(two.error().1, "42601");
}

#[test]
fn runs_batches_in_one_transaction() {
    let server = Server::start(Version::V15);
    let request = server.request("authenticated", Some("ann")).arrays().raw();
    let answer = request
        .clone()
        .header("Neon-Batch-Isolation-Level", "Serializable")
        .header("Neon-Batch-Read-Only", "true")
        .header("Neon-Batch-Deferrable", "true")
        .batch(&[
            "select current_setting('transaction_isolation')",
            "show transaction_read_only",
            "show transaction_deferrable",
            "select auth.user_id()",
        ]);
    let results: Vec<_> = answer.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["rows"][0][0].clone())
        .collect();
    assert_eq!(json!(results), json!(["serializable", "on", "on", "ann"]));
    assert_eq!(answer.headers["neon-batch-isolation-level"], "Serializable");
    assert_eq!(answer.headers["neon-batch-read-only"], "true");
    assert_eq!(answer.headers["neon-batch-deferrable"], "true");

    let failed = request.batch(&[
        "insert into note (body) values ('gone')",
        "select 1/0",
        "select 1",
    ]);
    assert_eq!(failed.error(), (400, "22012", "division by zero"));
    assert_eq!(
        server.rows("ann", "select body from note where body = 'gone'"),
        json!([])
    );
    let empty = request.batch(&[]);
    assert_eq!(empty.text, r#"{"results":[]}"#);
    assert!(!empty.headers.contains_key("neon-batch-read-only"));
    let wrong = request
        .clone()
        .header("Neon-Batch-Isolation-Level", "Chaos")
        .query("select 1", &[]);
    assert_eq!(wrong.error(), (400, "", "invalid isolation level"));
}

#[test]
fn gives_clients_no_less_than_repeatable_read() {
    let server = Server::start(Version::V15);
    assert_eq!(
        server.value("ann", "show transaction_isolation"),
        "repeatable read"
    );
    let request = server.request("authenticated", Some("ann")).arrays().raw();
    let lower = request
        .header("Neon-Batch-Isolation-Level", "ReadCommitted")
        .batch(&["show transaction_isolation"]);
    assert_eq!(lower.body["results"][0]["rows"][0][0], "repeatable read");
    assert_eq!(lower.headers["neon-batch-isolation-level"], "RepeatableRead");
}

#[test]
fn asks_browsers_and_other_methods_as_documented() {
    let server = Server::start(Version::V15);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let url = format!("http://{}/sql", server.address);
    let response = agent.options(&url).call().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["allow"], "OPTIONS, POST");
    assert_eq!(response.headers()["access-control-max-age"], "86400");
    assert!(
        response.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("Neon-Batch-Deferrable")
    );
    let mut response = agent.get(&url).call().unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(
        response.body_mut().read_to_string().unwrap(),
        "\"query is not supported\""
    );
}

#[test]
fn lets_in_who_may() {
    let server = Server::start(Version::V15);
    let message = |role: &str, token: Option<&str>| {
        let answer = server.request(role, token).query("select current_user", &[]);
        answer.body["message"].as_str().map_or_else(
            || answer.body["rows"][0]["current_user"].to_string(),
            str::to_owned,
        )
    };
    assert_eq!(message("authenticated", Some("ann")), "\"authenticated\"");
    assert_eq!(message("anonymous", None), "\"anonymous\"");
    assert_eq!(message("anonymous", Some("ann")), "\"anonymous\"");
    let missing = "missing authentication credentials: required authorization bearer token in JWT format";
    assert_eq!(message("authenticated", None), missing);
    assert_eq!(message("postgres", None), missing);
    assert_eq!(message("authenticated:secret", None), missing);
    assert_eq!(message("authenticated", Some("bad")), "the token is not valid");
    assert_eq!(
        message("postgres", Some("ann")),
        "the role `postgres` is not for tokens; see `rowgate pg install --client-role`"
    );
    let mut elsewhere = server.request("authenticated", Some("ann"));
    elsewhere.connection = "postgres://authenticated@10.0.0.1:1/other".into();
    assert_eq!(
        elsewhere.query("select 1", &[]).error(),
        (400, "3D000", "database \"other\" does not exist")
    );
    // The host is not looked at: there is one database.
    elsewhere.connection = format!("postgres://authenticated@10.0.0.1:1/{}", server.database.name());
    assert_eq!(
        elsewhere.query("select 1 as one", &[]).body["rows"],
        json!([{"one": 1}])
    );
}

#[test]
fn shows_everybody_their_own() {
    for version in rowgate_pgtest::versions() {
        let server = Server::start(version);
        let bodies = |user: &str| server.rows(user, "select body from note order by id");
        assert_eq!(bodies("ann"), json!([["of ann"]]));
        assert_eq!(bodies("bob"), json!([["of bob"], ["public of bob"]]));
        let anonymous = server.request("anonymous", None).arrays().raw();
        assert_eq!(
            anonymous.query("select body from note", &[]).body["rows"],
            json!([["public of bob"]])
        );
        assert_eq!(
            anonymous.query("select auth.session(), auth.user_id()", &[]).body["rows"],
            json!([["null", null]])
        );
        let refused = server.ask("ann", "insert into note (owner, body) values ('bob', 'x')");
        assert_eq!(refused.error().1, "42501");
        assert_eq!(
            server.value("ann", "insert into note (body) values ('new') returning owner"),
            "ann"
        );
        assert_eq!(
            server.value("ann", "select auth.session()"),
            "{\"sub\": \"ann\", \"role\": \"member\"}"
        );
        assert_eq!(server.value("ann", "select auth.role()"), "member");
        let expired = server.ask("expired", "select auth.user_id()");
        assert_eq!(
            expired.error(),
            (400, "28000", "the claims of this session have expired")
        );
    }
}
