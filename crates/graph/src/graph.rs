//! What the writer holds: the newest state, changed in place where no snapshot shares it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use serde_json::Value;

use crate::edge::{self, Edge};
use crate::policies::PolicyIndex;
use crate::snapshot::{GroupKind, Snapshot, wildcard_kind};
use crate::warrants::WarrantRef;
use crate::{GraphError, ObjectId, PolicyId, Symbol, WarrantId};

/// A warrant in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuple<'a> {
    /// Type of the resource.
    pub resource_type: &'a str,
    /// Id of the resource.
    pub resource_id: &'a str,
    /// Relation that the subject has.
    pub relation: &'a str,
    /// Type of the subject.
    pub subject_type: &'a str,
    /// Id of the subject; `*` for all of the type.
    pub subject_id: &'a str,
    /// Relation of the subject, for a group.
    pub subject_relation: Option<&'a str>,
    /// Policy text; the same tuple with another policy is another warrant.
    pub policy: Option<&'a str>,
}

/// Where a warrant is, or what there is already of what it names.
///
/// It holds until resources or this very warrant are deleted, or the graph is numbered anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    resource: ObjectId,
    subject: ObjectId,
    warrant: Option<WarrantId>,
}

impl Place {
    /// The stored warrant.
    pub fn warrant(&self) -> Option<WarrantId> {
        self.warrant
    }
}

/// The writable graph.
#[derive(Debug, Default)]
pub struct Graph {
    pub(crate) state: Snapshot,
    pub(crate) policies: PolicyIndex,
}

impl Graph {
    /// A writable graph that goes on from a snapshot. Takes time in proportion to the number of warrants.
    pub fn from_snapshot(state: Snapshot) -> Self {
        let mut policies = PolicyIndex::default();
        for (_, row) in state.warrants_oldest_first(None) {
            policies.count(&state.policies, row.policy);
        }
        policies.find_free(&state.policies);
        Self { state, policies }
    }

    /// A graph on top of a snapshot, for one request. Takes no time in proportion to what is stored, and therefore does not know the texts of
    /// policies: warrants without policies can be found, created and deleted, others deleted by their numbers.
    pub fn overlay(mut state: Snapshot) -> Self {
        state.objects.lay_over();
        state.lookup.lay_over();
        state.subjects.lay_over();
        state.resources.lay_over();
        state.warrants.lay_over();
        Self {
            state,
            policies: PolicyIndex::default(),
        }
    }

    /// Whether most numbers given out are of warrants or resources that are gone.
    ///
    /// Numbers are not used again, so that greater ones are always younger; once many are gone it is time to number anew.
    pub fn is_sparse(&self) -> bool {
        let (warrants, objects) = (&self.state.warrants, &self.state.objects);
        let sparse = |dead: usize, alive: usize| dead > (1 << 20) && dead > 3 * alive;
        sparse(warrants.dead(), warrants.alive()) || sparse(objects.len() - objects.alive(), objects.alive())
    }

    /// The same graph with its resources and warrants numbered anew, in the same order. Symbols keep their numbers.
    ///
    /// # Errors
    /// None that a sound graph gives.
    pub fn compacted(&self) -> Result<Self, GraphError> {
        let mut bytes = Vec::new();
        crate::codec::encode(&self.state, &mut bytes)?;
        let mut graph = crate::codec::decode(&mut bytes.as_slice())?;
        graph.state.revision = self.state.revision;
        Ok(graph)
    }

    /// The state as of now, to be read.
    pub fn state(&self) -> &Snapshot {
        &self.state
    }

    /// The state as of now, where no more changes come.
    pub fn into_state(self) -> Snapshot {
        self.state
    }

    /// A snapshot to publish.
    pub fn snapshot(&self) -> Snapshot {
        self.state.clone()
    }

    /// Marks the state as being that of `revision`.
    pub fn set_revision(&mut self, revision: u64) {
        self.state.revision = revision;
    }

    /// The symbol of a name, given out if it is new.
    ///
    /// # Errors
    /// [`GraphError::TooManyNames`].
    pub fn intern(&mut self, name: &str) -> Result<Symbol, GraphError> {
        match self.state.names.get(name) {
            Some(symbol) => Ok(symbol),
            None => Arc::make_mut(&mut self.state.names).add(name),
        }
    }

