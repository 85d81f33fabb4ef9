//! Opening the file of the storage engine, and the transactions that need no more than that.

use std::fs;
use std::path::Path;

use redb::{Builder, Database, Durability, ReadableDatabase, StorageBackend, WriteTransaction};

use super::backend::{Guarded, OpenFile, WriteBarrier};
use super::engine::Undo;
use super::failure::{Failure, Outcome, contained};
use super::files::{corrupt, io_error};
use super::tables::{FORMAT, FORMAT_VERSION, HEADS, LOG, META, SEQUENCE, meta};
use super::trial::Trial;
use crate::{ErrorKind, Result, StoreError};

/// Up to this size, all of a file is checked when a store is opened, at about a second per GB. Beyond it,
/// damage is found when it is read.
const CHECKED_ON_OPEN: u64 = 1 << 30;

/// Makes an empty file with the tables in it.
pub(super) fn create(
    path: &Path,
    open_file: &OpenFile,
    tables: impl FnOnce(&WriteTransaction) -> Outcome<()>,
) -> Result<()> {
    contained(|| {
        let guarded = Guarded {
            file: open_file(path)?,
            barrier: WriteBarrier::default(),
        };
        let database = Builder::new().create_with_backend(guarded)?;
        let transaction = begin_write(&database)?;
        {
            let mut meta = transaction.open_table(META)?;
            meta.insert(FORMAT, FORMAT_VERSION)?;
            meta.insert(SEQUENCE, 0)?;
        }
        tables(&transaction)?;
        transaction.commit()?;
        Ok(database.close()?)
    })
    .map_err(|failure| failure.into_error("create", path))
}

/// How a file is opened.
pub(super) struct Opening<'a> {
    pub(super) open_file: &'a OpenFile,
    pub(super) cache_bytes: usize,
    /// Raised when the file is refused after all.
    pub(super) barrier: &'a WriteBarrier,
}

/// Opens a file that exists. Returns the number of its last write transaction, too.
pub(super) fn open(path: &Path, opening: &Opening<'_>) -> Outcome<(Database, u64)> {
    let file = open_existing(path, opening.open_file)?;
    let guarded = Guarded {
        file,
        barrier: opening.barrier.clone(),
    };
    let database = Builder::new()
        .set_cache_size(opening.cache_bytes)
        .create_with_backend(guarded)?;
    let sequence = read_sequence(&database, path).inspect_err(|_| opening.barrier.raise())?;
    Ok((database, sequence))
}

/// Finds out whether a file can be opened, without changing it. A file that is not too large is checked in
/// full.
pub(super) fn try_out(path: &Path, open_file: &OpenFile) -> Outcome<()> {
    let file = open_existing(path, open_file)?;
    let checked = file.len()? <= CHECKED_ON_OPEN;
    let database = Builder::new()
        .set_check_integrity_on_open(checked)
        .create_with_backend(Trial::new(file)?)?;
    read_sequence(&database, path)?;
    Ok(database.close()?)
}

fn open_existing(path: &Path, open_file: &OpenFile) -> Outcome<Box<dyn StorageBackend>> {
    // The engine would make a new database of an empty file.
    let len = fs::metadata(path)
        .map_err(|error| io_error("open", path, error))?
        .len();
    if len == 0 {
        return Err(corrupt(path.display(), "the file is empty").into());
    }
    Ok(open_file(path).map_err(|error| io_error("open", path, error))?)
}

fn read_sequence(database: &Database, path: &Path) -> Outcome<u64> {
    let table = database.begin_read()?.open_table(META)?;
    let format = meta(&table, FORMAT, path)?;
    if format > FORMAT_VERSION {
        return Err(newer(path, format));
    }
    meta(&table, SEQUENCE, path)
}

/// Every write transaction is durable when it is committed, and leaves the file such that it opens at once
/// after a crash.
pub(super) fn begin_write(database: &Database) -> Outcome<WriteTransaction> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// Takes back commits whose caller was told that they failed.
pub(super) fn put_back(database: &Database, undo: &Undo, sequence: u64) -> Outcome<()> {
    let transaction = begin_write(database)?;
    {
        let mut log = transaction.open_table(LOG)?;
        let mut heads = transaction.open_table(HEADS)?;
        for head in undo {
            let environment = head.environment.0;
            log.retain_in(
                (environment, head.head.next().get())..=(environment, u64::MAX),
                |_, _| false,
            )?;
            heads.insert(environment, head.encode().as_slice())?;
            super::audit::take_back(&transaction, head.environment, head.head)?;
        }
        transaction.open_table(META)?.insert(SEQUENCE, sequence)?;
    }
    Ok(transaction.commit()?)
}

fn newer(path: &Path, format: u64) -> Failure {
    StoreError::new(
        ErrorKind::Version,
        format!(
            "`{}` has layout {format}, which is newer than this Rowgate; start the Rowgate that wrote it, or a later one",
            path.display()
        ),
    )
    .into()
}
