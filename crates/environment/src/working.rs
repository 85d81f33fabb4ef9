//! What the writer holds of one environment: the newest state, ahead of what is published.

use std::sync::Arc;

use rowgate_binding::Bindings;
use rowgate_engine::Program;
use rowgate_graph::{Graph, GraphError, Place, Tuple};
use rowgate_schema::Model;
use rowgate_store::{Change, Commit, WarrantKey};

use crate::bound::Bound;
use crate::prepare::Prepared;
use crate::published::Published;
use crate::write::Warrant;
use crate::{Error, Result, load};

/// The newest state of an environment, ahead of what is published until it is durable.
#[derive(Debug)]
pub(crate) struct Working {
    pub(crate) graph: Graph,
    pub(crate) model: Model,
    pub(crate) program: Arc<Program>,
    pub(crate) bound: Option<Arc<Bound>>,
    pub(crate) revision: u64,
    epoch: u64,
    setbacks: Setbacks,
}

/// How often the state went back to what was published, and why it did the last time.
#[derive(Debug, Default)]
struct Setbacks {
    count: u64,
    last: Option<Error>,
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
            bound: None,
            revision,
            epoch: crate::now() as u64,
            setbacks: Setbacks::default(),
        })
    }

    /// Puts bindings in force.
    pub(crate) fn bind(&mut self, bindings: &Bindings) -> Result<()> {
        let bound = Bound::new(bindings, &self.model, self.graph.state())?;
        self.bound = Some(Arc::new(bound));
        Ok(())
    }

    /// Numbers everything anew when most numbers are of what is gone.
    pub(crate) fn compact_if_sparse(&mut self) -> Result<()> {
        if self.graph.is_sparse() {
            let mut compacted = Self::new(self.graph.compacted()?, self.model.clone(), self.revision)?;
            if let Some(bound) = &self.bound {
                compacted.bind(bound.bindings.bindings())?;
            }
            let setbacks = std::mem::take(&mut self.setbacks);
            *self = Self {
                setbacks,
                ..compacted
            };
        }
        Ok(())
    }

    /// Goes back to what is published. Everything since then is undone.
    pub(crate) fn go_back(&mut self, published: &Published, why: Error) {
        self.go_to(published);
        self.setbacks.count += 1;
        self.setbacks.last = Some(why);
    }

    /// Takes the state that is published in place of its own.
    pub(crate) fn go_to(&mut self, published: &Published) {
        *self = Self {
            setbacks: std::mem::take(&mut self.setbacks),
            ..Self::of(published)
        };
    }

    /// The state of a revision, to go on from.
    pub(crate) fn of(published: &Published) -> Self {
        Self {
            graph: Graph::from_snapshot(published.graph.clone()),
            model: published.model.clone(),
            program: Arc::clone(&published.program),
            bound: published.bound.clone(),
            revision: published.revision(),
            epoch: published.epoch,
            setbacks: Setbacks::default(),
        }
    }

    /// Which numbering of resources and warrants it has.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Applies what others wrote. When it fails, a part may have been applied: go to what is published then.
    pub(crate) fn follow(&mut self, commits: &[Commit]) -> Result<()> {
        for commit in commits {
            let (mut schema, mut bindings) = (None, None);
            for change in &commit.changes {
                match change {
                    Change::Schema { json } => schema = Some(json),
                    Change::Bindings { json } => bindings = Some(json),
                    change => apply(&mut self.graph, change)?,
                }
            }
            if schema.is_some() || bindings.is_some() {
                // Together: what is bound may be new in the schema.
                self.put_documents(schema.map(String::as_str), bindings.map(Option::as_deref))?;
            }
            self.revision = commit.revision.get();
        }
        Ok(())
    }

    fn put_documents(&mut self, schema: Option<&str>, bindings: Option<Option<&str>>) -> Result<()> {
        if schema.is_some() {
            self.model = load::model(schema)?;
            self.program = Arc::new(Program::compile(&self.model, &mut self.graph)?);
        }
        self.bound = match (bindings, self.bound.take()) {
            (Some(None), _) | (None, None) => None,
            (Some(Some(json)), _) => Some(Arc::new(Bound::read(json, &self.model, self.graph.state())?)),
            (None, Some(bound)) => {
                let again = Bound::new(bound.bindings.bindings(), &self.model, self.graph.state())?;
                Some(Arc::new(again))
            }
        };
        Ok(())
    }

    /// How often it went back.
    pub(crate) fn setbacks(&self) -> u64 {
        self.setbacks.count
    }

    /// Why it went back the last time.
    pub(crate) fn last_setback(&self) -> Error {
        self.setbacks.last.as_ref().map_or(Error::Stopping, Error::again)
    }

    pub(crate) fn publish(&mut self) -> Published {
        self.graph.set_revision(self.revision);
        Published {
            model: self.model.clone(),
            program: Arc::clone(&self.program),
            bound: self.bound.clone(),
            graph: self.graph.snapshot(),
            epoch: self.epoch,
        }
    }

    /// Carries out a checked write. When it fails, a part may have been carried out: go back then.
    pub(crate) fn apply(&mut self, prepared: &mut Prepared) -> Result<()> {
        let changes = &prepared.changes;
        for (change, place) in changes.list.iter().zip(&changes.places) {
            match place {
                Some(place) => apply_at(&mut self.graph, change, place)?,
                None => apply(&mut self.graph, change)?,
            }
        }
        if let Some(model) = prepared.model.take() {
            self.program = Arc::new(Program::compile(&model, &mut self.graph)?);
            self.model = model;
        }
        if let Some(bound) = prepared.bound.take() {
            self.bound = Some(bound);
        }
        self.revision += 1;
        Ok(())
    }
}

/// A change of a warrant that was looked up already.
fn apply_at(graph: &mut Graph, change: &Change, place: &Place) -> Result<()> {
    match change {
        Change::CreateWarrant(warrant) => {
            graph.create_warrant_at(&tuple_of(&warrant.key), place, warrant.created_at)?;
        }
        Change::DeleteWarrant(_) => {
            graph.delete_warrant_at(place);
        }
        other => apply(graph, other)?,
    }
    Ok(())
}

/// What a stored change does to the graph; a change of schema or of bindings does nothing to it.
pub(crate) fn apply(graph: &mut Graph, change: &Change) -> Result<()> {
    match change {
        Change::Schema { .. } | Change::Bindings { .. } | Change::Audit { .. } => {}
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
                    GraphError::Malformed(what)
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
