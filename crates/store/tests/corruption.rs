//! A damaged store is reported. It is never guessed at, and what is stored stays as it was.
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]

mod common;

use std::path::Path;

use common::*;
use rowgate_store::{Embedded, EnvironmentId, Result, Store};

const COMMITS: u64 = 300;

fn filled(dir: &Path) -> EnvironmentId {
    let store = open(dir);
    let env = create_environment(&store, "a");
    for end in 1..=COMMITS / 100 {
        store.append(&commits(env, end * 100 - 99..=end * 100)).unwrap();
    }
    env
}

/// Reads all there is.
fn read_all(store: &Embedded, env: EnvironmentId) -> Result<()> {
    assert_eq!(store.environments()?.len(), 1);
    assert_eq!(store.api_keys()?, []);
    assert_eq!(store.head(env)?, rev(COMMITS));
    assert_eq!(read_log(store, env, 0)?, commits(env, 1..=COMMITS));
    Ok(())
}

/// A damaged file opens with everything in it, or is refused and stays as it is.
fn check(database: &Path, damaged: &[u8], env: EnvironmentId, what: &str) -> bool {
    let dir = database.parent().unwrap();
    std::fs::write(database, damaged).unwrap();
    match try_open(dir).and_then(|store| read_all(&store, env)) {
        Ok(()) => false,
        Err(error) => {
            assert!(
                ["store_corrupt", "store_version"].contains(&error.code()),
                "{what}: {error}"
            );
            assert!(error.to_string().contains("store.redb"), "{what}: {error}");
            let after = std::fs::read(database).unwrap();
            assert!(after == damaged, "{what}: the file was changed");
            true
        }
    }
}

/// Each bit of the fields in the header of the file, and one in each byte of the rest.
fn header_bits() -> impl Iterator<Item = (usize, u64)> {
    let fields = (0..64).flat_map(|offset| (0..8).map(move |bit| (offset, bit)));
    fields.chain((64..320).map(|offset| (offset, offset as u64 % 8)))
}

#[test]
fn flipped_bits_are_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let env = filled(dir.path());
    let database = dir.path().join("store.redb");
    let whole = std::fs::read(&database).unwrap();
    let (mut recognised, mut state) = (0, 88_172_645_463_325_252);
    let anywhere = (0..600).map(|_| (random(&mut state) as usize % whole.len(), random(&mut state) % 8));
    let tested: Vec<(usize, u64)> = header_bits().chain(anywhere).collect();
    for &(offset, bit) in &tested {
        let mut damaged = whole.clone();
        damaged[offset] ^= 1 << bit;
        recognised += u32::from(check(
            &database,
            &damaged,
            env,
            &format!("flipped bit {bit} of byte {offset}"),
        ));
    }
    println!(
        "{recognised} of {} flips were in use and recognised",
        tested.len()
    );
    assert!(recognised > 100);
}

#[test]
fn a_wiped_page_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let env = filled(dir.path());
    let database = dir.path().join("store.redb");
    let whole = std::fs::read(&database).unwrap();
    let mut recognised = 0;
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0);
        if damaged != whole {
            recognised += u32::from(check(&database, &damaged, env, &format!("wiped page {page}")));
        }
    }
    assert!(recognised > 10, "{recognised}");
}

#[test]
fn a_file_that_is_cut_or_not_ours_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let env = filled(dir.path());
    let database = dir.path().join("store.redb");
    let whole = std::fs::read(&database).unwrap();
    for len in [0, 1, 9, 100, 320, 4095, 4096, 8192, whole.len() / 2] {
        assert!(check(&database, &whole[..len], env, &format!("cut to {len}")));
    }
    for garbage in [
        vec![0; 100_000],
        payload(1, 100_000),
        payload(2, 10),
        b"hello".to_vec(),
    ] {
        assert!(check(&database, &garbage, env, "garbage"));
    }
}

#[test]
fn a_missing_file_beside_snapshots_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let env = filled(dir.path());
    write_snapshot(&open(dir.path()), env, COMMITS, b"all").unwrap();
    let before = names(dir.path());
    std::fs::remove_file(dir.path().join("store.redb")).unwrap();
    let error = try_open(dir.path()).err().unwrap();
    assert_eq!(error.code(), "store_corrupt");
    assert_eq!(names(dir.path()), before[..2]);
}

#[test]
fn damage_while_the_store_is_open_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let env = filled(dir.path());
    let database = dir.path().join("store.redb");
    let whole = std::fs::read(&database).unwrap();
    let mut recognised = 0;
    for page in
        (1..whole.len() / 4096).filter(|page| whole[page * 4096..][..4096].iter().any(|&byte| byte != 0))
    {
        std::fs::write(&database, &whole).unwrap();
        let mut options = rowgate_store::Options::default();
        options.cache_bytes = 0;
        let store = Embedded::open(dir.path(), options).unwrap();
        let mut damaged = std::fs::read(&database).unwrap();
        damaged[page * 4096..][..4096].fill(0xa5);
        std::fs::write(&database, &damaged).unwrap();
        if let Err(error) = read_all(&store, env) {
            assert_eq!(error.code(), "store_corrupt", "page {page}: {error}");
            recognised += 1;
        }
    }
    assert!(recognised > 10, "{recognised}");
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let database = dir.path().join("store.redb");
    {
        let file = redb::Database::open(&database).unwrap();
        let transaction = file.begin_write().unwrap();
        let meta: redb::TableDefinition<&str, u64> = redb::TableDefinition::new("meta");
        transaction.open_table(meta).unwrap().insert("format", 2).unwrap();
        transaction.commit().unwrap();
    }
    let error = try_open(dir.path()).err().unwrap();
    assert_eq!(error.code(), "store_version");
    assert!(error.to_string().contains("newer"), "{error}");
}

/// A process that was killed leaves the file open for more work; damage is recognised in that state, too.
#[test]
fn flipped_bits_are_recognised_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let env = create_environment(&store, "a");
    for end in 1..=COMMITS / 100 {
        store.append(&commits(env, end * 100 - 99..=end * 100)).unwrap();
    }
    let after_the_crash = tempfile::tempdir().unwrap();
    let database = after_the_crash.path().join("store.redb");
    let whole = std::fs::read(dir.path().join("store.redb")).unwrap();
    let mut recognised = 0;
    // That one bit says which transaction is the last: see the end of `FORMAT.md`.
    for (offset, bit) in header_bits().filter(|&place| place != (9, 0)) {
        let mut damaged = whole.clone();
        damaged[offset] ^= 1 << bit;
        recognised += u32::from(check(
            &database,
            &damaged,
            env,
            &format!("flipped bit {bit} of byte {offset}"),
        ));
    }
    assert!(recognised > 100, "{recognised}");
}
