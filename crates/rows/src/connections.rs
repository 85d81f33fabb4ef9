//! Connections to the database, kept and replaced.

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use hashbrown::HashMap;
use tokio::sync::Semaphore;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error as Failure, Row, Statement};

use crate::driven::Driven;
use crate::{Error, Result};

/// Connections of each kind, at work or kept.
const MOST: usize = 8;

/// Statements that stay prepared on a connection.
const PREPARED: usize = 256;

/// How long one reading may take, as the database is told.
const TIMEOUT: &str = "10s";

/// How long one reading may take altogether: waiting for a connection, connecting and reading.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a statement takes.
pub(crate) type Parameters<'p> = &'p [&'p (dyn ToSql + Sync)];

pub(crate) struct Connections {
    url: String,
    lists: Pool,
    rows: Pool,
}

/// How the database plans a prepared statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plans {
    /// Each time: lists, which begin after a key and end after so many rows. A plan that knows neither may read all rows before.
    Made,
    /// Once: rows that are found by their ids. Left to itself the database plans them each time, which takes longer than reading them.
    Kept,
}

/// Connections with the same settings.
struct Pool {
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

/// A connection and what is prepared on it.
struct Connection {
    client: Client,
    driven: Driven,
    prepared: HashMap<String, Statement>,
}

/// What becomes of the lines of an answer.
pub(crate) trait Collect {
    /// Takes a line, and says whether that is enough.
    fn take(&mut self, line: Row) -> ControlFlow<()>;
}

impl Collect for Vec<Row> {
    fn take(&mut self, line: Row) -> ControlFlow<()> {
        self.push(line);
        ControlFlow::Continue(())
    }
}

impl Connections {
    pub(crate) fn new(url: String) -> Self {
        let pool = || Pool {
            idle: Mutex::default(),
            places: Semaphore::new(MOST),
        };
        Self {
            url,
            lists: pool(),
            rows: pool(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Reads what a statement gives into what `fresh` makes. A connection that was kept and turns out to be gone is replaced, once.
    pub(crate) async fn read<C: Collect>(
        &self,
        plans: Plans,
        sql: &str,
        parameters: Parameters<'_>,
        fresh: impl Fn() -> C,
    ) -> Result<C> {
        let reading = pin!(self.read_in_time(plans, sql, parameters, fresh));
        let late = |_| Error::Unavailable("the database does not answer in time".into());
        tokio::time::timeout(PATIENCE, reading).await.map_err(late)?
    }

    async fn read_in_time<C: Collect>(
        &self,
        plans: Plans,
        sql: &str,
        parameters: Parameters<'_>,
        fresh: impl Fn() -> C,
    ) -> Result<C> {
        let pool = match plans {
            Plans::Made => &self.lists,
            Plans::Kept => &self.rows,
        };
        let closed = |_| Error::Unavailable("the server is stopping".into());
        let _place = pool.places.acquire().await.map_err(closed)?;
        let kept = pool.idle().pop();
        if let Some(mut connection) = kept {
            let mut found = fresh();
            match connection.read(sql, parameters, &mut found).await {
                Ok(whole) => {
                    pool.keep(connection, whole);
                    return Ok(found);
                }
                Err(error) if connection.client.is_closed() || is_farewell(&error) => pool.idle().clear(),
                Err(error) => {
                    pool.keep(connection, true);
                    return Err(failure(&error));
                }
            }
        }
        // Rare, and much larger than what is done each time.
        let mut connection = Box::pin(self.connect(plans)).await?;
        let mut found = fresh();
        let read = connection.read(sql, parameters, &mut found).await;
        let whole = read.map_err(|error| failure(&error))?;
        pool.keep(connection, whole);
        Ok(found)
    }

    async fn connect(&self, plans: Plans) -> Result<Connection> {
        let unavailable = |error: rowgate_store::StoreError| Error::Unavailable(error.to_string());
        let (client, driver) = rowgate_store::postgres::connect_async(&self.url)
            .await
            .map_err(unavailable)?;
        let mut connection = Connection {
            client,
            driven: Driven::new(driver),
            prepared: HashMap::new(),
        };
        let mode = match plans {
            Plans::Made => "force_custom_plan",
            Plans::Kept => "force_generic_plan",
        };
        // Nothing here writes, whatever the role may do.
        let settings = format!(
            "set search_path = pg_catalog, pg_temp; set statement_timeout = '{TIMEOUT}'; set lock_timeout = '{TIMEOUT}'; \
             set default_transaction_read_only = on; set jit = off; set client_min_messages = warning; set plan_cache_mode = {mode}"
        );
        let Connection { client, driven, .. } = &mut connection;
        let set = driven.drive(client.batch_execute(&settings)).await;
        set.map_err(|error| failure(&error))?;
        Ok(connection)
    }
}

impl Pool {
    /// Keeps a connection, unless an answer was not read to its end, so that the rest of it would have to be waited for.
    fn keep(&self, connection: Connection, whole: bool) {
        if whole && !connection.client.is_closed() {
            self.idle().push(connection);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Reads the lines of an answer one by one, as they arrive. Whether it was read to its end.
    async fn read(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
        into: &mut impl Collect,
    ) -> Result<bool, Failure> {
        let statement = self.prepared(sql).await?;
        let Self { client, driven, .. } = self;
        let reading = pin!(async {
            let lines = client.query_raw(&statement, parameters.iter().copied()).await?;
            let mut lines = pin!(lines);
            while let Some(line) = lines.try_next().await? {
                if into.take(line).is_break() {
                    return Ok(false);
                }
            }
            Ok(true)
        });
        driven.drive(reading).await
    }

    async fn prepared(&mut self, sql: &str) -> Result<Statement, Failure> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = Box::pin(self.driven.drive(self.client.prepare(sql))).await?;
        if self.prepared.len() >= PREPARED {
            self.prepared.clear();
        }
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// Whether the connection ends with an error. The database may say that it ends before it does.
fn is_farewell(error: &Failure) -> bool {
    let said = error.code();
    error.is_closed()
        || said.is_some_and(|code| [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code))
}

/// What a failure means. The database's own words say what to do; they hold no values of rows here, for no statement converts any
/// that could fail.
pub(crate) fn failure(error: &Failure) -> Error {
    match error.as_db_error() {
        Some(said) if said.code().code().starts_with("57") || said.code().code().starts_with("53") => {
            Error::Unavailable(said.message().to_owned())
        }
        Some(said) => Error::Database(said.message().to_owned()),
        None => Error::Unavailable(error.to_string()),
    }
}
