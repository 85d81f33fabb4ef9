//! What the writer holds of one environment: the newest state, and how a write becomes changes to it.

use std::collections::HashMap;
use std::sync::Arc;

use rowgate_engine::Program;
use rowgate_graph::{Graph, Tuple};
use rowgate_schema::ast::Schema;
use rowgate_schema::{Diagnostic, Model};
use rowgate_store::{Change, WarrantKey};
use serde_json::{Map, Value};

use crate::published::Published;
use crate::write::{
    ImportedWarrant, MAX_BATCH, NewResource, Op, SchemaEdit, StoredResource, Warrant, Write, Written,
};
use crate::{Error, Result, validate};

/// The newest state of an environment, ahead of what is published until it is durable.
#[derive(Debug)]
pub(crate) struct Working {
    pub(crate) graph: Graph,
    pub(crate) model: Model,
    pub(crate) program: Arc<Program>,
    pub(crate) revision: u64,
    epoch: u64,
}

/// A checked write: what to store, what to answer, and the new schema if there is one.
pub(crate) struct Prepared {
    pub(crate) changes: Vec<Change>,
    pub(crate) written: Written,
    model: Option<Model>,
}

impl Working {
    pub(crate) fn new(mut graph: Graph, model: Model, revision: u64) -> Result<Self> {
        let program = Arc::new(Program::compile(&model, &mut graph)?);
        graph.set_revision(revision);
        // Microseconds since 1970: no two numberings of one environment begin in the same one.
        Ok(Self {
            graph,
            model,
            program,
            revision,
            epoch: crate::now() as u64,
        })
    }

    /// Numbers everything anew when most numbers are of what is gone.
    pub(crate) fn compact_if_sparse(&mut self) -> Result<bool> {
        if !self.graph.is_sparse() {
            return Ok(false);
        }
        *self = Self::new(self.graph.compacted()?, self.model.clone(), self.revision)?;
        Ok(true)
    }

    /// Goes back to what was published.
    pub(crate) fn from_published(published: &Published) -> Self {
        Self {
            graph: Graph::from_snapshot(published.graph.clone()),
            model: published.model.clone(),
            program: Arc::clone(&published.program),
            revision: published.revision(),
            epoch: published.epoch,
        }
    }

    pub(crate) fn publish(&mut self) -> Published {
        self.graph.set_revision(self.revision);
        Published {
            model: self.model.clone(),
            program: Arc::clone(&self.program),
            graph: self.graph.snapshot(),
            epoch: self.epoch,
        }
    }

    /// Checks a write against the state. Nothing is changed yet.
    pub(crate) fn prepare(&self, write: Write, now: i64) -> Result<Prepared> {
        match write {
            Write::Warrants(warrants) => self.warrants(warrants, now),
            Write::CreateResources(resources) => self.create_resources(resources, now),
            Write::DeleteResources(resources) => self.delete_resources(&resources),
            Write::UpdateResource {
                resource_type,
                resource_id,
                meta,
            } => self.update_resource(resource_type, resource_id, meta),
            Write::Schema(edit) => self.schema(edit),
            Write::Import {
                schema,
                resources,
                warrants,
            } => self.import(schema, resources, warrants, now),
        }
    }

    /// Carries out a checked write.
    pub(crate) fn apply(&mut self, prepared: &mut Prepared) -> Result<()> {
        for change in &prepared.changes {
            apply(&mut self.graph, change)?;
        }
        if let Some(model) = prepared.model.take() {
            self.program = Arc::new(Program::compile(&model, &mut self.graph)?);
            self.model = model;
        }
        self.revision += 1;
        Ok(())
    }

    fn warrants(&self, warrants: Vec<(Op, Warrant)>, now: i64) -> Result<Prepared> {
        limit_batch("warrants", warrants.len())?;
        validate::batch(&warrants)?;
        let mut batch = Batch::new(&self.graph);
        let mut changes = Vec::new();
        for (op, warrant) in warrants {
            match op {
                Op::Create => {
                    validate::create(&warrant, &self.model, &self.graph)?;
                    if !batch.has(&warrant) {
                        changes.push(Change::CreateWarrant(stored(&warrant, now)));
                        batch.set(warrant, true);
                    }
                }
                Op::Delete => {
                    if !batch.has(&warrant) {
                        return Err(Error::not_found("Warrant", warrant.to_string()));
                    }
                    changes.push(Change::DeleteWarrant(key(&warrant)));
                    batch.set(warrant, false);
                }
            }
        }
        validate::no_paradox_among(batch.created(), &self.model, &self.graph)?;
        Ok(Prepared::new(changes, Written::default()))
    }

    fn resource(&self, resource_type: &str, resource_id: &str) -> Option<StoredResource> {
        let state = self.graph.state();
        let resource = state.resource(state.find(state.symbol(resource_type)?, resource_id))?;
        Some(StoredResource {
            resource_type: resource_type.to_owned(),
            resource_id: resource_id.to_owned(),
            meta: resource.meta.cloned(),
            created_at: resource.created_at,
        })
    }

