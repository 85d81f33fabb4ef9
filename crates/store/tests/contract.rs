//! What every store promises, on every store.
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]

mod common;

use common::*;
use rowgate_pgtest::{Database, Version};
use rowgate_store::{
    ApiKeyRecord, AuditEntry, AuditPlace, AuditRange, Change, Commit, EnvironmentId, ErrorKind,
    NewEnvironment, Store,
};

/// Where a store is, so that it can be opened again.
enum Place {
    Directory(tempfile::TempDir),
    Database(Database),
}

impl Place {
    fn open(&self) -> Box<dyn Store> {
        match self {
            Place::Directory(directory) => Box::new(open(directory.path())),
            Place::Database(database) => Box::new(pg::store(database)),
        }
    }
}

macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            use super::*;
            $(#[test]
            fn $name() {
                super::$name(&Place::Directory(tempfile::tempdir().unwrap()));
            })*
        }
        mod postgres_15 {
            use super::*;
            $(#[test]
            fn $name() {
                super::$name(&Place::Database(pg::installed(Version::V15, stringify!($name))));
            })*
        }
        mod postgres_18 {
            use super::*;
            $(#[test]
            fn $name() {
                super::$name(&Place::Database(pg::installed(Version::V18, stringify!($name))));
            })*
        }
    };
}

contract!(
    a_new_environment_is_empty,
    commits_come_back_in_order_also_after_a_restart,
    one_append_serves_several_environments,
    a_commit_that_does_not_follow_refuses_all_of_its_batch,
    an_unknown_environment_is_refused_everywhere,
    a_visitor_can_stop_and_can_use_the_store,
    environments_have_unique_names_and_numbers_that_are_not_used_twice,
    a_deleted_environment_leaves_nothing,
    api_keys_are_kept_replaced_and_deleted,
    a_closed_store_refuses_and_lets_another_in,
    many_threads_read_while_one_writes,
    bindings_are_kept_and_taken_back,
    what_commits_say_of_themselves_outlives_them,
    a_refused_commit_leaves_no_audit_entry,
    old_audit_entries_are_removed_and_young_ones_stay,
);

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

fn a_new_environment_is_empty(place: &Place) {
    let store = place.open();
    let env = create_environment(&*store, "production");
    assert_eq!(store.head(env).unwrap(), rev(0));
    assert_eq!(read_log(&*store, env, 0).unwrap(), []);
    assert!(store.snapshot(env).unwrap().is_none());
    assert_eq!(store.log_size(env).unwrap().commits, 0);
}

fn commits_come_back_in_order_also_after_a_restart(place: &Place) {
    let mut store = place.open();
    let env = create_environment(&*store, "production");
    store.append(&commits(env, 1..=3000)).unwrap();
    store.append(&[commit(env, 3001)]).unwrap();
    for _ in 0..2 {
        assert_eq!(store.head(env).unwrap(), rev(3001));
        assert_eq!(read_log(&*store, env, 0).unwrap(), commits(env, 1..=3001));
        assert_eq!(read_log(&*store, env, 2990).unwrap(), commits(env, 2991..=3001));
        assert_eq!(read_log(&*store, env, 3001).unwrap(), []);
        drop(store);
        store = place.open();
    }
}

fn one_append_serves_several_environments(place: &Place) {
    let store = place.open();
    let (a, b) = (create_environment(&*store, "a"), create_environment(&*store, "b"));
    store
        .append(&[
            commit(a, 1),
            commit(b, 1),
            commit(a, 2),
            commit(b, 2),
            commit(b, 3),
        ])
        .unwrap();
    assert_eq!(read_log(&*store, a, 0).unwrap(), commits(a, 1..=2));
    assert_eq!(read_log(&*store, b, 0).unwrap(), commits(b, 1..=3));
    store.append(&[]).unwrap();
}

fn a_commit_that_does_not_follow_refuses_all_of_its_batch(place: &Place) {
    let store = place.open();
    let (a, b) = (create_environment(&*store, "a"), create_environment(&*store, "b"));
    store.append(&commits(a, 1..=5)).unwrap();
    for wrong in [vec![5], vec![7], vec![6, 8], vec![6, 6], vec![0]] {
        for others in [0, 2] {
            let mut batch = commits(b, 1..=others);
            batch.extend(commits(a, wrong.clone()));
            let error = store.append(&batch).unwrap_err();
            assert_eq!(error.code(), "revision_conflict");
            assert_eq!(store.head(a).unwrap(), rev(5));
            assert_eq!(store.head(b).unwrap(), rev(0));
            assert_eq!(read_log(&*store, a, 0).unwrap(), commits(a, 1..=5));
        }
    }
    store.append(&[commit(a, 6)]).unwrap();
}

