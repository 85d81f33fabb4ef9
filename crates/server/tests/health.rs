//! What an operator sees: health, counters, request ids, paths that lead nowhere.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::{KEY, Served};

#[test]
fn says_that_it_is_alive_and_ready_without_a_key() {
    let server = Served::start();
    assert_eq!(
        server.send("GET", "/healthz", &[], None).ok(),
        json!({"status": "ok"})
    );
    let ready = server.send("GET", "/readyz", &[], None).ok();
    assert_eq!(
        ready,
        json!({"status": "ready", "environments": [{"name": "default", "revision": 0}]})
    );
    let document = server.send("GET", "/openapi.json", &[], None).ok();
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn counts_what_it_does_and_shows_no_key() {
    let server = Served::start();
    server.grant("tenant:acme#member@user:ann");
    assert!(server.allows("tenant:acme#member@user:ann", json!({})));
    assert!(!server.allows("tenant:acme#member@user:bob", json!({})));
    server.get("/nowhere").error(404, "not_found");
    let text = server.send("GET", "/metrics", &[], None).text;
    for line in [
        "rowgate_http_requests_total{route=\"/fga/v1/check\",method=\"POST\",status=\"200\"} 2",
        "rowgate_http_requests_total{route=\"(none)\",method=\"GET\",status=\"404\"} 1",
        "rowgate_http_request_duration_seconds_count{route=\"/fga/v1/check\"} 2",
        "rowgate_checks_total{decision=\"authorized\"} 1",
        "rowgate_checks_total{decision=\"not_authorized\"} 1",
        "rowgate_warrants{environment=\"default\"} 1",
        "rowgate_resources{environment=\"default\"} 2",
        "rowgate_revision{environment=\"default\"} 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    assert!(text.contains("process_resident_memory_bytes") && text.contains("rowgate_uptime_seconds"));
    assert!(!text.contains(KEY));
}

#[test]
fn gives_every_answer_an_id() {
    let server = Served::start();
    let answer = server.send("GET", "/healthz", &[("X-Request-ID", "trace-42/a:b")], None);
    assert_eq!(answer.header("x-request-id"), "trace-42/a:b");
    for insane in ["", "two words", "<script>", &"x".repeat(500)] {
        let answer = server.send("GET", "/nowhere", &[("X-Request-ID", insane)], None);
        assert!(answer.header("x-request-id").starts_with("req_"), "{answer:?}");
    }
    let ids = [server.get("/fga/v1/schema"), server.get("/fga/v1/schema")];
    assert_ne!(ids[0].header("x-request-id"), ids[1].header("x-request-id"));
}

#[test]
fn answers_json_for_paths_and_methods_that_it_does_not_have() {
    let server = Served::start();
    let body = server.get("/fga/v2/check").error(404, "not_found");
    assert_eq!(
        body,
        json!({"code": "not_found", "message": "there is nothing at /fga/v2/check"})
    );
    let answer = server.get("/fga/v1/check");
    let body = answer.error(405, "method_not_allowed");
    assert_eq!(
        body,
        json!({"code": "method_not_allowed", "message": "this path does not answer GET"})
    );
    assert_eq!(answer.header("allow"), "POST");
}

#[test]
fn lets_browsers_in_only_where_it_is_told_to() {
    let directory = || std::sync::Arc::new(tempfile::tempdir().unwrap());
    let preflight = [
        ("Origin", "https://app.example.com"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,warrant-token"),
    ];
    let closed = Served::start_in(directory(), |_| {});
    let answer = closed.send("OPTIONS", "/fga/v1/check", &preflight, None);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let open = Served::start_in(directory(), |config| {
        config.cors_origins = vec!["https://app.example.com".into()]
    });
    let answer = open.send("OPTIONS", "/fga/v1/check", &preflight, None);
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (200, "https://app.example.com")
    );
    let allowed = answer.header("access-control-allow-headers");
    assert!(
        ["authorization", "content-type", "warrant-token"]
            .iter()
            .all(|name| allowed.contains(name)),
        "{allowed}"
    );
    // The page sees an error as what it is.
    let answer = open.send("POST", "/fga/v1/check", &preflight[..1], Some(b"{}"));
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (401, "https://app.example.com")
    );
    let answer = open.send("GET", "/rowgate/v1/keys", &preflight[..1], None);
    assert_eq!(answer.header("access-control-allow-origin"), "");
}
