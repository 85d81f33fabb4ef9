//! Export and import.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{Server, binary};

const SCHEMA: &str =
    "version 0.3 type user type doc relation owner [user] relation viewer [user, user#friend]";

fn filled() -> Server {
    let server = Server::start();
    server.rowgate_with(&["schema", "apply", "-"], SCHEMA).ok();
    server
        .rowgate(&["resource", "create", "doc:d", r#"{"title": "A \"title\""}"#])
        .ok();
    server
        .rowgate(&["warrant", "create", "user:ann", "owner", "doc:d"])
        .ok();
    server
        .rowgate(&["warrant", "create", "user:*", "viewer", "doc:e"])
        .ok();
    server
        .rowgate(&[
            "warrant",
            "create",
            "user:ben#friend",
            "viewer",
            "doc:e",
            "-p",
            "region == \"eu\"",
        ])
        .ok();
    server
}

/// Without the first line, which names the revision.
fn contents(export: &str) -> Vec<&str> {
    export.lines().skip(1).collect()
}

#[test]
fn what_one_server_exports_another_imports() {
    let (from, to) = (filled(), Server::start());
    let export = from.rowgate(&["export"]).ok();
    assert!(export.lines().count() >= 9, "{export}");
    let imported = to.rowgate_with(&["import"], &export).ok();
    assert!(
        imported.starts_with(&format!("✔ imported {} lines", export.lines().count())),
        "{imported}"
    );
    let again = to.rowgate(&["export"]).ok();
    assert_eq!(contents(&again), contents(&export));
    to.rowgate(&["check", "doc:d#owner@user:ann"]).ok();
}

#[test]
fn importing_twice_changes_nothing() {
    let (from, to) = (filled(), Server::start());
    let export = from.rowgate(&["export"]).ok();
    let first = to.rowgate_with(&["import", "--json"], &export);
    assert!(first.json()["created"].as_u64().unwrap() >= 6, "{}", first.out);
    let once = to.rowgate(&["export"]).ok();
    let second = to.rowgate_with(&["import", "--json"], &export);
    assert_eq!(second.json()["created"], 0, "{}", second.out);
    assert_eq!(to.rowgate(&["export"]).ok(), once);
}

#[test]
fn an_import_that_broke_off_is_finished_by_doing_it_again() {
    let to = Server::start();
    to.rowgate_with(&["schema", "apply", "-"], SCHEMA).ok();
    let line = |number: usize| {
        let subject = r#"{"resource_type":"user","resource_id":"ann"}"#;
        format!(
            r#"{{"warrant":{{"resource_type":"doc","resource_id":"d{number}","relation":"owner","subject":{subject}}}}}"#
        )
    };
    let mut lines: Vec<String> = (0..6_000).map(line).collect();
    lines[5_500] = lines[5_500].replace("owner", "no_such_relation");
    let broken = to.rowgate_with(&["import"], &lines.join("\n"));
    assert_eq!(broken.code, 2);
    assert!(broken.err.contains("standard input:5501: "), "{}", broken.err);
    assert!(
        broken.err.contains(
            "help: mend the line; the first 5000 lines are imported; import the whole again to finish"
        ),
        "{}",
        broken.err
    );

    lines[5_500] = line(5_500);
    let finished = to.rowgate_with(&["import", "--json"], &lines.join("\n"));
    assert_eq!(
        finished.json()["lines"],
        6_000,
        "{}{}",
        finished.out,
        finished.err
    );
    // The first five thousand were there already. What is counted are the documents and the warrants that were not.
    let created = finished.json()["created"].as_u64().unwrap();
    assert!((1_000..=2_000).contains(&created), "{created}");
}

#[test]
fn a_backup_that_was_cut_short_is_not_taken_for_a_whole_one() {
    let (from, to) = (filled(), Server::start());
    let export = from.rowgate(&["export"]).ok();
    let lines: Vec<&str> = export.lines().collect();
    let warrants = lines
        .iter()
        .filter(|line| line.starts_with(r#"{"warrant""#))
        .count();
    let cut = lines[..lines.len() - warrants].join("\n");
    let broken = to.rowgate_with(&["import"], &cut);
    assert_eq!(broken.code, 2, "{}", broken.out);
    assert!(
        broken.err.contains("standard input is not whole")
            && broken.err.contains(&format!("{warrants} warrants, and it has")),
        "{}",
        broken.err
    );
    to.rowgate_with(&["import"], &export).ok();
    assert_eq!(contents(&to.rowgate(&["export"]).ok()), contents(&export));
    // One with lines that were added by hand has all it says.
    let more = r#"{"warrant":{"resource_type":"doc","resource_id":"m","relation":"owner","subject":{"resource_type":"user","resource_id":"ann"}}}"#;
    to.rowgate_with(&["import"], &format!("{export}{more}\n")).ok();
}

#[test]
fn an_import_that_is_interrupted_says_how_far_it_got() {
    let to = Server::start();
    to.rowgate_with(&["schema", "apply", "-"], SCHEMA).ok();
    let mut command = binary();
    command
        .env("ROWGATE_URL", to.0.url())
        .env("ROWGATE_API_KEY", to.0.key())
        .arg("import")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for number in 0..6_000 {
        let line = format!(r#"{{"resource":{{"resource_type":"doc","resource_id":"d{number}"}}}}"#);
        writeln!(input, "{line}").unwrap();
    }
    input.flush().unwrap();
    // The last line of the first piece.
    let deadline = Instant::now() + Duration::from_secs(30);
    while to.rowgate(&["resource", "get", "doc:d4999"]).code != 0 {
        assert!(Instant::now() < deadline, "the first piece does not arrive");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let output = child.wait_with_output().unwrap();
    drop(input);
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(
        err.contains("error: interrupted")
            && err.contains("the first 5000 lines are imported; import the whole again"),
        "{err}"
    );
}

#[cfg(unix)]
#[test]
fn only_their_owner_can_read_exports() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let server = filled();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("all.ndjson");
    let file = path.display().to_string();
    // What an earlier export left behind when it broke off.
    std::fs::write(format!("{file}.partial"), "old").unwrap();
    server.rowgate(&["export", &file]).ok();
    assert_eq!(mode(&path), 0o600);
    // Who opened a file to others keeps it that way.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    server.rowgate(&["export", &file, "--force"]).ok();
    assert_eq!(mode(&path), 0o640);
    let whole = directory.path().display().to_string();
    let run = server.rowgate(&["export", &whole, "--force"]);
    assert!(run.code == 2 && run.err.contains("is a directory"), "{}", run.err);
}

#[test]
fn files_are_not_replaced_by_accident() {
    let server = filled();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("all.ndjson");
    let file = path.display().to_string();
    server.rowgate(&["export", &file]).ok();
    let again = server.rowgate(&["export", &file]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("--force"), "{}", again.err);
    server.rowgate(&["export", &file, "--force"]).ok();
    assert!(!directory.path().join("all.ndjson.partial").exists());
    assert!(
        Server::start()
            .rowgate(&["import", &file])
            .ok()
            .starts_with("✔ imported")
    );
    assert_eq!(server.rowgate_with(&["import"], "").code, 2);
}
