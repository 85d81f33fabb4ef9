//! What the database's errors mean.

use postgres::error::SqlState;

use crate::{ErrorKind, StoreError};

/// Why work on a session ended early.
#[derive(Debug)]
pub(super) enum Failure {
    Postgres(postgres::Error),
    Store(StoreError),
}

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Failure {
        Failure::Postgres(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

impl Failure {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Failure {
        Failure::Store(StoreError::new(kind, message))
    }

    /// Whether the connection is gone, or will be: the database ends, starts or was never reached.
    pub(super) fn is_disconnect(&self) -> bool {
        match self {
            Failure::Store(error) => {
                matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::OutcomeUnknown)
            }
            Failure::Postgres(error) => match error.code() {
                None => true,
                Some(code) => is_going(code),
            },
        }
    }

    /// Whether the transaction was ended for the sake of another one, and may be tried again.
    pub(super) fn is_collision(&self) -> bool {
        let Failure::Postgres(error) = self else {
            return false;
        };
        matches!(error.code(), Some(code)
            if *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::T_R_SERIALIZATION_FAILURE)
    }

    pub(super) fn has_code(&self, wanted: &SqlState) -> bool {
        matches!(self, Failure::Postgres(error) if error.code() == Some(wanted))
    }

    /// The error for callers. `doing` says what was tried.
    pub(super) fn into_error(self, doing: &str) -> StoreError {
        let error = match self {
            Failure::Store(error) => return error,
            Failure::Postgres(error) => error,
        };
        let kind = error.code().map_or(ErrorKind::Unavailable, kind_of);
        let said = said(&error);
        let message = match kind {
            ErrorKind::Unavailable => format!("{doing}: the database cannot be reached: {said}"),
            ErrorKind::Busy => {
                format!("{doing}: others hold the database's locks for too long: {said}; try again")
            }
            ErrorKind::Forbidden if is_login(&error) => {
                format!("{doing}: {said}; check the user and the password in the URL")
            }
            ErrorKind::Forbidden => format!(
                "{doing}: {said}; the role that Rowgate connects as needs `grant rowgate_server to …`, see `rowgate pg install`"
            ),
            ErrorKind::NotInstalled if error.code() == Some(&SqlState::UNDEFINED_DATABASE) => format!(
                "{doing}: {said}; check the name in the URL, or create the database and run `rowgate pg install` on it"
            ),
            ErrorKind::NotInstalled => {
                format!("{doing}: {said}; run `rowgate pg install` on this database first")
            }
            ErrorKind::Full => format!("{doing}: the database has no room left: {said}"),
            _ => format!("{doing}: the database says: {said}"),
        };
        StoreError::new(kind, message).with_source(error)
    }
}

/// What an error says, without Rust's words for it.
pub(super) fn said(error: &postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        said = format!("{said}: {inner}");
        cause = inner.source();
    }
    said
}

/// Whether the login was refused, and not something that it asked for.
fn is_login(error: &postgres::Error) -> bool {
    [
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INVALID_PASSWORD,
    ]
    .iter()
    .any(|code| error.code() == Some(code))
}

/// Whether the server is going away or not there yet.
fn is_going(code: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::DATABASE_DROPPED,
        SqlState::IDLE_SESSION_TIMEOUT,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ]
    .contains(code)
        || code.code().starts_with("08")
}

fn kind_of(code: &SqlState) -> ErrorKind {
    if is_going(code) || *code == SqlState::TOO_MANY_CONNECTIONS {
        return ErrorKind::Unavailable;
    }
    match code.code() {
        // Lock timeout, deadlock, serialisation, cancelled by statement_timeout.
        "55P03" | "40P01" | "40001" | "57014" => ErrorKind::Busy,
        // Disk full, out of memory, configured limits.
        code if code.starts_with("53") => ErrorKind::Full,
        // Privileges, authentication.
        "42501" | "28000" | "28P01" => ErrorKind::Forbidden,
        // Undefined schema, table, function, column, object; unknown database.
        "3F000" | "42P01" | "42883" | "42703" | "3D000" => ErrorKind::NotInstalled,
        // A standby; a character that text cannot hold, which is NUL.
        "25006" | "22021" => ErrorKind::Unsupported,
        "XX001" | "XX002" => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}
