//! One server per store.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::files::{io_error, private};
use crate::{ErrorKind, Result, StoreError};

/// The name of the lock file.
pub(super) const LOCK: &str = "LOCK";

/// The lock file of a store. It is held while this value lives: the operating system lets go of it when the
/// process ends, however it ends, so a lock is never left behind.
pub(super) struct LockFile {
    _file: File,
}

impl LockFile {
    /// Takes the lock of the store in a directory.
    pub(super) fn take(dir: &Path) -> Result<LockFile> {
        let path = dir.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = private(&mut options)
            .open(&path)
            .map_err(|error| io_error("open", &path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(dir, &mut file)),
            Err(TryLockError::Error(error)) => return Err(io_error("lock", &path, error)),
        }
        // Who holds it, for the message that a second server gives. Of no consequence when it fails.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(LockFile { _file: file })
    }
}

fn held(dir: &Path, file: &mut File) -> StoreError {
    let mut holder = String::new();
    let known = file
        .take(20)
        .read_to_string(&mut holder)
        .is_ok_and(|_| holder.parse::<u32>().is_ok());
    let by = if known {
        format!(" (process {holder})")
    } else {
        String::new()
    };
    StoreError::new(
        ErrorKind::Locked,
        format!(
            "another Rowgate{by} uses the store in `{}`; stop it first, or give this one a directory of its own",
            dir.display()
        ),
    )
}
