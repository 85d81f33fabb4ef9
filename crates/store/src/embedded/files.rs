//! Files and the directory: modes, flushes, and what errors of theirs mean.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

use crate::{ErrorKind, Result, StoreError};

/// Files that this creates are for nobody else.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Creates the directory of a store, for nobody else.
pub(super) fn create_dir(dir: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(|error| io_error("create the directory", dir, error))
}

/// Makes a file or directory that is there already private, too, as far as this user may.
pub(super) fn make_private(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let loose = fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o777 & !mode != 0);
        if loose {
            // A volume that belongs to someone else is theirs to protect.
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        }
    }
    #[cfg(not(unix))]
    let _ = (path, mode, fs::metadata::<&Path>);
}

/// Makes the names in a directory durable: files that were created, renamed or removed.
pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    // Elsewhere a directory cannot be flushed, and a rename is durable without.
    if cfg!(unix) {
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|error| io_error("flush the directory", dir, error))?;
    }
    Ok(())
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path, error)),
        _ => Ok(()),
    }
}

/// The failure of an operation on a file.
pub(super) fn io_error(operation: &str, path: &Path, error: io::Error) -> StoreError {
    let path = path.display();
    let (kind, message) = match error.kind() {
        // The last is what a limit on the size of files gives, set by whoever started the process.
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => (
            ErrorKind::Full,
            format!(
                "no room left to {operation} `{path}`: {error}; nothing was changed, free space and try again"
            ),
        ),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => return corrupt(path, error.to_string()),
        _ => (ErrorKind::Io, format!("cannot {operation} `{path}`: {error}")),
    };
    StoreError::new(kind, message).with_source(error)
}

/// What is stored here is not what was written.
pub(super) fn corrupt(path: impl std::fmt::Display, what: impl std::fmt::Display) -> StoreError {
    StoreError::new(
        ErrorKind::Corrupt,
        format!(
            "the store is damaged in `{path}`: {what}; nothing was changed. Check the disk, keep a copy of the \
             directory, and restore it from a backup"
        ),
    )
}
