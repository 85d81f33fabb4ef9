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

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.ticket"
type = "ticket"
id = "id"
relations.creator = { column = "creator_id", type = "user" }
policies.select = "creator"
"#;

const SCHEMA: &str = "version 0.3
type user
type ticket
    relation creator [user]
";

fn last_line(output: &Output) -> String {
    stdout(output).lines().last().unwrap_or_default().to_owned()
}

#[test]
fn verify_says_what_it_compared_with() {
    for version in versions() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let open = Cluster::shared(version).database("open");
        let verify =
            |database: &str, directory: &Path| rowgate(&["rls", "verify", "--database", database], directory);
        let output = verify(open.url(), here.path());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(last_line(&output).starts_with("0 errors"), "{output:?}");
        assert!(
            last_line(&output).contains("no table has row-level security"),
            "{output:?}"
        );

        let database = database(
            version,
            "alter table ticket disable row level security; drop schema auth cascade",
        );
        let url = database.url();
        let role = format!("app_{}", database.name());
        let as_app = database.url_as(&role);
        let run = |arguments: &[&str]| {
            let arguments: Vec<&str> = arguments.iter().copied().chain(["--database", url]).collect();
            let output = rowgate(&arguments, here.path());
            assert_eq!(output.status.code(), Some(0), "{output:?}");
        };
        run(&["pg", "install", "--app", &role]);
        database
            .client()
            .batch_execute(
                "insert into rowgate.environment (name, uid, created_at) values ('default', 'e1', 0)",
            )
            .unwrap();
        // Nothing was applied, which is not a yes; everybody can see as much.
        for url in [url, &as_app] {
            let output = verify(url, here.path());
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            assert!(!stdout(&output).contains('✔'), "{output:?}");
            assert!(last_line(&output).contains("nothing was applied"), "{output:?}");
        }
        std::fs::write(here.path().join("rowgate.toml"), BINDINGS.replace("ROLE", &role)).unwrap();
        std::fs::write(here.path().join("schema.txt"), SCHEMA).unwrap();
        let not_applied = |output: &Output| {
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(
                stdout(output).contains("error[not_applied] the bindings"),
                "{output:?}"
            );
            let last = last_line(output);
            assert!(
                last.starts_with("✖ 1 error,") && last.ends_with("compared with rowgate.toml"),
                "{output:?}"
            );
        };
        not_applied(&verify(url, here.path()));

        run(&["rls", "apply", "--schema", "schema.txt"]);
        for (directory, with) in [(&here, "rowgate.toml"), (&elsewhere, "what was applied")] {
            let output = verify(url, directory.path());
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let last = last_line(&output);
            assert!(
                last.starts_with("✔ 0 errors") && last.ends_with(&format!("compared with {with}")),
                "{last}"
            );
        }
        // Who may not read what was applied has no answer.
        for directory in [&here, &elsewhere] {
            let output = verify(&as_app, directory.path());
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            assert!(!stdout(&output).contains('✔'), "{output:?}");
        }

        run(&["rls", "drop", "--yes"]);
        not_applied(&verify(url, here.path()));
        let output = verify(url, elsewhere.path());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(!stdout(&output).contains('✔'), "{output:?}");
    }
}

#[test]
fn what_is_done_is_there_for_programs_too() {
    let here = tempfile::tempdir().unwrap();
    let database = database(
        versions()[0],
        "alter table ticket disable row level security; drop schema auth cascade",
    );
    let role = format!("app_{}", database.name());
    let run = |arguments: &[&str]| -> Value {
        let arguments = arguments.iter().copied();
        let arguments: Vec<&str> = arguments
            .chain(["--json", "--database", database.url()])
            .collect();
        let output = rowgate(&arguments, here.path());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON alone")
    };
    let count = |said: &Value| said["steps"].as_array().expect("a list").len();
    // The roles of Rowgate belong to all databases of a server, so another test may have made them meanwhile.
    let steps = |said: &Value| -> Vec<Value> {
        let all = said["steps"].as_array().expect("a list").iter();
        let is_shared = |step: &&Value| {
            step.as_str()
                .is_some_and(|step| step.starts_with("create role rowgate_"))
        };
        all.filter(|step| !is_shared(step)).cloned().collect()
    };

    // Both words for it work, and nothing is done.
    let planned = run(&["pg", "install", "--app", &role, "--plan"]);
    let tried = run(&["pg", "install", "--app", &role, "--dry-run"]);
    assert_eq!(
        (&planned["applied"], &tried["applied"]),
        (&false.into(), &false.into())
    );
    let installed = run(&["pg", "install", "--app", &role]);
    assert_eq!(installed["applied"], true);
    assert!(steps(&planned).len() > 10, "{planned:#}");
    assert_eq!(steps(&planned), steps(&tried));
    assert_eq!(steps(&planned), steps(&installed));
    assert_eq!(installed["left_to_do"], Value::Array(Vec::new()));
    let environment = "insert into rowgate.environment (name, uid, created_at) values ('default', 'e1', 0)";
    database.client().batch_execute(environment).unwrap();

    std::fs::write(here.path().join("rowgate.toml"), BINDINGS.replace("ROLE", &role)).unwrap();
    std::fs::write(here.path().join("schema.txt"), SCHEMA).unwrap();
    let planned = run(&["rls", "plan", "--schema", "schema.txt"]);
    assert_eq!(planned["applied"], false);
    assert_eq!(planned["guards"][0]["commands"][0], "select");
    assert!(planned["guards"][0]["holds_when"][0].is_string(), "{planned:#}");
    let applied = run(&["rls", "apply", "--schema", "schema.txt"]);
    assert_eq!(applied["applied"], true);
    // What was applied is marked at the end.
    let (before, after) = (steps(&planned), steps(&applied));
    assert!(after.starts_with(&before) && before.len() > 10, "{applied:#}");
    assert_eq!(count(&run(&["rls", "plan", "--schema", "schema.txt"])), 0);
    let dropped = run(&["rls", "drop", "--yes"]);
    assert!(dropped["applied"] == true && count(&dropped) > 0, "{dropped:#}");
    assert_eq!(
        count(&run(&["rls", "drop", "--yes"])),
        0,
        "there is nothing left to drop"
    );
}

