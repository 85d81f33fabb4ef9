//! Help, mistakes, keys, and what is said when things do not work.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::Stdio;

use support::{Server, binary, rowgate};

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = rowgate(&["completions", shell]).ok();
        assert!(script.contains("warrant"), "{shell}");
    }
}

#[test]
fn the_help_of_serve_has_headings_that_fit_and_no_password() {
    let output = binary()
        .args(["serve", "--help"])
        .env("ROWGATE_STORE", "postgres://rg:hush-hush@localhost/app")
        .env("ROWGATE_SQL", "postgres://rg:hush-hush@localhost/app")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(
        help.contains("ROWGATE_STORE") && !help.contains("hush-hush"),
        "{help}"
    );
    let (options, of_sql) = help.split_once("SQL over HTTP:").unwrap();
    let (of_sql, _) = of_sql.split_once("Global options:").unwrap_or((of_sql, ""));
    for option in ["--store", "--log-format", "--log-level"] {
        assert!(
            options.contains(option) && !of_sql.contains(option),
            "{option}: {help}"
        );
    }
    assert!(of_sql.contains("--sql-timeout"), "{help}");
}

#[test]
fn a_mistyped_command_is_guessed() {
    let run = rowgate(&["chekc", "user:ann", "viewer", "ticket:7"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("'check'"), "{}", run.err);
    assert_eq!(
        rowgate(&["--version"]).ok().split_whitespace().next(),
        Some("rowgate")
    );
    assert_eq!(rowgate(&[]).code, 2);
}

#[test]
fn nobody_there_is_said_with_how_to_start_a_server() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let run = rowgate(&[
        "check",
        "user:ann",
        "viewer",
        "ticket:7",
        "--url",
        &url,
        "--api-key",
        "sk_0123456789abcdef",
    ]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains(&format!("no server answers at {url}")),
        "{}",
        run.err
    );
    assert!(run.err.contains("rowgate serve"), "{}", run.err);
}

#[test]
fn a_proxy_does_not_stand_between_a_machine_and_itself() {
    let server = Server::start();
    let mut command = binary();
    command
        .env("http_proxy", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9");
    command.args([
        "schema",
        "get",
        "--url",
        server.0.url(),
        "--api-key",
        server.0.key(),
    ]);
    support::run(command, "").ok();
}

#[test]
fn keys_must_be_given_and_right() {
    let server = Server::start();
    let none = rowgate(&["schema", "get", "--url", server.0.url()]);
    assert_eq!(none.code, 2);
    assert!(
        none.err.contains("no API key") && none.err.contains("ROWGATE_API_KEY"),
        "{}",
        none.err
    );
    let wrong = rowgate(&[
        "schema",
        "get",
        "--url",
        server.0.url(),
        "--api-key",
        "sk_wrong_0123456789",
    ]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("--api-key"), "{}", wrong.err);
    assert!(!wrong.err.contains("sk_wrong"), "{}", wrong.err);
    let json = rowgate(&[
        "schema",
        "get",
        "--url",
        server.0.url(),
        "--api-key",
        "sk_wrong_0123456789",
        "--json",
    ]);
    let error: serde_json::Value = serde_json::from_str(&json.err).unwrap();
    assert!(error["error"]["message"].is_string());
    assert_eq!(error["error"]["code"], "unauthorized");
    let url = rowgate(&[
        "schema",
        "get",
        "--url",
        "localhost",
        "--api-key",
        "sk_wrong_0123456789",
    ]);
    assert!(url.code == 2 && url.err.contains("is not a"), "{}", url.err);
}

#[test]
fn environments_have_keys_of_their_own() {
    let server = Server::start();
    server.rowgate(&["environment", "create", "staging"]).ok();
    assert!(server.rowgate(&["env", "list"]).ok().contains("staging"));
    let created = server
        .rowgate(&["key", "create", "deploy", "--environment", "staging", "--json"])
        .json();
    let (id, key) = (created["id"].as_str().unwrap(), created["key"].as_str().unwrap());
    let unset = server.rowgate(&["key", "create", "deploy", "--environment", ""]);
    assert_eq!(unset.code, 2, "{}", unset.out);
    let staging = |arguments: &[&str]| {
        let mut command = binary();
        command
            .env("ROWGATE_URL", server.0.url())
            .env("ROWGATE_API_KEY", key)
            .args(arguments);
        support::run(command, "")
    };
    staging(&["warrant", "create", "user:ann", "admin", "tenant:acme"]).ok();
    assert_eq!(server.rowgate(&["warrant", "list"]).ok(), "nothing found\n");
    let forbidden = staging(&["environment", "list"]);
    assert!(
        forbidden.code == 2 && forbidden.err.contains("default"),
        "{}",
        forbidden.err
    );

    staging(&["key", "create", "second"]).ok();
    assert_eq!(staging(&["key", "list"]).ok().lines().count(), 3);
    assert!(!staging(&["key", "list"]).ok().contains(key));
    server
        .rowgate(&["key", "delete", id, "--environment", "staging"])
        .ok();
    assert_eq!(staging(&["warrant", "list"]).code, 2);
    assert_eq!(server.rowgate(&["environment", "delete", "staging"]).code, 2);
    server
        .rowgate(&["environment", "delete", "staging", "--yes"])
        .ok();
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let mut command = binary();
    command
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_texts_of_others_do_not_reach_the_terminal_raw() {
    let server = Server::start();
    let policy = "true || a == '\u{1b}[31mred\u{7}'";
    server
        .rowgate(&[
            "warrant",
            "create",
            "user:ann",
            "admin",
            "tenant:acme",
            "-p",
            policy,
        ])
        .ok();
    for arguments in [
        &["warrant", "list"][..],
        &["query", "select tenant where user:ann is admin"],
        &["check", "tenant:acme#admin@user:ann", "-d"],
    ] {
        let out = server.rowgate(&[arguments, &["--color", "always"]].concat()).ok();
        assert!(
            out.contains("red") && !out.contains("\u{1b}[31mred") && !out.contains('\u{7}'),
            "{out:?}"
        );
    }
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.txt");
    std::fs::write(&path, "version 0.2 type user type doc relation owner [user]").unwrap();
    let path = path.display().to_string();
    assert!(!rowgate(&["schema", "validate", &path]).ok().contains('\u{1b}'));
    assert!(
        rowgate(&["schema", "validate", &path, "--color", "always"])
            .ok()
            .contains('\u{1b}')
    );
    assert!(
        !rowgate(&["schema", "validate", &path, "--color", "never"])
            .ok()
            .contains('\u{1b}')
    );
}

#[test]
fn a_context_says_everything_once() {
    let run = rowgate(&[
        "check",
        "doc:d#viewer@user:ann",
        r#"{"a": {"b": 1, "b": 2}}"#,
        "--api-key",
        "sk_0123456789abcdef",
    ]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("the context says something twice: a.b"),
        "{}",
        run.err
    );
}
