//! The store in a schema `rowgate` of the application's database.
//!
//! Warrants are rows. Whoever writes some, a server or the application in its own transaction, changes the rows and tells of the change in
//! the same transaction, so a grant exists exactly when its transaction committed. Servers keep everything in memory and follow the log.
//!
//! # How a revision comes about
//!
//! A revision is given after the transaction committed, never before: so nobody can see revision 8 and miss 7 because 7 commits late.
//! An application's transaction leaves rows in `rowgate.pending`. A server's transaction holds the lock of the environment's log, gives
//! what is pending its revisions, catches up, checks its own writes against exactly that state, and appends them.
//! `rowgate.pending.seq` is drawn while the changed row is locked, so transactions that change the same warrant are numbered in the order
//! in which they changed it. When a server had to wait for such a lock, it finds a pending change of that warrant afterwards, undoes
//! its own and begins again (`turn`).
//!
//! # Layout
//!
//! * `target`: connection strings; `tls`: how connections are encrypted
//! * `session`: one connection and its statements; `pool`: those that are kept, and when to try again; `failure`: what errors mean
//! * `environments`, `keys`, `log`, `audit`: the tables of the same names
//! * `number`: revisions for what is pending; `net`, `rows`: what commits do to the tables; `turn`: writing
//! * `load`, `follow`: reading what others wrote
//! * `signing`: the private keys of the built-in issuer
//! * `migrations`, `install`, `uninstall`: how the tables come and go; `clients`: roles for those who bring tokens; `owners`: what the owners of tables lack; `apart`: who may not be both
//!
//! Everything but [`connect_async`] blocks. It must not be called on a thread that runs an async executor.

mod apart;
mod audit;
mod clients;
mod environments;
mod failure;
mod follow;
pub mod install;
mod keys;
mod load;
mod log;
mod migrations;
mod net;
mod number;
mod owners;
mod pool;
mod rows;
mod session;
mod signing;
mod target;
mod tls;
mod turn;
pub mod uninstall;

use std::io::{self, Read, Write};
use std::sync::Mutex;
use std::time::Duration;

use crate::{
    ApiKeyRecord, AuditEntry, AuditRange, Change, Commit, EnvironmentId, EnvironmentRecord, LogSize,
    NewEnvironment, Result, Revision, Shared, Standing, Store, TransactionState,
};
use pool::Pool;
use session::Session;
use target::Target;

pub use session::Driver;
pub use target::is_url;

/// How a [`Postgres`] store behaves.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// How long to wait for a lock that somebody else holds, before `store_busy`.
    pub lock_timeout: Duration,
    /// How long a statement may take. Loading an environment and deleting one are not bounded.
    pub statement_timeout: Duration,
    /// How long to try to find out whether a commit took place whose answer was lost, before `store_outcome_unknown`.
    pub patience: Duration,
    /// How long commits stay in the log at least. A server that was away for longer loads everything anew.
    pub retention: Duration,
}

impl Default for PostgresOptions {
    fn default() -> PostgresOptions {
        PostgresOptions {
            lock_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            patience: Duration::from_secs(20),
            retention: Duration::from_secs(3600),
        }
    }
}

/// The store in the application's database.
pub struct Postgres {
    pool: Pool,
    options: PostgresOptions,
    /// The connection that hears of changes.
    listener: Mutex<Option<Session>>,
}

impl Postgres {
    /// Connects to a database that has the tables: `postgres://user@host/database`.
    ///
    /// # Errors
    /// `store_unavailable`, `store_forbidden`; `store_not_installed` and `store_version` when `rowgate pg install` has to be run first or
    /// the tables are of a newer Rowgate; `store_unsupported` for a connection string or a database that cannot be used.
    pub fn connect(url: &str, options: PostgresOptions) -> Result<Postgres> {
        let target = Target::parse(url)?;
        let opening = format!("opening the store at {}", target.address());
        let store = Postgres {
            pool: Pool::new(target, &options),
            options,
            listener: Mutex::default(),
        };
        store.pool.run(&opening, migrations::check)?;
        Ok(store)
    }
}

/// A connection as a connection string says, for reading the application's tables.
///
/// # Errors
/// `store_unsupported` for a connection string that cannot be used, `store_unavailable` and `store_forbidden`.
pub fn connect(url: &str) -> Result<postgres::Client> {
    let target = Target::parse(url)?;
    session::connect(&target).map_err(|failure| failure.into_error(&connecting(&target)))
}

