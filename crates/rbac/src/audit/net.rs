//! What a list of changes comes to: of everything that it touches, what there was before and what there is after.

use std::collections::{BTreeMap, BTreeSet};

use rowgate_graph::Symbol;
use rowgate_store::{Change, WarrantKey};
use serde_json::{Map, Value, json};

use super::about::{About, Name, fields, slug_of};
use crate::condition::Condition;
use crate::names::{self, relation};
use crate::read::Reader;
use crate::record::{Record, Resource, Role, Status};

/// An action and what it was about.
pub(super) type Entry = (&'static str, Map<String, Value>);

/// Something before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Turn<T> {
    before: T,
    after: T,
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
type Pair<'c> = (&'c str, Name<'c>);

pub(super) struct Net<'c> {
    read: Reader<'c>,
    about: About<'c>,
    /// The policies of the holders of grants; `None` for who is none.
    holders: BTreeMap<Pair<'c>, Turn<Option<Option<&'c str>>>>,
    members: BTreeMap<Pair<'c>, Turn<bool>>,
    /// What roles carry.
    carried: BTreeMap<&'c str, Turn<BTreeSet<String>>>,
    parents: BTreeMap<Name<'c>, Turn<Option<Name<'c>>>>,
    /// Whether things exist.
    things: BTreeMap<Name<'c>, Turn<bool>>,
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

    /// The entries: first what is created, then what changes hands, then what is deleted.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let things = self.things.iter();
        let (gone, there): (Vec<_>, Vec<_>) = things.partition(|(_, turn)| !turn.after);
        entries.extend(
            there
                .into_iter()
                .filter_map(|(name, turn)| self.there(*name, turn)),
        );
        entries.extend(
            self.carried
                .iter()
                .filter_map(|(role, turn)| self.carries(role, turn)),
        );
        entries.extend(
            self.parents
                .iter()
                .filter_map(|(name, turn)| self.moved(*name, turn)),
        );
        entries.extend(
            self.members
                .iter()
                .filter_map(|(pair, turn)| self.joined(*pair, turn)),
        );
        entries.extend(
            self.holders
                .iter()
                .filter_map(|(pair, turn)| self.holds(*pair, turn)),
        );
        entries.extend(gone.into_iter().filter_map(|(name, turn)| self.gone(*name, turn)));
        entries
    }

    fn holds(&self, (grant, subject): Pair<'c>, turn: &Turn<Option<Option<&'c str>>>) -> Option<Entry> {
        let by_group = subject.0 == names::GROUP;
        let action = match (turn.before, turn.after, by_group) {
            (before, after, _) if before == after => return None,
            (None, _, false) => "role_assignment.created",
            (None, _, true) => "group_role_assignment.created",
            (_, None, false) => "role_assignment.removed",
            (_, None, true) => "group_role_assignment.removed",
            _ => "role_assignment.updated",
        };
        let mut about = if by_group {
            self.about.group(subject.1)
        } else {
            self.about.membership(subject.1)
        };
        about.extend(self.about.grant(grant));
        Some((
            action,
            before_and_after(about, turn, |policy| policy.map(condition)),
        ))
    }

    fn joined(&self, (group, member): Pair<'c>, turn: &Turn<bool>) -> Option<Entry> {
        let action = match (turn.before, turn.after) {
            (false, true) => "group_member.added",
            (true, false) => "group_member.removed",
            _ => return None,
        };
        let mut about = self.about.membership(member.1);
        about.extend(self.about.group(group));
        Some((action, about))
    }

    fn carries(&self, role: &str, turn: &Turn<BTreeSet<String>>) -> Option<Entry> {
        if turn.before == turn.after {
            return None;
        }
        let about = before_and_after(self.about.role(role), turn, |carried| Some(json!(carried)));
        Some(("role.permissions_changed", about))
    }

    fn moved(&self, name: Name<'c>, turn: &Turn<Option<Name<'c>>>) -> Option<Entry> {
        let (Some(before), Some(after)) = (turn.before, turn.after) else {
            return None;
        };
        let about = before_and_after(self.about.resource(name), turn, |parent| {
            parent.map(|parent| json!({"parent": self.about.resource_names(parent)}))
        });
        (before != after).then_some(("resource.moved", about))
    }

    /// What is new, or says something else now that counts.
    fn there(&self, name: Name<'c>, turn: &Turn<bool>) -> Option<Entry> {
        let stored = self.read.find(name.0, name.1);
        let stored = stored.filter(|_| turn.before);
        let action = match (name.0, stored) {
            (names::ORGANIZATION_TYPE, None) => "organization.created",
            (names::USER, None) => "user.created",
            (names::GROUP, None) => "group.created",
            (names::ROLE, None) => "role.created",
            (names::PERMISSION, None) => "permission.created",
            (names::MEMBERSHIP, None) => "organization_membership.created",
            (names::TYPE, None) => "resource_type.created",
            (names::MEMBERSHIP, Some(_)) => match self.status_after(name) {
                Status::Active => "organization_membership.reactivated",
                Status::Inactive => "organization_membership.deactivated",
                Status::Pending => "organization_membership.pending",
            },
            (names::TYPE, Some(_)) => "resource_type.updated",
            (names::ENVIRONMENT, Some(_)) => "settings.updated",
            _ => return None,
        };
        let counts: &[&str] = match name.0 {
            names::MEMBERSHIP => &["status"],
            names::TYPE => &["parents"],
            names::ENVIRONMENT => &["default_role", "multiple_roles"],
            names::ROLE | names::PERMISSION => &["type"],
            _ => &[],
        };
        let after = self.about.meta_after(name);
        let chosen = |meta: &Value| {
            let chosen = counts
                .iter()
                .filter_map(|field| Some(((*field).to_owned(), meta.get(field)?.clone())));
            Value::Object(chosen.collect())
        };
        let says = Turn {
            before: stored.map(|record| chosen(&Value::Object(record.all_meta()))),
            after: Some(chosen(&after)),
        };
        if says.before == says.after {
            return None;
        }
        let about = self.called(name);
        if counts.is_empty() {
            return Some((action, about));
        }
        Some((action, before_and_after(about, &says, Option::clone)))
    }

    fn status_after(&self, name: Name<'c>) -> Status {
        let meta = self.about.meta_after(name);
        let word = meta.get("status").and_then(Value::as_str);
        word.and_then(Status::parse).unwrap_or(Status::Active)
    }

    fn gone(&self, name: Name<'c>, turn: &Turn<bool>) -> Option<Entry> {
        if !turn.before {
            return None;
        }
        let action = match name.0 {
            names::ORGANIZATION_TYPE => "organization.deleted",
            names::USER => "user.deleted",
            names::GROUP => "group.deleted",
            names::ROLE => "role.deleted",
            names::PERMISSION => "permission.deleted",
            names::MEMBERSHIP => "organization_membership.deleted",
            names::TYPE => "resource_type.deleted",
            other => {
                names::type_slug(other)?;
                "resource.deleted"
            }
        };
        Some((action, self.called(name)))
    }

    /// What a thing is called in an entry about it.
    fn called(&self, name: Name<'c>) -> Map<String, Value> {
        match name.0 {
            names::ORGANIZATION_TYPE => fields([("organization_id", name.1.into())]),
            names::USER => fields([("user_id", name.1.into())]),
            names::GROUP => self.about.group(name.1),
            names::MEMBERSHIP => self.about.membership(name.1),
            names::ROLE => self.about.role(name.1),
            names::PERMISSION => fields([("permission_slug", slug_of(name.1))]),
            names::TYPE => fields([("resource_type_slug", slug_of(name.1))]),
            names::ENVIRONMENT => Map::new(),
            _ => self.about.resource(name),
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

fn condition(policy: Option<&str>) -> Value {
    let Condition { expires_at, policy } = Condition::read(policy);
    json!({"expires_at": expires_at, "condition": policy})
}

fn before_and_after<T>(
    mut about: Map<String, Value>,
    turn: &Turn<T>,
    show: impl Fn(&T) -> Option<Value>,
) -> Map<String, Value> {
    about.insert("before".into(), show(&turn.before).unwrap_or_default());
    about.insert("after".into(), show(&turn.after).unwrap_or_default());
    about
}
