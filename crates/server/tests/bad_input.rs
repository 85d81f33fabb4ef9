//! Whatever is sent: a clear error with a stable code, the server stays up, and what was stored stays as it was.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use support::{DOCUMENTS, KEY, Served, parse};

/// Endpoints that take a body.
const BODIES: [(&str, &str); 13] = [
    ("POST", "/fga/v1/check"),
    ("POST", "/fga/v1/warrants"),
    ("POST", "/fga/v1/resources"),
    ("POST", "/fga/v1/resources/batch"),
    ("PUT", "/fga/v1/resources/document/d1"),
    ("POST", "/fga/v1/resource-types"),
    ("PUT", "/fga/v1/resource-types"),
    ("PUT", "/fga/v1/resource-types/document"),
    ("POST", "/fga/v1/schema"),
    ("POST", "/fga/v1/schemas/convert"),
    ("POST", "/fga/v1/policies"),
    ("POST", "/rowgate/v1/keys"),
    ("POST", "/rowgate/v1/environments"),
];

fn everything(server: &Served) -> String {
    let export = server.get("/rowgate/v1/export").text;
    let keys = server.get("/rowgate/v1/keys").text;
    export + &keys
}

fn send(server: &Served, (method, path): (&str, &str), body: &[u8]) -> support::Answer {
    let key = format!("Bearer {KEY}");
    server.send(
        method,
        path,
        &[("Authorization", &key), ("Content-Type", "application/json")],
        Some(body),
    )
}

#[test]
fn refuses_bodies_that_are_not_json_everywhere() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    server.grant("document:d1#owner@user:ann");
    let before = everything(&server);
    let deep = "[".repeat(100_000);
    for endpoint in BODIES {
        for (body, message) in [
            (
                &b""[..],
                "invalid JSON: EOF while parsing a value at line 1 column 0",
            ),
            (
                b"{",
                "invalid JSON: EOF while parsing an object at line 1 column 1",
            ),
            (
                b"{\"a\":\n tru}",
                "invalid JSON: expected ident at line 2 column 5",
            ),
            (b"not json", "invalid JSON: expected ident at line 1 column 2"),
            (b"{\"a\": \"\xff\"}", "the body is not UTF-8 from byte 7 on"),
        ] {
            let body = send(&server, endpoint, body).error(400, "invalid_request");
            let found = body["message"].as_str().unwrap();
            assert!(found.starts_with(message), "{endpoint:?}: {found}");
        }
        for body in [
            "7",
            "\"text\"",
            "true",
            "[[[]]]",
            "[null, null, null]",
            &deep,
            &format!("{{\"meta\":{deep}"),
        ] {
            let answer = send(&server, endpoint, body.as_bytes());
            assert_eq!(answer.status, 400, "{endpoint:?} {body}: {}", answer.text);
            assert!(answer.json()["code"].is_string());
        }
    }
    assert_eq!(everything(&server), before);
}

#[test]
fn refuses_large_bodies_without_reading_them() {
    let server = Served::start();
    let before = everything(&server);
    let body = vec![b' '; 10 << 20];
    for endpoint in BODIES {
        let body = send(&server, endpoint, &body).error(413, "request_too_large");
        let message = "the body is larger than 4194304 bytes";
        assert_eq!(body, json!({"code": "request_too_large", "message": message}));
    }
    // Announced and never sent: the answer does not wait for it.
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /fga/v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 99999999\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    // Without saying how much: refused as soon as it is too much.
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /fga/v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..100 {
        stream.write_all(&chunk).unwrap();
    }
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert_eq!(everything(&server), before);
}

