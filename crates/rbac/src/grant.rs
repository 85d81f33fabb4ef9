//! Grants: one role on one resource, and who has it there. A grant exists exactly as long as somebody has it.

use std::collections::{BTreeMap, BTreeSet};

use rowgate_store::WarrantKey;
use serde_json::Map;

use crate::draft::Draft;
use crate::key::Key;
use crate::names::{self, relation};
use crate::record::{Record, Resource, Role};

/// What a draft does to one grant.
#[derive(Debug, Default)]
pub(crate) struct GrantEdit {
    role: String,
    resource: (String, String),
    exists: bool,
    /// New holders, each since when.
    add: BTreeMap<WarrantKey, i64>,
    remove: BTreeSet<WarrantKey>,
}

/// The id of the grant of a role on a resource.
fn id(role: &str, (resource_type, resource_id): (&str, &str)) -> String {
    Key::hashed(&[role, resource_type, resource_id]).id("grant")
}

/// The grant of a role on a resource, if anybody has it.
pub(crate) fn of<'a>(role: &Role<'a>, resource: &Resource<'a>) -> Option<Record<'a>> {
    let id = id(role.id(), (resource.type_name(), resource.id()));
    resource.read.find(names::GRANT, &id)
}

/// Who has a grant: `subject` is a membership, or a group for all of its members.
pub(crate) fn held(grant: &str, relation: &str, subject: &Record<'_>, policy: Option<&str>) -> WarrantKey {
    let is_group = subject.type_name() == names::GROUP;
    WarrantKey {
        resource_type: names::GRANT.into(),
        resource_id: grant.into(),
        relation: relation.into(),
        subject_type: subject.type_name().into(),
        subject_id: subject.id().into(),
        subject_relation: is_group.then(|| relation::MEMBER.into()),
        policy: policy.map(str::to_owned),
    }
}

/// The same for a membership that is only being created.
pub(crate) fn held_by(grant: &str, relation: &str, (subject_type, subject_id): (&str, &str)) -> WarrantKey {
    WarrantKey {
        resource_type: names::GRANT.into(),
        resource_id: grant.into(),
        relation: relation.into(),
        subject_type: subject_type.into(),
        subject_id: subject_id.into(),
        subject_relation: None,
        policy: None,
    }
}

impl<'a> Draft<'a> {
    /// The edit of the grant of a role on a resource.
    pub(crate) fn grant_of(&mut self, role: &Role<'a>, resource: &Resource<'a>) -> (String, &mut GrantEdit) {
        self.grant_on(role, (resource.type_name(), resource.id()))
    }

    /// The same for a resource that is perhaps only being created.
    pub(crate) fn grant_on(&mut self, role: &Role<'a>, resource: (&str, &str)) -> (String, &mut GrantEdit) {
        let id = id(role.id(), resource);
        let exists = self.read.find(names::GRANT, &id).is_some();
        let edit = self.grants.entry(id.clone()).or_insert_with(|| GrantEdit {
            role: role.id().into(),
            resource: (resource.0.into(), resource.1.into()),
            exists,
            ..GrantEdit::default()
        });
        (id, edit)
    }

    /// The edit of a grant that exists.
    pub(crate) fn existing_grant(&mut self, grant: &Record<'a>) -> &mut GrantEdit {
        self.grants
            .entry(grant.id().to_owned())
            .or_insert_with(|| GrantEdit {
                exists: true,
                ..GrantEdit::default()
            })
    }
}

impl GrantEdit {
    pub(crate) fn add(&mut self, holder: WarrantKey, created_at: i64) {
        self.add.insert(holder, created_at);
    }

    /// What this draft was only going to add is not added.
    pub(crate) fn remove(&mut self, holder: WarrantKey) {
        if self.add.remove(&holder).is_none() {
            self.remove.insert(holder);
        }
    }
}

/// Carries out what a draft does to grants: creates those that get their first holder, deletes those that lose their last one.
pub(crate) fn settle(draft: &mut Draft<'_>) {
    for (id, edit) in std::mem::take(&mut draft.grants) {
        if !edit.exists && edit.add.is_empty() {
            continue;
        }
        if edit.add.is_empty() && !has_more_holders(draft, &id, edit.remove.len()) {
            draft.delete(names::GRANT, &id);
            continue;
        }
        let grant = (names::GRANT, id.as_str());
        if !edit.exists {
            let at = draft.moment();
            let (resource_type, resource_id) = &edit.resource;
            draft.put(names::GRANT, &id, Map::new(), at);
            draft.link(grant, relation::ROLE, (names::ROLE, &edit.role), at);
            draft.link((resource_type, resource_id), relation::GRANT, grant, at);
        }
        for holder in edit.remove {
            draft.revoke(holder);
        }
        for (holder, created_at) in edit.add {
            draft.grant(holder, created_at);
        }
    }
}

/// Whether more than so many memberships and groups have a grant.
fn has_more_holders(draft: &Draft<'_>, id: &str, than: usize) -> bool {
    let Some(grant) = draft.read.find(names::GRANT, id) else {
        return false;
    };
    let edges = draft.read.graph.subjects(grant.object());
    let of = |relation: &str| edges.of(draft.read.symbol(relation));
    of(relation::MEMBER)
        .chain(of(relation::PARKED))
        .nth(than)
        .is_some()
}
