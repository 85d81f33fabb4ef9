//! `rowgate schema`: with a server and without.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use support::{Server, rowgate};

const SCHEMA: &str = "version 0.2
type user
type doc
  relation owner [user]
  relation viewer [user]
  inherit viewer if relation owner
";

const CANONICAL: &str = "version 0.2

type user

type doc
    relation owner [user]
    relation viewer [user]

    inherit viewer if
        relation owner
";

fn file(directory: &tempfile::TempDir, text: &str) -> String {
    let path = directory.path().join("schema.txt");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_schema_is_formatted_in_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, SCHEMA);
    assert_eq!(rowgate(&["schema", "fmt", &path, "--check"]).code, 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), SCHEMA);
    rowgate(&["schema", "fmt", &path]).ok();
    assert_eq!(fs::read_to_string(&path).unwrap(), CANONICAL);
    rowgate(&["schema", "fmt", &path, "--check"]).ok();
}

#[test]
fn a_schema_is_converted_there_and_back_without_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, SCHEMA);
    let json = rowgate(&["schema", "convert", &path, "--output", "raw"]).ok();
    assert_eq!(json.lines().count(), 1);
    let json_path = file(&directory, &json);
    assert_eq!(
        rowgate(&["schema", "convert", &json_path, "--to", "schema"]).ok(),
        CANONICAL
    );
}

#[test]
fn what_is_wrong_with_a_schema_is_underlined() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(
        &directory,
        &SCHEMA.replace("relation owner\n", "relation ovner\n"),
    );
    let run = rowgate(&["schema", "validate", &path]);
    assert_eq!((run.code, run.out.as_str()), (1, "✖ not valid: 1 error\n"));
    assert!(
        run.err.contains("unknown_relation") && run.err.contains("^^^^^"),
        "{}",
        run.err
    );
    assert!(run.err.contains(&format!("{path}:6:30")), "{}", run.err);
    let json = rowgate(&["schema", "validate", &path, "--json"]);
    assert_eq!(json.json()["diagnostics"][0]["code"], "unknown_relation");
    assert_eq!(json.json()["diagnostics"][0]["line"], 6);

    let good = file(&directory, SCHEMA);
    assert_eq!(
        rowgate(&["schema", "validate", &good, "--strict"]).ok(),
        "✔ no issues\n"
    );
    let questionable = file(&directory, &SCHEMA.replace("owner [user]", "owner [user, role]"));
    assert_eq!(
        rowgate(&["schema", "validate", &questionable]).ok(),
        "✔ valid, with 1 warning\n"
    );
    assert_eq!(
        rowgate(&["schema", "validate", &questionable, "--strict"]).code,
        1
    );
}

#[test]
fn a_schema_is_applied_and_read_back() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, SCHEMA);
    let applied = server.rowgate(&["schema", "apply", &path, "-v"]).ok();
    assert_eq!(
        applied,
        format!("✔ applied {path}: 2 types, 0 policies\n  type user: \n  type doc: owner, viewer\n")
    );
    let get = server.rowgate(&["schema", "get"]).ok();
    assert_eq!(get.replace("version 0.3", "version 0.2"), CANONICAL);
    let json = server.rowgate(&["schema", "get", "--json"]);
    assert_eq!(json.json()["resource_types"][1]["type"], "doc");

    let strict = file(&directory, &SCHEMA.replace("owner [user]", "owner [user, role]"));
    let run = server.rowgate(&["schema", "apply", &strict, "--strict"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("nothing was applied"), "{}", run.err);
    let broken = file(&directory, "version 0.2 type doc relation [user]");
    assert_eq!(server.rowgate(&["schema", "apply", &broken]).code, 2);
    assert_eq!(server.rowgate(&["schema", "get"]).ok(), get);
}

#[test]
fn json_is_told_where_it_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let twice = r#"{"resource_types": [{"type": "a", "relations": {"b": {}, "b": {"allowed_types": []}}}]}"#;
    let path = file(&directory, twice);
    for command in ["validate", "convert", "apply"] {
        let run = rowgate(&["schema", command, &path]);
        assert_ne!(run.code, 0);
        let place = "note: at `resource_types[0].relations.b`";
        assert!(
            run.err.contains("error[duplicate_key]") && run.err.contains(place),
            "{command}: {}",
            run.err
        );
    }
    let path = file(&directory, "{\n  \"resource_types\": [,]\n}\n");
    let run = rowgate(&["schema", "validate", &path]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("not valid: 1 error"), "{}", run.out);
    assert!(
        run.err.contains("schema.txt:2:22") && run.err.contains("[,]"),
        "{}",
        run.err
    );
    let json = rowgate(&["schema", "validate", &path, "--json"]).json();
    assert_eq!(json["diagnostics"][0]["line"], 2, "{json}");
}
