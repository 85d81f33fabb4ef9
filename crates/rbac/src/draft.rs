//! A change in the making: reads the newest state, and collects what to change in it.
//!
//! All of it happens in the one thread that writes, so what was read still holds when it is changed, and everything or nothing takes place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rowgate_environment::{Edit, Environment, State, Transaction, Write};
use rowgate_schema::Model;
use rowgate_schema::ast::Schema;
use rowgate_store::{Change, Warrant, WarrantKey};
use serde_json::{Map, Value};

use crate::grant::GrantEdit;
use crate::hierarchy::Hierarchy;
use crate::key::Key;
use crate::names::{self, relation};
use crate::read::{Reader, name_id};
use crate::record::{Record, Resource};
use crate::settings::Settings;
use crate::{Actor, Error, Result, audit, schema};

/// The code of the error that the writer hands back when the reason lies in [`Outcome`].
const ABORTED: &str = "aborted";

/// A change in the making.
pub struct Draft<'a> {
    /// The newest state, without what this draft changes.
    pub read: Reader<'a>,
    pub(crate) model: &'a Model,
    next: i64,
    schema: Option<Schema>,
    changes: Vec<Change>,
    pub(crate) grants: BTreeMap<String, GrantEdit>,
    settings: Option<Settings>,
    actor: Actor,
    pub(crate) removed: Removed,
}

/// What a deletion took along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Resources, the one that was asked for included.
    pub resources: usize,
    /// Role assignments of memberships.
    pub assignments: usize,
    /// Role assignments of groups.
    pub group_assignments: usize,
    /// Memberships.
    pub memberships: usize,
    /// Groups.
    pub groups: usize,
    /// Roles.
    pub roles: usize,
}

impl<'a> Draft<'a> {
    /// On top of a state, from within this process.
    pub fn new(state: &State<'a>) -> Self {
        Self::by(state, Actor::default())
    }

    /// On top of a state, by somebody.
    pub fn by(state: &State<'a>, actor: Actor) -> Self {
        Self {
            read: Reader::new(state.graph),
            model: state.model,
            next: state.now,
            schema: None,
            changes: Vec::new(),
            grants: BTreeMap::new(),
            settings: None,
            actor,
            removed: Removed::default(),
        }
    }

    /// A moment that nothing else in this draft has.
    pub(crate) fn moment(&mut self) -> i64 {
        let at = self.next;
        self.next += 1;
        at
    }

    /// The moment and an id for something new.
    pub(crate) fn fresh(&mut self, prefix: &str) -> Result<(i64, String)> {
        let at = self.moment();
        Ok((at, Key::random(at)?.id(prefix)))
    }

    /// Stores something, and returns when it was created. That is earlier than what is given where a warrant of the application has named
    /// it already: the graph keeps the time at which it first heard of a name.
    pub(crate) fn put(
        &mut self,
        resource_type: &str,
        id: &str,
        meta: Map<String, Value>,
        created_at: i64,
    ) -> i64 {
        let graph = self.read.graph;
        let known = graph.resource(graph.find(self.read.symbol(resource_type), id));
        let created_at = known.map_or(created_at, |known| known.created_at);
        self.changes.push(Change::PutResource {
            resource_type: resource_type.into(),
            resource_id: id.into(),
            meta: (!meta.is_empty()).then(|| Value::Object(meta).to_string()),
            created_at,
        });
        created_at
    }

    /// Changes the metadata of something that exists.
    pub(crate) fn update(&mut self, record: &Record<'_>, change: impl FnOnce(&mut Map<String, Value>)) {
        let before = record.all_meta();
        let mut meta = before.clone();
        change(&mut meta);
        if meta == before {
            return;
        }
        meta.insert("updated_at".into(), self.moment().into());
        self.put(record.type_name(), record.id(), meta, record.created_at());
    }

    /// Deletes something and every warrant that names it.
    pub(crate) fn delete(&mut self, resource_type: &str, id: &str) {
        self.changes.push(Change::DeleteResource {
            resource_type: resource_type.into(),
            resource_id: id.into(),
        });
    }

    /// An edge between two things that exist or were put before.
    pub(crate) fn link(&mut self, from: (&str, &str), relation: &str, to: (&str, &str), created_at: i64) {
        let key = warrant(from, relation, to);
        self.changes
            .push(Change::CreateWarrant(Warrant { key, created_at }));
    }

    pub(crate) fn unlink(&mut self, from: (&str, &str), relation: &str, to: (&str, &str)) {
        self.changes
            .push(Change::DeleteWarrant(warrant(from, relation, to)));
    }

    pub(crate) fn grant(&mut self, key: WarrantKey, created_at: i64) {
        self.changes
            .push(Change::CreateWarrant(Warrant { key, created_at }));
    }

    pub(crate) fn revoke(&mut self, key: WarrantKey) {
        self.changes.push(Change::DeleteWarrant(key));
    }