fn an_unknown_environment_is_refused_everywhere(place: &Place) {
    let store = place.open();
    for nowhere in [EnvironmentId(42), EnvironmentId(u32::MAX)] {
        let mut errors = vec![
            store.append(&[commit(nowhere, 1)]).unwrap_err(),
            store.head(nowhere).unwrap_err(),
            store.log_size(nowhere).unwrap_err(),
            store.put_api_key(&key("k", nowhere)).unwrap_err(),
            write_snapshot(&*store, nowhere, 1, b"").unwrap_err(),
            read_log(&*store, nowhere, 0).unwrap_err(),
        ];
        errors.extend(store.snapshot(nowhere).err());
        assert_eq!(errors.len(), 7);
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::EnvironmentUnknown, "{error}");
        }
        assert!(!store.delete_environment(nowhere).unwrap());
    }
}

fn a_visitor_can_stop_and_can_use_the_store(place: &Place) {
    let store = place.open();
    let env = create_environment(&*store, "a");
    store.append(&commits(env, 1..=10)).unwrap();
    let mut seen = 0;
    let stopped = store.commits_after(env, rev(0), &mut |commit| {
        seen = commit.revision.get();
        store.append(&commits(env, [10 + seen]))?;
        if seen == 4 {
            return Err(rowgate_store::StoreError::new(ErrorKind::Io, "enough"));
        }
        Ok(())
    });
    assert_eq!(stopped.unwrap_err().to_string(), "enough");
    assert_eq!(store.head(env).unwrap(), rev(14));
    assert_eq!(
        read_log(&*store, env, 15).unwrap_err().code(),
        "revision_conflict"
    );
}

fn environments_have_unique_names_and_numbers_that_are_not_used_twice(place: &Place) {
    let store = place.open();
    let a = create_environment(&*store, "a");
    let b = create_environment(&*store, "b");
    let same_name = NewEnvironment {
        name: "a".into(),
        uid: "other".into(),
        created_at: 0,
    };
    let same_uid = NewEnvironment {
        name: "other".into(),
        uid: "uid-a".into(),
        created_at: 0,
    };
    for taken in [same_name, same_uid] {
        assert_eq!(
            store.create_environment(&taken).unwrap_err().code(),
            "environment_exists"
        );
    }
    assert!(store.delete_environment(b).unwrap());
    drop(store);
    let store = place.open();
    let again = create_environment(&*store, "b");
    assert!(again > b && b > a);
    let listed: Vec<_> = store
        .environments()
        .unwrap()
        .into_iter()
        .map(|e| (e.id, e.name, e.uid, e.created_at))
        .collect();
    assert_eq!(
        listed,
        [
            (a, "a".into(), "uid-a".into(), 7),
            (again, "b".into(), "uid-b".into(), 7)
        ]
    );
}

fn a_deleted_environment_leaves_nothing(place: &Place) {
    let store = place.open();
    let (a, b) = (create_environment(&*store, "a"), create_environment(&*store, "b"));
    for env in [a, b] {
        store.append(&commits(env, 1..=20)).unwrap();
    }
    store.put_api_key(&key("ka", a)).unwrap();
    store.put_api_key(&key("kb", b)).unwrap();
    assert!(store.delete_environment(a).unwrap());
    assert_eq!(store.head(a).unwrap_err().code(), "environment_unknown");
    assert_eq!(store.api_keys().unwrap(), [key("kb", b)]);
    assert_eq!(read_log(&*store, b, 10).unwrap(), commits(b, 11..=20));
}

fn api_keys_are_kept_replaced_and_deleted(place: &Place) {
    let store = place.open();
    let env = create_environment(&*store, "a");
    store.put_api_key(&key("one", env)).unwrap();
    store.put_api_key(&key("two", env)).unwrap();
    let renamed = ApiKeyRecord {
        name: "deploy".into(),
        ..key("one", env)
    };
    store.put_api_key(&renamed).unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.api_keys().unwrap(), [renamed, key("two", env)]);
    assert!(store.delete_api_key("one").unwrap());
    assert!(!store.delete_api_key("one").unwrap());
    assert_eq!(store.api_keys().unwrap(), [key("two", env)]);
    let refused = store.delete_api_key("two").unwrap_err();
    assert_eq!(refused.code(), "last_api_key", "{refused}");
    let other = create_environment(&*store, "b");
    store.put_api_key(&key("of another", other)).unwrap();
    assert_eq!(store.delete_api_key("two").unwrap_err().code(), "last_api_key");
    assert_eq!(
        store.api_keys().unwrap(),
        [key("of another", other), key("two", env)]
    );
    assert!(
        !format!("{:?}", key("one", env)).contains("9, 9"),
        "the hash stays out of logs"
    );
}

fn a_closed_store_refuses_and_lets_another_in(place: &Place) {
    let store = place.open();
    let env = create_environment(&*store, "a");
    store.close().unwrap();
    store.close().unwrap();
    assert_eq!(store.head(env).unwrap_err().code(), "store_closed");
    assert_eq!(
        store.append(&[commit(env, 1)]).unwrap_err().code(),
        "store_closed"
    );
    assert_eq!(place.open().head(env).unwrap(), rev(0));
}

