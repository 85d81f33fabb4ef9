//! Roles of groups on resources.

use super::assignments::{Place, Placed, find, place};
use crate::assignment::GroupAssignment;
use crate::draft::Draft;
use crate::grant::held;
use crate::key::Key;
use crate::names::relation;
use crate::read::Reader;
use crate::record::{Group, Organization};
use crate::{Error, Result};

/// Gives a group a role.
///
/// # Errors
/// See [`place`]; 409 `duplicate_group_role_assignment`.
pub fn assign(draft: &mut Draft<'_>, group: &str, placed: &Placed) -> Result<()> {
    let group = draft.read.group(group)?;
    let place = place(draft, &group.organization()?, placed)?;
    if group.assignment(&place.role, &place.resource).is_some() {
        let message = format!("The group has the role '{}' there already.", placed.role);
        return Err(Error::conflict("duplicate_group_role_assignment", message));
    }
    give(draft, &group, &place);
    Ok(())
}

fn give<'a>(draft: &mut Draft<'a>, group: &Group<'a>, place: &Place<'a>) {
    let at = draft.moment();
    let (grant, edit) = draft.grant_of(&place.role, &place.resource);
    edit.add(held(&grant, relation::MEMBER, group, None), at);
}

/// Takes an assignment of a group away.
pub(crate) fn remove<'a>(draft: &mut Draft<'a>, assignment: &GroupAssignment<'a>) {
    let grant = assignment.grant;
    let holder = held(grant.id(), relation::MEMBER, &assignment.group, None);
    draft.existing_grant(&grant).remove(holder);
    draft.removed.group_assignments += 1;
}

/// Makes the assignments of a group exactly these.
///
/// # Errors
/// See [`place`].
pub fn replace(draft: &mut Draft<'_>, group: &str, all: &[Placed]) -> Result<()> {
    let group = draft.read.group(group)?;
    let organization = group.organization()?;
    let places = places(draft, &organization, all)?;
    for before in group.assignments() {
        let stays = places.iter().any(|place| {
            place.role.object() == before.role.object() && place.resource.object() == before.resource.object()
        });
        if !stays {
            remove(draft, &before);
        }
    }
    add_missing(draft, &group, &places);
    Ok(())
}

/// Adds and removes assignments of a group. What is there already is not added, what is not there is not removed.
///
/// # Errors
/// See [`place`]; 422 `group_role_assignment_update_overlap` for one that is to be added and removed.
pub fn patch(draft: &mut Draft<'_>, group: &str, add: &[Placed], remove: &[Placed]) -> Result<()> {
    let group = draft.read.group(group)?;
    let organization = group.organization()?;
    let added = places(draft, &organization, add)?;
    let removed = each_once(
        remove
            .iter()
            .map(|placed| find(draft.read, &organization, placed)),
    )?;
    if added
        .iter()
        .any(|added| removed.iter().any(|removed| added.is_same(removed)))
    {
        return Err(Error::unprocessable(
            "group_role_assignment_update_overlap",
            "The same role assignment is to be added and to be removed.",
        ));
    }
    for place in &removed {
        if let Some(before) = group.assignment(&place.role, &place.resource) {
            self::remove(draft, &before);
        }
    }
    add_missing(draft, &group, &added);
    Ok(())
}

/// Every place once.
fn places<'a>(draft: &Draft<'a>, organization: &Organization<'a>, all: &[Placed]) -> Result<Vec<Place<'a>>> {
    each_once(all.iter().map(|placed| place(draft, organization, placed)))
}

fn each_once<'a>(all: impl Iterator<Item = Result<Place<'a>>>) -> Result<Vec<Place<'a>>> {
    let mut places: Vec<Place<'a>> = Vec::new();
    for next in all {
        let next = next?;
        if !places.iter().any(|known| known.is_same(&next)) {
            places.push(next);
        }
    }
    Ok(places)
}

fn add_missing<'a>(draft: &mut Draft<'a>, group: &Group<'a>, places: &[Place<'a>]) {
    for place in places {
        if group.assignment(&place.role, &place.resource).is_none() {
            give(draft, group, place);
        }
    }
}

/// Takes a role away from a group.
///
/// # Errors
/// 404 when it does not have it there.
pub fn unassign(draft: &mut Draft<'_>, group: &str, placed: &Placed) -> Result<()> {
    let found = find_one(draft.read, group, placed)?;
    remove(draft, &found);
    Ok(())
}

/// The assignment of a role to a group.
///
/// # Errors
/// 404
pub fn find_one<'a>(read: Reader<'a>, group: &str, placed: &Placed) -> Result<GroupAssignment<'a>> {
    let group = read.group(group)?;
    let place = find(read, &group.organization()?, placed)?;
    let found = group.assignment(&place.role, &place.resource);
    found.ok_or_else(|| Error::not_found("Group role assignment", placed.role.as_str()))
}

/// Takes an assignment of a group away by its id.
///
/// # Errors
/// 404
pub fn unassign_by_id(draft: &mut Draft<'_>, group: &str, id: &str) -> Result<()> {
    let group = draft.read.group(group)?;
    let found = by_id(&group, id)?;
    remove(draft, &found);
    Ok(())
}

/// An assignment of a group by its id.
///
/// # Errors
/// 404
pub fn by_id<'a>(group: &Group<'a>, id: &str) -> Result<GroupAssignment<'a>> {
    let at = Key::of_id(id).map(Key::at);
    let mut made_then = group
        .assignments()
        .into_iter()
        .filter(|assignment| at == Some(assignment.created_at));
    let found = made_then.find(|assignment| assignment.wire_id() == id);
    found.ok_or_else(|| Error::not_found("Group role assignment", id))
}
