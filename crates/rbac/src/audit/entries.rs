//! What is said of what changes come to: an entry for everything that was not there before, is no more, or is otherwise.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::about::{Name, fields, slug_of};
use super::net::{Net, Pair, Turn};
use crate::condition::Condition;
use crate::names;
use crate::record::Status;

/// An action and what it was about.
pub(super) type Entry = (&'static str, Map<String, Value>);

impl<'c> Net<'c> {
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
        Status::stored(self.about.meta_after(name).get("status"))
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
