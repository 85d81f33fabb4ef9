//! Sessions of Postgres: logged in, used, reset, used again.
//!
//! * `open`: from a login to a session; `defaults`: what a client left as the defaults of its login.
//! * `affinity`: the token that a session is kept for; `statements`: what it has prepared meanwhile.
//! * `pool`: the sessions of one role, and leases of them; `pools`: all of them, with what is shown of them.

mod affinity;
mod defaults;
mod open;
mod pool;
mod pools;
mod statements;

pub(crate) use affinity::Affinity;
pub(crate) use open::{Credentials, Logins, Opener};
pub(crate) use pool::Lease;
pub(crate) use pools::{Gauge, Pools};
pub(crate) use statements::{Form, Statements};

use std::time::{Duration, Instant};

use postgres_protocol::Oid;
use postgres_protocol::message::frontend;

use crate::wire::{Connection, Transaction, WireError, function_call};

/// How long a reset may take. A client can leave much behind, such as a thousand temporary tables.
const RESET: Duration = Duration::from_secs(5);

/// Everything that a user can leave in a session but cached plans, which are the same for everybody and expensive to make again.
const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; DEALLOCATE ALL; UNLISTEN *; \
    DISCARD TEMP; DISCARD SEQUENCES; ";

/// A session that is logged in.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    /// What `auth.connection()` says, if the session is a client's.
    pub(crate) name: Option<String>,
    pub(crate) claimed: Claimed,
    login: String,
    role: String,
    opened: Instant,
    /// Whether a reset was sent whose outcome was not read yet.
    asked: bool,
    /// The token that used it last and left what it has in it, for itself alone.
    kept: Option<Affinity>,
    pub(crate) statements: Statements,
}

/// How claims get into a session, and what makes them worth nothing in the next request.
pub(crate) enum Claimed {
    /// Not at all: it is the session of a role with a password.
    Never,
    /// Sealed for a number that the session drew.
    Sealed {
        /// As `auth.next_request()` says it.
        request: String,
        /// `auth.end_request()`.
        end: Oid,
    },
    /// In tokens for the extension `pg_session_jwt`, with numbers that grow. This was the last one.
    Signed(i64),
}

impl Session {
    /// Puts a reset after what is sent already, so that Postgres begins with it while the answer is on its way. [`Session::reset`] reads
    /// what came of it. Nothing that a statement does can keep Postgres from reading it as statements: only `COPY FROM STDIN` reads what
    /// comes next as something else, and a session in which that was tried is closed.
    pub(crate) fn ask_for_reset(&mut self) -> Result<(), WireError> {
        self.forget();
        self.write_reset()?;
        self.asked = true;
        Ok(())
    }

    /// Whether it was not reset since the token that it is kept for used it.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Whether the outcome of a reset is there to be read, or none is awaited.
    pub(crate) fn is_settled(&mut self) -> bool {
        !self.asked || self.connection.has_answers(self.answers())
    }

    /// Whether a reset was asked for whose outcome was not read yet.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.asked
    }

    /// Waits until the outcome of a reset can be read. Reads no message, so that it may be given up.
    pub(crate) async fn settled(&mut self) {
        if self.asked {
            self.connection.answers(self.answers()).await;
        }
    }

    /// Reads what came of a reset that is awaited, if one is, and resets what was kept.
    pub(crate) async fn settle(&mut self) -> Result<(), WireError> {
        match self.asked || self.is_kept() {
            true => self.reset(Transaction::None).await,
            false => Ok(()),
        }
    }

    /// Makes the session as if nobody had used it, and makes sure that it is.
    pub(crate) async fn reset(&mut self, transaction: Transaction) -> Result<(), WireError> {
        tokio::time::timeout(RESET, self.clean(transaction))
            .await
            .unwrap_or(Err(WireError::Slow))
    }

    /// It is about to be nobody's.
    fn forget(&mut self) {
        self.kept = None;
        self.statements.forget();
    }

    async fn clean(&mut self, transaction: Transaction) -> Result<(), WireError> {
        self.forget();
        if std::mem::take(&mut self.asked) {
            let outcome = self.read_reset().await;
            if transaction == Transaction::None {
                return clean(outcome?);
            }
            // It ran in a transaction that the user left open, and is undone with that.
            if let Err(error) = outcome
                && !matches!(error, WireError::Database(_))
            {
                return Err(error);
            }
        }
        if transaction != Transaction::None {
            self.connection.simple("ROLLBACK").await?;
        }
        self.write_reset()?;
        clean(self.read_reset().await?)
    }

    fn write_reset(&mut self) -> Result<(), WireError> {
        // The seed of random() is a state, too, and who sets it knows what comes next.
        let seed = seed()?;
        let end = match self.claimed {
            Claimed::Sealed { end, .. } => Some(end),
            Claimed::Never | Claimed::Signed(_) => None,
        };
        let output = self.connection.output();
        match end {
            Some(end) => {
                frontend::query(CLEAN, output)?;
                function_call(end, &seed, output)
            }
            None => {
                let rest = format!(
                    "SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed({seed}); SELECT current_user"
                );
                Ok(frontend::query(&format!("{CLEAN}{rest}"), output)?)
            }
        }
    }

    /// How often Postgres says that it is ready after a reset.
    fn answers(&self) -> usize {
        match self.claimed {
            Claimed::Sealed { .. } => 2,
            Claimed::Never | Claimed::Signed(_) => 1,
        }
    }

    /// Whether a reset did what it should, and where the session stands. Reads all of its answers, whatever they are.
    async fn read_reset(&mut self) -> Result<Transaction, WireError> {
        let cleaned = self.connection.simple_result().await;
        let transaction = match &mut self.claimed {
            Claimed::Sealed { request, .. } => {
                let (said, transaction) = self.connection.function_result().await?;
                cleaned?;
                let next = said
                    .as_deref()
                    .and_then(|said| said.strip_prefix(self.role.as_str()));
                *request = next
                    .and_then(|rest| rest.strip_prefix(' '))
                    .ok_or(WireError::Unexpected)?
                    .to_owned();
                transaction
            }
            Claimed::Never | Claimed::Signed(_) => {
                let (rows, transaction) = cleaned?;
                if rows.last() != Some(&vec![Some(self.role.clone())]) {
                    return Err(WireError::Unexpected);
                }
                transaction
            }
        };
        self.connection.trim();
        Ok(transaction)
    }
}

/// A session that was reset has no transaction.
fn clean(transaction: Transaction) -> Result<(), WireError> {
    match transaction {
        Transaction::None => Ok(()),
        Transaction::Open | Transaction::Failed => Err(WireError::Unexpected),
    }
}

/// A random number between 0 and 1, as SQL.
fn seed() -> Result<String, WireError> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| WireError::Io(std::io::Error::other(error)))?;
    Ok(format!("0.{:010}", u32::from_le_bytes(bytes)))
}
