//! A real limit of the operating system on the size of files stands in for a full disk.
#![cfg(unix)]

mod common;

use std::process::{Command, Stdio};

use common::*;
use rowgate_store::Store;

const DIR: &str = "ROWGATE_STORE_TEST_FULL";

/// Does nothing unless the test below runs it in a process of its own, under a limit.
#[test]
fn the_limited_process() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let store = open(dir.as_ref());
    let env = store.environments().unwrap()[0].id;
    let mut head = store.head(env).unwrap().get();
    let error = loop {
        match store.append(&commits(env, head + 1..=head + 500)) {
            Ok(()) => head += 500,
            Err(error) => break error,
        }
    };
    println!("\nanswered {head}\nthen {}", error.code());
    assert_eq!(store.head(env).unwrap(), rev(head));
    assert_eq!(read_log(&store, env, 0).unwrap(), commits(env, 1..=head));
    let error = write_snapshot(&store, env, head, &payload(1, 8_000_000)).unwrap_err();
    println!("snapshot {}", error.code());
    assert!(store.snapshot(env).unwrap().is_none());
    // A snapshot that fits makes room, and appending goes on.
    write_snapshot(&store, env, head, b"small").unwrap();
    for _ in 0..3 {
        store.append(&commits(env, head + 1..=head + 100)).unwrap();
        head += 100;
    }
    println!("and on to {head}");
}

#[test]
fn a_full_disk_loses_nothing_and_passes() {
    let dir = tempfile::tempdir().unwrap();
    let env = create_environment(&open(dir.path()), "a");
    // 4 MB, in blocks of 512 bytes; ignoring the signal, as servers under a limit do, leaves the error.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "the_limited_process",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIR, dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let number = |word: &str| -> u64 {
        let line = said
            .lines()
            .find_map(|line| line.strip_prefix(word))
            .unwrap_or_else(|| panic!("{said}"));
        line.trim().parse().unwrap()
    };
    assert!(said.contains("then store_full\nsnapshot store_full\n"), "{said}");
    let (full_at, head) = (number("answered "), number("and on to "));
    let store = open(dir.path());
    assert_eq!(read_snapshot(&store, env), Some((full_at, b"small".to_vec())));
    assert_eq!(
        read_log(&store, env, full_at).unwrap(),
        commits(env, full_at + 1..=head)
    );
    store.append(&commits(env, head + 1..=head + 20_000)).unwrap();
    assert_eq!(store.head(env).unwrap(), rev(head + 20_000));
}
