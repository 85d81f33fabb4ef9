//! A snapshot stands for the beginning of the log.

mod common;

use std::io::{self, Read};

use common::*;
use rowgate_store::Store;

#[test]
fn a_snapshot_takes_the_place_of_the_log_up_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let env = create_environment(&store, "a");
    store.append(&commits(env, 1..=9000)).unwrap();
    let big = payload(8990, 3_000_000);
    write_snapshot(&store, env, 8990, &big).unwrap();
    assert_eq!(read_snapshot(&store, env).unwrap(), (8990, big.clone()));
    assert_eq!(read_log(&store, env, 8990).unwrap(), commits(env, 8991..=9000));
    assert_eq!(
        read_log(&store, env, 8989).unwrap_err().code(),
        "revision_truncated"
    );
    let size = store.log_size(env).unwrap();
    let bytes: usize = commits(env, 8991..=9000)
        .iter()
        .map(|c| rowgate_store::encode_commit(c).len())
        .sum();
    assert_eq!((size.commits, size.bytes), (10, bytes as u64));
    drop(store);
    let store = open(dir.path());
    assert_eq!(read_snapshot(&store, env).unwrap(), (8990, big));
    assert_eq!(read_log(&store, env, 8990).unwrap(), commits(env, 8991..=9000));
    write_snapshot(&store, env, 9000, b"").unwrap();
    assert_eq!(read_snapshot(&store, env).unwrap(), (9000, Vec::new()));
    assert_eq!(store.log_size(env).unwrap(), Default::default());
    assert_eq!(store.head(env).unwrap(), rev(9000));
    assert_eq!(
        names(dir.path()),
        ["LOCK", "snapshot-1-00000000000000009000.rgs", "store.redb"]
    );
    store.append(&[commit(env, 9001)]).unwrap();
}

#[test]
fn a_snapshot_is_of_a_revision_that_the_log_has() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let env = create_environment(&store, "a");
    write_snapshot(&store, env, 0, b"nothing").unwrap();
    assert!(store.snapshot(env).unwrap().is_none());
    store.append(&commits(env, 1..=10)).unwrap();
    assert_eq!(
        write_snapshot(&store, env, 11, b"x").unwrap_err().code(),
        "revision_conflict"
    );
    write_snapshot(&store, env, 5, b"five").unwrap();
    assert_eq!(
        write_snapshot(&store, env, 4, b"four").unwrap_err().code(),
        "revision_conflict"
    );
    write_snapshot(&store, env, 5, b"five again").unwrap();
    assert_eq!(read_snapshot(&store, env), Some((5, b"five again".to_vec())));
}

#[test]
fn a_snapshot_that_fails_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let env = create_environment(&store, "a");
    store.append(&commits(env, 1..=10)).unwrap();
    write_snapshot(&store, env, 5, b"five").unwrap();
    for (cause, code) in [
        (io::ErrorKind::StorageFull, "store_full"),
        (io::ErrorKind::PermissionDenied, "store_io"),
    ] {
        let error = store
            .write_snapshot(env, rev(8), &mut |to| {
                to.write_all(&[1; 1_000_000])?;
                Err(cause.into())
            })
            .unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(read_snapshot(&store, env), Some((5, b"five".to_vec())));
        assert_eq!(read_log(&store, env, 5).unwrap(), commits(env, 6..=10));
        assert_eq!(names(dir.path()).len(), 3, "{:?}", names(dir.path()));
    }
}

