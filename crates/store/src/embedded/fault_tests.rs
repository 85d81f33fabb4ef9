//! The store on disks that fail: full, failing for a while, and losing power.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::backend::{OpenFile, open_file};
use super::{DATABASE, Embedded, Options};
use crate::{AuditRange, Change, Commit, EnvironmentId, NewEnvironment, Result, Revision, Store};

const SECTOR: u64 = 512;

/// How the disk behaves, shared by all handles of it.
#[derive(Debug, Default)]
struct Disk {
    /// No file may become longer than this.
    capacity: Option<u64>,
    /// After so many operations, one fails.
    fail_after: Option<u64>,
    /// That one and all after it.
    for_good: bool,
    /// It reports the failure, and did the work all the same.
    after_the_work: bool,
    /// Whether reads count and fail, too.
    reads_too: bool,
    /// What the sectors held that were written since the last flush, and how long the file was.
    unflushed: BTreeMap<u64, Vec<u8>>,
    flushed_len: Option<u64>,
    failures: u64,
}

type SharedDisk = Arc<Mutex<Disk>>;

impl Disk {
    /// Whether this operation fails.
    fn fails(&mut self) -> bool {
        match &mut self.fail_after {
            None => return false,
            Some(0) => {}
            Some(left) => {
                *left -= 1;
                return false;
            }
        }
        if !self.for_good {
            self.fail_after = None;
        }
        self.failures += 1;
        true
    }

    fn heal(&mut self) {
        self.fail_after = None;
        self.capacity = None;
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: FileBackend,
    disk: SharedDisk,
}

impl FaultyFile {
    fn change(&self, work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let (fails, after) = {
            let mut disk = self.disk.lock().unwrap();
            (disk.fails(), disk.after_the_work)
        };
        if fails && !after {
            return Err(io::Error::other("the disk failed"));
        }
        work()?;
        if fails {
            Err(io::Error::other("the disk failed, maybe"))
        } else {
            Ok(())
        }
    }

