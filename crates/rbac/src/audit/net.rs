//! What a list of changes comes to: of everything that it touches, what there was before and what there is after.

use std::collections::{BTreeMap, BTreeSet};

use rowgate_graph::Symbol;
use rowgate_store::{Change, WarrantKey};

use super::about::{About, Name};
use crate::names::{self, relation};
use crate::read::Reader;
use crate::record::{Record, Resource, Role};

/// Something before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Turn<T> {
    pub(super) before: T,
    pub(super) after: T,
}

impl<T: Clone> Turn<T> {
    fn from(before: T) -> Self {
        Self {
            after: before.clone(),
            before,
        }
    }
}

/// Who holds what: a grant and a subject, or a group and a member.
pub(super) type Pair<'c> = (&'c str, Name<'c>);

pub(super) struct Net<'c> {
    pub(super) read: Reader<'c>,
    pub(super) about: About<'c>,
    /// The policies of the holders of grants; `None` for who is none.
    pub(super) holders: BTreeMap<Pair<'c>, Turn<Option<Option<&'c str>>>>,
    pub(super) members: BTreeMap<Pair<'c>, Turn<bool>>,
    /// What roles carry.
    pub(super) carried: BTreeMap<&'c str, Turn<BTreeSet<String>>>,
    pub(super) parents: BTreeMap<Name<'c>, Turn<Option<Name<'c>>>>,
    /// Whether things exist.
    pub(super) things: BTreeMap<Name<'c>, Turn<bool>>,
}

impl<'c> Net<'c> {
    pub(super) fn of(read: Reader<'c>, changes: &'c [Change]) -> Self {
        let mut net = Self {
            read,
            about: About::new(read, changes),
            holders: BTreeMap::new(),
            members: BTreeMap::new(),
            carried: BTreeMap::new(),
            parents: BTreeMap::new(),
            things: BTreeMap::new(),
        };
        for change in changes {
            net.add(change);
        }
        net
    }

    fn add(&mut self, change: &'c Change) {
        match change {
            Change::PutResource {
                resource_type,
                resource_id,
                ..
            } => self.thing((resource_type, resource_id)).after = true,
            Change::DeleteResource {
                resource_type,
                resource_id,
            } => self.delete((resource_type, resource_id)),
            Change::CreateWarrant(warrant) => self.warrant(&warrant.key, true),
            Change::DeleteWarrant(key) => self.warrant(key, false),
            Change::Schema { .. } | Change::Bindings { .. } | Change::Audit { .. } => {}
        }
    }

    fn thing(&mut self, name: Name<'c>) -> &mut Turn<bool> {
        let read = self.read;
        let exists = || Turn::from(read.find(name.0, name.1).is_some());
        self.things.entry(name).or_insert_with(exists)
    }

    fn warrant(&mut self, key: &'c WarrantKey, there: bool) {
        let from = (key.resource_type.as_str(), key.resource_id.as_str());
        let to = (key.subject_type.as_str(), key.subject_id.as_str());
        match (from.0, key.relation.as_str()) {
            (names::GRANT, relation::MEMBER | relation::PARKED) => {
                let policy = key.policy.as_deref();
                let holder = self.holder((from.1, to));
                if there {
                    holder.after = Some(policy);
                } else if holder.after == Some(policy) {
                    holder.after = None;
                }
            }
            (names::GROUP, relation::MEMBER | relation::PARKED) => self.member((from.1, to)).after = there,
            (names::ROLE, name) => {
                if let Some(slug) = names::permission_slug(name) {
                    let carried = &mut self.role(from.1).after;
                    if there {
                        carried.insert(slug);
                    } else {
                        carried.remove(&slug);
                    }
                }
            }
            (_, relation::PARENT) => {
                let parent = self.parent(from);
                if there {
                    parent.after = Some(to);
                } else if parent.after == Some(to) {
                    parent.after = None;
                }
            }
            _ => {}
        }
    }

