//! Schemas, resource types and policies.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{DOCUMENTS, Served, parse};

fn convert(server: &Served, text: &str) -> support::Answer {
    server.post_raw("/fga/v1/schemas/convert", "text/plain", text.as_bytes())
}

#[test]
fn starts_with_the_types_that_clients_expect() {
    let server = Served::start();
    let schema = server.get("/fga/v1/schema").ok();
    let types: Vec<&str> = schema["resource_types"]
        .as_array()
        .unwrap()
        .iter()
        .map(|def| def["type"].as_str().unwrap())
        .collect();
    for expected in ["user", "tenant", "role", "permission", "pricing-tier", "feature"] {
        assert!(types.contains(&expected), "{types:?}");
    }
    assert_eq!(
        (&schema["version"], &schema["policies"]),
        (&json!("0.3"), &json!({}))
    );
}

#[test]
fn converts_in_both_directions_with_nothing_added() {
    let server = Served::start();
    let text = "version 0.1

type report
    relation owner []
    relation editor []
    relation viewer []

    inherit editor if
        relation owner

    inherit viewer if
        relation editor

type user
";
    let json = convert(&server, text).ok();
    let expected = json!({
        "version": "0.1",
        "resource_types": [
            {
                "type": "report",
                "relations": {"owner": {}, "editor": {"inherit_if": "owner"}, "viewer": {"inherit_if": "editor"}},
            },
            {"type": "user", "relations": {}},
        ],
    });
    assert_eq!(json, expected);
    let back = server.post("/fga/v1/schemas/convert", expected.clone()).ok();
    assert_eq!(back["version"], "0.1");
    assert_eq!(convert(&server, back["schema"].as_str().unwrap()).ok(), expected);

    let json = convert(&server, DOCUMENTS).ok();
    let back = server.post("/fga/v1/schemas/convert", json.clone()).ok();
    assert_eq!(back.as_object().unwrap().len(), 2);
    assert_eq!(
        convert(&server, back["schema"].as_str().unwrap()).ok()["policies"],
        json["policies"]
    );
}

#[test]
fn names_line_and_column_of_every_error() {
    let server = Served::start();
    let text = "version 0.3\ntype user\ntype doc\n    relation editor [user]\n    inherit editor if\n        relation ownr\n    inherit none if\n        relation editor\n";
    let body = convert(&server, text).error(400, "invalid_request");
    let errors: Vec<&str> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert!(errors.iter().any(|line| line.starts_with("6:18: ")), "{errors:?}");
    assert!(errors.iter().any(|line| line.starts_with("7:13: ")), "{errors:?}");
    let first = &body["diagnostics"][0];
    assert_eq!(
        (&first["line"], &first["column"], &first["severity"]),
        (&json!(6), &json!(18), &json!("error"))
    );
    assert!(first["code"].is_string() && first["message"].is_string());
    for text in ["version 9.9", "version 0.3\npolicy p() { 1 + 1 }", "{}"] {
        let body = convert(&server, text).error(400, "invalid_request");
        assert!(!body["errors"].as_array().unwrap().is_empty(), "{text}: {body}");
    }
    let body = server.post(
        "/fga/v1/schema",
        json!({"resource_types": [{"type": "doc", "relations": {"a": {"inherit_if": "b"}}}]}),
    );
    let body = body.error(400, "invalid_request");
    assert!(
        body["errors"][0]
            .as_str()
            .unwrap()
            .starts_with("resource_types[0].relations.a"),
        "{body}"
    );
}

#[test]
fn warns_without_refusing() {
    let server = Served::start();
    let text = "version 0.3\ntype user\ntype doc\n    relation owner [user, robot]\n";
    let json = convert(&server, text).ok();
    let warning = &json["warnings"][0];
    assert_eq!(warning["code"], "validation_warning");
    assert!(
        warning["message"].as_str().unwrap().starts_with("4:27: "),
        "{warning}"
    );
    let applied = server.post("/fga/v1/schema", json).ok();
    assert_eq!(applied["warnings"][0]["code"], "validation_warning");
}

