//! What the embedded store keeps beside what every store promises (`contract`): sizes and snapshots.

mod common;

use common::*;
use rowgate_store::{ApiKeyRecord, EnvironmentId, Store};

fn key(id: &str, environment: EnvironmentId) -> ApiKeyRecord {
    ApiKeyRecord {
        id: id.into(),
        environment,
        name: "ci".into(),
        hash: [9; 32],
        prefix: "rg_ab".into(),
        created_at: 3,
    }
}

#[test]
fn commits_come_back_in_order_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let env = create_environment(&store, "production");
    store.append(&commits(env, 1..=3000)).unwrap();
    store.append(&[commit(env, 3001)]).unwrap();
    for _ in 0..2 {
        assert_eq!(store.head(env).unwrap(), rev(3001));
        assert_eq!(read_log(&store, env, 0).unwrap(), commits(env, 1..=3001));
        assert_eq!(read_log(&store, env, 2990).unwrap(), commits(env, 2991..=3001));
        assert_eq!(read_log(&store, env, 3001).unwrap(), []);
        let size = store.log_size(env).unwrap();
        let bytes: usize = commits(env, 1..=3001)
            .iter()
            .map(|c| rowgate_store::encode_commit(c).len())
            .sum();
        assert_eq!((size.commits, size.bytes), (3001, bytes as u64));
        drop(store);
        store = open(dir.path());
    }
}

#[test]
fn a_deleted_environment_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (a, b) = (create_environment(&store, "a"), create_environment(&store, "b"));
    for env in [a, b] {
        store.append(&commits(env, 1..=20)).unwrap();
        write_snapshot(&store, env, 10, b"ten").unwrap();
    }
    store.put_api_key(&key("ka", a)).unwrap();
    store.put_api_key(&key("kb", b)).unwrap();
    assert!(store.delete_environment(a).unwrap());
    assert_eq!(store.head(a).unwrap_err().code(), "environment_unknown");
    assert_eq!(store.api_keys().unwrap(), [key("kb", b)]);
    assert_eq!(read_snapshot(&store, b), Some((10, b"ten".to_vec())));
    assert_eq!(read_log(&store, b, 10).unwrap(), commits(b, 11..=20));
    assert_eq!(
        names(dir.path()),
        ["LOCK", "snapshot-2-00000000000000000010.rgs", "store.redb"]
    );
}

#[test]
fn many_threads_read_while_one_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let env = create_environment(&store, "a");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=200 {
                store.append(&[commit(env, number)]).unwrap();
                if number % 50 == 0 {
                    write_snapshot(&store, env, number - 10, &payload(number - 10, 1000)).unwrap();
                }
            }
        });
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..150 {
                    let (from, bytes) = read_snapshot(&store, env).unwrap_or_default();
                    assert_eq!(bytes, payload(from, bytes.len()));
                    match read_log(&store, env, from) {
                        Ok(read) => {
                            let last = from + read.len() as u64;
                            assert_eq!(read, commits(env, from + 1..=last));
                        }
                        Err(error) => assert_eq!(error.code(), "revision_truncated"),
                    }
                }
            });
        }
    });
    assert_eq!(store.head(env).unwrap(), rev(200));
}
