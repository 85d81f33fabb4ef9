//! Queries in a session. Everything that a request asks for goes to Postgres at once, and one answer comes back: the first error ends it.

use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{CommandCompleteBody, DataRowBody, Message, RowDescriptionBody};
use postgres_protocol::message::frontend::{self, BindError};

use bytes::{BufMut, BytesMut};

use crate::body::Query;
use crate::config::Limits;
use crate::error::{DatabaseError, Error, Result};
use crate::head::Batch;
use crate::lasting;
use crate::session::{Form, Statements};
use crate::wire::{Connection, Transaction};

/// What a session has to do.
pub(crate) struct Work {
    /// The transaction around a batch. A single query is one by itself.
    pub(crate) batch: Option<Batch>,
    pub(crate) queries: Vec<Query>,
}

/// What came of a query.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) fields: Option<RowDescriptionBody>,
    pub(crate) rows: Vec<DataRowBody>,
    pub(crate) tag: String,
}

/// Queries that did not succeed.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Where the session stands. None: it cannot be used any more.
    pub(crate) session: Option<Transaction>,
    /// Whether the statement that failed had not begun to run, and nothing before it can have been committed.
    pub(crate) unstarted: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            session: None,
            unstarted: false,
        }
    }
}

/// The statement that brings claims into a session. They are its parameter: the texts of statements are shown and logged in more places.
pub(crate) struct Introduction {
    sql: &'static str,
    parameter: Option<String>,
}

impl Introduction {
    pub(crate) fn sealed(seal: String) -> Self {
        Self {
            sql: "call auth.set_session($1)",
            parameter: Some(seal),
        }
    }

    /// For a session that is kept: prepared once, and so cheaper. Locks that the last request left are let go before this one begins. What the call
    /// returns is not wanted.
    pub(crate) fn kept(seal: String) -> Self {
        Self {
            sql: "select pg_catalog.pg_advisory_unlock_all(), pg_catalog.set_config('rowgate.session', $1, false) is null",
            parameter: Some(seal),
        }
    }

    /// For the extension `pg_session_jwt`.
    pub(crate) fn signed(token: String) -> Self {
        Self {
            sql: "select auth.jwt_session_init($1)",
            parameter: Some(token),
        }
    }
}

impl Work {
    /// As messages, up to the one that Postgres answers with "ready". `statements`: those of a session that is kept.
    pub(crate) fn encode(
        &self,
        introduction: Option<&Introduction>,
        mut statements: Option<&mut Statements>,
        out: &mut BytesMut,
    ) -> Result<()> {
        let mut form = |find: fn(&mut Statements, &str) -> Form, sql: &str| {
            let known = statements.as_deref_mut();
            known.map_or(Form::Unnamed, |statements| find(statements, sql))
        };
        if let Some(batch) = &self.batch {
            let sql = begin(batch);
            statement(out, &sql, &[], form(Statements::own_form, &sql), false)?;
        }
        if let Some(Introduction { sql, parameter }) = introduction {
            let parameters = std::slice::from_ref(parameter);
            statement(out, sql, parameters, form(Statements::own_form, sql), false)?;
        }
        for Query { sql, parameters, .. } in &self.queries {
            statement(out, sql, parameters, form(Statements::form, sql), true)?;
        }
        if self.batch.is_some() {
            statement(out, COMMIT, &[], form(Statements::own_form, COMMIT), false)?;
        }
        frontend::sync(out);
        Ok(())
    }
}

const COMMIT: &str = "COMMIT";

fn begin(batch: &Batch) -> String {
    let mut sql = "START TRANSACTION".to_owned();
    if let Some(isolation) = batch.isolation {
        sql.push_str(" ISOLATION LEVEL ");
        sql.push_str(isolation.sql());
    }
    if batch.read_only {
        sql.push_str(" READ ONLY");
    }
    if batch.deferrable {
        sql.push_str(" DEFERRABLE");
    }
    sql
}

