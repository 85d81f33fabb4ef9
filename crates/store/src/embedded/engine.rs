//! The storage engine's handle: transactions, and a new handle after an error.
//!
//! An engine whose file failed to be read or written refuses all further work, because it cannot know what is
//! on disk. So the handle is replaced before the next piece of work: the file is opened again, and what it
//! holds is the truth. Every write transaction counts up one number in the file. By that number a commit that
//! reported an error is found to be there whole or not at all, and the caller is told which.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::backend::{OpenFile, WriteBarrier};
use super::database::{self, Opening};
use super::failure::{Failure, Outcome, contained};
use super::tables::{META, SEQUENCE};
use crate::codec::Head;
use crate::{ErrorKind, Result, StoreError};

/// What a write transaction would have to put back, should it be found to have happened although its caller
/// was told that it failed: the heads before it.
pub(super) type Undo = Vec<Head>;

pub(super) struct Engine {
    path: PathBuf,
    open_file: OpenFile,
    cache_bytes: usize,
    /// Readers and the writer share it. To replace the handle is to have it alone, so no transaction of the
    /// old handle is left when a new one begins to write. Nothing waits for this lock while it holds it.
    slot: RwLock<Slot>,
    /// Set when the handle has to be replaced.
    suspect: AtomicBool,
    writer: Mutex<Writer>,
}

enum Slot {
    Open {
        database: Database,
        barrier: WriteBarrier,
    },
    Lost,
    Closed,
}

/// What only the one writer may touch.
struct Writer {
    /// The number of the last write transaction.
    sequence: u64,
    /// A commit that reported an error and was not found out about yet.
    unresolved: Option<Unresolved>,
}

struct Unresolved {
    sequence: u64,
    undo: Undo,
}

