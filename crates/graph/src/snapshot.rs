//! What a reader holds: the whole graph at one revision. It never changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::adjacency::{Lined, Packed};
use crate::edges::Edges;
use crate::lookup::Lookup;
use crate::names::Names;
use crate::objects::{Objects, Resource};
use crate::policies::{Policies, WarrantPolicy};
use crate::warrants::{WarrantRef, Warrants};
use crate::{ObjectId, PolicyId, Symbol, WarrantId};

/// A kind of group warrant that is stored: a relation of a type that has a relation of a type as its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKind {
    /// The resource's type.
    pub resource_type: Symbol,
    /// The warrant's relation.
    pub relation: Symbol,
    /// The subject's type.
    pub subject_type: Symbol,
    /// The subject's relation.
    pub subject_relation: Symbol,
}

/// The resource's type, the relation and the subject's type as one number, which compares faster than three.
#[inline]
pub(crate) fn wildcard_kind(resource_type: Symbol, relation: Symbol, subject_type: Symbol) -> u64 {
    crate::edge::key(resource_type, relation, subject_type.0.into())
}

/// The graph at one revision. Cloning costs a few reference counts.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub(crate) revision: u64,
    pub(crate) names: Arc<Names>,
    pub(crate) objects: Objects,
    pub(crate) lookup: Lookup,
    pub(crate) subjects: Lined,
    pub(crate) resources: Packed,
    pub(crate) warrants: Warrants,
    pub(crate) policies: Policies,
    /// `wildcards[type]` is the wildcard subject of the type.
    pub(crate) wildcards: Arc<Vec<ObjectId>>,
    pub(crate) kinds: Arc<BTreeMap<GroupKind, u32>>,
    /// `wildcard_warrants[type]`: how many warrants have the wildcard of the type as their subject.
    pub(crate) wildcard_warrants: Arc<Vec<u32>>,
    /// The same by [`wildcard_kind`].
    pub(crate) wildcard_kinds: Arc<BTreeMap<u64, u32>>,
}

/// A resource that is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a, 'i> {
    graph: &'a Snapshot,
    hash: u64,
    resource_type: Symbol,
    id: &'i str,
}

impl Sought<'_, '_> {
    /// Its number, or [`ObjectId::ABSENT`]. What is all but certainly found can be touched before its id is compared, which would be waited
    /// for first.
    #[inline]
    pub fn find(self, touch: impl FnOnce(ObjectId)) -> ObjectId {
        let Snapshot { lookup, objects, .. } = self.graph;
        let found = lookup.probe_at(self.hash).and_then(|probe| {
            if let Some(likely) = probe.likely() {
                touch(likely);
            }
            probe.find(objects, self.resource_type, self.id)
        });
        let above = || lookup.above(objects, self.resource_type, self.id);
        found.or_else(above).unwrap_or(ObjectId::ABSENT)
    }
}

impl Snapshot {
    /// The revision of the last change it contains.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The symbol of a type or relation name, if any schema or warrant has ever used it.
    #[inline]
    pub fn symbol(&self, name: &str) -> Option<Symbol> {
        self.names.get(name)
    }

    /// The name of a symbol.
    pub fn name(&self, symbol: Symbol) -> &str {
        self.names.text(symbol)
    }

    /// The number of a resource, or [`ObjectId::ABSENT`].
    #[inline]
    pub fn find(&self, resource_type: Symbol, id: &str) -> ObjectId {
        self.lookup
            .find(&self.objects, resource_type, id)
            .unwrap_or(ObjectId::ABSENT)
    }

