//! From a write to the changes it makes, checked against the state. Nothing is changed here.

use std::collections::HashMap;
use std::sync::Arc;

use rowgate_graph::Place;
use rowgate_schema::ast::{Schema, TypeDef};
use rowgate_schema::{Diagnostic, Model};
use rowgate_store::Change;

use crate::batch::Batch;
use crate::bound::Bound;
use crate::form::{self, Entry, Form, Resource};
use crate::working::{Working, tuple};
use crate::write::{Edit, Op, State, StoredResource, Transaction, Warrant, Written};
use crate::{Error, Result, reserved, validate};

/// A checked write: what to store, what to answer, and the new schema if there is one.
#[derive(Default)]
pub(crate) struct Prepared {
    pub(crate) changes: Changes,
    pub(crate) written: Written,
    pub(crate) model: Option<Model>,
    /// The bindings under the new schema.
    pub(crate) bound: Option<Arc<Bound>>,
}

/// Changes in order, each with where its warrant is or would be, if that was looked up already.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) list: Vec<Change>,
    pub(crate) places: Vec<Option<Place>>,
}

impl Changes {
    fn reserve(&mut self, more: usize) {
        self.list.reserve(more);
        self.places.reserve(more);
    }

    pub(crate) fn push(&mut self, change: Change, place: Option<Place>) {
        self.list.push(change);
        self.places.push(place);
    }

    fn put(&mut self, resource: Resource, created_at: i64) {
        let change = Change::PutResource {
            resource_type: resource.resource_type,
            resource_id: resource.resource_id,
            meta: resource.meta.map(|meta| meta.text),
            created_at,
        };
        self.push(change, None);
    }
}

/// Checks a write against the state.
pub(crate) fn prepare(working: &Working, form: Form, now: i64) -> Result<Prepared> {
    match form {
        Form::Warrants(entries) => warrants(working, entries, now),
        Form::CreateResources(resources) => Ok(create_resources(working, resources, now)),
        Form::DeleteResources(resources) => delete_resources(working, resources),
        Form::UpdateResource(resource) => update_resource(working, resource),
        Form::Schema(edit) => {
            let keeping = |before: &Schema| reserved::kept(before, edit(before)?);
            schema(working, keeping)
        }
        Form::Transaction(run) => transaction(working, &run, now),
        Form::Import {
            schema,
            resources,
            warrants,
            audit,
        } => {
            let mut prepared = import(working, schema, resources, warrants, now)?;
            if let Some(entry) = audit.filter(|_| !prepared.changes.list.is_empty()) {
                prepared.changes.push(Change::Audit { entry }, None);
            }
            Ok(prepared)
        }
    }
}

fn warrants(working: &Working, entries: Vec<Entry>, now: i64) -> Result<Prepared> {
    let mut prepared = Prepared::default();
    prepared.changes.reserve(entries.len());
    let mut batch = Batch::new(&working.graph, &working.model, working.bound.as_deref(), now);
    for entry in entries {
        if entry.op == Op::Create {
            batch.may_create(&entry)?;
        }
        batch.change(entry, &mut prepared.changes)?;
    }
    batch.finish()?;
    Ok(prepared)
}

/// The resource as it is stored.
fn stored(working: &Working, resource_type: &str, resource_id: &str) -> Option<StoredResource> {
    let state = working.graph.state();
    let resource = state.resource(state.find(state.symbol(resource_type)?, resource_id))?;
    Some(StoredResource {
        resource_type: resource_type.to_owned(),
        resource_id: resource_id.to_owned(),
        meta: resource.meta.cloned(),
        created_at: resource.created_at,
    })
}

fn no_such_resource(resource_type: &str, resource_id: &str) -> Error {
    Error::not_found("Resource", format!("{resource_type}:{resource_id}"))
}

fn create_resources(working: &Working, resources: Vec<Resource>, now: i64) -> Prepared {
    let mut prepared = Prepared::default();
    let mut seen: HashMap<(String, String), StoredResource> = HashMap::new();
    for new in resources {
        let at = (new.resource_type.clone(), new.resource_id.clone());
        let before = seen
            .get(&at)
            .cloned()
            .or_else(|| stored(working, &new.resource_type, &new.resource_id));
        prepared.written.created += usize::from(before.is_none());
        let after = match before {
            Some(before) if new.meta.is_none() => before,
            before => {
                let created_at = before.map_or(now, |before| before.created_at);
                let after = new.stored(created_at);
                prepared.changes.put(new, created_at);
                after
            }
        };
        seen.insert(at, after.clone());
        prepared.written.resources.push(after);
    }
    prepared
}

fn update_resource(working: &Working, resource: Resource) -> Result<Prepared> {
    let (resource_type, resource_id) = (&resource.resource_type, &resource.resource_id);
    let Some(before) = stored(working, resource_type, resource_id) else {
        return Err(no_such_resource(resource_type, resource_id));
    };
    let mut prepared = Prepared::default();
    prepared
        .written
        .resources
        .push(resource.stored(before.created_at));
    prepared.changes.put(resource, before.created_at);
    Ok(prepared)
}

