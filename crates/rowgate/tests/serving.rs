//! `rowgate serve` and `rowgate demo` as processes.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{binary, rowgate};

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

/// Asks the process to stop, and waits.
fn stop(mut child: Child, signal: &str) -> Option<i32> {
    assert!(
        Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status.code(),
            None if Instant::now() > deadline => {
                child.kill().unwrap();
                panic!("it did not stop");
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn wait_until_it_answers(url: &str, key: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while rowgate(&["schema", "get", "--url", url, "--api-key", key]).code != 0 {
        assert!(Instant::now() < deadline, "no answer from {url}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_new_store_says_its_key_once_and_keeps_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("file:{}", directory.path().join("data").display());
    let address = free_address();
    let url = format!("http://{address}");
    let serve = || {
        let mut command = binary();
        command.args([
            "serve",
            "--listen",
            &address,
            "--store",
            &store,
            "--log-format",
            "off",
        ]);
        // What is exported for the other commands means nothing to this one.
        command
            .env("ROWGATE_URL", &url)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut child = serve();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let key = loop {
        let line = said.next().unwrap().unwrap();
        if line.trim().starts_with("sk_") {
            break line.trim().to_owned();
        }
    };
    wait_until_it_answers(&url, &key);
    let ask = |arguments: &[&str]| rowgate(&[arguments, &["--url", &url, "--api-key", &key]].concat());
    ask(&["warrant", "create", "user:ann", "admin", "tenant:acme"]).ok();
    assert_eq!(stop(child, "-TERM"), Some(0));

    let mut child = serve();
    wait_until_it_answers(&url, &key);
    ask(&["check", "user:ann", "member", "tenant:acme"]).ok();
    let mut said = child.stderr.take().unwrap();
    assert_eq!(stop(child, "-INT"), Some(0));
    let mut text = String::new();
    said.read_to_string(&mut text).unwrap();
    assert!(!text.contains("sk_"), "{text}");
}

#[test]
fn a_taken_address_and_a_bad_store_are_explained() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let store = format!("file:{}", directory.path().display());
    let run = rowgate(&[
        "serve",
        "--listen",
        &address,
        "--store",
        &store,
        "--log-format",
        "off",
    ]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("cannot listen") && run.err.contains("--listen"),
        "{}",
        run.err
    );
    let run = rowgate(&["serve", "--store", "nowhere"]);
    assert!(run.code == 2 && run.err.contains("file:DIR"), "{}", run.err);
}

#[test]
fn the_demo_walks_and_checks_itself() {
    let run = rowgate(&["demo", "--once", "--listen", "127.0.0.1:0"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(
        run.out.contains("no warrant `ticket:7#assignee@user:ann`"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("`expense_attributes.amount <= 1000` is false"),
        "{}",
        run.out
    );
    let json = rowgate(&["demo", "--once", "--json", "--listen", "127.0.0.1:0"]);
    assert_eq!(json.json()["passed"], true);
}

#[test]
fn the_demo_keeps_serving_and_prints_lines_that_work() {
    let temp = tempfile::tempdir().unwrap();
    let mut command = binary();
    command
        .args(["demo", "--listen", "127.0.0.1:0"])
        .env("TMPDIR", temp.path());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut export = String::new();
    while !export.trim_start().starts_with("export ROWGATE_URL=") {
        export.clear();
        assert_ne!(out.read_line(&mut export).unwrap(), 0, "the demo ended");
    }
    let pair = |name: &str| {
        let word = export.split_whitespace().find_map(|word| word.strip_prefix(name));
        word.unwrap_or_else(|| panic!("{export}")).to_owned()
    };
    let (url, key) = (pair("ROWGATE_URL="), pair("ROWGATE_API_KEY="));
    let run = rowgate(&[
        "check",
        "user:ann",
        "viewer",
        "ticket:7",
        "--url",
        &url,
        "--api-key",
        &key,
    ]);
    assert_eq!(
        (run.code, run.out.as_str()),
        (1, "✖ not authorized ticket:7#viewer@user:ann\n")
    );
    assert!(temp.path().read_dir().unwrap().next().is_some());
    assert_eq!(stop(child, "-INT"), Some(0));
    assert!(
        temp.path().read_dir().unwrap().next().is_none(),
        "the store was left behind"
    );
}