#[test]
fn what_an_interrupted_snapshot_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let env = create_environment(&store, "a");
    store.append(&commits(env, 1..=10)).unwrap();
    write_snapshot(&store, env, 5, b"five").unwrap();
    drop(store);
    let at = |revision: u64, suffix: &str| dir.path().join(format!("snapshot-1-{revision:020}.{suffix}"));
    // Killed while writing; killed before the snapshot counted; killed before its predecessor was removed.
    std::fs::write(at(8, "tmp"), b"half").unwrap();
    std::fs::write(dir.path().join("store.redb.tmp"), b"half").unwrap();
    std::fs::copy(at(5, "rgs"), at(9, "rgs")).unwrap();
    std::fs::copy(at(5, "rgs"), at(3, "rgs")).unwrap();
    std::fs::write(dir.path().join("notes.tmp"), b"not ours").unwrap();
    let store = open(dir.path());
    assert_eq!(
        names(dir.path()),
        [
            "LOCK",
            "notes.tmp",
            "snapshot-1-00000000000000000005.rgs",
            "store.redb"
        ]
    );
    assert_eq!(read_snapshot(&store, env), Some((5, b"five".to_vec())));
    assert_eq!(read_log(&store, env, 5).unwrap(), commits(env, 6..=10));
}

#[test]
fn a_reader_keeps_the_snapshot_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let env = create_environment(&store, "a");
    store.append(&commits(env, 1..=10)).unwrap();
    write_snapshot(&store, env, 5, &payload(5, 1_000_000)).unwrap();
    let (_, mut reader) = store.snapshot(env).unwrap().unwrap();
    write_snapshot(&store, env, 10, b"ten").unwrap();
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert_eq!(read, payload(5, 1_000_000));
}

#[test]
fn every_damage_to_a_snapshot_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let env = create_environment(&store, "a");
    store.append(&commits(env, 1..=10)).unwrap();
    write_snapshot(&store, env, 10, &payload(10, 600_000)).unwrap();
    let path = dir.path().join("snapshot-1-00000000000000000010.rgs");
    let whole = std::fs::read(&path).unwrap();
    let read = || -> Result<Vec<u8>, &'static str> {
        let (_, mut reader) = store.snapshot(env).map_err(|error| error.code())?.unwrap();
        let mut bytes = Vec::new();
        match reader.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                assert!(error.to_string().contains("snapshot-1-"), "{error}");
                assert!(reader.read(&mut [0; 8]).is_err(), "it stays damaged");
                Err("store_corrupt")
            }
        }
    };
    assert!(read().is_ok());
    let offsets = (0..160)
        .chain((160..whole.len()).step_by(7919))
        .chain(whole.len() - 60..whole.len());
    for offset in offsets {
        let mut bytes = whole.clone();
        bytes[offset] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(), Err("store_corrupt"), "flipped at {offset}");
    }
    for len in [0, 5, 30, 60, 1000, 262_190, whole.len() - 44, whole.len() - 1] {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(read(), Err("store_corrupt"), "cut to {len}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    std::fs::write(&path, &longer).unwrap();
    assert_eq!(read(), Err("store_corrupt"), "longer");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read(), Err("store_corrupt"), "missing");
    // It can be written anew from what is in memory.
    write_snapshot(&store, env, 10, &payload(10, 600_000)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
}

#[test]
fn a_snapshot_of_another_store_is_not_taken_for_ours() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for (name, dir) in ["ours", "theirs"].iter().zip(&dirs) {
        let store = open(dir.path());
        let env = create_environment(&store, name);
        store.append(&commits(env, 1..=3)).unwrap();
        write_snapshot(&store, env, 3, name.as_bytes()).unwrap();
    }
    let name = "snapshot-1-00000000000000000003.rgs";
    std::fs::copy(dirs[1].path().join(name), dirs[0].path().join(name)).unwrap();
    let store = open(dirs[0].path());
    let env = store.environments().unwrap()[0].id;
    assert_eq!(store.snapshot(env).err().unwrap().code(), "store_corrupt");
}

#[test]
fn the_file_does_not_grow_with_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let env = create_environment(&store, "a");
    let (mut sizes, mut head) = (Vec::new(), 0);
    for _ in 0..30 {
        for _ in 0..10 {
            store.append(&commits(env, head + 1..=head + 100)).unwrap();
            head += 100;
        }
        write_snapshot(&store, env, head, b"all of it").unwrap();
        sizes.push(std::fs::metadata(dir.path().join("store.redb")).unwrap().len());
    }
    assert!(sizes[29] <= sizes[4] * 2, "{sizes:?}");
}
