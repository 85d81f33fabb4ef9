//! Every answer against the document: its path, its status, its body.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::document::{Document, Part};
use support::{DOCUMENTS, Served, parse};

/// Requests, in an order that makes sense: method, path, body.
fn requests(schema: &Value) -> Vec<(&'static str, String, Option<Value>)> {
    let check = |text: &str| {
        let mut check = parse(text);
        check["context"] = json!({"amount": 5, "region": "eu"});
        check
    };
    let mut conditional = parse("document:d2#owner@user:bob");
    conditional["policy"] = json!("region == 'eu'");
    let mut gone = parse("document:d1#viewer@user:ann");
    gone["op"] = json!("delete");
    let folder = json!({"resource_type": "folder", "resource_id": "f/1", "meta": {"a": 1}});
    let one = json!([{"type": "user", "relations": {}}]);
    let policy = json!({"name": "open", "parameters": [], "expression": "true"});
    let query = "/fga/v1/query?q=";
    let viewer = "select%20document%20where%20user:ann%20is%20viewer";
    let approver = "select%20document%20where%20user:ann%20is%20*";
    let mut list: Vec<(&str, &str, Option<Value>)> = vec![
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
        ("GET", "/metrics", None),
        ("GET", "/openapi.json", None),
        ("GET", "/fga/v1/schema", None),
        ("POST", "/fga/v1/schemas/convert", Some(schema.clone())),
        ("POST", "/fga/v1/schemas/convert", Some(json!({}))),
        ("POST", "/fga/v1/schema", Some(schema.clone())),
        ("POST", "/fga/v1/schema", Some(json!({"resource_types": 7}))),
        ("GET", "/fga/v1/resource-types", None),
        ("GET", "/fga/v1/resource-types?limit=x", None),
        (
            "POST",
            "/fga/v1/resource-types",
            Some(json!({"type": "team", "relations": {"lead": {}}})),
        ),
        ("POST", "/fga/v1/resource-types", Some(json!({"type": "team"}))),
        ("GET", "/fga/v1/resource-types/team", None),
        ("GET", "/fga/v1/resource-types/none", None),
        (
            "PUT",
            "/fga/v1/resource-types/team",
            Some(json!({"relations": {"lead": {"allowed_types": ["user"]}}})),
        ),
        (
            "PUT",
            "/fga/v1/resource-types/team",
            Some(json!({"relations": {"lead": {"policy": "none"}}})),
        ),
        (
            "PUT",
            "/fga/v1/resource-types/none",
            Some(json!({"relations": {}})),
        ),
        ("DELETE", "/fga/v1/resource-types/team", None),
        ("DELETE", "/fga/v1/resource-types/team", None),
        ("POST", "/fga/v1/policies", Some(policy.clone())),
        (
            "POST",
            "/fga/v1/policies",
            Some(json!({"name": "x", "expression": "1 +"})),
        ),
        ("GET", "/fga/v1/policies", None),
        ("GET", "/fga/v1/policies?order=x", None),
        ("GET", "/fga/v1/policies/open", None),
        ("GET", "/fga/v1/policies/none", None),
        ("PUT", "/fga/v1/policies/open", Some(policy.clone())),
        ("PUT", "/fga/v1/policies/open", Some(json!({}))),
        ("PUT", "/fga/v1/policies/none", Some(policy)),
        ("DELETE", "/fga/v1/policies/open", None),
        ("DELETE", "/fga/v1/policies/open", None),
        ("DELETE", "/fga/v1/policies/small", None),
        ("POST", "/fga/v1/resources", Some(folder)),
        (
            "POST",
            "/fga/v1/resources",
            Some(json!({"resource_type": "folder", "meta": 7})),
        ),
        ("GET", "/fga/v1/resources/folder/f/1", None),
        ("GET", "/fga/v1/resources/folder/none", None),
        ("GET", "/fga/v1/resources/folder/%FF", None),
        (
            "PUT",
            "/fga/v1/resources/folder/f%2F1",
            Some(json!({"meta": {"b": 2}})),
        ),
        ("PUT", "/fga/v1/resources/folder/f%2F1", Some(json!({"meta": []}))),
        ("PUT", "/fga/v1/resources/folder/none", Some(json!({}))),
        (
            "POST",
            "/fga/v1/resources/batch",
            Some(json!({"op": "create", "resources": [{"resource_type": "folder"}]})),
        ),
        (
            "POST",
            "/fga/v1/resources/batch",
            Some(json!({"op": "create", "resources": []})),
        ),
        (
            "POST",
            "/fga/v1/resources/batch",
            Some(json!({"op": "delete", "resources": [{"resource_type": "folder", "resource_id": "x"}]})),
        ),
        (
            "POST",
            "/fga/v1/warrants",
            Some(parse("document:d1#owner@user:ann")),
        ),
        (
            "POST",
            "/fga/v1/warrants",
            Some(json!([parse("document:d1#editor@group:g#member"), conditional])),
        ),
        (
            "POST",
            "/fga/v1/warrants",
            Some(parse("document:d1#viewer@user:*")),
        ),
        (
            "POST",
            "/fga/v1/warrants",
            Some(parse("document:d1#captain@user:ann")),
        ),
        ("POST", "/fga/v1/warrants", Some(gone)),
        ("GET", "/fga/v1/warrants?limit=1", None),
        ("GET", "/fga/v1/warrants?relation=x", None),
        ("GET", "/fga/v1/resources?limit=2", None),
        ("GET", "/fga/v1/resources?after=x", None),
        (
            "POST",
            "/fga/v1/check",
            Some(json!({"checks": [check("document:d1#viewer@user:ann")], "debug": true})),
        ),
        (
            "POST",
            "/fga/v1/check",
            Some(json!({"checks": [check("document:d1#approver@user:bob")], "debug": true})),
        ),
        (
            "POST",
            "/fga/v1/check",
            Some(json!({"checks": [parse("document:d1#approver@user:ann")], "debug": true})),
        ),
        (
            "POST",
            "/fga/v1/check",
            Some(
                json!({"op": "batch", "debug": true, "checks": [check("document:d2#owner@user:bob"), parse("document:d2#owner@user:x")]}),
            ),
        ),
        (
            "POST",
            "/fga/v1/check",
            Some(json!({"op": "any_of", "checks": [check("document:d1#viewer@group:g#member")]})),
        ),
        ("POST", "/fga/v1/check", Some(json!({"checks": []}))),
        (
            "POST",
            "/fga/v1/check",
            Some(json!({"checks": [parse("spaceship:s#pilot@user:ann")]})),
        ),
        ("GET", "/fga/v1/query", None),
        ("GET", "/rowgate/v1/whoami", None),
        ("GET", "/rowgate/v1/keys", None),
        ("GET", "/rowgate/v1/keys?environment=none", None),
        ("POST", "/rowgate/v1/keys", Some(json!({"name": "k"}))),
        ("POST", "/rowgate/v1/keys", Some(json!({}))),
        (
            "POST",
            "/rowgate/v1/keys?environment=none",
            Some(json!({"name": "k"})),
        ),
        ("DELETE", "/rowgate/v1/keys/none", None),
        ("GET", "/sso/jwks/client_default", None),
        ("GET", "/sso/jwks/client_none", None),
        (
            "POST",
            "/rowgate/v1/tokens",
            Some(json!({"user": "ann", "roles": ["admin"]})),
        ),
        ("POST", "/rowgate/v1/tokens", Some(json!({"user": "a b"}))),
        ("POST", "/rowgate/v1/tokens/rotate", Some(json!({}))),
        (
            "POST",
            "/rowgate/v1/tokens/rotate",
            Some(json!({"algorithm": "HS256"})),
        ),
        ("POST", "/rowgate/v1/tokens/inspect", Some(json!({"token": "x"}))),
        ("POST", "/rowgate/v1/tokens/inspect", Some(json!({}))),
        ("GET", "/rowgate/v1/environments", None),
        (
            "POST",
            "/rowgate/v1/environments",
            Some(json!({"name": "staging"})),
        ),
        (
            "POST",
            "/rowgate/v1/environments",
            Some(json!({"name": "staging"})),
        ),
        ("POST", "/rowgate/v1/environments", Some(json!({"name": "a b"}))),
        ("GET", "/rowgate/v1/export", None),
        (
            "POST",
            "/rowgate/v1/import",
            Some(json!({"warrant": parse("document:d9#owner@user:ann")})),
        ),
        ("POST", "/rowgate/v1/import", Some(json!({"warrant": {}}))),
        ("DELETE", "/rowgate/v1/environments/staging", None),
        ("DELETE", "/rowgate/v1/environments/staging", None),
        ("DELETE", "/rowgate/v1/environments/default", None),
        ("DELETE", "/fga/v1/resources/folder/f/1", None),
        ("DELETE", "/fga/v1/resources/folder/f/1", None),
        ("PUT", "/fga/v1/resource-types", Some(one.clone())),
        (
            "PUT",
            "/fga/v1/resource-types",
            Some(json!({"resource_types": one})),
        ),
        ("PUT", "/fga/v1/resource-types", Some(json!({}))),
    ];
    let mut out: Vec<(&str, String, Option<Value>)> = Vec::new();
    let at = list
        .iter()
        .position(|(_, path, _)| *path == "/fga/v1/query")
        .unwrap();
    let rest = list.split_off(at);
    out.extend(
        list.into_iter()
            .map(|(method, path, body)| (method, path.to_owned(), body)),
    );
    for text in [
        viewer,
        approver,
        "select%20*%20of%20type%20*%20for%20document:d1",
        "select%20spaceship%20where%20user:a%20is%20x",
    ] {
        out.push(("GET", format!("{query}{text}&limit=2&order=asc"), None));
    }
    out.extend(
        rest.into_iter()
            .map(|(method, path, body)| (method, path.to_owned(), body)),
    );
    out
}

