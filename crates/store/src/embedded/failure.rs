//! What ends a transaction early.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::files::{corrupt, io_error};
use crate::{ErrorKind, StoreError};

pub(super) type Outcome<T> = Result<T, Failure>;

/// Why a transaction did not come to its end.
pub(super) enum Failure {
    /// We refused: nothing was written, and the engine is well.
    Refused(StoreError),
    /// The engine failed, and its handle is of no use any more.
    Engine(redb::Error),
    /// The engine panicked.
    Panicked(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Refused(error)
    }
}

macro_rules! engine_errors {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::Engine(error.into())
            }
        }
    )*};
}

engine_errors!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError
);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Engine(redb::Error::Io(error))
    }
}

impl Failure {
    /// Whether it comes from an earlier failure, before anything was tried: with a new handle it may work.
    pub(super) fn is_stale_handle(&self) -> bool {
        use redb::Error::{DatabaseClosed, LockPoisoned, PreviousIo};
        matches!(
            self,
            Failure::Engine(PreviousIo | DatabaseClosed | LockPoisoned(_))
        )
    }

    /// The failure as the caller of the store gets it.
    pub(super) fn into_error(self, operation: &str, path: &Path) -> StoreError {
        match self {
            Failure::Refused(error) => error,
            Failure::Panicked(message) => corrupt(path.display(), message),
            Failure::Engine(error) => engine_error(error, operation, path),
        }
    }
}

fn engine_error(error: redb::Error, operation: &str, path: &Path) -> StoreError {
    use redb::Error as E;
    match error {
        E::Io(error) => io_error(operation, path, error),
        E::UpgradeRequired(version) => StoreError::new(
            ErrorKind::Version,
            format!(
                "`{}` is in file format {version}, which this Rowgate does not know; start the Rowgate that wrote it, or \
                 a later one",
                path.display()
            ),
        ),
        E::Corrupted(what) => corrupt(path.display(), what),
        // The tables are made with the store, so their absence is damage, too.
        E::TableDoesNotExist(_)
        | E::TableTypeMismatch { .. }
        | E::TypeDefinitionChanged { .. }
        | E::TableIsMultimap(_)
        | E::TableIsNotMultimap(_) => corrupt(path.display(), error),
        error => StoreError::new(
            ErrorKind::Io,
            format!("cannot {operation} `{}`: {error}", path.display()),
        )
        .with_source(error),
    }
}

/// Runs a piece of work of the storage engine.
///
/// The engine promises to report damage instead of panicking only for a file that it checked in full on
/// opening. Not every file is (a large one would take too long), and a file can be damaged later, so a panic
/// is taken for what it then is. The state it leaves behind is thrown away with the handle, hence the
/// assertion. Callbacks of callers never run in here: their panics are their own.
pub(super) fn contained<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Failure::Panicked(describe(&*panic))))
}

fn describe(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
    message.unwrap_or("the storage engine cannot read it").to_owned()
}
