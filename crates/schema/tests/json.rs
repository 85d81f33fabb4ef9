//! The JSON form, field by field.
#![allow(clippy::unwrap_used)]

use rowgate_schema::{format, from_json, parse, parse_json, policy_from_json, to_json};
use serde_json::{Value, json};

fn types(source: &str) -> Value {
    to_json(&parse(source).schema.unwrap())
}

#[test]
fn a_type_with_everything() {
    let source = "version 0.3

type item
    relation edit [user, team#member]
    relation parent [store]
    relation view []

    inherit edit if
        relation owner on parent [store]

    inherit view if
        all_of
            any_of
                relation edit
                relation member on parent [store]
            policy open_now

policy open_now(hour integer) {
    hour > 8
}
";
    let value = json!({
        "version": "0.3",
        "resource_types": [{"type": "item", "relations": {
            "edit": {"allowed_types": ["user", "team#member"], "inherit_if": "owner", "of_type": "store", "with_relation": "parent"},
            "parent": {"allowed_types": ["store"]},
            "view": {"allowed_types": [], "inherit_if": "all_of", "rules": [
                {"inherit_if": "any_of", "rules": [
                    {"inherit_if": "edit"},
                    {"inherit_if": "member", "of_type": "store", "with_relation": "parent"},
                ]},
                {"policy": "open_now"},
            ]},
        }}],
        "policies": {"open_now": {
            "name": "open_now", "language": "expr", "parameters": [{"name": "hour", "type": "integer"}], "expression": "hour > 8",
        }},
    });
    assert_eq!(types(source), value);
    assert_eq!(format(&from_json(&value).schema.unwrap()), source);
}

#[test]
fn the_first_version_has_neither_allowed_types_nor_policies() {
    let source = "version 0.1

type user

type report
    relation owner []
    relation viewer []

    inherit viewer if
        relation owner
";
    let value = json!({"version": "0.1", "resource_types": [
        {"type": "user", "relations": {}},
        {"type": "report", "relations": {"owner": {}, "viewer": {"inherit_if": "owner"}}},
    ]});
    let parsed = parse(source);
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(to_json(&parsed.schema.unwrap()), value);
    assert_eq!(format(&from_json(&value).schema.unwrap()), source);
    assert_eq!(types(&source.replace("owner []", "owner [user]")), value);
}

#[test]
fn absent_and_empty_brackets_are_told_apart() {
    let value = json!({"version": "0.2", "resource_types": [
        {"type": "doc", "relations": {"a": {}, "b": {"allowed_types": []}, "c": {"allowed_types": null}}},
    ]});
    let text = format(&from_json(&value).schema.unwrap());
    assert_eq!(
        text,
        "version 0.2\n\ntype doc\n    relation a\n    relation b []\n    relation c\n"
    );
    assert_eq!(
        types(&text)["resource_types"][0]["relations"],
        json!({"a": {}, "b": {"allowed_types": []}, "c": {}})
    );
}

#[test]
fn without_a_version_json_is_the_newest() {
    let parsed = from_json(&json!({"resource_types": [], "policies": null}));
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(
        to_json(&parsed.schema.unwrap()),
        json!({"version": "0.3", "resource_types": []})
    );
}

#[test]
fn unknown_fields_are_left_alone() {
    let parsed = from_json(&json!({
        "warnings": [], "schema": null,
        "resource_types": [{"type": "doc", "created_at": "2025", "relations": {"a": {"comment": 1}}}],
    }));
    assert!(parsed.schema.is_some());
}

#[test]
fn a_policy_keeps_its_lines_and_its_description() {
    let source = "version 0.3
/// Who may approve.
///
///   Finance only.
policy p(a map) {
        let limit = 10;

        a.amount <
          limit // }
}
";
    let schema = parse(source).schema.unwrap();
    let policy = &schema.policies[0];
    assert_eq!(policy.expression, "let limit = 10;\n\na.amount <\n  limit // }");
    assert_eq!(
        policy.description.as_deref(),
        Some("Who may approve.\n\n  Finance only.")
    );
    let canonical = format(&schema);
    assert_eq!(
        canonical,
        source
            .replace("        ", "    ")
            .replace("0.3\n///", "0.3\n\n///")
    );
}

#[test]
fn only_doc_lines_directly_above_are_a_description() {
    let source = "version 0.3
/// not for a type
type user
//// a ruler
policy a() { true }
/// lost
// by this
policy b() { true }
policy c() { true } /// too late
policy d() { true }
";
    let schema = parse(source).schema.unwrap();
    assert!(schema.policies.iter().all(|policy| policy.description.is_none()));
}

#[test]
fn a_body_that_would_leave_its_braces_cannot_become_text() {
    for expression in ["true } policy q() { true", "{", "`", "/*"] {
        assert!(
            policy_from_json(&json!({"name": "p", "expression": expression})).is_err(),
            "{expression}"
        );
    }
}

#[test]
fn a_document_is_read_as_any_other_json() {
    for text in [
        "null",
        " [true, false, [], {}] ",
        r#"{"b": {"a": [1, {"a": 2}]}, "a": "\u00e9\n\ud83d\ude00", "": ""}"#,
        "[0, -0, -1, 1.5, -1e-3, 1e300, 9223372036854775808, -9223372036854775809, 123456789012345678901234567890]",
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse_json(text).unwrap(), value);
        assert_eq!(parse_json(text).unwrap().to_string(), value.to_string());
    }
    for text in [
        "",
        "{",
        "[1,]",
        "1e999",
        "\"\\ud800\"",
        "{} {}",
        &"[".repeat(1000),
    ] {
        assert!(serde_json::from_str::<Value>(text).is_err());
        assert_eq!(parse_json(text).unwrap_err()[0].code, "syntax_error", "{text}");
    }
}

#[test]
fn keys_that_stand_twice_are_counted_and_not_all_shown() {
    let text = format!("{{{}\"a\": 0}}", "\"a\": 0, ".repeat(1000));
    let errors = parse_json(&text).unwrap_err();
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100].message, "900 more errors are not shown");
}
