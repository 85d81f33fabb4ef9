//! One connection: its settings, its prepared statements, its transactions.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;

use postgres::types::ToSql;
use postgres::{Client, IsolationLevel, NoTls, Row, RowIter, Statement, Transaction};
use tokio_postgres::config::SslMode;

use super::PostgresOptions;
use super::failure::{Failure, Result};
use super::target::Target;
use crate::{ErrorKind, StoreError};

pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection.
pub(super) struct Session {
    client: Client,
    /// What is prepared on it, by its text.
    statements: HashMap<&'static str, Statement>,
}

impl Session {
    pub(super) fn open(target: &Target, options: &PostgresOptions) -> Result<Session> {
        let mut client = connect(target)?;
        // What was acknowledged is on disk, also where the database is set up to be less careful.
        client.batch_execute(&format!(
            "set search_path = pg_catalog, pg_temp; set lock_timeout = {}; set statement_timeout = {}; \
             set idle_in_transaction_session_timeout = '5min'; set client_min_messages = warning; set jit = off; \
             select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
            options.lock_timeout.as_millis(),
            options.statement_timeout.as_millis(),
        ))?;
        Ok(Session {
            client,
            statements: HashMap::new(),
        })
    }

    /// Begins a transaction that writes. Each of its statements sees what was committed when it began.
    pub(super) fn begin(&mut self) -> Result<Tx<'_>> {
        self.start(IsolationLevel::ReadCommitted, false)
    }

    /// Begins a transaction that reads: all its statements see the same.
    pub(super) fn read(&mut self) -> Result<Tx<'_>> {
        self.start(IsolationLevel::RepeatableRead, true)
    }

    fn start(&mut self, level: IsolationLevel, read_only: bool) -> Result<Tx<'_>> {
        let builder = self.client.build_transaction();
        Ok(Tx {
            transaction: builder.isolation_level(level).read_only(read_only).start()?,
            statements: &mut self.statements,
        })
    }

    /// The connection itself, for what needs no transaction.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Whether the connection is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// A connection as the connection string says, with no settings of ours.
pub(super) fn connect(target: &Target) -> Result<Client> {
    let config = postgres::Config::from(target.config.clone());
    let connected = match target.config.get_ssl_mode() {
        SslMode::Disable => config.connect(NoTls),
        _ => config.connect(target.trust.connector()?),
    };
    Ok(connected?)
}

/// What moves the messages of a connection while somebody waits for them. It never ends: those who wait are told when the connection has.
pub type Driver = Pin<Box<dyn Future<Output = Infallible> + Send>>;

/// The same for those who wait asynchronously.
pub(super) async fn connect_async(target: &Target) -> Result<(tokio_postgres::Client, Driver)> {
    if target.config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = target.config.connect(NoTls).await?;
        Ok((client, Box::pin(to_the_end(connection))))
    } else {
        let (client, connection) = target.config.connect(target.trust.connector()?).await?;
        Ok((client, Box::pin(to_the_end(connection))))
    }
}

async fn to_the_end(connection: impl Future) -> Infallible {
    // How it ends is said to whoever waits for an answer.
    drop(connection.await);
    std::future::pending().await
}

/// A transaction. Dropped without a commit, it is rolled back.
pub(super) struct Tx<'a> {
    transaction: Transaction<'a>,
    statements: &'a mut HashMap<&'static str, Statement>,
}

impl Tx<'_> {
    fn prepared(&mut self, sql: &'static str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.transaction.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    pub(super) fn query(&mut self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.query(&statement, params)?)
    }

    pub(super) fn query_opt(&mut self, sql: &'static str, params: Params<'_>) -> Result<Option<Row>> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.query_opt(&statement, params)?)
    }

    pub(super) fn query_one(&mut self, sql: &'static str, params: Params<'_>) -> Result<Row> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.query_one(&statement, params)?)
    }

    pub(super) fn execute(&mut self, sql: &'static str, params: Params<'_>) -> Result<u64> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.execute(&statement, params)?)
    }

    /// Rows one by one, however many there are.
    pub(super) fn stream(&mut self, sql: &'static str, params: Params<'_>) -> Result<RowIter<'_>> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.query_raw(&statement, params.iter().copied())?)
    }

    /// Statements without parameters.
    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.transaction.batch_execute(sql)?)
    }

    /// Lifts the bound on how long a statement may take, for the rest of the transaction.
    pub(super) fn take_your_time(&mut self) -> Result<()> {
        self.batch("set local statement_timeout = 0")
    }

    /// Commits. When the connection is lost over it, the error is `store_outcome_unknown`: it may have taken place.
    pub(super) fn commit(self) -> Result<()> {
        self.transaction.commit().map_err(|error| {
            let failure = Failure::Postgres(error);
            if !failure.is_disconnect() {
                return failure;
            }
            let error = failure.into_error("committing");
            let what = "the connection was lost while a write was being committed; it is stored whole or not at all, \
                        read it again to see which";
            Failure::Store(StoreError::new(ErrorKind::OutcomeUnknown, what).with_source(error))
        })
    }
}