#[test]
fn replaces_the_whole_schema_at_once() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let before = server.get("/fga/v1/schema").ok();
    assert_eq!(before["resource_types"].as_array().unwrap().len(), 4);
    assert_eq!(before["policies"]["small"]["expression"], "amount <= 100");
    server.grant("document:d1#owner@user:ann");
    // An error anywhere changes nothing.
    let bad = json!({"resource_types": [{"type": "user", "relations": {}}, {"type": "x", "relations": {"a": {"policy": "none"}}}]});
    server.post("/fga/v1/schema", bad).error(400, "invalid_request");
    server
        .post("/fga/v1/schema", json!([]))
        .error(400, "invalid_request");
    assert_eq!(server.get("/fga/v1/schema").ok(), before);
    let only = json!({"resource_types": [{"type": "user", "relations": {}}], "policies": null});
    let applied = server.post("/fga/v1/schema", only).ok();
    let expected =
        json!({"version": "0.3", "resource_types": [{"type": "user", "relations": {}}], "policies": {}});
    let mut shown = applied;
    shown.as_object_mut().unwrap().remove("warnings");
    assert_eq!(shown, expected);
    assert_eq!(server.get("/fga/v1/schema").ok(), expected);
    // In force at once; the warrant of a type that is gone stays.
    server
        .post(
            "/fga/v1/check",
            json!({"checks": [parse("document:d1#owner@user:ann")]}),
        )
        .error(404, "not_found");
    assert_eq!(
        server.get("/fga/v1/warrants").ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    server.post("/fga/v1/schema", before).ok();
    assert!(server.allows("document:d1#viewer@user:ann", json!({})));
}

#[test]
fn edits_types_one_by_one() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let team = json!({"type": "team", "relations": {"lead": {"allowed_types": ["user"]}}});
    assert_eq!(server.post("/fga/v1/resource-types", team.clone()).ok(), team);
    assert_eq!(server.post("/fga/v1/resource-types", team.clone()).ok(), team);
    assert_eq!(server.get("/fga/v1/resource-types/team").ok(), team);
    let relations = json!({"relations": {"lead": {}, "member": {"inherit_if": "lead"}}, "type": "ignored"});
    let put = server.put("/fga/v1/resource-types/team", relations).ok();
    assert_eq!(
        put,
        json!({"type": "team", "relations": {"lead": {}, "member": {"inherit_if": "lead"}}})
    );
    server.grant("team:t#lead@user:ann");
    assert!(server.allows("team:t#member@user:ann", json!({})));
    let answer = server.delete("/fga/v1/resource-types/team");
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    let body = server
        .delete("/fga/v1/resource-types/team")
        .error(404, "not_found");
    let expected = json!({"code": "not_found", "message": "ResourceType team not found", "type": "ResourceType", "key": "team"});
    assert_eq!(body, expected);
    server.get("/fga/v1/resource-types/team").error(404, "not_found");
    server
        .put("/fga/v1/resource-types/team", json!({"relations": {}}))
        .error(404, "not_found");
    let body = server
        .post("/fga/v1/resource-types", json!({"type": "t"}))
        .error(400, "missing_required_parameter");
    let expected = json!({
        "code": "missing_required_parameter",
        "message": "Missing required parameter relations",
        "parameter": "relations",
    });
    assert_eq!(body, expected);
    let body = server
        .post("/fga/v1/resource-types", json!({"relations": {}}))
        .error(400, "missing_required_parameter");
    assert_eq!(body["parameter"], "type");
    let body = server.post("/fga/v1/resource-types", json!({"type": "a b", "relations": {}}));
    assert_eq!(body.error(400, "invalid_parameter")["parameter"], "type");
    let body = json!({"type": "t", "relations": {"a": {"inherit_if": "b"}}});
    server
        .post("/fga/v1/resource-types", body)
        .error(400, "invalid_request");
    server
        .post("/fga/v1/resource-types", json!([1]))
        .error(400, "invalid_request");
}