    fn create_resources(&self, resources: Vec<NewResource>, now: i64) -> Result<Prepared> {
        limit_batch("resources", resources.len())?;
        let mut changes = Vec::new();
        let mut written = Written::default();
        let mut seen: HashMap<(String, String), StoredResource> = HashMap::new();
        for new in resources {
            let id = new.resource_id.filter(|id| !id.is_empty());
            let id = id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
            validate::resource(&new.resource_type, &id)?;
            let at = (new.resource_type.clone(), id.clone());
            let before = seen
                .get(&at)
                .cloned()
                .or_else(|| self.resource(&new.resource_type, &id));
            let meta = new.meta.as_ref().map(validate::meta).transpose()?;
            written.created += usize::from(before.is_none());
            let after = match (before, meta) {
                (Some(before), None) => before,
                (before, text) => {
                    let created_at = before.map_or(now, |before| before.created_at);
                    changes.push(Change::PutResource {
                        resource_type: new.resource_type.clone(),
                        resource_id: id.clone(),
                        meta: text,
                        created_at,
                    });
                    let meta = new.meta.map(Value::Object);
                    StoredResource {
                        resource_type: new.resource_type,
                        resource_id: id,
                        meta,
                        created_at,
                    }
                }
            };
            seen.insert(at, after.clone());
            written.resources.push(after);
        }
        Ok(Prepared::new(changes, written))
    }

    fn update_resource(
        &self,
        resource_type: String,
        resource_id: String,
        meta: Option<Map<String, Value>>,
    ) -> Result<Prepared> {
        let Some(mut resource) = self.resource(&resource_type, &resource_id) else {
            return Err(Error::not_found(
                "Resource",
                format!("{resource_type}:{resource_id}"),
            ));
        };
        let text = meta.as_ref().map(validate::meta).transpose()?;
        resource.meta = meta.map(Value::Object);
        let created_at = resource.created_at;
        let change = Change::PutResource {
            resource_type,
            resource_id,
            meta: text,
            created_at,
        };
        Ok(Prepared::new(
            vec![change],
            Written {
                resources: vec![resource],
                ..Written::default()
            },
        ))
    }

    fn delete_resources(&self, resources: &[(String, String)]) -> Result<Prepared> {
        limit_batch("resources", resources.len())?;
        let mut changes = Vec::new();
        let mut written = Written::default();
        for (index, (resource_type, resource_id)) in resources.iter().enumerate() {
            let again = resources[..index].contains(&(resource_type.clone(), resource_id.clone()));
            let found = self.resource(resource_type, resource_id).filter(|_| !again);
            let Some(resource) = found else {
                return Err(Error::not_found(
                    "Resource",
                    format!("{resource_type}:{resource_id}"),
                ));
            };
            written.resources.push(resource);
            changes.push(Change::DeleteResource {
                resource_type: resource_type.clone(),
                resource_id: resource_id.clone(),
            });
        }
        Ok(Prepared::new(changes, written))
    }

    fn schema(&self, edit: SchemaEdit) -> Result<Prepared> {
        let schema = edit(self.model.schema())?;
        let (model, warnings) = resolve(schema)?;
        if let Some(cycle) = validate::cycle(&model, &self.graph, []) {
            let message = format!(
                "with the group warrants that are stored, a relation depends on itself through none_of: {cycle}; delete those warrants first"
            );
            return Err(Error::Refused {
                code: "invalid_request",
                message,
            });
        }
        let json = rowgate_schema::to_json(model.schema()).to_string();
        let changed = model.schema() != self.model.schema();
        let changes = if changed {
            vec![Change::Schema { json }]
        } else {
            Vec::new()
        };
        let written = Written {
            warnings,
            ..Written::default()
        };
        Ok(Prepared {
            changes,
            written,
            model: Some(model),
        })
    }

    fn import(
        &self,
        schema: Option<Schema>,
        resources: Vec<(NewResource, Option<i64>)>,
        warrants: Vec<ImportedWarrant>,
        now: i64,
    ) -> Result<Prepared> {
        let mut prepared = match schema {
            Some(schema) => self.schema(Box::new(move |_| Ok(schema)))?,
            None => Prepared::new(Vec::new(), Written::default()),
        };
        let model = prepared.model.clone().unwrap_or_else(|| self.model.clone());
        let changes = &mut prepared.changes;
        let before = changes.len();
        for (new, created_at) in resources {
            let id = new.resource_id.unwrap_or_default();
            validate::resource(&new.resource_type, &id)?;
            let meta = new.meta.as_ref().map(validate::meta).transpose()?;
            let before = self.resource(&new.resource_type, &id);
            if before
                .as_ref()
                .is_none_or(|before| meta.is_some() && before.meta != new.meta.map(Value::Object))
            {
                let created_at = created_at.unwrap_or(now);
                let resource_type = new.resource_type;
                changes.push(Change::PutResource {
                    resource_type,
                    resource_id: id,
                    meta,
                    created_at,
                });
            }
        }
        let mut batch = Batch::new(&self.graph);
        for ImportedWarrant {
            warrant,
            created_at,
            leftover,
        } in warrants
        {
            let checked = validate::form(&warrant).and_then(|()| {
                if !leftover {
                    validate::allowed(&warrant, &model)?;
                }
                validate::sound(&warrant, &model, &self.graph)
            });
            checked.map_err(|error| match error {
                Error::Invalid { parameter, message } => Error::Invalid {
                    parameter,
                    message: format!("{warrant}: {message}"),
                },
                error => error,
            })?;
            if !batch.has(&warrant) {
                changes.push(Change::CreateWarrant(stored(&warrant, created_at.unwrap_or(now))));
                batch.set(warrant, true);
            }
        }
        validate::no_paradox_among(batch.created(), &model, &self.graph)?;
        prepared.written.created = changes.len() - before;
        Ok(prepared)
    }
}

