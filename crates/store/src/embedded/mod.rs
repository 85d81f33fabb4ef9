//! The embedded store: one directory, nothing to install.
//!
//! # Layout
//!
//! In the directory (`FORMAT.md` draws each file):
//!
//! * `LOCK`: held while a server uses the store
//! * `store.redb`: environments, API keys and the logs, changed by transactions
//! * `snapshot-<environment>-<revision>.rgs`: the snapshot of an environment
//!
//! In this module:
//!
//! * `lock`, `files`: the directory, its modes, what its errors mean
//! * `backend`, `database`, `engine`, `failure`: the storage engine, kept at arm's length: its file,
//!   transactions, a new handle after an error, a panic that is damage
//! * `trial`: opening a file without changing it
//! * `tables`: the tables and their rows
//! * `environments`, `keys`, `log`, `audit`: what is in them
//! * `snapshot_file`: the format of a snapshot; `snapshots`: which one counts

mod audit;
mod backend;
mod database;
mod engine;
mod environments;
mod failure;
#[cfg(test)]
mod fault_tests;
mod files;
mod keys;
mod lock;
mod log;
mod snapshot_file;
mod snapshots;
mod tables;
mod trial;

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use self::backend::{OpenFile, open_file};
use self::engine::Engine;
use self::files::{corrupt, create_dir, io_error, make_private, remove, sync_dir};
use self::lock::{LOCK, LockFile};
use self::snapshots::{SNAPSHOT, UNFINISHED, snapshot_files};
use self::tables::{API_KEYS, ENVIRONMENTS, HEADS, META, NEXT_ENVIRONMENT};
use crate::{
    ApiKeyRecord, AuditEntry, AuditRange, Commit, EnvironmentId, EnvironmentRecord, LogSize, NewEnvironment,
    Result, Revision, Store,
};

const DATABASE: &str = "store.redb";

/// Where a server keeps the keys of its own issuer: not the store's, and as private as the store.
const SIGNING_KEYS: &str = "identity";

/// How an embedded store is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How much memory the storage engine may use to keep parts of its file, in bytes. Decisions never read
    /// the store, so little is enough. 32 MiB unless set.
    pub cache_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cache_bytes: 32 << 20,
        }
    }
}

/// A store in a directory of its own, used by one server at a time.
pub struct Embedded {
    dir: PathBuf,
    engine: Engine,
    /// Held while a snapshot is written.
    snapshots: Mutex<()>,
    /// Given up when the store is closed. After `engine`, so that it is dropped last.
    lock: Mutex<Option<LockFile>>,
}

impl Embedded {
    /// Opens the store in a directory, and makes one when there is none.
    ///
    /// Fails with `store_locked` when another server uses it, `store_corrupt` when it is damaged, and
    /// `store_version` when a newer Rowgate wrote it. What is stored stays as it was.
    pub fn open(dir: &Path, options: Options) -> Result<Embedded> {
        Embedded::open_with(dir, options, Box::new(open_file))
    }

    fn open_with(dir: &Path, options: Options, open_file: OpenFile) -> Result<Embedded> {
        create_dir(dir)?;
        let lock = LockFile::take(dir)?;
        tidy(dir)?;
        let path = dir.join(DATABASE);
        let exists = path
            .try_exists()
            .map_err(|error| io_error("find", &path, error))?;
        if exists {
            make_private(&path, 0o600);
        } else {
            create(dir, &path, &open_file)?;
        }
        let engine = Engine::open(path, open_file, options.cache_bytes)?;
        let store = Embedded {
            dir: dir.to_owned(),
            engine,
            snapshots: Mutex::new(()),
            lock: Mutex::new(Some(lock)),
        };
        store.sweep_snapshots(None)?;
        Ok(store)
    }
}

/// Makes the database under another name first, so that it is there whole or not at all.
fn create(dir: &Path, path: &Path, open_file: &OpenFile) -> Result<()> {
    if !snapshot_files(dir)?.is_empty() {
        return Err(corrupt(
            path.display(),
            "the file is missing, although there are snapshots beside it",
        ));
    }
    let unfinished = dir.join(format!("{DATABASE}{UNFINISHED}"));
    database::create(&unfinished, open_file, |transaction| {
        transaction.open_table(META)?.insert(NEXT_ENVIRONMENT, 1)?;
        transaction.open_table(ENVIRONMENTS)?;
        transaction.open_table(HEADS)?;
        transaction.open_table(tables::LOG)?;
        transaction.open_table(API_KEYS)?;
        transaction.open_table(tables::AUDIT)?;
        Ok(())
    })?;
    fs::rename(&unfinished, path).map_err(|error| io_error("rename", &unfinished, error))?;
    sync_dir(dir)
}

/// Removes files that a process left before they were complete, and makes the directory private unless it
/// holds files of others, too.
fn tidy(dir: &Path) -> Result<()> {
    let mut ours_alone = true;
    for entry in fs::read_dir(dir).map_err(|error| io_error("list", dir, error))? {
        let path = entry.map_err(|error| io_error("list", dir, error))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let ours = name.starts_with(SNAPSHOT) || name.starts_with(DATABASE);
        if ours && name.ends_with(UNFINISHED) {
            remove(&path)?;
        }
        ours_alone &= ours || [LOCK, SIGNING_KEYS, "lost+found"].contains(&name);
    }
    if ours_alone {
        make_private(dir, 0o700);
    }
    Ok(())
}

impl Store for Embedded {
    fn environments(&self) -> Result<Vec<EnvironmentRecord>> {
        self.read_environments()
    }

    fn create_environment(&self, environment: &NewEnvironment) -> Result<EnvironmentRecord> {
        self.add_environment(environment)
    }

    fn delete_environment(&self, environment: EnvironmentId) -> Result<bool> {
        let deleted = self.remove_environment(environment)?;
        if deleted {
            // It is deleted even if its files cannot be: the next start tries again.
            let _ = self.sweep_snapshots(Some(environment));
        }
        Ok(deleted)
    }

    fn api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        self.read_keys()
    }

    fn put_api_key(&self, key: &ApiKeyRecord) -> Result<()> {
        self.write_key(key)
    }

    fn delete_api_key(&self, id: &str) -> Result<bool> {
        self.remove_key(id)
    }

    fn append(&self, commits: &[Commit]) -> Result<()> {
        self.append_commits(commits)
    }

    fn head(&self, environment: EnvironmentId) -> Result<Revision> {
        Ok(self.read_head(environment)?.head)
    }

    fn snapshot(&self, environment: EnvironmentId) -> Result<Option<(Revision, Box<dyn Read + Send>)>> {
        self.open_snapshot(environment)
    }

    fn commits_after(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        visit: &mut dyn FnMut(Commit) -> Result<()>,
    ) -> Result<()> {
        self.visit_commits(environment, revision, visit)
    }

    fn write_snapshot(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        self.replace_snapshot(environment, revision, write)
    }

    fn audit(&self, environment: EnvironmentId, range: &AuditRange) -> Result<Vec<AuditEntry>> {
        self.read_audit(environment, range)
    }

    fn prune_audit(&self, environment: EnvironmentId, before: i64) -> Result<u64> {
        self.remove_audit(environment, before)
    }

    fn log_size(&self, environment: EnvironmentId) -> Result<LogSize> {
        self.read_log_size(environment)
    }

    fn close(&self) -> Result<()> {
        // A snapshot on its way is completed first.
        let _snapshot = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = self.engine.close();
        // Even when the file could not be closed well, nothing uses it any more.
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
        closed
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.close();
    }
}