    fn holder(&mut self, (grant, subject): Pair<'c>) -> &mut Turn<Option<Option<&'c str>>> {
        let read = self.read;
        self.holders.entry((grant, subject)).or_insert_with(|| {
            let second = match subject.0 {
                names::GROUP => read.symbol(relation::MEMBER),
                _ => Symbol::NONE,
            };
            Turn::from(held(read, (names::GRANT, grant), second, subject))
        })
    }

    fn member(&mut self, (group, membership): Pair<'c>) -> &mut Turn<bool> {
        let read = self.read;
        self.members.entry((group, membership)).or_insert_with(|| {
            let found = held(read, (names::GROUP, group), Symbol::NONE, membership);
            Turn::from(found.is_some())
        })
    }

    fn role(&mut self, id: &'c str) -> &mut Turn<BTreeSet<String>> {
        let read = self.read;
        self.carried.entry(id).or_insert_with(|| {
            let role = read.find(names::ROLE, id).map(Role);
            Turn::from(role.map_or_else(BTreeSet::new, |role| role.permissions().into_iter().collect()))
        })
    }

    fn parent(&mut self, name: Name<'c>) -> &mut Turn<Option<Name<'c>>> {
        let read = self.read;
        self.parents.entry(name).or_insert_with(|| {
            let resource = read.find(name.0, name.1).map(Resource);
            let parent = resource.and_then(|resource| resource.parent());
            Turn::from(parent.map(|parent| (parent.type_name(), parent.id())))
        })
    }

    /// What is deleted goes with every warrant that names it.
    fn delete(&mut self, name: Name<'c>) {
        self.thing(name).after = false;
        let Some(record) = self.read.find(name.0, name.1) else {
            return;
        };
        match name.0 {
            names::GRANT => {
                for subject in named(record, [relation::MEMBER, relation::PARKED]) {
                    self.holder((name.1, subject)).after = None;
                }
            }
            names::GROUP => {
                for member in named(record, [relation::MEMBER, relation::PARKED]) {
                    self.member((name.1, member)).after = false;
                }
                self.let_go(record, name);
            }
            names::MEMBERSHIP => self.let_go(record, name),
            names::ROLE => self.role(name.1).after.clear(),
            _ => {}
        }
    }

    /// Takes a subject out of everything that it is in.
    fn let_go(&mut self, subject: Record<'c>, name: Name<'c>) {
        let read = self.read;
        for edge in read.graph.resources(subject.object()).all() {
            let Some(holding) = read.record(edge.other()) else {
                continue;
            };
            match (
                holding.type_name(),
                // Seen from the subject, the relation on the resource comes second.
                read.graph.name(edge.second()),
            ) {
                (names::GRANT, relation::MEMBER | relation::PARKED) => {
                    self.holder((holding.id(), name)).after = None;
                }
                (names::GROUP, relation::MEMBER | relation::PARKED) => {
                    self.member((holding.id(), name)).after = false;
                }
                _ => {}
            }
        }
    }
}

/// The policy by which a subject holds something, active or not.
fn held<'c>(read: Reader<'c>, from: Name<'c>, second: Symbol, to: Name<'c>) -> Option<Option<&'c str>> {
    let (from, to) = (read.find(from.0, from.1)?, read.find(to.0, to.1)?);
    let edges = read.graph.subjects(from.object());
    let mut found = [relation::MEMBER, relation::PARKED]
        .into_iter()
        .flat_map(|relation| edges.to(read.symbol(relation), second, to.object()));
    let policy = read.graph.policy(found.next()?.policy());
    Some(policy.map(|policy| policy.text()))
}

/// What a record names in these relations.
fn named<'c>(record: Record<'c>, relations: [&'static str; 2]) -> Vec<Name<'c>> {
    let read = record.read;
    let edges = relations
        .into_iter()
        .flat_map(|relation| read.graph.subjects(record.object()).of(read.symbol(relation)));
    let records = edges.filter_map(|edge| read.record(edge.other()));
    records.map(|named| (named.type_name(), named.id())).collect()
}