#[test]
fn what_is_wrong_has_its_line_and_its_code() {
    let here = tempfile::tempdir().unwrap();
    let database = database(
        versions()[0],
        "alter table ticket disable row level security; drop schema auth cascade",
    );
    let (role, url) = (format!("app_{}", database.name()), database.url());
    let write = |name: &str, text: &str| std::fs::write(here.path().join(name), text).unwrap();
    write("schema.txt", SCHEMA);
    let installed = rowgate(&["pg", "install", "--app", &role, "--database", url], here.path());
    assert_eq!(installed.status.code(), Some(0), "{installed:?}");
    let environment = "insert into rowgate.environment (name, uid, created_at) values ('default', 'e1', 0)";
    database.client().batch_execute(environment).unwrap();
    let put = |what: &str, more: &[&str]| {
        let arguments = [&["rls", what, "--schema", "schema.txt", "--database", url], more].concat();
        let output = rowgate(&arguments, here.path());
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        (output.status.code(), said)
    };
    // Of the database: a role that is not there, a function that is not.
    let bindings = BINDINGS.replace("ROLE", &role);
    let listed = format!("roles = [\"{role}\"");
    assert!(bindings.contains(&listed), "{bindings}");
    write(
        "rowgate.toml",
        &bindings.replace(&listed, &format!("{listed}, \"no_such_role\"")),
    );
    let (code, said) = put("apply", &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("error[missing_role]")
            && said.contains("rowgate.toml:")
            && said.contains("create role"),
        "{said}"
    );
    let (_, said) = put("apply", &["--json"]);
    let error: Value = serde_json::from_str(said.trim()).expect("JSON alone");
    assert_eq!(error["error"]["code"], "missing_role");
    let found = &error["error"]["found"][0];
    assert_eq!(
        (&found["code"], &found["file"]),
        (&"missing_role".into(), &"rowgate.toml".into())
    );
    assert!(found["line"].is_u64() && found["help"].is_string(), "{error:#}");
    // Of the file.
    write(
        "rowgate.toml",
        &bindings.replace("public.ticket", "public.tikket"),
    );
    let (_, said) = put("plan", &["--json"]);
    let error: Value = serde_json::from_str(said.trim()).expect("JSON alone");
    assert_eq!(error["error"]["found"][0]["code"], "missing_table", "{error:#}");
    // Nothing is guarded where nothing is said to be.
    let open: Vec<&str> = bindings
        .lines()
        .filter(|line| !line.starts_with("policies"))
        .collect();
    write("rowgate.toml", &open.join("\n"));
    let (code, said) = put("apply", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("warning[nothing_guarded]"), "{said}");
    let verified = rowgate(&["rls", "verify", "--database", url], here.path());
    assert!(
        stdout(&verified).contains("warning[nothing_guarded]"),
        "{verified:?}"
    );
    // And where no database is named, that is said.
    let output = rowgate(&["rls", "plan"], here.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("--database postgres://") && said.contains("ROWGATE_PG_URL"),
        "{said}"
    );
    // What does not exist cannot be dropped.
    let output = rowgate(
        &["rls", "drop", "--yes", "--environment", "prod", "--database", url],
        here.path(),
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("`prod` is not there") && said.contains("--environment default"),
        "{said}"
    );
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
    let schema = [
        "rls",
        "verify",
        "--database",
        "postgres://h/d",
        "--schema",
        "s.txt",
    ];
    let output = rowgate(&schema, here.path());
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("there is no rowgate.toml here"), "{said}");
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