impl Engine {
    /// Opens the file, which exists.
    pub(super) fn open(path: PathBuf, open_file: OpenFile, cache_bytes: usize) -> Result<Engine> {
        let engine = Engine {
            path,
            open_file,
            cache_bytes,
            slot: RwLock::new(Slot::Lost),
            suspect: AtomicBool::new(false),
            writer: Mutex::new(Writer {
                sequence: 0,
                unresolved: None,
            }),
        };
        contained(|| database::try_out(&engine.path, &engine.open_file))
            .and_then(|()| engine.replace(&mut engine.writer()))
            .map_err(|failure| engine.error(failure, "open"))?;
        Ok(engine)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads as of one moment. The work may be run a second time, on a new handle.
    pub(super) fn read<T>(&self, work: impl Fn(&ReadTransaction) -> Outcome<T>) -> Result<T> {
        let mut retried = false;
        loop {
            let outcome = self.try_read(&work);
            match outcome {
                Ok(value) => return Ok(value),
                Err(failure) if failure.is_stale_handle() && !retried => {
                    retried = true;
                    self.replace(&mut self.writer())
                        .map_err(|failure| self.error(failure, "open"))?;
                }
                Err(failure) => return Err(self.error(failure, "read")),
            }
        }
    }

    fn try_read<T>(&self, work: impl Fn(&ReadTransaction) -> Outcome<T>) -> Outcome<T> {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        let database = self.usable(&slot)?;
        self.watch(contained(|| work(&database.begin_read()?)))
    }

    /// Writes all of it or nothing, durable on return. The work may be run a second time, on a new handle.
    pub(super) fn write<T>(&self, work: impl Fn(&WriteTransaction, &mut Undo) -> Outcome<T>) -> Result<T> {
        let mut writer = self.writer();
        let mut retried = false;
        loop {
            let mut undo = Undo::new();
            let mut value = None;
            match self.try_write(writer.sequence + 1, &work, &mut undo, &mut value) {
                Ok(value) => {
                    writer.sequence += 1;
                    return Ok(value);
                }
                Err(Failure::Refused(error)) => return Err(error),
                Err(failure) if failure.is_stale_handle() && value.is_none() && !retried => {
                    retried = true;
                    self.replace(&mut writer)
                        .map_err(|failure| self.error(failure, "open"))?;
                }
                Err(failure) => return self.settle(&mut writer, value, undo, failure),
            }
        }
    }

    /// Leaves what the work returned in `value` when it was the commit that failed.
    fn try_write<T>(
        &self,
        sequence: u64,
        work: impl Fn(&WriteTransaction, &mut Undo) -> Outcome<T>,
        undo: &mut Undo,
        value: &mut Option<T>,
    ) -> Outcome<T> {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        let database = self.usable(&slot)?;
        let committed = contained(|| {
            let transaction = database::begin_write(database)?;
            let done = work(&transaction, undo)?;
            transaction.open_table(META)?.insert(SEQUENCE, sequence)?;
            *value = Some(done);
            Ok(transaction.commit()?)
        });
        self.watch(committed)?;
        value
            .take()
            .ok_or_else(|| Failure::Panicked("a committed transaction has no result".to_owned()))
    }

    /// After a failure: what became of the transaction?
    fn settle<T>(&self, writer: &mut Writer, value: Option<T>, undo: Undo, failure: Failure) -> Result<T> {
        let error = self.error(failure, "write to");
        let Some(value) = value else {
            // It did not get as far as the commit.
            return Err(error);
        };
        let sequence = writer.sequence + 1;
        writer.unresolved = Some(Unresolved {
            sequence,
            undo: Undo::new(),
        });
        match self.replace(writer) {
            Ok(()) if writer.sequence == sequence => Ok(value),
            Ok(()) => Err(error),
            Err(_) => {
                // It stays open until the file can be read. The caller is told that it failed, so it will be
                // undone.
                writer.unresolved = Some(Unresolved { sequence, undo });
                Err(error)
            }
        }
    }

    /// Closes the file. Whoever comes later is refused.
    pub(super) fn close(&self) -> Result<()> {
        let _writer = self.writer();
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *slot, Slot::Closed) {
            Slot::Open { database, barrier } => {
                if self.suspect.load(Ordering::SeqCst) {
                    barrier.raise();
                }
                contained(|| Ok(database.close()?)).map_err(|failure| self.error(failure, "close"))
            }
            Slot::Lost | Slot::Closed => Ok(()),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, failure: Failure, operation: &str) -> StoreError {
        failure.into_error(operation, &self.path)
    }

    fn usable<'a>(&self, slot: &'a Slot) -> Outcome<&'a Database> {
        match slot {
            Slot::Open { database, .. } if !self.suspect.load(Ordering::SeqCst) => Ok(database),
            Slot::Open { .. } | Slot::Lost => Err(Failure::Engine(redb::Error::PreviousIo)),
            Slot::Closed => Err(closed()),
        }
    }

    /// Marks the handle for replacement when the engine failed.
    fn watch<T>(&self, outcome: Outcome<T>) -> Outcome<T> {
        if matches!(outcome, Err(Failure::Engine(_) | Failure::Panicked(_))) {
            self.suspect.store(true, Ordering::SeqCst);
        }
        outcome
    }

    /// Replaces a handle that failed, and finds out about a commit that reported an error.
    fn replace(&self, writer: &mut Writer) -> Outcome<()> {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Slot::Closed => return Err(closed()),
            Slot::Open { .. } if !self.suspect.load(Ordering::SeqCst) => return Ok(()),
            Slot::Open { .. } | Slot::Lost => {}
        }
        if let Slot::Open { database, barrier } = std::mem::replace(&mut *slot, Slot::Lost) {
            barrier.raise();
            // What it says does not matter: it cannot write, and it is not used again.
            let _ = contained(|| Ok(database.close()?));
        }
        let barrier = WriteBarrier::default();
        let opened = contained(|| {
            let opening = Opening {
                open_file: &self.open_file,
                cache_bytes: self.cache_bytes,
                barrier: &barrier,
            };
            database::open(&self.path, &opening)
        });
        let (database, mut sequence) = opened.inspect_err(|_| barrier.raise())?;
        if let Some(Unresolved {
            sequence: unresolved,
            undo,
        }) = &writer.unresolved
            && *unresolved == sequence
            && !undo.is_empty()
        {
            sequence += 1;
            let undone = contained(|| database::put_back(&database, undo, sequence));
            if let Err(failure) = undone {
                barrier.raise();
                let _ = contained(|| Ok(database.close()?));
                return Err(failure);
            }
        }
        writer.unresolved = None;
        writer.sequence = sequence;
        self.suspect.store(false, Ordering::SeqCst);
        *slot = Slot::Open { database, barrier };
        Ok(())
    }
}

fn closed() -> Failure {
    StoreError::new(ErrorKind::Closed, "the store is closed").into()
}