#[test]
fn answers_as_the_document_says() {
    let server = Served::start();
    let mut document = Document::of(&server);
    let text = server.post_raw("/fga/v1/schemas/convert", "text/plain", DOCUMENTS.as_bytes());
    document.check("POST", "/fga/v1/schemas/convert", &text);
    for (method, path, body) in requests(&text.ok()) {
        let answer = server.call_as(&server.key, method, &path, body.as_ref());
        document.check(method, &path, &answer);
    }
    // Sixteen keys at most, one of which was there, and one of which was made above.
    for number in 3..=17 {
        let rotated = server.post("/rowgate/v1/tokens/rotate", json!({}));
        document.check("POST", "/rowgate/v1/tokens/rotate", &rotated);
        if number == 17 {
            rotated.error(409, "too_many_keys");
        } else {
            rotated.ok();
        }
    }
    let key = server
        .post("/rowgate/v1/keys", json!({"name": "short-lived"}))
        .ok();
    let path = format!("/rowgate/v1/keys/{}", key["id"].as_str().unwrap());
    document.check("DELETE", &path, &server.delete(&path));
    // Everything that needs a key says so, and every body has a largest size.
    let huge = vec![b' '; 9 << 20];
    let key = format!("Bearer {}", server.key);
    let token = server.post("/rowgate/v1/tokens", json!({"user": "ann"})).ok();
    let token = token["token"].as_str().unwrap().to_owned();
    let inspected = server.post("/rowgate/v1/tokens/inspect", json!({"token": token}));
    document.check("POST", "/rowgate/v1/tokens/inspect", &inspected);
    let staging = {
        server
            .post("/rowgate/v1/environments", json!({"name": "other"}))
            .ok();
        server
            .post("/rowgate/v1/keys?environment=other", json!({"name": "k"}))
            .ok()["key"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (route, method, operation) in document.operations(Part::Rest) {
        if operation["security"] != json!([]) {
            let answer = server.send(
                &method,
                &route,
                &[],
                operation.get("requestBody").map(|_| &b"{}"[..]),
            );
            answer.error(401, "unauthorized");
            document.check(&method, &route, &answer);
        }
        if operation.get("requestBody").is_some() {
            let answer = server.send(&method, &route, &[("Authorization", &key)], Some(&huge));
            answer.error(413, "request_too_large");
            document.check(&method, &route, &answer);
        }
        if operation["responses"].get("403").is_some() {
            // A user's token is for checks, and of those for plain ones.
            let body = operation
                .get("requestBody")
                .map(|_| json!({"checks": [parse("document:d1#viewer@user:ann")], "debug": true}));
            let answer = server.call_as(&token, &method, &route, body.as_ref());
            answer.error(403, "forbidden");
            document.check(&method, &route, &answer);
        }
        if route.contains("keys") || route.contains("environments") {
            let path = if route.contains("keys") {
                format!("{route}?environment=default")
            } else {
                route.clone()
            };
            let body = operation.get("requestBody").map(|_| json!({"name": "x"}));
            let answer = server.call_as(&staging, &method, &path, body.as_ref());
            answer.error(403, "forbidden");
            document.check(&method, &route, &answer);
        }
        if operation["responses"].get("400").is_some() && operation.get("requestBody").is_none() {
            // What is not UTF-8 stands for every value that cannot be read.
            let path = route
                .replace("{type}", "%FF")
                .replace("{id}", "%FF")
                .replace("{name}", "%FF")
                .replace("{client_id}", "%FF");
            let answer = server.call_as(&server.key, &method, &format!("{path}?environment=%FF"), None);
            assert_eq!(answer.status, 400, "{method} {path}: {}", answer.text);
            document.check(&method, &route, &answer);
        }
        document.all_seen(&route, &method, &operation);
    }
}
