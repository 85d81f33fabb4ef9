//! Slips at the command line: a name that the schema does not have, an address without its scheme, a file that is none.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Server, rowgate};

const SCHEMA: &str = "version 0.3
type user
type group
    relation member [user]
type ticket
    relation creator [user, group#member]
    relation viewer [user]
    inherit viewer if
        relation creator
";

// What is said about names that the schema does not have.
const VEIWER: &str = "type `ticket` has no relation `veiwer`; did you mean `viewer`?";
const USR: &str = "the schema has no type `usr`; did you mean `user`?";
const TIKET: &str = "the schema has no type `tiket`; did you mean `ticket`?";
const MEMBR: &str = "type `group` has no relation `membr`; did you mean `member`?";

fn started() -> Server {
    let server = Server::start();
    server.rowgate_with(&["schema", "apply", "-"], SCHEMA).ok();
    server
        .rowgate(&["warrant", "create", "user:ann", "creator", "ticket:7"])
        .ok();
    server
}

#[test]
fn a_check_says_what_is_not_declared() {
    let server = started();
    for (question, hint) in [
        (["user:ann", "veiwer", "ticket:7"], VEIWER),
        (
            ["user:ann", "approver", "ticket:7"],
            "type `ticket` has no relation `approver`; its relations are `creator`, `viewer`",
        ),
        (["usr:ann", "viewer", "ticket:7"], USR),
        (
            ["robot:ann", "viewer", "ticket:7"],
            "the schema has no type `robot`",
        ),
        (["group:a#membr", "viewer", "ticket:7"], MEMBR),
    ] {
        let [subject, relation, resource] = question;
        let run = server.rowgate(&["check", subject, relation, resource]);
        let answer = format!("✖ not authorized {resource}#{relation}@{subject}\n  {hint}\n");
        assert_eq!((run.code, run.out), (1, answer));
        // For programs the answer is what it was; what is beside it is for whoever reads their log.
        let json = server.rowgate(&["check", subject, relation, resource, "--json"]);
        assert_eq!((json.code, json.json().get("warnings")), (1, None));
        assert_eq!(json.err, format!("warning: {hint}\n"));
    }
    let no = server.rowgate(&["check", "user:ben", "viewer", "ticket:7"]);
    assert_eq!(no.out, "✖ not authorized ticket:7#viewer@user:ben\n");
    let run = server.rowgate(&["check", "user:ann", "viewer", "tiket:7"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains(&format!("help: {TIKET}")), "{}", run.err);
}

#[test]
fn a_query_says_what_is_not_declared() {
    let server = started();
    for (query, hint) in [
        ("select ticket where user:ann is veiwer", VEIWER),
        ("select ticket where usr:ann is viewer", USR),
        ("select veiwer of type user for ticket:7", VEIWER),
    ] {
        let run = server.rowgate(&["query", query]);
        assert_eq!((run.code, run.out.as_str()), (0, "nothing found\n"));
        assert_eq!(run.err, format!("warning: {hint}\n"));
    }
    for query in [
        "select tiket where user:ann is viewer",
        "select viewer of type user for tiket:7",
    ] {
        let run = server.rowgate(&["query", query]);
        assert_eq!(run.code, 2);
        assert!(run.err.contains(&format!("help: {TIKET}")), "{}", run.err);
    }
    // Of several types one has it.
    let run = server.rowgate(&["query", "select ticket, group where user:ben is member"]);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("nothing found\n", ""));
}

#[test]
fn a_warrant_says_what_is_not_declared() {
    let server = started();
    for (warrant, hint) in [
        (["user:ann", "veiwer", "ticket:7"], VEIWER),
        (["user:ann", "viewer", "tiket:7"], TIKET),
        (["usr:ann", "viewer", "ticket:7"], USR),
        (["group:a#membr", "creator", "ticket:7"], MEMBR),
    ] {
        for op in ["create", "delete"] {
            let run = server.rowgate(&[&["warrant", op], warrant.as_slice()].concat());
            assert_eq!(run.code, 2);
            assert!(run.err.ends_with(&format!("\nhelp: {hint}\n")), "{}", run.err);
        }
    }
    let run = server.rowgate(&["warrant", "list", "--resource-type", "tiket"]);
    assert_eq!(run.err, format!("warning: {TIKET}\n"));
    let run = server.rowgate(&[
        "warrant",
        "list",
        "--subject-type",
        "group",
        "--subject-relation",
        "membr",
    ]);
    assert_eq!(run.err, format!("warning: {MEMBR}\n"));
}

#[test]
fn an_address_may_lack_its_scheme_on_this_machine() {
    let server = started();
    let port = server.0.url().rsplit(':').next().unwrap().to_owned();
    let get = |url: &str| rowgate(&["schema", "get", "--url", url, "--api-key", server.0.key()]);
    for host in ["localhost", "127.0.0.1"] {
        assert!(
            get(&format!("{host}:{port}")).ok().contains("type ticket"),
            "{host}"
        );
    }
    for url in ["rowgate.example.com:7480", "10.0.0.1:7480", "rowgate.example.com"] {
        let run = get(url);
        assert_eq!(run.code, 2);
        assert!(run.err.contains(&format!("`{url}` has no scheme")), "{}", run.err);
        assert!(run.err.contains(&format!("`https://{url}`")), "{}", run.err);
    }
    let run = get(&format!("https://127.0.0.1:{port}"));
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains(&format!(
            "help: Rowgate does not speak TLS itself: try http://127.0.0.1:{port}, "
        )),
        "{}",
        run.err
    );
}

#[test]
fn a_file_that_is_none() {
    let server = started();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display().to_string();
    let missing = format!("{path}/missing.txt");
    let empty = format!("{path}/empty.txt");
    std::fs::write(&empty, "\n  \n").unwrap();
    for (file, message) in [
        (&path, "is a directory"),
        (&missing, "there is no such file"),
        (&empty, "is empty"),
    ] {
        for command in [
            &["schema", "apply"][..],
            &["schema", "validate"],
            &["schema", "fmt"],
            &["import"],
        ] {
            let run = server.rowgate(&[command, &[file]].concat());
            assert_eq!(run.code, 2, "{command:?} {file}");
            assert!(
                run.err.contains(message) && run.err.contains(file),
                "{command:?} {file}: {}",
                run.err
            );
        }
    }
    assert!(server.rowgate(&["schema", "get"]).ok().contains("type ticket"));
}

#[test]
fn an_address_to_listen_on() {
    for address in ["7480", ":7480", "rowgate.example.com:7480", "localhost"] {
        let run = rowgate(&["serve", "--listen", address]);
        assert_eq!(run.code, 2);
        assert!(
            run.err
                .contains("write an IP address and a port, as in `127.0.0.1:7480`"),
            "{}",
            run.err
        );
    }
    // It gets as far as the store.
    let run = rowgate(&[
        "serve",
        "--listen",
        "localhost:0",
        "--store",
        "file:/dev/null/none",
    ]);
    assert!(run.code == 2 && run.err.contains("/dev/null/none"), "{}", run.err);
}
