//! Sessions of Postgres: logged in, used, reset, used again.

mod pool;

pub(crate) use pool::{Credentials, Gauge, Lease, Logins, Pools};

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
        let request = match self.claimed {
            Claimed::Sealed(_) => "auth.next_request()",
            Claimed::Never | Claimed::Signed(_) => "null",
        };
        Ok(format!(
            "{CLEAN}SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed({seed}), current_user, {request}"
        ))
    }

    /// Whether a reset did what it should.
    fn accept(&mut self, (mut rows, transaction): (Texts, Transaction)) -> Result<(), WireError> {
        let row = rows.pop().and_then(|row| row.try_into().ok());
        let [_, _, user, request]: [Option<String>; 4] = row.ok_or(WireError::Unexpected)?;
        if user.as_ref() != Some(&self.role) || transaction != Transaction::None {
            return Err(WireError::Unexpected);
        }
        if let Claimed::Sealed(last) = &mut self.claimed {
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
