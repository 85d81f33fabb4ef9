//! From a login to a session that can be lent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::{Claimed, Session, Statements, defaults};
use crate::config::Limits;
use crate::error::{DatabaseError, Error, Result};
use crate::session_jwt::{self, Signer};
use crate::wire::{Connection, Dialer, Login, WireError, connect};

/// The longest message beyond the longest answer: what surrounds a row.
const MARGIN: usize = 64 << 10;

/// Defaults with which a client could keep the next session of its login from living long enough to take them back. What a session begins with
/// comes before the defaults of its role.
const SURVIVAL: [(&str, &str); 5] = [
    ("local_preload_libraries", ""),
    ("default_transaction_read_only", "off"),
    ("idle_session_timeout", "0"),
    ("lock_timeout", "0"),
    ("tcp_user_timeout", "0"),
];

/// Before PostgreSQL 17 there is no `transaction_timeout`.
const UNKNOWN_SETTING: &str = "42704";

/// How sessions of a pool log in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// As one of the logins of a client role.
    Client(Arc<Logins>),
    /// As the role itself, with the password of the request.
    Password(String),
}

impl Credentials {
    /// Whether claims are sealed for its sessions.
    pub(crate) fn takes_seals(&self) -> bool {
        matches!(self, Self::Client(logins) if !logins.signed)
    }
}

/// The logins of a client role, each of which can have one session.
#[derive(PartialEq, Eq)]
pub(crate) struct Logins {
    pub(crate) names: Vec<String>,
    pub(crate) password: String,
    /// Whether the extension `pg_session_jwt` answers who asks.
    pub(crate) signed: bool,
}

/// Opens sessions with one database.
pub(crate) struct Opener {
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) signer: Arc<Signer>,
    pub(crate) database: String,
    pub(crate) limits: Limits,
    /// Whether the database said that it does not know `transaction_timeout`.
    pub(crate) lacks_transaction_timeout: AtomicBool,
}

impl Opener {
    /// As a role with its password.
    pub(super) async fn open(&self, role: &str, password: &str) -> Result<Session> {
        let login = Login {
            user: role,
            password: Some(password),
            database: &self.database,
            settings: &[],
            proven: true,
        };
        let connection = self.connect(&login).await;
        let connection = connection.map_err(|error| refused(error, role))?;
        Ok(self.session(connection, None, Claimed::Never, role, role))
    }

    /// As a login of a client role.
    pub(super) async fn open_as_client(
        &self,
        role: &str,
        login: &str,
        logins: &Logins,
    ) -> Result<Session, WireError> {
        let mut connection = self.log_in(role, login, logins).await?;
        if defaults::restore(&mut connection, &self.database).await? {
            // They hold from the next session on.
            connection.close().await;
            connection = self.log_in(role, login, logins).await?;
            if defaults::restore(&mut connection, &self.database).await? {
                return Err(WireError::Changing);
            }
        }
        let first = if logins.signed {
            "select rowgate_client.connection(), current_user, auth.init()::text, 0"
        } else {
            "select auth.connection(), current_user, auth.next_request(),
                'auth.end_request(double precision)'::pg_catalog.regprocedure::pg_catalog.oid"
        };
        let (rows, _) = connection.simple(first).await?;
        let row = rows.into_iter().next().and_then(|row| row.try_into().ok());
        let [name, user, request, end] = row.ok_or(WireError::Unexpected)?;
        if name.is_none() || user.as_deref() != Some(role) {
            return Err(WireError::Unexpected);
        }
        let end = end.and_then(|end| end.parse().ok());
        let claimed = match (request, end) {
            _ if logins.signed => Claimed::Signed(0),
            (Some(request), Some(end)) => Claimed::Sealed { request, end },
            _ => return Err(WireError::Unexpected),
        };
        Ok(self.session(connection, name, claimed, login, role))
    }

    async fn log_in(&self, role: &str, login: &str, logins: &Logins) -> Result<Connection, WireError> {
        let time = self.limits.time.as_millis().to_string();
        let mut settings = vec![
            ("role", role),
            ("default_transaction_isolation", "repeatable read"),
            ("statement_timeout", &time),
            ("idle_in_transaction_session_timeout", &time),
        ];
        settings.extend(SURVIVAL);
        if logins.signed {
            settings.push((session_jwt::KEY_SETTING, self.signer.jwk()));
        }
        if self.lacks_transaction_timeout.load(Ordering::Relaxed) {
            return self.log_in_with(login, logins, &settings).await;
        }
        let old = settings.clone();
        settings.push(("transaction_timeout", "0"));
        match self.log_in_with(login, logins, &settings).await {
            Err(WireError::Database(error)) if error.has_code(UNKNOWN_SETTING) => {
                self.lacks_transaction_timeout.store(true, Ordering::Relaxed);
                self.log_in_with(login, logins, &old).await
            }
            outcome => outcome,
        }
    }

    async fn log_in_with(
        &self,
        login: &str,
        logins: &Logins,
        settings: &[(&str, &str)],
    ) -> Result<Connection, WireError> {
        let login = Login {
            user: login,
            password: Some(&logins.password),
            database: &self.database,
            settings,
            proven: false,
        };
        self.connect(&login).await
    }

    async fn connect(&self, login: &Login<'_>) -> Result<Connection, WireError> {
        connect(&self.dialer, login, self.limits.response + MARGIN).await
    }

    fn session(
        &self,
        connection: Connection,
        name: Option<String>,
        claimed: Claimed,
        login: &str,
        role: &str,
    ) -> Session {
        Session {
            connection,
            name,
            claimed,
            login: login.to_owned(),
            role: role.to_owned(),
            opened: Instant::now(),
            asked: false,
            kept: None,
            statements: Statements::new(self.limits.kept),
        }
    }
}

/// Why a role with a password does not get in. Whether there is such a role is not said.
fn refused(error: WireError, role: &str) -> Error {
    match error {
        WireError::Database(mut error) => {
            if error.has_code("28P01") || error.has_code("28000") {
                *error = DatabaseError {
                    message: format!("password authentication failed for user '{role}'"),
                    code: Some("28P01".into()),
                    severity: error.severity.take(),
                    ..Default::default()
                };
            }
            Error::Database(error)
        }
        WireError::Unasked => Error::refused(
            "the database lets this role in without its password, so a password proves nothing; change pg_hba.conf",
        ),
        other => other.answer(),
    }
}
