//! What is said twice is refused: a proxy or a library in front of the server may have looked at the other one.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::{DOCUMENTS, Served, escape, parse};

fn started() -> Served {
    let server = Served::start();
    server.apply(DOCUMENTS);
    server.grant("document:d1#owner@user:ann");
    server
}

fn send(server: &Served, method: &str, path: &str, body: &str) -> support::Answer {
    let key = format!("Bearer {}", server.key);
    let headers = [
        ("Authorization", key.as_str()),
        ("Content-Type", "application/json"),
    ];
    server.send(method, path, &headers, Some(body.as_bytes()))
}

#[track_caller]
fn refused(answer: &support::Answer, parameter: &str, message: &str) {
    let body = answer.error(400, "invalid_parameter");
    let found = body["message"].as_str().unwrap();
    assert_eq!(body["parameter"], parameter, "{found}");
    // The reader of JSON adds line and column.
    assert!(found.starts_with(message), "{found}");
}

#[test]
fn in_a_context() {
    let server = started();
    let check = |context: &str| {
        let mut check = parse("document:d1#approver@user:ann");
        check["context"] = "CONTEXT".into();
        let body = format!(r#"{{"checks": [{check}]}}"#).replace("\"CONTEXT\"", context);
        send(&server, "POST", "/fga/v1/check", &body)
    };
    assert_eq!(check(r#"{"amount": 5}"#).ok()["result"], "authorized");
    for context in [
        r#"{"amount": 500, "amount": 5}"#,
        r#"{"amount": 5, "amount": 500}"#,
        r#"{"amount": 5, "\u0061mount": 5}"#,
    ] {
        refused(
            &check(context),
            "checks[0].context",
            "amount: the key `amount` stands in its object already",
        );
    }
    refused(
        &check(r#"{"amount": 5, "request": {"ip": [{"a": 1, "a": 2}]}}"#),
        "checks[0].context",
        "request.ip[0].a: the key `a` stands in its object already",
    );
    refused(&check("7"), "checks[0].context", "must be a JSON object");

    let q = escape("select document where user:ann is approver");
    let query = |context: &str| server.get(&format!("/fga/v1/query?q={q}&context={}", escape(context)));
    assert_eq!(
        query(r#"{"amount": 5}"#).ok()["data"].as_array().unwrap().len(),
        1
    );
    refused(
        &query(r#"{"amount": 500, "amount": 5}"#),
        "context",
        "amount: the key `amount` stands in its object already",
    );
    refused(&query("[]"), "context", "must be a JSON object");
}

#[test]
fn in_metadata() {
    let server = started();
    let twice = r#"{"meta": {"a": {"b": 1, "b": 2}}, "resource_type": "document", "resource_id": "d1"}"#;
    let message = "a.b: the key `b` stands in its object already";
    refused(
        &send(&server, "POST", "/fga/v1/resources", twice),
        "meta",
        message,
    );
    refused(
        &send(&server, "PUT", "/fga/v1/resources/document/d1", twice),
        "meta",
        message,
    );
    let batch = format!(r#"{{"op": "create", "resources": [{twice}]}}"#);
    refused(
        &send(&server, "POST", "/fga/v1/resources/batch", &batch),
        "resources[0].meta",
        message,
    );
    let line = format!(r#"{{"resource": {twice}}}"#);
    refused(
        &send(&server, "POST", "/rowgate/v1/import", &line),
        "resource.meta",
        &format!("line 1: {message}"),
    );
    assert_eq!(server.get("/fga/v1/resources/document/d1").ok().get("meta"), None);
}

#[test]
fn in_a_schema() {
    let server = started();
    let relations = r#"{"owner": {"allowed_types": []}, "owner": {"allowed_types": ["user"]}}"#;
    let policy = r#"{"name": "p", "expression": "false", "expression": "true"}"#;
    let types =
        format!(r#"[{{"type": "user", "relations": {{}}}}, {{"type": "a", "relations": {relations}}}]"#);
    let whole = format!(r#"{{"resource_types": {types}}}"#);
    for (method, path, body, place) in [
        (
            "POST",
            "/fga/v1/schema",
            &whole,
            "resource_types[1].relations.owner",
        ),
        (
            "POST",
            "/fga/v1/schemas/convert",
            &whole,
            "resource_types[1].relations.owner",
        ),
        ("PUT", "/fga/v1/resource-types", &types, "[1].relations.owner"),
        (
            "PUT",
            "/fga/v1/resource-types",
            &whole,
            "resource_types[1].relations.owner",
        ),
        (
            "POST",
            "/fga/v1/resource-types",
            &format!(r#"{{"type": "a", "relations": {relations}}}"#),
            "relations.owner",
        ),
        (
            "PUT",
            "/fga/v1/resource-types/document",
            &format!(r#"{{"relations": {relations}}}"#),
            "relations.owner",
        ),
        ("POST", "/fga/v1/policies", &policy.to_owned(), "expression"),
        ("PUT", "/fga/v1/policies/small", &policy.to_owned(), "expression"),
        (
            "POST",
            "/rowgate/v1/import",
            &format!(r#"{{"schema": {whole}}}"#),
            "line 1: resource_types[1].relations.owner",
        ),
    ] {
        let body = send(&server, method, path, body).error(400, "invalid_request");
        let found = body["diagnostics"].as_array().unwrap();
        let found: Vec<(&Value, &Value)> = found
            .iter()
            .map(|found| (&found["code"], &found["path"]))
            .collect();
        assert_eq!(
            found,
            [(&Value::from("duplicate_key"), &Value::from(place))],
            "{method} {path}"
        );
    }
}

#[test]
fn in_a_query_string() {
    let server = started();
    let q = escape("select document where user:ann is owner");
    let answer = server.get(&format!("/fga/v1/query?q={q}&limit=1&q={q}"));
    refused(&answer, "q", "given twice");
    let answer = server.get("/fga/v1/warrants?resource_type=user&%72esource_type=document");
    refused(&answer, "resource_type", "given twice");
}
