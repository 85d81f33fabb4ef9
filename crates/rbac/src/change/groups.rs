//! Groups and their members.

use std::collections::BTreeSet;

use serde_json::Map;

use super::{assignments, group_assignments, set};
use crate::draft::Draft;
use crate::names::{self, relation};
use crate::record::{Group, Membership, Status};
use crate::{Error, Result};

/// Creates a group and returns its id.
///
/// # Errors
/// 404 for an unknown organization.
pub fn create(
    draft: &mut Draft<'_>,
    organization: &str,
    name: &str,
    description: Option<&str>,
) -> Result<String> {
    let organization = draft.read.organization(organization)?;
    let (at, id) = draft.fresh("group")?;
    let mut meta = Map::new();
    meta.insert("name".into(), name.into());
    set(&mut meta, "description", description);
    draft.put(names::GROUP, &id, meta, at);
    let to = (names::ORGANIZATION_TYPE, organization.id());
    draft.link((names::GROUP, &id), relation::ORGANIZATION, to, at);
    Ok(id)
}

/// Changes the name or the description of a group.
///
/// # Errors
/// 404
pub fn update(
    draft: &mut Draft<'_>,
    organization: &str,
    group: &str,
    name: Option<&str>,
    description: Option<&Option<String>>,
) -> Result<()> {
    let group = find(draft, organization, group)?;
    draft.update(&group, |meta| {
        if let Some(name) = name {
            set(meta, "name", Some(name));
        }
        if let Some(description) = description {
            set(meta, "description", description.as_deref());
        }
    });
    Ok(())
}

/// Deletes a group and its assignments.
///
/// # Errors
/// 404
pub fn delete(draft: &mut Draft<'_>, organization: &str, group: &str) -> Result<()> {
    let group = find(draft, organization, group)?;
    for assignment in group.assignments() {
        group_assignments::remove(draft, &assignment);
    }
    remove(draft, &group);
    Ok(())
}

pub(crate) fn remove(draft: &mut Draft<'_>, group: &Group<'_>) {
    draft.delete(names::GROUP, group.id());
    draft.removed.groups += 1;
}

fn find<'a>(draft: &Draft<'a>, organization: &str, group: &str) -> Result<Group<'a>> {
    let organization = draft.read.organization(organization)?;
    draft.read.group_of(&organization, group)
}

/// Adds and removes members. Who is in already is not added again, who is not in is not removed.
///
/// # Errors
/// 404 for a membership of another organization, 422 `group_membership_update_overlap` for one that is to be added and removed.
pub fn patch_members(
    draft: &mut Draft<'_>,
    organization: &str,
    group: &str,
    add: &[String],
    remove: &[String],
) -> Result<()> {
    let group = find(draft, organization, group)?;
    if add.iter().any(|id| remove.contains(id)) {
        return Err(Error::unprocessable(
            "group_membership_update_overlap",
            "The same membership is to be added and to be removed.",
        ));
    }
    let once = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<String>>();
    for id in &once(remove) {
        let membership = member(draft, &group, id)?;
        if group.has(&membership) {
            leave(draft, &group, &membership);
        }
    }
    for id in &once(add) {
        let membership = member(draft, &group, id)?;
        if !group.has(&membership) {
            let at = draft.moment();
            join(draft, &group, &membership, membership.status(), at);
        }
    }
    Ok(())
}

/// Removes a member.
///
/// # Errors
/// 404, also for a membership that is not in the group.
pub fn remove_member(draft: &mut Draft<'_>, organization: &str, group: &str, membership: &str) -> Result<()> {
    let group = find(draft, organization, group)?;
    let found = member(draft, &group, membership)?;
    if !group.has(&found) {
        return Err(Error::not_found("Group membership", membership));
    }
    leave(draft, &group, &found);
    Ok(())
}

fn member<'a>(draft: &Draft<'a>, group: &Group<'a>, id: &str) -> Result<Membership<'a>> {
    let membership = draft.read.membership(id)?;
    if membership.organization()?.object() == group.organization()?.object() {
        return Ok(membership);
    }
    Err(Error::not_found("Organization membership", id))
}

pub(crate) fn join(
    draft: &mut Draft<'_>,
    group: &Group<'_>,
    membership: &Membership<'_>,
    status: Status,
    created_at: i64,
) {
    let (from, to) = ((names::GROUP, group.id()), (names::MEMBERSHIP, membership.id()));
    draft.link(from, assignments::holding(status), to, created_at);
}

pub(crate) fn leave(draft: &mut Draft<'_>, group: &Group<'_>, membership: &Membership<'_>) {
    let (from, to) = ((names::GROUP, group.id()), (names::MEMBERSHIP, membership.id()));
    draft.unlink(from, assignments::holding(membership.status()), to);
}
