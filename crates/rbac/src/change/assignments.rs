//! Roles of memberships on resources.

use crate::assignment::Assignment;
use crate::draft::Draft;
use crate::grant::held;
use crate::key::Key;
use crate::names::relation;
use crate::read::{Reader, Target};
use crate::record::{Membership, Organization, Resource, Role, Status};
use crate::{Error, Result};

/// A role and where it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The slug of the role.
    pub role: String,
    /// The resource; the organization when absent.
    pub target: Option<Target>,
}

/// What a request asks for, found and allowed.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub(crate) role: Role<'a>,
    pub(crate) resource: Resource<'a>,
}

/// Finds the role and the resource.
///
/// # Errors
/// 404 for either, also when it is another organization's; 422 `invalid_role` for a role of another type.
pub fn place<'a>(draft: &Draft<'a>, organization: &Organization<'a>, placed: &Placed) -> Result<Place<'a>> {
    let place = find(draft.read, organization, placed)?;
    let (wanted, is) = (place.role.resource_type(), place.resource.resource_type());
    if wanted == is {
        return Ok(place);
    }
    let message = format!(
        "The role '{}' is for resources of type '{wanted}', not '{is}'.",
        placed.role
    );
    Err(Error::unprocessable("invalid_role", message))
}

pub(super) fn find<'a>(
    read: Reader<'a>,
    organization: &Organization<'a>,
    placed: &Placed,
) -> Result<Place<'a>> {
    let resource = match &placed.target {
        Some(target) => read.target(organization, target)?,
        None => organization.root(),
    };
    let role = read.role(organization, &placed.role)?;
    Ok(Place { role, resource })
}

/// The relation by which a membership holds what it is assigned: one that is not active holds nothing.
pub(crate) fn holding(status: Status) -> &'static str {
    match status {
        Status::Active => relation::MEMBER,
        Status::Inactive | Status::Pending => relation::PARKED,
    }
}

/// Gives a membership a role, under a condition if there is one. What is assigned already stays, with the new condition.
///
/// # Errors
/// See [`place`]; 422 `multiple_roles_not_enabled` for a second role on the organization where only one is allowed, and for a condition on
/// the only role there that has none.
pub fn assign(draft: &mut Draft<'_>, membership: &str, placed: &Placed, policy: Option<&str>) -> Result<()> {
    let membership = draft.read.membership(membership)?;
    let organization = membership.organization()?;
    let place = place(draft, &organization, placed)?;
    let before = membership.direct_assignment(&place.role, &place.resource);
    let is_new = place.resource.is_root() && before.is_none();
    if is_new
        && !draft.settings().multiple_roles
        && !membership.direct_assignments_on(&place.resource).is_empty()
    {
        return Err(Error::unprocessable(
            "multiple_roles_not_enabled",
            "Multiple roles are not enabled for this environment.",
        ));
    }
    if policy.is_some() && before.is_some_and(|before| is_last(&before)) {
        let message =
            "Every membership has a role in its organization that counts always, and this is the only one.";
        return Err(Error::field("condition", "invalid", message));
    }
    put(draft, &membership, &place, policy, before);
    Ok(())
}

/// Whether it is what is left to a membership in its organization: the only role there that does not end and has no condition.
fn is_last(assignment: &Assignment<'_>) -> bool {
    let on = &assignment.resource;
    let lasting = || {
        let all = assignment.membership.direct_assignments_on(on);
        all.iter().filter(|one| one.is_lasting()).count()
    };
    on.is_root() && assignment.is_lasting() && lasting() == 1
}

fn put<'a>(
    draft: &mut Draft<'a>,
    membership: &Membership<'a>,
    place: &Place<'a>,
    policy: Option<&str>,
    before: Option<Assignment<'a>>,
) {
    if before.is_some_and(|before| before.policy() == policy) {
        return;
    }
    let created_at = before.map_or_else(|| draft.moment(), |before| before.created_at);
    if let Some(before) = before {
        remove(draft, &before);
    }
    give(draft, membership, place, policy, created_at);
}