    /// The resource's number; it is created if it does not exist.
    ///
    /// # Errors
    /// [`GraphError::TooManyNames`] or [`GraphError::Full`].
    pub fn ensure_resource(
        &mut self,
        resource_type: &str,
        id: &str,
        created_at: i64,
    ) -> Result<ObjectId, GraphError> {
        let symbol = self.intern(resource_type)?;
        if let Some(object) = self.state.lookup.find(&self.state.objects, symbol, id) {
            return Ok(object);
        }
        let object = self
            .state
            .objects
            .push(symbol, id, created_at)
            .ok_or(GraphError::Full)?;
        self.state.lookup.insert(&self.state.objects, object, symbol, id);
        if id == "*" {
            let wildcards = Arc::make_mut(&mut self.state.wildcards);
            if wildcards.len() <= symbol.index() {
                wildcards.resize(symbol.index() + 1, ObjectId::ABSENT);
            }
            wildcards[symbol.index()] = object;
        }
        Ok(object)
    }

    /// Creates a resource or replaces its metadata.
    ///
    /// # Errors
    /// [`GraphError::TooManyNames`] or [`GraphError::Full`].
    pub fn put_resource(
        &mut self,
        resource_type: &str,
        id: &str,
        meta: Option<Value>,
        created_at: i64,
    ) -> Result<ObjectId, GraphError> {
        let object = self.ensure_resource(resource_type, id, created_at)?;
        self.state.objects.set_meta(object, meta.map(Arc::new));
        Ok(object)
    }

    /// Deletes a resource and every warrant that names it on either side. `false` when it does not exist.
    pub fn delete_resource(&mut self, resource_type: &str, id: &str) -> bool {
        let Some(symbol) = self.state.names.get(resource_type) else {
            return false;
        };
        let Some(object) = self.state.lookup.find(&self.state.objects, symbol, id) else {
            return false;
        };
        let on_it = self.state.subjects.edges(object).all();
        let warrants: Vec<WarrantId> = on_it
            .chain(self.state.resources.edges(object).all())
            .map(|edge| edge.warrant)
            .collect();
        for warrant in warrants {
            self.remove(warrant);
        }
        self.state.lookup.remove(object, symbol, id);
        self.state.objects.kill(object);
        if id == "*" && self.state.wildcard(symbol) == object {
            Arc::make_mut(&mut self.state.wildcards)[symbol.index()] = ObjectId::ABSENT;
        }
        true
    }

    /// Stores a warrant and creates the resources on its two sides. `false` when it was stored already.
    ///
    /// # Errors
    /// [`GraphError::TooManyNames`] or [`GraphError::Full`].
    pub fn create_warrant(&mut self, tuple: &Tuple<'_>, created_at: i64) -> Result<bool, GraphError> {
        let place = self.place(tuple);
        if place.warrant.is_some() {
            return Ok(false);
        }
        self.create_warrant_at(tuple, &place, created_at)?;
        Ok(true)
    }

    /// Stores a warrant that is not stored yet, at the place that [`Graph::place`] found.
    ///
    /// # Errors
    /// [`GraphError::TooManyNames`] or [`GraphError::Full`].
    pub fn create_warrant_at(
        &mut self,
        tuple: &Tuple<'_>,
        place: &Place,
        created_at: i64,
    ) -> Result<(), GraphError> {
        let mut ensure = |known: ObjectId, resource_type: &str, id: &str| {
            if known == ObjectId::ABSENT {
                self.ensure_resource(resource_type, id, created_at)
            } else {
                Ok(known)
            }
        };
        let resource = ensure(place.resource, tuple.resource_type, tuple.resource_id)?;
        let subject = ensure(place.subject, tuple.subject_type, tuple.subject_id)?;
        let relation = self.intern(tuple.relation)?;
        let subject_relation = tuple
            .subject_relation
            .map_or(Ok(Symbol::NONE), |name| self.intern(name))?;
        let policy = match tuple.policy {
            Some(text) => self.policies.acquire(&mut self.state.policies, text),
            None => PolicyId::NONE,
        };
        let row = WarrantRef {
            resource,
            subject,
            relation,
            subject_relation,
            policy,
            created_at,
        };
        let warrant = self.state.warrants.push(row).ok_or(GraphError::Full)?;
        let [forward, backward] = edges_of(&row, warrant);
        self.state.subjects.insert(resource, forward);
        self.state.resources.insert(subject, backward);
        self.count_kind(&row);
        Ok(())
    }

    /// Deletes exactly this warrant. `false` when it is not stored.
    pub fn delete_warrant(&mut self, tuple: &Tuple<'_>) -> bool {
        let found = self.find(tuple);
        found.is_some_and(|warrant| self.remove(warrant))
    }

    /// Deletes the warrant of that number. `false` when there is none.
    pub fn delete(&mut self, warrant: WarrantId) -> bool {
        self.remove(warrant)
    }