impl Prepared {
    fn new(changes: Vec<Change>, written: Written) -> Self {
        Self {
            changes,
            written,
            model: None,
        }
    }
}

/// The warrants as they will be after the part of a batch that was looked at.
struct Batch<'a> {
    graph: &'a Graph,
    set: HashMap<Warrant, bool>,
}

impl<'a> Batch<'a> {
    fn new(graph: &'a Graph) -> Self {
        Self {
            graph,
            set: HashMap::new(),
        }
    }

    fn has(&self, warrant: &Warrant) -> bool {
        self.set
            .get(warrant)
            .copied()
            .unwrap_or_else(|| self.graph.find(&tuple(warrant)).is_some())
    }

    /// Those that will be there because of the batch.
    fn created(&self) -> impl Iterator<Item = &Warrant> {
        self.set
            .iter()
            .filter(|(_, there)| **there)
            .map(|(warrant, _)| warrant)
    }

    fn set(&mut self, warrant: Warrant, there: bool) {
        self.set.insert(warrant, there);
    }
}

fn limit_batch(parameter: &str, len: usize) -> Result<()> {
    match len {
        0 => Err(Error::invalid(parameter, "the batch is empty")),
        1..=MAX_BATCH => Ok(()),
        _ => Err(Error::invalid(
            parameter,
            format!("the batch has {len} entries; at most {MAX_BATCH} are allowed"),
        )),
    }
}

/// Checks a schema.
pub(crate) fn resolve(schema: rowgate_schema::ast::Schema) -> Result<(Model, Vec<Diagnostic>)> {
    rowgate_schema::resolve(schema).map_err(|errors| Error::Schema { errors })
}

pub(crate) fn tuple(warrant: &Warrant) -> Tuple<'_> {
    Tuple {
        resource_type: &warrant.resource_type,
        resource_id: &warrant.resource_id,
        relation: &warrant.relation,
        subject_type: &warrant.subject_type,
        subject_id: &warrant.subject_id,
        subject_relation: warrant.subject_relation.as_deref(),
        policy: warrant.policy.as_deref(),
    }
}

fn key(warrant: &Warrant) -> WarrantKey {
    WarrantKey {
        resource_type: warrant.resource_type.clone(),
        resource_id: warrant.resource_id.clone(),
        relation: warrant.relation.clone(),
        subject_type: warrant.subject_type.clone(),
        subject_id: warrant.subject_id.clone(),
        subject_relation: warrant.subject_relation.clone(),
        policy: warrant.policy.clone(),
    }
}

fn stored(warrant: &Warrant, created_at: i64) -> rowgate_store::Warrant {
    rowgate_store::Warrant {
        key: key(warrant),
        created_at,
    }
}

fn tuple_of(key: &WarrantKey) -> Tuple<'_> {
    Tuple {
        resource_type: &key.resource_type,
        resource_id: &key.resource_id,
        relation: &key.relation,
        subject_type: &key.subject_type,
        subject_id: &key.subject_id,
        subject_relation: key.subject_relation.as_deref(),
        policy: key.policy.as_deref(),
    }
}

/// What a stored change does to the graph; a change of schema does nothing to it.
pub(crate) fn apply(graph: &mut Graph, change: &Change) -> Result<()> {
    match change {
        Change::Schema { .. } => {}
        Change::PutResource {
            resource_type,
            resource_id,
            meta,
            created_at,
        } => {
            let meta = meta
                .as_deref()
                .map(serde_json::from_str)
                .transpose()
                .map_err(|error| {
                    let what = format!("metadata of {resource_type}:{resource_id}: {error}");
                    rowgate_graph::GraphError::Malformed(what)
                })?;
            graph.put_resource(resource_type, resource_id, meta, *created_at)?;
        }
        Change::DeleteResource {
            resource_type,
            resource_id,
        } => {
            graph.delete_resource(resource_type, resource_id);
        }
        Change::CreateWarrant(warrant) => {
            graph.create_warrant(&tuple_of(&warrant.key), warrant.created_at)?;
        }
        Change::DeleteWarrant(key) => {
            graph.delete_warrant(&tuple_of(key));
        }
    }
    Ok(())
}