/// A statement, parameters and results as text. Postgres finds the types.
fn statement(
    out: &mut BytesMut,
    sql: &str,
    parameters: &[Option<String>],
    form: Form,
    described: bool,
) -> Result<()> {
    let unsendable =
        |_| Error::refused("a query or a parameter cannot be sent: it is too long or has a zero byte");
    let name = form.name();
    if let Form::New(_) = form {
        frontend::close(b'S', &name, out).map_err(unsendable)?;
    }
    if !matches!(form, Form::Known(_)) {
        frontend::parse(&name, sql, [], out).map_err(unsendable)?;
    }
    let text = |value: &Option<String>, out: &mut BytesMut| match value {
        None => Ok(IsNull::Yes),
        Some(text) => {
            out.put_slice(text.as_bytes());
            Ok(IsNull::No)
        }
    };
    frontend::bind("", &name, [], parameters, text, [], out).map_err(|error| match error {
        BindError::Conversion(_) | BindError::Serialization(_) => {
            Error::refused("there are too many parameters, or one is too long")
        }
    })?;
    if described {
        frontend::describe(b'P', "", out).map_err(unsendable)?;
    }
    frontend::execute("", 0, out).map_err(unsendable)
}

/// Reads what comes of the work, to the end. `before`: how many statements of ours come first, but for the one that begins a batch.
pub(crate) async fn collect(
    connection: &mut Connection,
    work: &Work,
    before: usize,
    limits: &Limits,
) -> Result<(Vec<Outcome>, Transaction), Failure> {
    let mut collector = Collector {
        before: usize::from(work.batch.is_some()) + before,
        queries: work.queries.len(),
        current: Outcome::default(),
        done: Vec::with_capacity(work.queries.len()),
        bytes: 0,
        rows: 0,
        is_bound: false,
    };
    let mut failed = None;
    loop {
        match connection.next().await.map_err(crate::wire::WireError::answer)? {
            Message::ErrorResponse(body) => {
                let error = DatabaseError::read(&body);
                let is_end = matches!(error.severity.as_deref(), Some("FATAL" | "PANIC"));
                let error = Error::Database(Box::new(error));
                if is_end {
                    return Err(error.into());
                }
                failed = Some(error);
            }
            Message::ReadyForQuery(body) => {
                let transaction = Transaction::read(body.status());
                return match failed {
                    Some(error) => Err(Failure {
                        error,
                        session: Some(transaction),
                        unstarted: collector.is_unstarted(),
                    }),
                    None => Ok((collector.done, transaction)),
                };
            }
            message => collector.take(message, limits)?,
        }
    }
}

struct Collector {
    /// Statements of ours that come first, and whose results nobody wants.
    before: usize,
    /// How many statements the request has. What comes after them is ours again.
    queries: usize,
    current: Outcome,
    done: Vec<Outcome>,
    bytes: usize,
    rows: usize,
    /// Whether the current statement got as far as running.
    is_bound: bool,
}

impl Collector {
    fn take(&mut self, message: Message, limits: &Limits) -> Result<()> {
        match message {
            Message::RowDescription(fields) => self.current.fields = Some(fields),
            Message::DataRow(row) => {
                self.bytes += row.buffer().len();
                self.rows += 1;
                if self.bytes > limits.response {
                    return Err(Error::ResponseTooLarge(limits.response, "bytes"));
                }
                if self.rows > limits.rows {
                    return Err(Error::ResponseTooLarge(limits.rows, "rows"));
                }
                self.current.rows.push(row);
            }
            Message::CommandComplete(body) => self.complete(tag(&body)?),
            Message::EmptyQueryResponse => self.complete(String::new()),
            Message::CopyInResponse(_) | Message::CopyOutResponse(_) => return Err(Error::Copy),
            Message::BindComplete => self.is_bound = true,
            Message::ParseComplete | Message::CloseComplete | Message::NoData => {}
            _ => return Err(Error::Unreachable("the database said something unexpected")),
        }
        Ok(())
    }

    /// Whether the current statement did nothing yet, and those before it did not end the transaction that they are in.
    fn is_unstarted(&self) -> bool {
        let ended = self
            .done
            .iter()
            .any(|outcome| lasting::ends_transaction(&outcome.tag));
        !self.is_bound && self.done.len() < self.queries && !ended
    }

    fn complete(&mut self, tag: String) {
        self.is_bound = false;
        let outcome = Outcome {
            tag,
            ..std::mem::take(&mut self.current)
        };
        if self.before == 0 && self.done.len() < self.queries {
            self.done.push(outcome);
            return;
        }
        // A row of ours is not a row of the answer.
        self.rows -= outcome.rows.len();
        self.before = self.before.saturating_sub(1);
    }
}

fn tag(body: &CommandCompleteBody) -> Result<String> {
    let tag = body
        .tag()
        .map_err(|_| Error::Answer("the command tag is no text"))?;
    Ok(tag.to_owned())
}