    fn check_room(&self, end: u64) -> io::Result<()> {
        match self.disk.lock().unwrap().capacity {
            Some(capacity) if end > capacity => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    /// Keeps what was flushed of the sectors that are about to change.
    fn remember(&self, from: u64, to: u64) -> io::Result<()> {
        let len = self.file.len()?;
        let mut disk = self.disk.lock().unwrap();
        let flushed_len = *disk.flushed_len.get_or_insert(len);
        for sector in from / SECTOR..to.div_ceil(SECTOR) {
            let start = sector * SECTOR;
            if start + SECTOR <= flushed_len.min(len) && !disk.unflushed.contains_key(&sector) {
                let mut old = vec![0; SECTOR as usize];
                self.file.read(start, &mut old)?;
                disk.unflushed.insert(sector, old);
            }
        }
        Ok(())
    }
}

impl StorageBackend for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let fails = {
            let mut disk = self.disk.lock().unwrap();
            disk.reads_too && disk.fails()
        };
        if fails {
            return Err(io::Error::other("the disk failed"));
        }
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_room(len)?;
        self.change(|| {
            self.remember(len, self.file.len()?)?;
            self.file.set_len(len)
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|| {
            let mut disk = self.disk.lock().unwrap();
            disk.unflushed.clear();
            disk.flushed_len = None;
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let end = offset + data.len() as u64;
        self.check_room(end)?;
        self.change(|| {
            self.remember(offset, end)?;
            self.file.write(offset, data)
        })
    }
}

fn faulty(disk: &SharedDisk) -> OpenFile {
    let disk = disk.clone();
    Box::new(move |path| {
        if disk.lock().unwrap().for_good && disk.lock().unwrap().fail_after == Some(0) {
            return Err(io::Error::other("the disk is gone"));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let file = FileBackend::new(file).map_err(io::Error::other)?;
        Ok(Box::new(FaultyFile {
            file,
            disk: disk.clone(),
        }))
    })
}

struct World {
    dir: tempfile::TempDir,
    disk: SharedDisk,
    store: Embedded,
    env: EnvironmentId,
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let disk = SharedDisk::default();
        let store = Embedded::open_with(dir.path(), Options::default(), faulty(&disk)).unwrap();
        let new = NewEnvironment {
            name: "a".into(),
            uid: "u".into(),
            created_at: 0,
        };
        let env = store.create_environment(&new).unwrap().id;
        World {
            dir,
            disk,
            store,
            env,
        }
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join(DATABASE)
    }

    fn batch(&self, after: u64, count: u64) -> Vec<Commit> {
        (after + 1..=after + count)
            .map(|number| self.commit(number, after + count))
            .collect()
    }

    /// Says in `at` where its batch ends, so that a torn batch is seen.
    fn commit(&self, number: u64, batch_end: u64) -> Commit {
        let json = format!("{number}-").repeat(1 + number as usize % 50 * 10);
        Commit {
            environment: self.env,
            revision: Revision::from_u64(number),
            at: batch_end as i64,
            changes: vec![
                Change::Schema { json },
                Change::Audit {
                    entry: number.to_string(),
                },
            ],
        }
    }

    /// Everything is there up to this revision, and nothing else.
    fn expect(&self, store: &Embedded, head: u64) {
        assert_eq!(store.head(self.env).unwrap().get(), head);
        let mut last = 0;
        let mut end = 0;
        store
            .commits_after(self.env, Revision::ZERO, &mut |commit| {
                last += 1;
                end = commit.at as u64;
                assert_eq!(commit, self.commit(last, end));
                Ok(())
            })
            .unwrap();
        assert_eq!((last, end), (head, head), "no batch is torn");
        assert_eq!(store.log_size(self.env).unwrap().commits, head);
        let range = AuditRange {
            newest_first: false,
            after: None,
            limit: usize::MAX,
        };
        let told = store.audit(self.env, &range).unwrap();
        let told = told.iter().map(|entry| entry.entry.parse().unwrap());
        assert_eq!(
            told.collect::<Vec<u64>>(),
            (1..=head).collect::<Vec<u64>>(),
            "an audit entry for each commit and for nothing else"
        );
    }
}

fn reopen(dir: &Path) -> Result<Embedded> {
    Embedded::open_with(dir, Options::default(), Box::new(open_file))
}

#[test]
fn a_full_disk_is_an_error_that_passes() {
    let world = World::new();
    let mut head = 0;
    for round in 0..3 {
        let len = std::fs::metadata(world.database()).unwrap().len();
        world.disk.lock().unwrap().capacity = Some(len);
        let error = loop {
            match world.store.append(&world.batch(head, 50)) {
                Ok(()) => head += 50,
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), "store_full", "{error}");
        assert!(error.to_string().contains("store.redb"), "{error}");
        for _ in 0..3 {
            assert_eq!(
                world.store.append(&world.batch(head, 200)).unwrap_err().code(),
                "store_full"
            );
        }
        world.expect(&world.store, head);
        world.disk.lock().unwrap().heal();
        let grown = 400 * (round + 1);
        world.store.append(&world.batch(head, grown)).unwrap();
        head += grown;
        world.expect(&world.store, head);
    }
    world.store.close().unwrap();
    world.expect(&reopen(world.dir.path()).unwrap(), head);
}

/// The disk fails at every operation of an append in turn.
fn at_every_operation(configure: impl Fn(&mut Disk), meanwhile: impl Fn(&World)) {
    let world = World::new();
    let (mut head, mut after, mut errors) = (0, 0, 0);
    loop {
        let before = {
            let mut disk = world.disk.lock().unwrap();
            disk.fail_after = Some(after);
            configure(&mut disk);
            disk.failures
        };
        let outcome = world.store.append(&world.batch(head, 3));
        match outcome {
            Ok(()) => head += 3,
            Err(error) => {
                assert_eq!(error.code(), "store_io", "{error}");
                errors += 1;
            }
        }
        let failed = world.disk.lock().unwrap().failures > before;
        if failed {
            meanwhile(&world);
        }
        world.disk.lock().unwrap().heal();
        world.expect(&world.store, head);
        world.store.append(&world.batch(head, 2)).unwrap();
        head += 2;
        if !failed {
            break;
        }
        after += 1;
    }
    assert!(errors > 0 && after > 5, "{errors} errors at {after} operations");
    world.store.close().unwrap();
    let store = reopen(world.dir.path()).unwrap();
    world.expect(&store, head);
}

#[test]
fn a_failing_operation_leaves_the_commit_absent_or_answered() {
    at_every_operation(|_| {}, |_| {});
}

#[test]
fn a_failure_that_was_none_leaves_the_commit_absent_or_answered() {
    at_every_operation(|disk| disk.after_the_work = true, |_| {});
}

#[test]
fn a_failing_read_is_no_different() {
    at_every_operation(|disk| disk.reads_too = true, |_| {});
}

#[test]
fn a_disk_that_is_gone_for_a_while_holds_no_surprise_when_it_is_back() {
    for after_the_work in [false, true] {
        at_every_operation(
            |disk| {
                disk.for_good = true;
                disk.reads_too = true;
                disk.after_the_work = after_the_work;
            },
            |world| {
                assert_eq!(world.store.head(world.env).unwrap_err().code(), "store_io");
            },
        );
    }
}

/// The same for a snapshot. Its own file is well; it is the transaction by which it counts that fails.
#[test]
fn a_failing_operation_leaves_the_old_snapshot_or_the_new_one() {
    for after_the_work in [false, true] {
        let world = World::new();
        let (mut base, mut after, mut errors) = (0, 0, 0);
        loop {
            world.store.append(&world.batch(base, 10)).unwrap();
            let taken = base + 10;
            let before = {
                let mut disk = world.disk.lock().unwrap();
                disk.fail_after = Some(after);
                disk.after_the_work = after_the_work;
                disk.failures
            };
            let revision = Revision::from_u64(taken);
            let outcome = world
                .store
                .write_snapshot(world.env, revision, &mut |to| write!(to, "{taken}"));
            let failed = world.disk.lock().unwrap().failures > before;
            world.disk.lock().unwrap().heal();
            let expected = if outcome.is_ok() { taken } else { base };
            errors += u32::from(outcome.is_err());
            match world.store.snapshot(world.env).unwrap() {
                Some((found, mut reader)) => {
                    let mut text = String::new();
                    reader.read_to_string(&mut text).unwrap();
                    assert_eq!((found.get(), text), (expected, expected.to_string()));
                }
                None => assert_eq!(expected, 0),
            }
            let snapshots = super::snapshots::snapshot_files(world.dir.path()).unwrap();
            assert_eq!(snapshots.len(), usize::from(expected > 0));
            let mut next = expected;
            let all = &mut |commit: Commit| {
                next += 1;
                assert_eq!(commit.revision.get(), next);
                Ok(())
            };
            world
                .store
                .commits_after(world.env, Revision::from_u64(expected), all)
                .unwrap();
            assert_eq!(next, taken);
            world
                .store
                .write_snapshot(world.env, revision, &mut |to| write!(to, "{taken}"))
                .unwrap();
            base = taken;
            if !failed {
                break;
            }
            after += 1;
        }
        assert!(
            after > 10 && (after_the_work || errors > 0),
            "{errors} errors at {after} operations"
        );
    }
}

/// Puts back a part of the sectors that were not flushed, as a power failure does.
fn lose_power(disk: &SharedDisk, path: &Path, random: &mut impl FnMut() -> u64) {
    let mut disk = disk.lock().unwrap();
    let mut file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let all_or_some = random() % 4;
    for (sector, old) in std::mem::take(&mut disk.unflushed) {
        if all_or_some == 0 || random().is_multiple_of(2) {
            file.seek(SeekFrom::Start(sector * SECTOR)).unwrap();
            file.write_all(&old).unwrap();
        }
    }
    if let Some(len) = disk.flushed_len.take()
        && random().is_multiple_of(2)
    {
        file.set_len(len).unwrap();
    }
    *disk = Disk::default();
}

#[test]
fn a_power_failure_loses_nothing_answered() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut world = World::new();
    let mut head = 0;
    for round in 0..150 {
        {
            let mut disk = world.disk.lock().unwrap();
            disk.fail_after = Some(random() % 120);
            disk.for_good = true;
        }
        let unanswered = loop {
            let count = 1 + random() % 9;
            match world.store.append(&world.batch(head, count)) {
                Ok(()) => head += count,
                Err(_) => break head + count,
            }
        };
        world.store.close().unwrap_or_default();
        lose_power(&world.disk, &world.database(), &mut random);
        world.store = Embedded::open_with(world.dir.path(), Options::default(), faulty(&world.disk))
            .unwrap_or_else(|error| panic!("round {round}: {error}"));
        let found = world.store.head(world.env).unwrap().get();
        assert!(
            found == head || found == unanswered,
            "round {round}: {found} of {head} or {unanswered}"
        );
        head = found;
        world.expect(&world.store, head);
    }
}

#[test]
fn a_handle_that_was_given_up_does_not_write() {
    let world = World::new();
    world.store.append(&world.batch(0, 5)).unwrap();
    {
        let mut disk = world.disk.lock().unwrap();
        disk.fail_after = Some(0);
        disk.for_good = true;
        disk.reads_too = true;
    }
    assert!(world.store.append(&world.batch(5, 5)).is_err());
    let mut before = Vec::new();
    File::open(world.database())
        .unwrap()
        .read_to_end(&mut before)
        .unwrap();
    world.disk.lock().unwrap().heal();
    let path = world.database();
    let World { store, dir, .. } = world;
    drop(store);
    assert_eq!(std::fs::read(path).unwrap(), before);
    drop(dir);
}
