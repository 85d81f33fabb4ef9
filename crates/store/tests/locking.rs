//! One server per store, and nobody else reads it.
#![cfg(unix)]

mod common;

use std::os::unix::fs::PermissionsExt;

use common::*;
use rowgate_store::Store;

const DIR: &str = "ROWGATE_STORE_TEST_LOCK";

#[test]
fn a_second_server_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let error = try_open(dir.path()).err().unwrap();
    assert_eq!(error.code(), "store_locked");
    let message = error.to_string();
    assert!(message.contains(&dir.path().display().to_string()), "{message}");
    assert!(
        message.contains(&format!("process {}", std::process::id())),
        "{message}"
    );
    create_environment(&store, "still works");
    drop(store);
    open(dir.path());
}

#[test]
fn a_second_server_in_another_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let in_child = || {
        let output = child("the_other_process", DIR, dir.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(in_child().contains("opening: store_locked"));
    store.close().unwrap();
    assert!(in_child().contains("opening: ok"));
}

/// Does nothing unless a test above runs it in a process of its own.
#[test]
fn the_other_process() {
    if let Some(dir) = std::env::var_os(DIR) {
        let code = try_open(dir.as_ref()).map_or_else(|error| error.code(), |_| "ok");
        println!("opening: {code}");
    }
}

#[test]
fn a_lock_file_that_nobody_holds_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("LOCK"), "1").unwrap();
    open(dir.path());
}

#[test]
fn the_directory_and_its_files_are_private() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("new/store");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for _ in 0..2 {
        let store = open(&dir);
        if store.environments().unwrap().is_empty() {
            let env = create_environment(&store, "a");
            store.append(&[commit(env, 1)]).unwrap();
            write_snapshot(&store, env, 1, b"x").unwrap();
        }
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(names(&dir).len(), 3);
        assert!(names(&dir).iter().all(|name| mode(&dir.join(name)) == 0o600));
        // Loosened, they are tightened at the next start.
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::set_permissions(dir.join("store.redb"), PermissionsExt::from_mode(0o644)).unwrap();
    }
    // A directory that holds files of others stays as it is.
    std::fs::write(dir.join("others"), "").unwrap();
    open(&dir);
    assert_eq!(mode(&dir), 0o755);
}

#[test]
fn a_directory_that_cannot_be_is_an_io_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = try_open(&file.join("store")).err().unwrap();
    assert_eq!(error.code(), "store_io");
    assert!(error.to_string().contains("file/store"), "{error}");
}
