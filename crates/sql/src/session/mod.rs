//! Sessions of Postgres: logged in, used, reset, used again.

mod pool;

pub(crate) use pool::{Credentials, Lease, Pools};

use std::time::{Duration, Instant};

use crate::wire::{Connection, Transaction, WireError};

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
    /// What `auth.next_request()` said last: what claims are sealed for.
    pub(crate) request: Option<String>,
    login: String,
    role: String,
    opened: Instant,
}

impl Session {
    /// Makes the session as if nobody had used it, and makes sure that it is.
    pub(crate) async fn reset(&mut self, transaction: Transaction) -> Result<(), WireError> {
        tokio::time::timeout(RESET, self.clean(transaction))
            .await
            .unwrap_or(Err(WireError::Slow))
    }

    async fn clean(&mut self, transaction: Transaction) -> Result<(), WireError> {
        if transaction != Transaction::None {
            self.connection.simple("ROLLBACK").await?;
        }
        // The seed of random() is a state, too, and who sets it knows what comes next.
        let seed = seed()?;
        let request = if self.name.is_some() {
            "auth.next_request()"
        } else {
            "null"
        };
        let sql = format!(
            "{CLEAN}SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed({seed}), current_user, {request}"
        );
        let (mut rows, transaction) = self.connection.simple(&sql).await?;
        let row = rows.pop().and_then(|row| row.try_into().ok());
        let [_, _, user, request]: [Option<String>; 4] = row.ok_or(WireError::Unexpected)?;
        if user.as_ref() != Some(&self.role) || transaction != Transaction::None {
            return Err(WireError::Unexpected);
        }
        self.request = request;
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
