//! Connections to the database, kept and replaced.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, Row, Statement};

use crate::{Error, Result};

/// Connections that are kept while nobody uses them.
const KEPT: usize = 8;

/// Statements that stay prepared on a connection.
const PREPARED: usize = 256;

/// How long one reading may take.
const TIMEOUT: &str = "10s";

pub(crate) struct Connections {
    url: String,
    idle: Mutex<Vec<Connection>>,
}

/// A connection and what is prepared on it.
pub(crate) struct Connection {
    client: Client,
    prepared: HashMap<String, Statement>,
    /// As was last said; nothing at first.
    plans: Option<Plans>,
    /// Whether an answer was not read to its end, so that the rest of it would have to be waited for.
    abandoned: bool,
}

/// How the database plans a prepared statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plans {
    /// Each time: lists, which begin after a key and end after so many rows. A plan that knows neither may read all rows before.
    Made,
    /// Once: rows that are found by their ids. Left to itself the database plans them each time, which takes longer than reading them.
    Kept,
}

impl Connections {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            idle: Mutex::default(),
        }
    }

    /// Reads. A connection that was kept and turns out to be gone is replaced, once.
    pub(crate) fn read<T>(
        &self,
        mut work: impl FnMut(&mut Connection) -> Result<T, postgres::Error>,
    ) -> Result<T> {
        let kept = self.idle().pop();
        if let Some(mut connection) = kept {
            match work(&mut connection) {
                Ok(done) => {
                    self.keep(connection);
                    return Ok(done);
                }
                Err(error) if connection.client.is_closed() || is_farewell(&error) => self.idle().clear(),
                Err(error) => {
                    self.keep(connection);
                    return Err(failure(&error));
                }
            }
        }
        let mut connection = self.connect()?;
        match work(&mut connection) {
            Ok(done) => {
                self.keep(connection);
                Ok(done)
            }
            Err(error) => Err(failure(&error)),
        }
    }

    fn connect(&self) -> Result<Connection> {
        let mut client = rowgate_store::postgres::connect(&self.url)
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        // Nothing here writes, whatever the role may do.
        let settings = format!(
            "set search_path = pg_catalog, pg_temp; set statement_timeout = '{TIMEOUT}'; set lock_timeout = '{TIMEOUT}'; \
             set default_transaction_read_only = on; set jit = off; set client_min_messages = warning"
        );
        client.batch_execute(&settings).map_err(|error| failure(&error))?;
        Ok(Connection {
            client,
            prepared: HashMap::new(),
            plans: None,
            abandoned: false,
        })
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < KEPT && !connection.client.is_closed() && !connection.abandoned {
            idle.push(connection);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    pub(crate) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    pub(crate) fn query(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, postgres::Error> {
        self.plan(Plans::Made)?;
        let statement = self.prepared(sql)?;
        self.client.query(&statement, params)
    }

    /// Finds rows by their ids, and visits them one by one, as they arrive, until `visit` says that it has enough.
    pub(crate) fn visit(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
        mut visit: impl FnMut(&Row) -> ControlFlow<()>,
    ) -> Result<(), postgres::Error> {
        self.plan(Plans::Kept)?;
        let statement = self.prepared(sql)?;
        let mut rows = self.client.query_raw(&statement, params.iter().copied())?;
        while let Some(row) = rows.next()? {
            if visit(&row).is_break() {
                self.abandoned = true;
                return Ok(());
            }
        }
        Ok(())
    }

    fn plan(&mut self, plans: Plans) -> Result<(), postgres::Error> {
        if self.plans != Some(plans) {
            self.client.batch_execute(match plans {
                Plans::Made => "set plan_cache_mode = force_custom_plan",
                Plans::Kept => "set plan_cache_mode = force_generic_plan",
            })?;
            self.plans = Some(plans);
        }
        Ok(())
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, postgres::Error> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        if self.prepared.len() >= PREPARED {
            self.prepared.clear();
        }
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// Whether the connection ends with an error. The database may say that it ends before it does.
fn is_farewell(error: &postgres::Error) -> bool {
    let said = error.code();
    error.is_closed()
        || said.is_some_and(|code| [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code))
}

/// What a failure means. The database's own words say what to do; they hold no values of rows here, for no statement converts any
/// that could fail.
pub(crate) fn failure(error: &postgres::Error) -> Error {
    match error.as_db_error() {
        Some(said) if said.code().code().starts_with("57") || said.code().code().starts_with("53") => {
            Error::Unavailable(said.message().to_owned())
        }
        Some(said) => Error::Database(said.message().to_owned()),
        None => Error::Unavailable(error.to_string()),
    }
}