#[test]
fn a_connection_outlives_a_refusal_that_did_not_wait_for_the_body() {
    let server = Served::start();
    for (head, status) in [
        (
            "POST /fga/v1/check HTTP/1.1\r\nAuthorization: Bearer sk_nobody_has_this_key\r\n",
            "401",
        ),
        ("POST /fga/v1/nothing HTTP/1.1\r\n", "404"),
        ("PATCH /fga/v1/check HTTP/1.1\r\n", "405"),
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
            .write_all(format!("{head}Host: x\r\nContent-Length: 5\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).unwrap();
        assert!(
            answer[..read].starts_with(format!("HTTP/1.1 {status}").as_bytes()),
            "{head}"
        );
        stream
            .write_all(b"laterGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let read = stream.read(&mut answer).unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{head}");
    }
}

#[test]
fn refuses_too_many_of_anything() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let before = everything(&server);
    let checks = format!("{{\"op\":\"batch\",\"checks\":[{}{{}}]}}", "{},".repeat(100_000));
    let body = server
        .post_raw("/fga/v1/check", "application/json", checks.as_bytes())
        .error(400, "invalid_parameter");
    assert_eq!(
        (&body["parameter"], &body["message"]),
        (
            &json!("checks"),
            &json!("there are 100001 checks; at most 100 are allowed")
        )
    );
    let many: Vec<Value> = (0..10_000)
        .map(|at| parse(&format!("document:d{at}#owner@user:ann")))
        .collect();
    let body = server
        .post("/fga/v1/warrants", json!(many))
        .error(400, "invalid_parameter");
    assert_eq!(body["parameter"], "warrants");
    assert_eq!(everything(&server), before);
}

#[test]
fn refuses_schemas_and_policies_that_are_too_much() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let before = everything(&server);
    let nested = (0..5_000).fold("relation owner".to_owned(), |inner, _| format!("any_of {inner}"));
    let text = format!(
        "version 0.3\ntype user\ntype a\n    relation owner [user]\n    relation b []\n    inherit b if {nested}\n"
    );
    let answer = server.post_raw("/fga/v1/schemas/convert", "text/plain", text.as_bytes());
    answer.error(400, "invalid_request");
    let nested = (0..200).fold(
        json!({"inherit_if": "a"}),
        |inner, _| json!({"inherit_if": "any_of", "rules": [inner]}),
    );
    let mut relation = nested;
    relation["allowed_types"] = json!([]);
    let body = json!({"type": "t", "relations": {"a": {}, "b": relation}});
    assert_eq!(server.post("/fga/v1/resource-types", body).status, 400);
    let warrant = |policy: &str| {
        let mut warrant = parse("document:d1#owner@user:ann");
        warrant["policy"] = json!(policy);
        warrant
    };
    for policy in [
        "(".repeat(10_000) + "true" + &")".repeat(10_000),
        "!".repeat(10_000) + "true",
        "true && ".repeat(10_000) + "true",
        format!("a matches '{}'", "(a+)+".repeat(2_000)),
        "a matches '((((a{1,100}){1,100}){1,100}){1,100})'".to_owned(),
        "a matches '(?=x)'".to_owned(),
        "\u{0}".to_owned(),
        "x".repeat(100_000),
    ] {
        let body = server
            .post("/fga/v1/warrants", warrant(&policy))
            .error(400, "invalid_parameter");
        assert_eq!(body["parameter"], "policy");
        let named =
            json!({"name": "p", "expression": policy, "parameters": [{"name": "a", "type": "string"}]});
        server
            .post("/fga/v1/policies", named)
            .error(400, "invalid_request");
    }
    assert_eq!(everything(&server), before);
}

#[test]
fn refuses_queries_that_it_cannot_read() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let long = "a".repeat(20_000);
    for (query, parameter) in [
        ("", "q"),
        ("?q=", "q"),
        ("?q=delete%20everything", "q"),
        ("?q=select%20document", "q"),
        ("?q=select%20*,document%20where%20user:a%20is%20*", "q"),
        (
            "?q=select%20document%20where%20group:g%23member%20is%20owner",
            "q",
        ),
        (&format!("?q=select%20{long}%20where%20user:a%20is%20owner"), "q"),
        (
            "?q=select%20document%20where%20user:a%20is%20owner&context=%7B",
            "context",
        ),
        (
            "?q=select%20document%20where%20user:a%20is%20owner&context=[1]",
            "context",
        ),
        (
            "?q=select%20document%20where%20user:a%20is%20owner&limit=1000",
            "limit",
        ),
        (
            "?q=select%20document%20where%20user:a%20is%20owner&order=random",
            "order",
        ),
        (
            "?q=select%20document%20where%20user:a%20is%20owner&after=x",
            "after",
        ),
        ("?q=%FF", "q"),
    ] {
        let answer = server.get(&format!("/fga/v1/query{query}"));
        assert_eq!(
            (answer.status, &answer.json()["parameter"]),
            (400, &json!(parameter)),
            "{query}: {}",
            answer.text
        );
    }
    let body = server
        .get("/fga/v1/query?q=select%20spaceship%20where%20user:a%20is%20owner")
        .error(404, "not_found");
    assert_eq!(
        (&body["type"], &body["key"]),
        (&json!("ResourceType"), &json!("spaceship"))
    );
}

#[test]
fn survives_what_is_not_http() {
    let server = Served::start();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0",
        b"GET / HTTP/9.9\r\n\r\n",
        b"",
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(bytes).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
    }
    let huge = format!("/healthz?{}", "a".repeat(300_000));
    let mut stream = TcpStream::connect(server.address).unwrap();
    let _ = stream.write_all(format!("GET {huge} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
    server.get("/healthz").ok();
}