fn many_threads_read_while_one_writes(place: &Place) {
    let store = place.open();
    let env = create_environment(&*store, "a");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=200 {
                store.append(&[commit(env, number)]).unwrap();
            }
        });
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let read = read_log(&*store, env, 0).unwrap();
                    let last = read.len() as u64;
                    assert_eq!(read, commits(env, 1..=last));
                }
            });
        }
    });
    assert_eq!(store.head(env).unwrap(), rev(200));
}

fn bindings_are_kept_and_taken_back(place: &Place) {
    let store = place.open();
    let env = create_environment(&*store, "a");
    let bindings = [Some("{\"tables\":[]}".to_owned()), None];
    let commits: Vec<_> = (1..)
        .zip(bindings)
        .map(|(number, json)| rowgate_store::Commit {
            changes: vec![rowgate_store::Change::Bindings { json }],
            ..commit(env, number)
        })
        .collect();
    store.append(&commits).unwrap();
    assert_eq!(read_log(&*store, env, 0).unwrap(), commits);
}

/// A commit that says so many things of itself, between changes.
fn telling(environment: EnvironmentId, number: u64, entries: u32) -> Commit {
    let mut commit = commit(environment, number);
    let said = (0..entries).map(|index| Change::Audit {
        entry: format!("{{\"said\":\"{number}.{index} é \\u0000\"}}"),
    });
    commit.changes.splice(0..0, said);
    commit
}

fn told(store: &dyn Store, environment: EnvironmentId, range: &AuditRange) -> Vec<(u64, u32)> {
    let entries = store.audit(environment, range).unwrap();
    for AuditEntry { place, at, entry } in &entries {
        let number = place.revision.get();
        assert_eq!(*at, number as i64);
        assert_eq!(
            *entry,
            format!("{{\"said\":\"{number}.{} é \\u0000\"}}", place.index)
        );
    }
    let places = entries.iter().map(|entry| entry.place);
    places.map(|place| (place.revision.get(), place.index)).collect()
}

const ALL: AuditRange = AuditRange {
    newest_first: false,
    after: None,
    limit: 1000,
};

fn what_commits_say_of_themselves_outlives_them(place: &Place) {
    let store = place.open();
    let (env, other) = (create_environment(&*store, "a"), create_environment(&*store, "b"));
    store.append(&[telling(env, 1, 2), telling(env, 2, 0)]).unwrap();
    store.append(&[telling(env, 3, 3), telling(other, 1, 1)]).unwrap();
    write_snapshot(&*store, env, 3, b"as of 3").unwrap();
    store.append(&[telling(env, 4, 1)]).unwrap();
    drop(store);
    let store = place.open();
    let all = [(1, 0), (1, 1), (3, 0), (3, 1), (3, 2), (4, 0)];
    assert_eq!(told(&*store, env, &ALL), all);
    assert_eq!(told(&*store, other, &ALL), [(1, 0)]);
    for newest_first in [false, true] {
        let mut ordered = all.to_vec();
        if newest_first {
            ordered.reverse();
        }
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let range = AuditRange {
                newest_first,
                after,
                limit: 2,
            };
            let page = told(&*store, env, &range);
            let Some(&(revision, index)) = page.last() else {
                break;
            };
            after = Some(AuditPlace {
                revision: rev(revision),
                index,
            });
            walked.extend(page);
        }
        assert_eq!(walked, ordered);
    }
    assert!(store.delete_environment(env).unwrap());
    assert_eq!(store.audit(env, &ALL).unwrap_err().code(), "environment_unknown");
    assert_eq!(told(&*store, other, &ALL), [(1, 0)]);
}

fn a_refused_commit_leaves_no_audit_entry(place: &Place) {
    let store = place.open();
    let env = create_environment(&*store, "a");
    store.append(&[telling(env, 1, 1)]).unwrap();
    let refused = store.append(&[telling(env, 2, 1), telling(env, 4, 1)]);
    assert_eq!(refused.unwrap_err().code(), "revision_conflict");
    assert_eq!(told(&*store, env, &ALL), [(1, 0)]);
}

fn old_audit_entries_are_removed_and_young_ones_stay(place: &Place) {
    let store = place.open();
    let env = create_environment(&*store, "a");
    let commits: Vec<Commit> = (1..=10).map(|number| telling(env, number, 2)).collect();
    store.append(&commits).unwrap();
    assert_eq!(store.prune_audit(env, 4).unwrap(), 6);
    assert_eq!(store.prune_audit(env, 4).unwrap(), 0);
    assert_eq!(told(&*store, env, &ALL).first(), Some(&(4, 0)));
    assert_eq!(told(&*store, env, &ALL).len(), 14);
    assert_eq!(store.prune_audit(env, i64::MAX).unwrap(), 14);
    assert_eq!(told(&*store, env, &ALL), []);
}
