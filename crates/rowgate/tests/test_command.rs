//! `rowgate test`: what it prints when answers differ, and where it refuses to run.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use support::{Server, rowgate};

const WRONG: &str = r#"name: Wrong on purpose
schema: |
  version 0.2
  type user
  type ticket
      relation creator [user]
      relation viewer [user]
      inherit viewer if
          relation creator
warrants:
  - ticket:7#creator@user:ann
checks:
  - {check: ticket:7#viewer@user:ann, expect: true}
  - {check: ticket:7#viewer@user:ben, expect: true}
queries:
  - query: select ticket where user:ann is viewer
    expect:
      - {row: "ticket:7#viewer", implicit: false}
      - ticket:8#viewer
"#;

const WORKOS: &str = r#"
setup:
  warrants:
    - {subject: "user:ann", relation: creator, resource: "ticket:7"}
tests:
  - name: ann created it
    check: {subject: "user:ann", relation: creator, resource: "ticket:7"}
    expect: true
  - name: ben did not
    check: {subject: "user:ben", relation: creator, resource: "ticket:7", context: {a: 1}}
    expect: false
teardown:
  resources: ["ticket:7"]
  warrants:
    - {subject: "user:ann", relation: creator, resource: "ticket:7"}
"#;

const SCHEMA: &str = "version 0.2 type user type ticket relation creator [user]";

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn prints_what_differs_with_its_line_and_the_tree() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "wrong.scenario.yaml", WRONG);
    let run = rowgate(&["test", &file]);
    assert_eq!(run.code, 1);
    let expected = format!(
        "\
✖ Wrong on purpose (1/3)
  ✖ {file}:14  ticket:7#viewer@user:ben
      expected  true
      came      false
        ✖ ticket:7#viewer@user:ben
        └─ ✖ no warrant `ticket:7#creator@user:ben`
  ✖ {file}:16  select ticket where user:ann is viewer
      expected  2 rows
      came      1 rows
        ~ ticket:7#viewer is implicit, not explicit
        - ticket:8#viewer
2 of 3 answers are not as expected
"
    );
    assert_eq!(run.out, expected);
    let json = rowgate(&["test", &file, "--json"]);
    assert_eq!(json.code, 1);
    assert_eq!(json.json()["scenarios"][0]["problems"][0]["line"], 14);
}

#[test]
fn says_where_a_file_is_wrong_and_what_to_write() {
    let directory = tempfile::tempdir().unwrap();
    for (text, line, message) in [
        (
            "name: A\nwarrants:\n  - ticket:7#creator\nchecks: []\n",
            3,
            "is not a warrant; write it as `resource#relation@subject`",
        ),
        ("name: A\nchecks:\n  - {check: 't:1#v@u:a'}\n", 3, "add `expect`"),
        (
            "name: A\nchecks:\n  - {check: 't:1#v@u:a', expect: maybe}\n",
            3,
            "write `true`, `false` or `unknown`",
        ),
        ("name: A\nchekcs: []\n", 2, "chekcs"),
        ("checks: []\n", 1, "add one, like `name: Ticketing`"),
        ("name: A\n", 1, "the scenario asks nothing"),
        (
            "name: A\nqueries:\n  - query: q\n    expect: [ticket]\n",
            4,
            "write it as `resource#relation`",
        ),
        ("name: [\n", 1, ""),
    ] {
        let file = write(directory.path(), "bad.scenario.yaml", text);
        let run = rowgate(&["test", &file]);
        assert_eq!(run.code, 2, "{text}");
        assert!(
            run.err.contains(&format!("{file}:{line}: ")) && run.err.contains(message),
            "{text}\n{}",
            run.err
        );
    }
    let empty = rowgate(&["test", &directory.path().join("nothing").display().to_string()]);
    assert_eq!(empty.code, 2);
}

#[test]
fn reads_the_test_files_of_the_workos_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "tickets.test.yaml", WORKOS);
    let schema = write(directory.path(), "schema.txt", SCHEMA);
    let run = rowgate(&["test", &file, "--schema", &schema]);
    assert_eq!(run.ok(), "✔ tickets.test.yaml (2/2)\nAll tests passed (2/2)\n");

    let twice = WORKOS.replace("ben did not", "ann created it");
    let file = write(directory.path(), "twice.test.yaml", &twice);
    let run = rowgate(&["test", &file, "--schema", &schema]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("two tests called `ann created it`"),
        "{}",
        run.err
    );
}

#[test]
fn reads_json_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let text = r#"{"name": "J", "schema": "version 0.2 type user type t relation r [user]",
        "warrants": ["t:1#r@user:a"], "checks": [{"check": "t:1#r@user:a", "expect": true}]}"#;
    let file = write(directory.path(), "j.scenario.json", text);
    assert_eq!(
        rowgate(&["test", &file]).ok(),
        "✔ J (1/1)\nAll tests passed (1/1)\n"
    );
}

#[test]
fn on_a_server_it_refuses_what_is_in_use() {
    let server = Server::start();
    let url = server.0.url().to_owned();
    let directory = tempfile::tempdir().unwrap();
    let good = WRONG
        .split("  - {check: ticket:7#viewer@user:ben")
        .next()
        .unwrap();
    let file = write(directory.path(), "good.scenario.yaml", good);

    // What it leaves behind is in the way of the next run.
    server.rowgate(&["test", &file, "--url", &url]).ok();
    let again = server.rowgate(&["test", &file, "--url", &url]);
    assert_eq!(again.code, 2);
    assert!(
        again
            .err
            .contains("the environment is not empty: it has warrants"),
        "{}",
        again.err
    );

    for resource in ["ticket:7", "user:ann"] {
        server.rowgate(&["resource", "delete", resource]).ok();
    }
    let again = server.rowgate(&["test", &file, "--url", &url]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("a schema of its own"), "{}", again.err);

    let before = server.rowgate(&["schema", "get"]).ok();
    server
        .rowgate(&["test", &file, "--url", &url, "--replace-schema", "--cleanup"])
        .ok();
    assert_eq!(server.rowgate(&["schema", "get"]).ok(), before);
    assert_eq!(server.rowgate(&["resource", "list"]).ok(), "nothing found\n");
}
