//! The rows that the questions of one request need, and asking again once they were read.

mod group;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rowgate_engine::{EngineError, Subject, View};
use rowgate_environment::rows::{Edge, Found, Row};
use rowgate_environment::{Bound, Environment, Published};
use rowgate_rls::{MAX_EDGES, ReadRow, RowsStatement};
use rowgate_store::EnvironmentId;
use tokio::runtime::Handle;

use self::group::{Group, Groups, Key, OwnKey, distinct, edges_of, find};
use crate::compiled::Compiled;
use crate::connections::{Collect, Connections, Parameters, Plans};
use crate::{Error, Result};

/// Most rows that the questions about one relation may read in one request.
pub(crate) const MAX_ROWS: usize = 10_000;

/// The application's tables.
pub struct Tables {
    pub(crate) connections: Connections,
    compiled: Mutex<HashMap<EnvironmentId, Arc<Compiled>>>,
    runtime: Handle,
}

impl Tables {
    /// Tables of the database that a connection string names. Nothing is connected yet. All connections belong to one runtime, with more
    /// than the current thread: questions are asked on it, and those who block wait for it.
    #[must_use]
    pub fn new(url: String, runtime: Handle) -> Self {
        Self {
            connections: Connections::new(url),
            compiled: Mutex::default(),
            runtime,
        }
    }

    /// For the questions of one request about one revision; `None` when the environment has no bindings.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Database`] when the columns of the tables have to be looked up and cannot be.
    pub async fn reader<'a>(
        &'a self,
        environment: &Environment,
        published: &'a Published,
    ) -> Result<Option<Reader<'a>>> {
        let Some(bound) = &published.bound else {
            return Ok(None);
        };
        Ok(Some(Reader {
            tables: self,
            compiled: self.compiled(environment.id(), published, bound).await?,
            published,
            groups: Mutex::default(),
        }))
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// As [`Tables::reader`].
    pub fn blocking_reader<'a>(
        &'a self,
        environment: &Environment,
        published: &'a Published,
    ) -> Result<Option<Reader<'a>>> {
        self.runtime.block_on(self.reader(environment, published))
    }

    async fn compiled(
        &self,
        environment: EnvironmentId,
        published: &Published,
        bound: &Arc<Bound>,
    ) -> Result<Arc<Compiled>> {
        let known = |all: &HashMap<_, Arc<Compiled>>| {
            all.get(&environment)
                .filter(|it| it.is_of(published, bound))
                .cloned()
        };
        if let Some(compiled) = known(&self.compiled.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(compiled);
        }
        let (url, of) = (self.connections.url().to_owned(), Arc::clone(bound));
        let reading = self.runtime.spawn_blocking(move || {
            let mut client = rowgate_store::postgres::connect(&url)
                .map_err(|error| Error::Unavailable(error.to_string()))?;
            let shapes = rowgate_rls::read_shapes(&mut client, of.bindings.bindings());
            shapes.map_err(|error| Error::Unavailable(error.to_string()))
        });
        let shapes = reading
            .await
            .map_err(|error| Error::Unavailable(error.to_string()))??;
        let compiled = Arc::new(Compiled::new(published, bound, shapes, environment.0)?);
        let mut all = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(environment, Arc::clone(&compiled));
        Ok(compiled)
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

/// What decides which rows a question needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'q> {
    /// The resource, as (type, id).
    pub resource: (&'q str, &'q str),
    /// The relation.
    pub relation: &'q str,
    /// Who asks; `None` for a question about everybody.
    pub subject: Option<Subject<'q>>,
}

/// Reads rows for the questions of one request. What is read is kept for it, and for nobody else.
pub struct Reader<'a> {
    tables: &'a Tables,
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) published: &'a Published,
    groups: Mutex<Groups<'a>>,
}

