//! Sessions of Postgres: logged in, used, reset, used again.
//!
//! * `open`: from a login to a session; `defaults`: what a client left as the defaults of its login.
//! * `pool`: the sessions of one role, and who has one; `pools`: all of them, with what is shown of them.

mod defaults;
mod open;
mod pool;
mod pools;

pub(crate) use open::{Credentials, Logins, Opener};
pub(crate) use pool::Lease;
pub(crate) use pools::{Gauge, Pools};

use std::time::{Duration, Instant};

use postgres_protocol::message::frontend;

use crate::wire::{Connection, Texts, Transaction, WireError};

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
}

/// How claims get into a session, and what makes them worth nothing in the next request.
pub(crate) enum Claimed {
    /// Not at all: it is the session of a role with a password.
    Never,
    /// Sealed for what `auth.next_request()` said last.
    Sealed(String),
    /// In tokens for the extension `pg_session_jwt`, with numbers that grow. This was the last one.
    Signed(i64),
}

impl Session {
    /// Puts a reset after what is sent already, so that Postgres begins with it while the answer is on its way. [`Session::reset`] reads
    /// what came of it. Nothing that a statement does can keep Postgres from reading it as statements: only `COPY FROM STDIN` reads what
    /// comes next as something else, and a session in which that was tried is closed.
    pub(crate) fn ask_for_reset(&mut self) -> Result<(), WireError> {
        let sql = self.reset_sql()?;
        frontend::query(&sql, self.connection.output())?;
        self.asked = true;
        Ok(())
    }

    /// Whether the outcome of a reset is there to be read, or none is awaited.
    pub(crate) fn is_settled(&mut self) -> bool {
        !self.asked || self.connection.has_answer()
    }

    /// Whether a reset was asked for whose outcome was not read yet.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.asked
    }

    /// Waits until the outcome of a reset can be read. Reads no message, so that it may be given up.
    pub(crate) async fn settled(&mut self) {
        if self.asked {
            self.connection.answer().await;
        }
    }

    /// Reads what came of a reset that is awaited, if one is.
    pub(crate) async fn settle(&mut self) -> Result<(), WireError> {
        match self.asked {
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

    async fn clean(&mut self, transaction: Transaction) -> Result<(), WireError> {
        if std::mem::take(&mut self.asked) {
            let asked = self.connection.simple_result().await;
            if transaction == Transaction::None {
                return self.accept(asked?);
            }
            // It ran in a transaction that the user left open, and is undone with that.
            if let Err(error) = asked
                && !matches!(error, WireError::Database(_))
            {
                return Err(error);
            }
        }
        if transaction != Transaction::None {
            self.connection.simple("ROLLBACK").await?;
        }
        let sql = self.reset_sql()?;
        let result = self.connection.simple(&sql).await?;
        self.accept(result)
    }

    fn reset_sql(&self) -> Result<String, WireError> {
        // The seed of random() is a state, too, and who sets it knows what comes next.
        let seed = seed()?;
        Ok(match self.claimed {
            Claimed::Sealed(_) => format!("{CLEAN}CALL auth.end_request({seed}, null); SHOW role"),
            Claimed::Never | Claimed::Signed(_) => format!(
                "{CLEAN}SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed({seed}); SELECT current_user"
            ),
        })
    }

    /// Whether a reset did what it should.
    fn accept(&mut self, (rows, transaction): (Texts, Transaction)) -> Result<(), WireError> {
        let [first, role]: [Vec<Option<String>>; 2] = rows.try_into().map_err(|_| WireError::Unexpected)?;
        if role != [Some(self.role.clone())] || transaction != Transaction::None {
            return Err(WireError::Unexpected);
        }
        if let Claimed::Sealed(last) = &mut self.claimed {
            let request = first.into_iter().next().flatten();
            *last = request.ok_or(WireError::Unexpected)?;
        }
        self.connection.trim();
        Ok(())
    }
}

/// A random number between 0 and 1, as SQL.
fn seed() -> Result<String, WireError> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| WireError::Io(std::io::Error::other(error)))?;
    Ok(format!("0.{:010}", u32::from_le_bytes(bytes)))
}