/// Adds an assignment that is not there.
pub(crate) fn give<'a>(
    draft: &mut Draft<'a>,
    membership: &Membership<'a>,
    place: &Place<'a>,
    policy: Option<&str>,
    created_at: i64,
) {
    let relation = holding(membership.status());
    let (grant, edit) = draft.grant_of(&place.role, &place.resource);
    edit.add(held(&grant, relation, membership, policy), created_at);
}

/// Takes an assignment of a membership's own away.
pub(crate) fn remove<'a>(draft: &mut Draft<'a>, assignment: &Assignment<'a>) {
    let grant = assignment.grant;
    let relation = holding(assignment.membership.status());
    let holder = held(grant.id(), relation, &assignment.membership, assignment.policy());
    draft.existing_grant(&grant).remove(holder);
    draft.removed.assignments += 1;
}

/// Takes a role away from a membership.
///
/// # Errors
/// 404 when it does not have it there by itself.
pub fn unassign(draft: &mut Draft<'_>, membership: &str, placed: &Placed) -> Result<()> {
    let found = find_direct(draft.read, membership, placed)?;
    remove_one(draft, &found)
}

/// The assignment of a role to a membership by itself.
///
/// # Errors
/// 404
pub fn find_direct<'a>(read: Reader<'a>, membership: &str, placed: &Placed) -> Result<Assignment<'a>> {
    let membership = read.membership(membership)?;
    let place = find(read, &membership.organization()?, placed)?;
    let found = membership.direct_assignment(&place.role, &place.resource);
    found.ok_or_else(|| Error::not_found("Role assignment", placed.role.as_str()))
}

/// Takes an assignment away by its id.
///
/// # Errors
/// 404, 400 for one that comes from a group.
pub fn unassign_by_id(draft: &mut Draft<'_>, membership: &str, id: &str) -> Result<()> {
    let membership = draft.read.membership(membership)?;
    let at = Key::of_id(id).map(Key::at);
    let all = membership.assignments();
    // Ids are hashes; that of a time needs no hashing.
    let mut made_then = all.iter().filter(|assignment| at == Some(assignment.created_at));
    let found = made_then.find(|assignment| assignment.wire_id() == id);
    let found = found.ok_or_else(|| Error::not_found("Role assignment", id))?;
    if let Some(through) = &found.through {
        let message = format!(
            "The assignment comes from the group '{}'; remove the group's assignment or the membership in the group.",
            through.group.name()
        );
        return Err(Error::bad("bad_request", message));
    }
    remove_one(draft, found)
}

/// A membership that loses its last role on the organization gets the default role, for good where it has it under a condition.
fn remove_one<'a>(draft: &mut Draft<'a>, assignment: &Assignment<'a>) -> Result<()> {
    let membership = assignment.membership;
    if is_last(assignment) {
        let default = default_role(draft, &membership.organization()?)?;
        if default.object() == assignment.role.object() {
            let message = "Every membership has a role in its organization, and this is the default one.";
            return Err(Error::bad("bad_request", message));
        }
        let place = Place {
            role: default,
            resource: assignment.resource,
        };
        let before = membership.direct_assignment(&place.role, &place.resource);
        put(draft, &membership, &place, None, before);
    }
    remove(draft, assignment);
    Ok(())
}

/// The role that a membership has when it is given none.
pub(crate) fn default_role<'a>(draft: &Draft<'a>, organization: &Organization<'a>) -> Result<Role<'a>> {
    let slug = draft.settings().default_role;
    draft.read.role(organization, &slug)
}

impl Place<'_> {
    pub(super) fn is_same(&self, other: &Place<'_>) -> bool {
        self.role.object() == other.role.object() && self.resource.object() == other.resource.object()
    }
}
