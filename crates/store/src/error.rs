//! What can go wrong in a store.

use std::error::Error;
use std::fmt;

/// The result of every operation of a store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The kinds of failure, each with a code that never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another server uses this store.
    Locked,
    /// What is stored is not what was written, or a part of it is missing. Nothing was changed.
    Corrupt,
    /// There is no room left on the disk, or a quota is used up. Nothing was changed. Later writes succeed
    /// once there is room again.
    Full,
    /// The operating system failed to read or write.
    Io,
    /// The store was written by a newer Rowgate.
    Version,
    /// A commit is not the next one of its environment, or a snapshot is not of a revision that the log has.
    RevisionConflict,
    /// Commits that were asked for are no longer in the log: a snapshot stands for them.
    RevisionTruncated,
    /// There is no such environment.
    EnvironmentUnknown,
    /// There is an environment of that name or uid already.
    EnvironmentExists,
    /// It is the only API key of its environment.
    LastApiKey,
    /// The store was closed.
    Closed,
    /// The database cannot be reached, or is starting or stopping. Nothing was changed.
    Unavailable,
    /// The connection was lost while a write was being committed, and the database did not come back in time to be asked whether it
    /// was. The write is stored whole or not at all; reading it again says which.
    OutcomeUnknown,
    /// Others hold what is needed for longer than one waits. Nothing was changed.
    Busy,
    /// The database's role lacks a right, or the database does not let it in.
    Forbidden,
    /// The database has no tables of Rowgate.
    NotInstalled,
    /// The store cannot hold this value, or the database cannot be a store.
    Unsupported,
}

impl ErrorKind {
    /// The stable code, for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            ErrorKind::Locked => "store_locked",
            ErrorKind::Corrupt => "store_corrupt",
            ErrorKind::Full => "store_full",
            ErrorKind::Io => "store_io",
            ErrorKind::Version => "store_version",
            ErrorKind::RevisionConflict => "revision_conflict",
            ErrorKind::RevisionTruncated => "revision_truncated",
            ErrorKind::EnvironmentUnknown => "environment_unknown",
            ErrorKind::EnvironmentExists => "environment_exists",
            ErrorKind::LastApiKey => "last_api_key",
            ErrorKind::Closed => "store_closed",
            ErrorKind::Unavailable => "store_unavailable",
            ErrorKind::OutcomeUnknown => "store_outcome_unknown",
            ErrorKind::Busy => "store_busy",
            ErrorKind::Forbidden => "store_forbidden",
            ErrorKind::NotInstalled => "store_not_installed",
            ErrorKind::Unsupported => "store_unsupported",
        }
    }
}

/// A failure: what kind it is, and for people what happened and what to do.
#[derive(Debug)]
pub struct StoreError {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// A failure of this kind. The message says what happened, where, and what to do about it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> StoreError {
        StoreError {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Adds what caused the failure.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code of its kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

/// The refusal to delete the only key of an environment.
pub(crate) fn last_key(id: &str) -> StoreError {
    let what = format!("`{id}` is the only API key of its environment; create another one first");
    StoreError::new(ErrorKind::LastApiKey, what)
}