    /// Starts to look for a resource: what there is to do meanwhile costs no time.
    #[inline]
    pub fn seek<'i>(&self, resource_type: Symbol, id: &'i str) -> Sought<'_, 'i> {
        Sought {
            graph: self,
            hash: self.lookup.seek(resource_type, id),
            resource_type,
            id,
        }
    }

    /// Starts to fetch a resource's type and id, and the warrants on it. A touch is a load like any other, whose value nobody waits for: the
    /// waits of those that follow one another overlap.
    #[inline]
    pub fn touch(&self, resource: ObjectId) {
        self.objects.touch(resource);
        self.subjects.touch(resource);
    }

    /// Starts to fetch what does not lie beside the type of a resource that was touched before: the text of a long id.
    #[inline]
    pub fn touch_text(&self, resource: ObjectId) {
        self.objects.touch_text(resource);
    }

    /// Starts to fetch a subject as well, and where the list of the warrants that name it lies.
    #[inline]
    pub fn touch_subject(&self, subject: ObjectId) {
        self.touch(subject);
        self.resources.touch(subject);
    }

    /// Starts to fetch the list of the warrants that name a subject.
    #[inline]
    pub fn touch_resources(&self, subject: ObjectId) {
        self.resources.edges(subject).touch();
    }

    /// Starts to fetch what the few warrants on a resource name as their subjects: the lists of warrants on those. Nothing where there are many.
    #[inline]
    pub fn touch_subjects(&self, resource: ObjectId) {
        for edge in self.subjects.edges(resource).few() {
            self.objects.touch(edge.other());
            self.subjects.edges(edge.other()).touch();
        }
    }

    /// Two resources at once, which is faster than one after the other.
    #[inline]
    pub fn find_both(&self, first: (Symbol, &str), second: (Symbol, &str)) -> [ObjectId; 2] {
        let found = self.lookup.find_both(&self.objects, first, second);
        found.map(|object| object.unwrap_or(ObjectId::ABSENT))
    }

    /// Two resources at once, by the names of their types.
    pub(crate) fn find_named(&self, first: (&str, &str), second: (&str, &str)) -> [ObjectId; 2] {
        // No resource is of the type that has no name.
        let symbol = |name| self.names.get(name).unwrap_or(Symbol::NONE);
        self.find_both((symbol(first.0), first.1), (symbol(second.0), second.1))
    }

    /// Whether a warrant has the wildcard of the type as its subject.
    #[inline]
    pub fn has_wildcard_warrants(&self, resource_type: Symbol) -> bool {
        self.wildcard_warrants
            .get(resource_type.index())
            .is_some_and(|count| *count > 0)
    }

    /// Whether a warrant for this relation of a type has the wildcard of the subject's type as its subject.
    #[inline]
    pub fn has_wildcard_kind(&self, resource_type: Symbol, relation: Symbol, subject_type: Symbol) -> bool {
        let kind = wildcard_kind(resource_type, relation, subject_type);
        self.wildcard_kinds.contains_key(&kind)
    }

    /// The wildcard subject `type:*`, or [`ObjectId::ABSENT`] when no warrant has it.
    #[inline]
    pub fn wildcard(&self, resource_type: Symbol) -> ObjectId {
        self.wildcards
            .get(resource_type.index())
            .copied()
            .unwrap_or(ObjectId::ABSENT)
    }

    /// The type of a resource.
    #[inline]
    pub fn type_of(&self, object: ObjectId) -> Symbol {
        self.objects.type_of(object)
    }

    /// The id of a resource.
    #[inline]
    pub fn id_of(&self, object: ObjectId) -> &str {
        self.objects.id(object)
    }

    /// Whether it is of a type and not the wildcard of it.
    #[inline]
    pub fn is_of(&self, object: ObjectId, resource_type: Symbol) -> bool {
        self.objects.is_of(object, resource_type)
    }

    /// Whether it is the wildcard of its type.
    pub fn is_wildcard(&self, object: ObjectId) -> bool {
        self.objects.is_wildcard(object)
    }

    /// What is known of a resource, unless it does not exist (any more) or is a wildcard.
    pub fn resource(&self, object: ObjectId) -> Option<Resource<'_>> {
        self.objects.resource(object)
    }

    /// The metadata of a resource.
    pub fn meta(&self, resource_type: &str, id: &str) -> Option<&Value> {
        let object = self
            .lookup
            .find(&self.objects, self.names.get(resource_type)?, id)?;
        self.objects.resource(object)?.meta
    }

    /// Every existing resource, oldest first; from the back, newest first.
    pub fn all_resources(&self) -> impl DoubleEndedIterator<Item = Resource<'_>> {
        self.objects.iter()
    }

    /// The existing resources older than `before` (all when `None`), newest first.
    pub fn resources_newest_first(&self, before: Option<ObjectId>) -> impl Iterator<Item = Resource<'_>> {
        self.objects
            .range(0, before.map_or(u32::MAX, ObjectId::get))
            .rev()
    }

    /// The existing resources younger than `after` (all when `None`), oldest first.
    pub fn resources_oldest_first(&self, after: Option<ObjectId>) -> impl Iterator<Item = Resource<'_>> {
        self.objects
            .range(after.map_or(0, |after| after.get().saturating_add(1)), u32::MAX)
    }

    /// Every existing resource of a type, oldest first; from the back, newest first.
    pub fn resources_of_type(&self, resource_type: Symbol) -> impl DoubleEndedIterator<Item = Resource<'_>> {
        self.objects.range_of(resource_type, 0, u32::MAX)
    }

    /// The existing resources of a type older than `before` (all when `None`), newest first.
    pub fn resources_of_type_newest_first(
        &self,
        resource_type: Symbol,
        before: Option<ObjectId>,
    ) -> impl Iterator<Item = Resource<'_>> {
        let end = before.map_or(u32::MAX, ObjectId::get);
        self.objects.range_of(resource_type, 0, end).rev()
    }

    /// The existing resources of a type younger than `after` (all when `None`), oldest first.
    pub fn resources_of_type_oldest_first(
        &self,
        resource_type: Symbol,
        after: Option<ObjectId>,
    ) -> impl Iterator<Item = Resource<'_>> {
        let start = after.map_or(0, |after| after.get().saturating_add(1));
        self.objects.range_of(resource_type, start, u32::MAX)
    }

    /// How many resources of a type exist.
    pub fn count_of_type(&self, resource_type: Symbol) -> usize {
        self.objects.count_of(resource_type)
    }

    /// The warrants on a resource: edges by (relation, subject relation, subject).
    #[inline]
    pub fn subjects(&self, resource: ObjectId) -> Edges<'_> {
        self.subjects.edges(resource)
    }

    /// The warrants that name a subject: edges by (subject relation, relation, resource).
    #[inline]
    pub fn resources(&self, subject: ObjectId) -> Edges<'_> {
        self.resources.edges(subject)
    }

    /// A policy of warrants.
    pub fn policy(&self, policy: PolicyId) -> Option<&WarrantPolicy> {
        self.policies.get(policy)
    }

    /// All policies that warrants have, in no particular order.
    pub fn policies(&self) -> impl Iterator<Item = (PolicyId, &WarrantPolicy)> {
        self.policies.iter()
    }

    /// A stored warrant.
    pub fn warrant(&self, warrant: WarrantId) -> Option<&WarrantRef> {
        self.warrants.get(warrant)
    }

    /// The stored warrants older than `before` (all when `None`), newest first.
    pub fn warrants_newest_first(
        &self,
        before: Option<WarrantId>,
    ) -> impl Iterator<Item = (WarrantId, &WarrantRef)> {
        self.warrants.newest_first(before.unwrap_or(WarrantId(u32::MAX)))
    }

    /// The stored warrants younger than `after` (all when `None`), oldest first.
    pub fn warrants_oldest_first(
        &self,
        after: Option<WarrantId>,
    ) -> impl Iterator<Item = (WarrantId, &WarrantRef)> {
        self.warrants
            .oldest_first(after.map_or(0, |warrant| warrant.0.saturating_add(1)))
    }

    /// The kinds of group warrants that are stored.
    pub fn group_kinds(&self) -> impl Iterator<Item = GroupKind> {
        self.kinds.keys().copied()
    }

    /// The kinds of group warrants that are stored for one relation of a type.
    pub fn group_kinds_of(&self, resource_type: Symbol, relation: Symbol) -> impl Iterator<Item = GroupKind> {
        let kind = |subject_type, subject_relation| GroupKind {
            resource_type,
            relation,
            subject_type,
            subject_relation,
        };
        let (first, last) = (Symbol::NONE, Symbol(u16::MAX));
        let kinds = self.kinds.range(kind(first, first)..=kind(last, last));
        kinds.map(|(kind, _)| *kind)
    }

    /// Whether a group warrant of this kind is stored.
    pub fn has_group_kind(&self, kind: GroupKind) -> bool {
        self.kinds.contains_key(&kind)
    }

    /// How many warrants are stored.
    pub fn warrant_count(&self) -> usize {
        self.warrants.alive()
    }

    /// How many resources exist.
    pub fn resource_count(&self) -> usize {
        self.objects.alive()
    }
}

impl rowgate_policy::Metadata for Snapshot {
    fn get(&self, resource_type: &str, resource_id: &str) -> Option<&Value> {
        self.meta(resource_type, resource_id)
    }
}