/// The same for those who wait asynchronously, on a runtime of tokio. Nothing is sent or received but while the [`Driver`] is polled.
///
/// # Errors
/// As [`connect`].
pub async fn connect_async(url: &str) -> Result<(tokio_postgres::Client, Driver)> {
    let target = Target::parse(url)?;
    let connection = session::connect_async(&target).await;
    connection.map_err(|failure| failure.into_error(&connecting(&target)))
}

fn connecting(target: &Target) -> String {
    format!("connecting to {}", target.address())
}

impl Store for Postgres {
    fn environments(&self) -> Result<Vec<EnvironmentRecord>> {
        self.pool.run("reading the environments", environments::list)
    }

    fn create_environment(&self, environment: &NewEnvironment) -> Result<EnvironmentRecord> {
        self.pool.write("creating an environment", |session| {
            environments::create(session, environment)
        })
    }

    fn delete_environment(&self, environment: EnvironmentId) -> Result<bool> {
        self.pool.write("deleting an environment", |session| {
            environments::delete(session, environment)
        })
    }

    fn api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        self.pool.run("reading the API keys", keys::list)
    }

    fn put_api_key(&self, key: &ApiKeyRecord) -> Result<()> {
        self.pool
            .write("storing an API key", |session| keys::put(session, key))
    }

    fn delete_api_key(&self, id: &str) -> Result<bool> {
        self.pool
            .write("deleting an API key", |session| keys::delete(session, id))
    }

    fn append(&self, commits: &[Commit]) -> Result<()> {
        turn::append(self, commits)
    }

    fn prepares_ahead(&self) -> bool {
        false
    }

    fn shared(&self) -> Option<&dyn Shared> {
        Some(self)
    }

    fn head(&self, environment: EnvironmentId) -> Result<Revision> {
        self.pool.run("reading the head", |session| {
            log::extent(&mut session.read()?, environment).map(|extent| extent.head)
        })
    }

    fn snapshot(&self, environment: EnvironmentId) -> Result<Option<(Revision, Box<dyn Read + Send>)>> {
        self.head(environment).map(|_| None)
    }

    fn commits_after(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        visit: &mut dyn FnMut(Commit) -> Result<()>,
    ) -> Result<()> {
        log::visit_after(&self.pool, environment, revision, visit)
    }

    fn write_snapshot(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        _write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        self.pool.run("reading the head", |session| {
            let extent = log::extent(&mut session.read()?, environment)?;
            log::assert_reached(environment, revision, extent.head)
        })
    }

    fn audit(&self, environment: EnvironmentId, range: &AuditRange) -> Result<Vec<AuditEntry>> {
        self.pool.run("reading the audit log", |session| {
            audit::read(session, environment, range)
        })
    }

    fn prune_audit(&self, environment: EnvironmentId, before: i64) -> Result<u64> {
        let mut removed = 0;
        loop {
            let (some, more) = self.pool.write("pruning the audit log", |session| {
                audit::prune_some(session, environment, before)
            })?;
            removed += some;
            if !more {
                return Ok(removed);
            }
        }
    }

    /// Nothing: start-up reads the state and not the log.
    fn log_size(&self, environment: EnvironmentId) -> Result<LogSize> {
        self.head(environment).map(|_| LogSize::default())
    }

    fn close(&self) -> Result<()> {
        self.pool.close();
        follow::hang_up(self);
        Ok(())
    }
}

impl Shared for Postgres {
    fn standing(&self) -> Result<Standing> {
        self.pool.run("reading where the log stands", follow::standing)
    }

    fn wait(&self, at_most: Duration) -> Result<bool> {
        follow::wait(self, at_most)
    }

    fn load(
        &self,
        environment: EnvironmentId,
        visit: &mut dyn FnMut(Change) -> Result<()>,
    ) -> Result<Revision> {
        load::load(self, environment, visit)
    }

    fn number_pending(&self, environment: EnvironmentId) -> Result<Revision> {
        self.pool.write("numbering pending changes", |session| {
            number::number_pending(session, environment)
        })
    }

    fn transact(
        &self,
        environment: EnvironmentId,
        known: Revision,
        prepare: &mut dyn FnMut(&[Commit]) -> Result<Vec<Commit>>,
    ) -> Result<Revision> {
        turn::take(self, environment, known, prepare)
    }

    fn transaction(&self, environment: EnvironmentId, number: u64) -> Result<TransactionState> {
        follow::transaction(self, environment, number)
    }

    fn prune(&self) -> Result<u64> {
        log::prune(&self.pool, self.options.retention)
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
