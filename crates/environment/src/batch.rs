//! Warrants of one write, checked in order against the state and against one another, as changes.

use rowgate_graph::Graph;
use rowgate_schema::{GroupEdge, Model};
use rowgate_store::Change;
use std::collections::HashMap;

use crate::bound::Bound;
use crate::form::Entry;
use crate::prepare::Changes;
use crate::working::tuple;
use crate::write::{Op, Warrant};
use crate::{Error, Result, validate};

/// A kind of group warrant in words: type and relation of the resource, type and relation of the subject.
type Kind = [String; 4];

pub(crate) struct Batch<'a> {
    graph: &'a Graph,
    model: &'a Model,
    bound: Option<&'a Bound>,
    now: i64,
    /// Kinds of group warrants that are not stored yet, and whether one of them is there at the end.
    kinds: HashMap<Kind, bool>,
    /// The last warrant that the schema allowed was of this shape; most often the next one is, too.
    allowed: Shape,
}

/// What the schema looks at.
#[derive(Default)]
struct Shape {
    resource_type: String,
    relation: String,
    subject_type: String,
    subject_relation: Option<String>,
    wildcard: bool,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(graph: &'a Graph, model: &'a Model, bound: Option<&'a Bound>, now: i64) -> Self {
        Self {
            graph,
            model,
            bound,
            now,
            kinds: HashMap::new(),
            allowed: Shape::default(),
        }
    }

    /// Adds what an entry changes.
    pub(crate) fn change(&self, entry: Entry, changes: &mut Changes) -> Result<()> {
        // What an earlier entry changes is looked up when that has been carried out.
        let place = match entry.before {
            Some(_) => None,
            None => Some(self.graph.place(&tuple(&entry.warrant))),
        };
        let there = match entry.before {
            Some(op) => op == Op::Create,
            None => place.is_some_and(|place| place.warrant().is_some()),
        };
        match (entry.op, there) {
            (Op::Create, true) => {}
            (Op::Create, false) => {
                let created_at = entry.created_at.unwrap_or(self.now);
                let key = entry.warrant.into();
                let warrant = rowgate_store::Warrant { key, created_at };
                changes.push(Change::CreateWarrant(warrant), place);
            }
            (Op::Delete, true) => changes.push(Change::DeleteWarrant(entry.warrant.into()), place),
            (Op::Delete, false) => return Err(Error::not_found("Warrant", entry.warrant.to_string())),
        }
        Ok(())
    }

    /// Whether the warrant of an entry may be created. Deleting is always allowed, so that leftovers can be cleaned up.
    pub(crate) fn may_create(&mut self, entry: &Entry) -> Result<()> {
        let warrant = &entry.warrant;
        if !entry.leftover && !self.allowed.is_of(warrant) {
            validate::allowed(warrant, self.model)?;
            self.allowed = Shape::of(warrant);
        }
        if let Some(bound) = self.bound {
            bound.may_create(warrant)?;
        }
        let Some(edge) = group_edge(warrant) else {
            return Ok(());
        };
        if validate::is_stored(edge, self.graph) {
            return Ok(());
        }
        let ((resource_type, relation), (subject_type, subject_relation)) = edge;
        let kind = [resource_type, relation, subject_type, subject_relation].map(str::to_owned);
        if let Some(stays) = self.kinds.get_mut(&kind) {
            *stays |= entry.last;
            return Ok(());
        }
        validate::no_paradox(&[edge], self.model, self.graph)?;
        self.kinds.insert(kind, entry.last);
        Ok(())
    }

    /// Group warrants that are created together must not make a relation depend on itself either, though each alone may not.
    pub(crate) fn finish(self) -> Result<()> {
        let staying = self.kinds.iter().filter(|(_, stays)| **stays);
        let edges: Vec<GroupEdge<'_>> = staying
            .map(|([resource_type, relation, subject_type, subject_relation], _)| {
                (
                    (&**resource_type, &**relation),
                    (&**subject_type, &**subject_relation),
                )
            })
            .collect();
        if edges.len() < 2 {
            return Ok(());
        }
        validate::no_paradox(&edges, self.model, self.graph)
    }
}

impl Shape {
    fn of(warrant: &Warrant) -> Self {
        Self {
            resource_type: warrant.resource_type.clone(),
            relation: warrant.relation.clone(),
            subject_type: warrant.subject_type.clone(),
            subject_relation: warrant.subject_relation.clone(),
            wildcard: warrant.subject_id == "*",
        }
    }

    fn is_of(&self, warrant: &Warrant) -> bool {
        self.resource_type == warrant.resource_type
            && self.relation == warrant.relation
            && self.subject_type == warrant.subject_type
            && self.subject_relation == warrant.subject_relation
            && self.wildcard == (warrant.subject_id == "*")
    }
}

fn group_edge(warrant: &Warrant) -> Option<GroupEdge<'_>> {
    let subject_relation = warrant.subject_relation.as_deref()?;
    Some((
        (&warrant.resource_type, &warrant.relation),
        (&warrant.subject_type, subject_relation),
    ))
}
