//! The file under the storage engine.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::files::private;

/// Opens the file of the storage engine. Tests put one in place that fails in the ways disks fail.
pub(super) type OpenFile = Box<dyn Fn(&Path) -> io::Result<Box<dyn StorageBackend>> + Send + Sync>;

/// Opens the real file.
pub(super) fn open_file(path: &Path) -> io::Result<Box<dyn StorageBackend>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = private(&mut options).open(path)?;
    FileBackend::new(file)
        .map(|file| Box::new(file) as Box<dyn StorageBackend>)
        .map_err(io::Error::other)
}

/// Stops everything that a handle might still write.
///
/// A handle that met damage or an error is thrown away. Closing it must not write: what it believes about the
/// file may be wrong.
#[derive(Clone, Default)]
pub(super) struct WriteBarrier(Arc<AtomicBool>);

impl WriteBarrier {
    pub(super) fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn pass(&self) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) {
            return Err(io::Error::other("this handle was given up"));
        }
        Ok(())
    }
}

/// A file behind a barrier. It does not pass the engine's own locking on: the lock file of the store excludes
/// other processes, and within this one a handle is opened only after the one before it is gone.
pub(super) struct Guarded {
    pub(super) file: Box<dyn StorageBackend>,
    pub(super) barrier: WriteBarrier,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)
    }
}

impl StorageBackend for Guarded {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.barrier.pass()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.barrier.pass()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.barrier.pass()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}