    /// Makes something part of the environment's lists.
    pub(crate) fn list(&mut self, of: (&str, &str), created_at: i64) {
        let anchor = (names::ENVIRONMENT, names::SELF);
        self.link(of, relation::ENVIRONMENT, anchor, created_at);
    }

    /// Another name for something.
    pub(crate) fn name(&mut self, kind: &str, name: &str, of: (&str, &str), created_at: i64) {
        let id = name_id(kind, name);
        self.put(names::NAME, &id, Map::new(), created_at);
        self.link((names::NAME, &id), relation::NAMES, of, created_at);
    }

    pub(crate) fn forget_name(&mut self, kind: &str, name: &str) {
        self.delete(names::NAME, &name_id(kind, name));
    }

    pub(crate) fn forget_resource(&mut self, resource: &Resource<'_>) {
        self.forget_name(crate::read::RESOURCE, &resource.wire_id());
        self.delete(resource.type_name(), resource.id());
    }

    /// The settings, with what this draft changes.
    pub(crate) fn settings(&self) -> Settings {
        self.settings.clone().unwrap_or_else(|| self.read.settings())
    }

    pub(crate) fn set_settings(&mut self, settings: Settings) {
        let created_at = match self.read.find(names::ENVIRONMENT, names::SELF) {
            Some(anchor) => anchor.created_at(),
            None => self.moment(),
        };
        self.put(names::ENVIRONMENT, names::SELF, settings.meta(), created_at);
        self.settings = Some(settings);
    }

    /// Makes the schema that of these types and permissions.
    pub(crate) fn set_schema(&mut self, hierarchy: &Hierarchy, permissions: &[(String, String)]) {
        let next = schema::with_types(self.model.schema(), hierarchy, permissions);
        self.schema = Some(next);
    }

    /// The permissions that exist, with the type of each.
    pub(crate) fn permissions(&self) -> Vec<(String, String)> {
        let all = self.read.permissions();
        all.map(|permission| {
            (
                permission.slug().into_owned(),
                permission.resource_type().to_owned(),
            )
        })
        .collect()
    }

    /// What was removed so far, for the answer.
    pub fn removed(&self) -> Removed {
        self.removed
    }

    /// What it comes to.
    pub fn finish(mut self) -> Edit {
        crate::grant::settle(&mut self);
        let entries = audit::entries(self.read, &self.changes, &self.actor);
        let entries = entries.into_iter().map(|entry| Change::Audit { entry });
        self.changes.extend(entries);
        Edit {
            schema: self.schema,
            changes: self.changes,
        }
    }
}

fn warrant(from: (&str, &str), relation: &str, to: (&str, &str)) -> WarrantKey {
    WarrantKey {
        resource_type: from.0.into(),
        resource_id: from.1.into(),
        relation: relation.into(),
        subject_type: to.0.into(),
        subject_id: to.1.into(),
        subject_relation: None,
        policy: None,
    }
}

/// What a change answers once it is durable.
pub struct Outcome<T>(Arc<Mutex<Option<Result<T>>>>);

impl<T> Outcome<T> {
    /// The answer, from what the writer said about the write.
    ///
    /// # Errors
    /// The reason why nothing was changed.
    pub fn of<W>(&self, written: rowgate_environment::Result<W>) -> Result<T> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (written, found) {
            (Ok(_), Some(outcome)) => outcome,
            (Err(rowgate_environment::Error::Refused { code: ABORTED, .. }), Some(Err(error))) => Err(error),
            (Err(error), _) => Err(refusal(error)),
            (Ok(_), None) => Err(Error::Internal("a write without its outcome".into())),
        }
    }
}

/// What the writer refused, in the shapes of this API: what row-level security rests on, and what bindings forbid.
fn refusal(error: rowgate_environment::Error) -> Error {
    match error {
        rowgate_environment::Error::Refused { code, message } => Error::bad(code, message),
        rowgate_environment::Error::Invalid { parameter, message } => {
            Error::field(parameter, "invalid", message)
        }
        other => other.into(),
    }
}

/// A change by somebody as a write.
pub fn write<T: Send + 'static>(
    actor: Actor,
    change: impl Fn(&mut Draft<'_>) -> Result<T> + Send + Sync + 'static,
) -> (Write, Outcome<T>) {
    let outcome = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&outcome);
    let run: Transaction = Arc::new(move |state: &State<'_>| {
        let mut draft = Draft::by(state, actor.clone());
        let found = change(&mut draft);
        let edit = match &found {
            Ok(_) => Ok(draft.finish()),
            Err(_) => Err(rowgate_environment::Error::Refused {
                code: ABORTED,
                message: String::new(),
            }),
        };
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        edit
    });
    (Write::Transaction(run), Outcome(outcome))
}

/// Changes an environment from within this process and waits until that is durable.
///
/// # Errors
/// The reason why nothing was changed.
pub fn apply<T: Send + 'static>(
    environment: &Environment,
    change: impl Fn(&mut Draft<'_>) -> Result<T> + Send + Sync + 'static,
) -> Result<T> {
    let (write, outcome) = write(Actor::default(), change);
    outcome.of(environment.write(write))
}