fn delete_resources(working: &Working, resources: Vec<(String, String)>) -> Result<Prepared> {
    let mut prepared = Prepared::default();
    for (index, (resource_type, resource_id)) in resources.iter().enumerate() {
        let again = resources[..index].contains(&resources[index]);
        let found = stored(working, resource_type, resource_id).filter(|_| !again);
        let resource = found.ok_or_else(|| no_such_resource(resource_type, resource_id))?;
        prepared.written.resources.push(resource);
    }
    for (resource_type, resource_id) in resources {
        let change = Change::DeleteResource {
            resource_type,
            resource_id,
        };
        prepared.changes.push(change, None);
    }
    Ok(prepared)
}

fn schema(working: &Working, edit: impl FnOnce(&Schema) -> Result<Schema>) -> Result<Prepared> {
    let schema = edit(working.model.schema())?;
    let (model, warnings) = resolve(schema)?;
    if let Some(cycle) = validate::cycle(&model, &working.graph, &[]) {
        let message = format!(
            "with the group warrants that are stored, a relation depends on itself through none_of: {cycle}; delete those warrants first"
        );
        return Err(Error::Refused {
            code: "invalid_request",
            message,
        });
    }
    let mut prepared = Prepared::default();
    if let Some(bound) = &working.bound {
        prepared.bound = Some(Arc::new(bound.under(&model, working.graph.state())?));
    }
    if model.schema() != working.model.schema() {
        let json = rowgate_schema::to_json(model.schema()).to_string();
        prepared.changes.push(Change::Schema { json }, None);
    }
    prepared.written.warnings = warnings;
    prepared.model = Some(model);
    Ok(prepared)
}

/// Whatever the transaction says, except what bindings forbid.
fn transaction(working: &Working, run: &Transaction, now: i64) -> Result<Prepared> {
    let Edit { schema: new, changes } = run(&State {
        graph: working.graph.state(),
        model: &working.model,
        now,
    })?;
    let mut prepared = match new {
        Some(new) => schema(working, |_| Ok(new))?,
        None => Prepared::default(),
    };
    for change in changes {
        if let (Some(bound), Change::CreateWarrant(warrant)) = (&working.bound, &change) {
            bound.may_create(&Warrant::from(&warrant.key))?;
        }
        prepared.changes.push(change, None);
    }
    Ok(prepared)
}

fn is_reserved(ty: &TypeDef) -> bool {
    reserved::is_reserved(&ty.name.text)
}

fn import(
    working: &Working,
    schema_of_import: Option<Schema>,
    resources: Vec<Resource>,
    warrants: Vec<Entry>,
    now: i64,
) -> Result<Prepared> {
    let mut prepared = match schema_of_import {
        // An export brings the reserved types with what is stored under them.
        Some(schema_of_import)
            if schema_of_import.types.iter().any(is_reserved) && !reserved::in_use(working.graph.state()) =>
        {
            schema(working, |_| Ok(schema_of_import))?
        }
        Some(schema_of_import) => schema(working, |before| reserved::kept(before, schema_of_import))?,
        None => Prepared::default(),
    };
    let model = prepared.model.clone().unwrap_or_else(|| working.model.clone());
    let before = prepared.changes.list.len();
    for resource in resources {
        let known = stored(working, &resource.resource_type, &resource.resource_id);
        let meta = resource.meta.as_ref().map(|meta| &meta.value);
        if known.is_none_or(|known| meta.is_some() && known.meta.as_ref() != meta) {
            reserved::may_import(working.graph.state(), &resource.resource_type, false, || {
                format!("{}:{}", resource.resource_type, resource.resource_id)
            })?;
            let created_at = resource.created_at.unwrap_or(now);
            prepared.changes.put(resource, created_at);
        }
    }
    let mut batch = Batch::new(&working.graph, &model, working.bound.as_deref(), now);
    for entry in warrants {
        let Warrant { resource_type, .. } = &entry.warrant;
        let there =
            reserved::is_reserved(resource_type) && working.graph.find(&tuple(&entry.warrant)).is_some();
        reserved::may_import(working.graph.state(), resource_type, there, || {
            entry.warrant.to_string()
        })?;
        batch
            .may_create(&entry)
            .map_err(|error| form::naming(&entry.warrant, error))?;
        batch.change(entry, &mut prepared.changes)?;
    }
    batch.finish()?;
    prepared.written.created = prepared.changes.list.len() - before;
    Ok(prepared)
}

/// Checks a schema.
pub(crate) fn resolve(schema: Schema) -> Result<(Model, Vec<Diagnostic>)> {
    rowgate_schema::resolve(schema).map_err(|errors| Error::Schema { errors })
}