#[test]
fn replaces_all_types_in_the_shape_of_the_request() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let types = json!([{"type": "user", "relations": {}}, {"type": "team", "relations": {"lead": {}}}]);
    assert_eq!(server.put("/fga/v1/resource-types", types.clone()).ok(), types);
    let wrapped = json!({"resource_types": types});
    assert_eq!(
        server.put("/fga/v1/resource-types", wrapped.clone()).ok(),
        wrapped
    );
    let schema = server.get("/fga/v1/schema").ok();
    assert_eq!(schema["resource_types"], types);
    // Policies are left alone.
    assert_eq!(schema["policies"]["small"]["name"], "small");
    let listed = server.get("/fga/v1/resource-types?order=asc").ok();
    assert_eq!((&listed["object"], &listed["data"]), (&json!("list"), &types));
    let first = server.get("/fga/v1/resource-types?limit=1&order=desc").ok();
    assert_eq!(first["data"][0]["type"], "team");
    let after = first["list_metadata"]["after"].as_str().unwrap().to_owned();
    let second = server
        .get(&format!("/fga/v1/resource-types?limit=1&after={after}"))
        .ok();
    assert_eq!(
        (&second["data"][0]["type"], &second["list_metadata"]["after"]),
        (&json!("user"), &Value::Null)
    );
    let before = second["list_metadata"]["before"].as_str().unwrap();
    assert_eq!(
        server
            .get(&format!("/fga/v1/resource-types?limit=1&before={before}"))
            .ok(),
        first
    );
    server.delete("/fga/v1/resource-types/team").ok_empty();
    server
        .get(&format!("/fga/v1/resource-types?limit=1&after={after}"))
        .error(400, "invalid_parameter");
    server
        .put("/fga/v1/resource-types", json!("types"))
        .error(400, "invalid_request");
    server
        .put("/fga/v1/resource-types", json!({}))
        .error(400, "missing_required_parameter");
    server
        .put("/fga/v1/resource-types", json!([{"type": "user"}]))
        .error(400, "invalid_request");
}

#[test]
fn edits_policies_one_by_one() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let policy = json!({
        "name": "open",
        "description": "In opening hours.",
        "language": "expr",
        "parameters": [{"name": "hour", "type": "integer"}],
        "expression": "hour >= 9 && hour < 17",
    });
    assert_eq!(server.post("/fga/v1/policies", policy.clone()).ok(), policy);
    assert_eq!(server.get("/fga/v1/policies/open").ok(), policy);
    let listed = server.get("/fga/v1/policies?search=ope").ok();
    assert_eq!(listed["data"], json!([policy]));
    assert_eq!(
        server.get("/fga/v1/policies?order=asc").ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let new = json!({"language": "expr", "parameters": [{"name": "hour", "type": "integer"}], "expression": "hour > 1"});
    let put = server.put("/fga/v1/policies/open", new).ok();
    assert_eq!(
        (&put["name"], &put["expression"]),
        (&json!("open"), &json!("hour > 1"))
    );
    server.delete("/fga/v1/policies/open").ok_empty();
    server.delete("/fga/v1/policies/open").error(404, "not_found");
    server.get("/fga/v1/policies/open").error(404, "not_found");
    server
        .put("/fga/v1/policies/open", json!({"expression": "true"}))
        .error(404, "not_found");
    let body = server
        .delete("/fga/v1/policies/small")
        .error(400, "invalid_request");
    assert_eq!(
        body["message"],
        "policy `small` is used by `document#approver`; change that rule first"
    );
    for (body, parameter) in [
        (json!({"name": "p"}), "expression"),
        (json!({"expression": "true"}), "name"),
    ] {
        let body = server
            .post("/fga/v1/policies", body)
            .error(400, "missing_required_parameter");
        assert_eq!(body["parameter"], parameter);
    }
    for body in [
        json!({"name": "p", "expression": "1 + 1"}),
        json!({"name": "p", "expression": "undeclared > 1"}),
        json!({"name": "p", "expression": "true", "language": "cel"}),
        json!({"name": "p", "expression": "a", "parameters": [{"name": "a", "type": "money"}]}),
    ] {
        let body = server
            .post("/fga/v1/policies", body)
            .error(400, "invalid_request");
        assert!(!body["errors"].as_array().unwrap().is_empty());
    }
}
