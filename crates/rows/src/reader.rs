//! The rows that the questions of one request need, and asking again once they were read.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rowgate_engine::{EngineError, Subject, View};
use rowgate_environment::rows::{Edge, Found, Row, WithRows};
use rowgate_environment::{Bound, Environment, Published};
use rowgate_rls::{MAX_EDGES, ReadRow, RowsStatement};
use rowgate_store::EnvironmentId;
use tokio::runtime::Handle;

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
    groups: Mutex<HashMap<Key, Group<'a>>>,
}

/// Questions that read the same rows: about one relation of one type, by one subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    resource_type: String,
    relation: String,
    /// Edges that only matter when they name the subject are read when they name this one, as (type, id); without one, all are.
    subject: Option<(String, String)>,
}

#[derive(Default)]
struct Group<'a> {
    read: BTreeMap<(String, String), Row>,
    relations: BTreeSet<(String, String)>,
    /// How many edges the rows have that were read.
    edges: usize,
    /// The revision with what was read, until more is.
    ready: Option<WithRows<'a>>,
}

impl Key {
    fn of(question: &Question<'_>) -> Self {
        // A group, and a wildcard, can be met in other ways than by an edge that names it.
        let plain = question
            .subject
            .filter(|subject| subject.relation.is_none() && subject.id != "*");
        Self {
            resource_type: question.resource.0.to_owned(),
            relation: question.relation.to_owned(),
            subject: plain.map(|subject| (subject.resource_type.to_owned(), subject.id.to_owned())),
        }
    }
}

impl<'a> Reader<'a> {
    /// Reads the rows of all resources asked about that are rows: one statement for all questions that read the same.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn prefetch(&self, questions: &[Question<'_>]) -> Result<()> {
        let mut wanted: HashMap<Key, BTreeSet<String>> = HashMap::new();
        for question in questions {
            let (resource_type, id) = question.resource;
            if self.is_bound(resource_type) {
                wanted.entry(Key::of(question)).or_default().insert(id.to_owned());
            }
        }
        for (key, ids) in wanted {
            let resource_type = key.resource_type.clone();
            self.read(&key, BTreeMap::from([(resource_type, ids)])).await?;
        }
        Ok(())
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
        let place = (question.resource.0.to_owned(), question.resource.1.to_owned());
        let groups = self.groups();
        let row = groups
            .get(&Key::of(question))
            .and_then(|group| group.read.get(&place));
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
                let group = groups.entry(key.clone()).or_default();
                match &group.ready {
                    Some(ready) => ask(&ready.view()),
                    None if group.read.is_empty() => ask(&self.published.view()),
                    None => ask(&group.with_rows(self.published)?.view()),
                }
            };
            let unread = match answer {
                Ok(answer) => return Ok(answer),
                Err(EngineError::Unread(unread)) => unread,
                Err(error) => return Err(error.into()),
            };
            let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            {
                let groups = self.groups();
                let known = groups.get(&key).map(|group| &group.read);
                for (resource_type, id) in unread {
                    let place = (resource_type, id);
                    if known.is_some_and(|known| known.contains_key(&place)) {
                        return Err(Error::Unsettled(format!("`{}:{}`", place.0, place.1)));
                    }
                    wanted.entry(place.0).or_default().insert(place.1);
                }
            }
            self.read(&key, wanted).await?;
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

    fn groups(&self) -> MutexGuard<'_, HashMap<Key, Group<'a>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_bound(&self, resource_type: &str) -> bool {
        let bound = self.published.bound.as_ref();
        bound.is_some_and(|bound| bound.bindings.table_of_type(resource_type).is_some())
    }

    /// Reads rows by type, those that their edges lead to included.
    async fn read(&self, key: &Key, wanted: BTreeMap<String, BTreeSet<String>>) -> Result<()> {
        for (resource_type, ids) in wanted {
            let statement = self
                .compiled
                .rows(&resource_type, (&key.resource_type, &key.relation))?;
            let found = self.fetch(&statement, &ids, key).await?;
            let mut groups = self.groups();
            let group = groups.entry(key.clone()).or_default();
            group.ready = None;
            group.edges += found.iter().map(edges_of).sum::<usize>();
            group.relations.extend(statement.relations.iter().cloned());
            for id in ids {
                let row = Row {
                    resource_type: resource_type.clone(),
                    resource_id: id.clone(),
                    found: None,
                };
                group.read.insert((resource_type.clone(), id), row);
            }
            for (place, row) in by_id(found)? {
                group.read.insert(place, row);
            }
            if group.read.len() > MAX_ROWS {
                return Err(too_many("rows", MAX_ROWS));
            }
            if group.edges > MAX_EDGES {
                return Err(too_many("edges of rows", MAX_EDGES));
            }
        }
        Ok(())
    }

    async fn fetch(&self, statement: &RowsStatement, ids: &BTreeSet<String>, key: &Key) -> Result<Vec<Row>> {
        let ids = statement.ids(ids.iter().map(String::as_str));
        let subject_type = key.subject.as_ref().map(|(subject_type, _)| subject_type);
        let subject_id = key.subject.as_ref().map(|(_, id)| id);
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

/// The rows of one statement by type and id. A row that lies beside several others is in it as often, and is the same each time.
fn by_id(rows: Vec<Row>) -> Result<HashMap<(String, String), Row>> {
    let mut out: HashMap<(String, String), Row> = HashMap::with_capacity(rows.len());
    for row in rows {
        match out.entry((row.resource_type.clone(), row.resource_id.clone())) {
            Entry::Vacant(place) => {
                place.insert(row);
            }
            Entry::Occupied(place) if *place.get() == row => {}
            Entry::Occupied(place) => {
                let (resource_type, id) = place.key();
                return Err(Error::NotUnique(format!("`{resource_type}:{id}`")));
            }
        }
    }
    Ok(out)
}

fn too_many(what: &'static str, limit: usize) -> Error {
    Error::TooMany { what, limit }
}

fn edges_of(row: &Row) -> usize {
    row.found.as_ref().map_or(0, |found| found.edges.len())
}

impl<'a> Group<'a> {
    fn with_rows(&mut self, published: &'a Published) -> Result<&WithRows<'a>> {
        let relations = self.relations.iter();
        let relations =
            relations.map(|(resource_type, relation)| (resource_type.as_str(), relation.as_str()));
        Ok(self
            .ready
            .insert(published.with_rows(self.read.values(), Some(relations))?))
    }
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
