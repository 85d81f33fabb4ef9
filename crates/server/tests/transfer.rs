//! Export and import.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{DOCUMENTS, Served, parse};

fn import(server: &Served, text: &str) -> support::Answer {
    server.post_raw("/rowgate/v1/import", "application/x-ndjson", text.as_bytes())
}

#[test]
fn brings_an_environment_to_another_server() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let meta = json!({"resource_type": "folder", "resource_id": "f", "meta": {"title": "A"}});
    server.post("/fga/v1/resources", meta).ok();
    for warrant in [
        "document:d1#parent@folder:f",
        "folder:f#viewer@user:ann",
        "document:d1#editor@group:g#member",
    ] {
        server.grant(warrant);
    }
    let mut conditional = parse("document:d2#owner@user:bob");
    conditional["policy"] = json!("region == 'eu'");
    server.post("/fga/v1/warrants", conditional).ok();

    let answer = server.get("/rowgate/v1/export");
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/x-ndjson")
    );
    let lines: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines[0],
        json!({"rowgate_export": 1, "revision": 6, "resources": 6, "warrants": 4})
    );
    assert_eq!(lines.len(), 2 + 6 + 4);
    assert_eq!(lines[1]["schema"]["version"], "0.3");
    let folder = lines[2]["resource"].as_object().unwrap();
    assert_eq!(
        folder.keys().collect::<Vec<_>>(),
        ["resource_type", "resource_id", "meta", "created_at"]
    );
    let last = lines.last().unwrap()["warrant"].as_object().unwrap();
    assert_eq!(
        last.keys().collect::<Vec<_>>(),
        [
            "resource_type",
            "resource_id",
            "relation",
            "subject",
            "policy",
            "created_at"
        ]
    );

    let other = Served::start();
    let imported = import(&other, &answer.text).ok();
    assert_eq!(
        (&imported["created"], &imported["lines"]),
        (&json!(10), &json!(12))
    );
    assert!(other.allows("document:d1#viewer@user:ann", json!({})));
    let again = other.get("/rowgate/v1/export").text;
    let rest = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(rest(&again), rest(&answer.text));
    assert_eq!(
        other.get("/fga/v1/warrants").ok(),
        server.get("/fga/v1/warrants").ok()
    );
    // Again is no error, and changes nothing.
    let imported = import(&other, &answer.text).ok();
    assert_eq!(imported["created"], 0);
}

#[test]
fn says_on_which_line_something_is_wrong_and_changes_nothing() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let good = json!({"warrant": parse("document:d1#owner@user:ann")}).to_string();
    let before = server.get("/rowgate/v1/export").text;
    let long = "x".repeat(300);
    let unknown_relation = json!({"warrant": parse("document:d1#captain@user:ann")}).to_string();
    let refused_subject = json!({"warrant": parse("document:d1#owner@folder:f")}).to_string();
    let bad_policy = {
        let mut warrant = parse("document:d1#owner@user:ann");
        warrant["policy"] = json!("1 +");
        json!({"warrant": warrant}).to_string()
    };
    let deleting = {
        let mut warrant = parse("document:d1#owner@user:ann");
        warrant["op"] = json!("delete");
        json!({"warrant": warrant}).to_string()
    };
    for line in [
        "{",
        "7",
        "{}",
        "{\"resource\": {}}",
        "{\"resource\": {\"resource_type\": \"document\", \"resource_id\": \"a b\"}}",
        "{\"resource\": {\"resource_type\": \"document\", \"resource_id\": 7}}",
        "{\"resource\": {\"resource_type\": \"document\", \"resource_id\": \"a\", \"created_at\": \"yesterday\"}}",
        &format!("{{\"resource\": {{\"resource_type\": \"document\", \"resource_id\": \"{long}\"}}}}"),
        "{\"warrant\": {\"resource_type\": \"document\"}}",
        "{\"schema\": {\"resource_types\": [{\"type\": \"t\", \"relations\": {\"a\": {\"inherit_if\": \"b\"}}}]}}",
        "{\"rowgate_export\": 2}",
        &unknown_relation,
        &refused_subject,
        &bad_policy,
        &deleting,
    ] {
        let answer = import(&server, &format!("{good}\n\n{line}\n{good}\n"));
        assert_eq!(answer.status, 400, "{line}: {}", answer.text);
        let text = answer.json().to_string();
        assert!(text.contains("line 3: "), "{line}: {text}");
    }
    import(&server, "\n \n").error(400, "invalid_request");
    import(&server, &"{\"rowgate_export\": 1}\n".repeat(20_001)).error(400, "invalid_request");
    import(&server, &" ".repeat(9 << 20)).error(413, "request_too_large");
    assert_eq!(server.get("/rowgate/v1/export").text, before);
}

#[test]
fn exports_one_revision_while_others_write() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    let line = |at: usize| json!({"warrant": parse(&format!("document:d{at}#owner@user:ann"))}).to_string();
    for start in (0..30_000).step_by(10_000) {
        let lines: Vec<String> = (start..start + 10_000).map(line).collect();
        assert_eq!(import(&server, &lines.join("\n")).ok()["created"], 10_000);
    }
    let texts = std::thread::scope(|scope| {
        let export = scope.spawn(|| server.get("/rowgate/v1/export").text);
        for at in 0..50 {
            server.grant(&format!("document:new{at}#owner@user:ann"));
        }
        export.join().unwrap()
    });
    let head: Value = serde_json::from_str(texts.lines().next().unwrap()).unwrap();
    let count = |kind: &str| {
        texts
            .lines()
            .filter(|line| line.starts_with(&format!("{{\"{kind}\"")))
            .count() as u64
    };
    assert_eq!(head["warrants"], count("warrant"));
    assert_eq!(head["resources"], count("resource"));
}

/// A warrant that a later schema would refuse still counts, so it must survive a move; one that merely comes without
/// being marked is refused.
#[test]
fn keeps_what_an_earlier_schema_allowed() {
    let server = Served::start();
    let schema = |relation: &str| json!({"resource_types": [{"type": "user", "relations": {}}, {"type": "doc", "relations": {relation: {}}}]});
    server.post("/fga/v1/schema", schema("old")).ok();
    server.grant("doc:1#old@user:ann");
    server.post("/fga/v1/schema", schema("new")).ok();
    let text = server.get("/rowgate/v1/export").text;
    assert!(text.contains(r#""leftover":true"#), "{text}");
    let other = Served::start();
    assert_eq!(import(&other, &text).ok()["created"], 3);
    assert_eq!(import(&other, &text).ok()["created"], 0);
    let unmarked = text.replace(r#","leftover":true"#, "");
    let body = import(&Served::start(), &unmarked).error(400, "invalid_parameter");
    assert!(
        body["message"].as_str().unwrap().contains("`old` does not exist"),
        "{body}"
    );
}