impl<'a> Reader<'a> {
    /// Reads the rows of all resources asked about that are rows: one statement for all questions that read the same.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn prefetch(&self, questions: &[Question<'_>]) -> Result<()> {
        let bound = questions
            .iter()
            .filter(|question| self.is_bound(question.resource.0));
        let wanted = bound.map(|question| (Key::of(question), question.resource));
        self.read_all(wanted.collect()).await
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// As [`Reader::prefetch`].
    pub fn blocking_prefetch(&self, questions: &[Question<'_>]) -> Result<()> {
        self.tables.runtime.block_on(self.prefetch(questions))
    }

    /// Whether the row of the resource asked about is there. Of a type whose resources are no rows, none is. For a thread that may block.
    ///
    /// # Errors
    /// Those of reading.
    pub fn blocking_exists(&self, question: &Question<'_>) -> Result<bool> {
        self.blocking_prefetch(std::slice::from_ref(question))?;
        let groups = self.groups();
        let group = groups.get(&Key::of(question));
        let row = group.and_then(|group| group.row(question.resource));
        Ok(row.is_some_and(|row| row.found.is_some()))
    }

    /// Asks until the rows that were read settle the answer.
    ///
    /// # Errors
    /// Those of reading, and what `ask` ends in apart from [`EngineError::Unread`].
    pub async fn ask<T>(
        &self,
        question: &Question<'_>,
        ask: impl Fn(&View<'_>) -> Result<T, EngineError>,
    ) -> Result<T> {
        if !self.is_bound(question.resource.0) {
            // Most of these need no row.
            match ask(&self.published.view()) {
                Err(EngineError::Unread(_)) => {}
                answer => return Ok(answer?),
            }
        }
        let key = Key::of(question);
        loop {
            let answer = {
                let mut groups = self.groups();
                match groups.get_mut(&key) {
                    Some(Group {
                        ready: Some(ready), ..
                    }) => ask(&ready.view()),
                    Some(group) => ask(&group.with_rows(self.published)?.view()),
                    None => ask(&self.published.view()),
                }
            };
            let unread = match answer {
                Ok(answer) => return Ok(answer),
                Err(EngineError::Unread(unread)) => unread,
                Err(error) => return Err(error.into()),
            };
            {
                let groups = self.groups();
                let known = groups.get(&key);
                for (resource_type, id) in &unread {
                    if known.is_some_and(|known| known.row((resource_type, id)).is_some()) {
                        return Err(Error::Unsettled(format!("`{resource_type}:{id}`")));
                    }
                }
            }
            let wanted = unread
                .iter()
                .map(|(resource_type, id)| (key, (resource_type.as_str(), id.as_str())));
            self.read_all(wanted.collect()).await?;
        }
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// As [`Reader::ask`].
    pub fn blocking_ask<T>(
        &self,
        question: &Question<'_>,
        ask: impl Fn(&View<'_>) -> Result<T, EngineError>,
    ) -> Result<T> {
        self.tables.runtime.block_on(self.ask(question, ask))
    }

    /// The lines of a list.
    pub(crate) fn blocking_list(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<tokio_postgres::Row>> {
        let Tables {
            connections, runtime, ..
        } = self.tables;
        runtime.block_on(connections.read(Plans::Made, sql, parameters, Vec::new))
    }

    fn groups(&self) -> MutexGuard<'_, Groups<'a>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_bound(&self, resource_type: &str) -> bool {
        let bound = self.published.bound.as_ref();
        bound.is_some_and(|bound| bound.bindings.table_of_type(resource_type).is_some())
    }

    /// Reads the rows of resources, each as (type, id) and with what it is read for: those of one type and for the same in one statement.
    async fn read_all(&self, mut wanted: Vec<(Key<'_>, (&str, &str))>) -> Result<()> {
        wanted.sort_unstable();
        wanted.dedup();
        for same in wanted.chunk_by(|(key, (of, _)), (next, (of_next, _))| key == next && of == of_next) {
            let ids: Vec<&str> = same.iter().map(|(_, (_, id))| *id).collect();
            if let Some((key, (resource_type, _))) = same.first() {
                self.read(key, resource_type, &ids).await?;
            }
        }
        Ok(())
    }

    /// Reads rows of one type by their ids, each of which is there once, and the rows that their edges lead to.
    async fn read(&self, key: &Key<'_>, resource_type: &str, ids: &[&str]) -> Result<()> {
        let statement = self
            .compiled
            .rows(resource_type, (key.resource_type, key.relation))?;
        let mut rows = distinct(self.fetch(&statement, ids, key).await?)?;
        let edges: usize = rows.iter().map(edges_of).sum();
        let found = rows.len();
        for id in ids {
            if find(&rows[..found], (resource_type, id)).is_none() {
                rows.push(Row {
                    resource_type: resource_type.to_owned(),
                    resource_id: (*id).to_owned(),
                    found: None,
                });
            }
        }
        let mut groups = self.groups();
        let group = groups.entry(OwnKey::from(key)).or_default();
        group.ready = None;
        group.edges += edges;
        group.statements.push(statement);
        group.take(rows);
        if group.read.len() > MAX_ROWS {
            return Err(too_many("rows", MAX_ROWS));
        }
        if group.edges > MAX_EDGES {
            return Err(too_many("edges of rows", MAX_EDGES));
        }
        Ok(())
    }

    async fn fetch(&self, statement: &RowsStatement, ids: &[&str], key: &Key<'_>) -> Result<Vec<Row>> {
        let ids = statement.ids(ids.iter().copied());
        let (subject_type, subject_id) = key.subject.unzip();
        let fresh = || Fetched {
            statement,
            rows: Vec::new(),
            edges: 0,
            is_sound: true,
        };
        let parameters: Parameters<'_> = &[ids.parameter(), &subject_type, &subject_id];
        let connections = &self.tables.connections;
        let fetched = connections
            .read(Plans::Kept, &statement.sql, parameters, fresh)
            .await?;
        if !fetched.is_sound {
            return Err(Error::Unsettled("the line of a row".into()));
        }
        Ok(fetched.rows)
    }
}

/// The rows of an answer.
struct Fetched<'s> {
    statement: &'s RowsStatement,
    rows: Vec<Row>,
    edges: usize,
    /// Whether all lines were as the statement makes them.
    is_sound: bool,
}

impl Collect for Fetched<'_> {
    fn take(&mut self, line: tokio_postgres::Row) -> ControlFlow<()> {
        let read = self.statement.read(&line);
        self.is_sound &= read.is_some();
        for row in read.into_iter().flatten() {
            self.edges += row.edges.len();
            self.rows.push(found(row));
        }
        if self.edges > MAX_EDGES || !self.is_sound {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn too_many(what: &'static str, limit: usize) -> Error {
    Error::TooMany { what, limit }
}

fn found(row: ReadRow) -> Row {
    let edges = row.edges.into_iter().map(|edge| Edge {
        relation: edge.relation,
        subject_type: edge.subject_type,
        subject_id: edge.subject_id,
        subject_relation: edge.subject_relation,
    });
    Row {
        resource_type: row.resource_type,
        resource_id: row.resource_id,
        found: Some(Found {
            edges: edges.collect(),
            attributes: row.attributes,
        }),
    }
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
