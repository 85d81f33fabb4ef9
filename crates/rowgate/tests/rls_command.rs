//! `rowgate rls verify` and `rowgate rls init`, as they are typed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use rowgate_pgtest::{Cluster, Database, versions};
use serde_json::Value;

const TABLES: &str = "
create schema auth;
create function auth.user_id() returns text language sql stable as $$select current_setting('app.user', true)$$;
create table public.users (id text primary key);
create table public.ticket (id uuid primary key, creator_id text references users, title text);
create index on public.ticket (creator_id);
alter table public.ticket enable row level security;
alter table public.ticket force row level security;
";

fn database(version: rowgate_pgtest::Version, more: &str) -> Database {
    let database = Cluster::shared(version).database("command");
    database.client().batch_execute(TABLES).unwrap();
    let role = format!("app_{}", database.name());
    database
        .client()
        .batch_execute(&format!(
            "create role {role} login; grant select on ticket to {role}"
        ))
        .unwrap();
    database
        .client()
        .batch_execute(&more.replace("ROLE", &role))
        .unwrap();
    database
}

fn rowgate(arguments: &[&str], directory: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rowgate"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_remove("ROWGATE_PG_URL")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn verify_says_what_is_wrong_and_how_to_mend_it() {
    let here = tempfile::tempdir().unwrap();
    for version in versions() {
        let policy = "create policy mine on ticket to ROLE using (creator_id = (select auth.user_id()))";
        let good = database(version, policy);
        let output = rowgate(&["rls", "verify", "--database", good.url()], here.path());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(stdout(&output).contains("0 errors"), "{}", stdout(&output));

        let bad = database(
            version,
            &format!("{policy}; alter table ticket disable row level security"),
        );
        let output = rowgate(&["rls", "verify", "--database", bad.url()], here.path());
        assert_eq!(output.status.code(), Some(1));
        let text = stdout(&output);
        assert!(text.contains("error[rls_disabled] public.ticket"), "{text}");
        assert!(
            text.contains("ALTER TABLE public.ticket ENABLE ROW LEVEL SECURITY;"),
            "{text}"
        );

        let output = rowgate(&["rls", "verify", "--json", "--database", bad.url()], here.path());
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["errors"], 1);
        assert_eq!(
            json["findings"][0]["sql"][0],
            "ALTER TABLE public.ticket ENABLE ROW LEVEL SECURITY;"
        );

        let output = rowgate(
            &[
                "rls",
                "verify",
                "--ignore",
                "rls_disabled",
                "--database",
                bad.url(),
            ],
            here.path(),
        );
        assert_eq!(output.status.code(), Some(0));
        // Any role may look, without a right on a table.
        let role = format!("app_{}", bad.name());
        let output = rowgate(&["rls", "verify", "--database", &bad.url_as(&role)], here.path());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    }
}

#[test]
fn slips_are_said_to_be_slips() {
    let here = tempfile::tempdir().unwrap();
    let output = rowgate(
        &[
            "rls",
            "verify",
            "--database",
            "postgres://h/d",
            "--ignore",
            "rls_disabledd",
        ],
        here.path(),
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("did you mean `rls_disabled`?"), "{said}");
    let output = rowgate(
        &["rls", "verify", "--database", "postgres://u:secret@127.0.0.1:1/d"],
        here.path(),
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("secret"));
}

#[test]
fn a_draft_is_written_once_and_fits_the_database() {
    for version in versions() {
        let here = tempfile::tempdir().unwrap();
        let database = database(version, "select");
        let init = [
            "rls",
            "init",
            "--database",
            database.url(),
            "--schema-output",
            "schema.rowgate",
        ];
        let output = rowgate(&init, here.path());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let written = std::fs::read_to_string(here.path().join("rowgate.toml")).unwrap();
        assert!(
            written.contains("relations.creator = { column = \"creator_id\", type = \"user\" }"),
            "{written}"
        );

        let again = rowgate(&init, here.path());
        assert_eq!(again.status.code(), Some(2));
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(said.contains("rowgate.toml exists already"), "{said}");
        let forced: Vec<&str> = init.iter().copied().chain(["--force"]).collect();
        assert_eq!(rowgate(&forced, here.path()).status.code(), Some(0));
        assert_eq!(
            std::fs::read_to_string(here.path().join("rowgate.toml")).unwrap(),
            written
        );

        let files = ["--bindings", "rowgate.toml", "--schema", "schema.rowgate"];
        let verify = ["rls", "verify", "--json", "--database", database.url()]
            .into_iter()
            .chain(files);
        let output = rowgate(&verify.collect::<Vec<_>>(), here.path());
        let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        assert_eq!(json["errors"], 1, "{json:#}");
        assert_eq!(json["findings"][0]["code"], "not_applied");

        let output = rowgate(
            &["rls", "init", "--database", database.url(), "--output", "-"],
            here.path(),
        );
        assert_eq!(stdout(&output), written);
        let output = rowgate(
            &[
                "rls",
                "init",
                "--database",
                database.url(),
                "--schema",
                "nowhere",
                "--output",
                "-",
            ],
            here.path(),
        );
        assert_eq!(output.status.code(), Some(2));
    }
}