    /// Deletes the warrant that [`Graph::place`] found. `false` when there was none.
    pub fn delete_warrant_at(&mut self, place: &Place) -> bool {
        place.warrant.is_some_and(|warrant| self.remove(warrant))
    }

    /// The stored warrant that says exactly this.
    pub fn find(&self, tuple: &Tuple<'_>) -> Option<WarrantId> {
        self.place(tuple).warrant
    }

    /// Where the warrant that says exactly this is, or would be.
    pub fn place(&self, tuple: &Tuple<'_>) -> Place {
        let state = &self.state;
        let [resource, subject] = state.find_named(
            (tuple.resource_type, tuple.resource_id),
            (tuple.subject_type, tuple.subject_id),
        );
        Place {
            resource,
            subject,
            warrant: self.find_between(resource, subject, tuple),
        }
    }

    fn find_between(&self, resource: ObjectId, subject: ObjectId, tuple: &Tuple<'_>) -> Option<WarrantId> {
        if resource == ObjectId::ABSENT || subject == ObjectId::ABSENT {
            return None;
        }
        let state = &self.state;
        let relation = state.symbol(tuple.relation)?;
        let subject_relation = match tuple.subject_relation {
            Some(name) => state.symbol(name)?,
            None => Symbol::NONE,
        };
        let policy = match tuple.policy {
            Some(text) => self.policies.find(text)?,
            None => PolicyId::NONE,
        };
        let mut edges = state.subjects(resource).to(relation, subject_relation, subject);
        edges.find(|edge| edge.policy == policy).map(|edge| edge.warrant)
    }

    fn kind_of(&self, row: &WarrantRef) -> Option<GroupKind> {
        (!row.subject_relation.is_none()).then(|| GroupKind {
            resource_type: self.state.type_of(row.resource),
            relation: row.relation,
            subject_type: self.state.type_of(row.subject),
            subject_relation: row.subject_relation,
        })
    }

    /// Counts a wildcard subject in (or out).
    fn count_wildcard(&mut self, row: &WarrantRef, out: bool) {
        if !self.state.is_wildcard(row.subject) {
            return;
        }
        let subject_type = self.state.type_of(row.subject);
        let kind = wildcard_kind(self.state.type_of(row.resource), row.relation, subject_type);
        count(Arc::make_mut(&mut self.state.wildcard_kinds), kind, out);
        let index = subject_type.index();
        let counts = Arc::make_mut(&mut self.state.wildcard_warrants);
        if counts.len() <= index {
            counts.resize(index + 1, 0);
        }
        counts[index] = if out {
            counts[index].saturating_sub(1)
        } else {
            counts[index] + 1
        };
    }

    pub(crate) fn count_kind(&mut self, row: &WarrantRef) {
        self.count_wildcard(row, false);
        if let Some(kind) = self.kind_of(row) {
            count(Arc::make_mut(&mut self.state.kinds), kind, false);
        }
    }

    fn remove(&mut self, warrant: WarrantId) -> bool {
        let Some(row) = self.state.warrants.get(warrant).copied() else {
            return false;
        };
        let [forward, backward] = edges_of(&row, warrant);
        self.state.subjects.remove(row.resource, &forward);
        self.state.resources.remove(row.subject, &backward);
        self.state.warrants.kill(warrant);
        self.count_wildcard(&row, true);
        if let Some(kind) = self.kind_of(&row) {
            count(Arc::make_mut(&mut self.state.kinds), kind, true);
        }
        if !row.policy.is_none() {
            self.policies.release(&mut self.state.policies, row.policy);
        }
        true
    }
}

/// Counts a warrant of a kind in (or out). Kinds that no warrant is of are not kept.
fn count<K: Ord>(kinds: &mut BTreeMap<K, u32>, kind: K, out: bool) {
    match kinds.entry(kind) {
        Entry::Vacant(fresh) if !out => {
            fresh.insert(1);
        }
        Entry::Occupied(known) if out && *known.get() == 1 => {
            known.remove();
        }
        Entry::Occupied(mut known) => {
            *known.get_mut() = if out { *known.get() - 1 } else { *known.get() + 1 };
        }
        Entry::Vacant(_) => {}
    }
}

/// The warrant as seen from its resource and from its subject.
pub(crate) fn edges_of(row: &WarrantRef, warrant: WarrantId) -> [Edge; 2] {
    let (relation, group, policy) = (row.relation, row.subject_relation, row.policy);
    [
        Edge {
            key: edge::key(relation, group, row.subject.0),
            policy,
            warrant,
        },
        Edge {
            key: edge::key(group, relation, row.resource.0),
            policy,
            warrant,
        },
    ]
}
