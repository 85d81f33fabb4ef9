//! Organization memberships.

use serde_json::Map;

use super::assignments::{self, Place};
use super::{groups, set};
use crate::Assignment;
use crate::draft::Draft;
use crate::grant::held;
use crate::names::{self, relation};
use crate::record::{Membership, Organization, Role, Status};
use crate::{Error, Result};

/// Makes a user a member of an organization and returns the id of the membership. A membership that was deactivated is activated again,
/// with the roles given.
///
/// # Errors
/// 404 for an unknown user or organization, 409 `user_already_organization_member`, 400
/// `cannot_reactivate_pending_organization_membership`, and those of roles.
pub fn create(
    draft: &mut Draft<'_>,
    user: &str,
    organization: &str,
    roles: Option<&[String]>,
    id: Option<&str>,
) -> Result<String> {
    let (user, organization) = (draft.read.user(user)?, draft.read.organization(organization)?);
    let roles = organization_roles(draft, Some(&organization), roles)?;
    let own = |membership: &Membership<'_>| {
        membership
            .organization()
            .is_ok_and(|own| own.object() == organization.object())
    };
    if let Some(before) = user.memberships().find(own) {
        return match before.status() {
            Status::Active => Err(Error::conflict(
                "user_already_organization_member",
                format!(
                    "The user is a member of the organization already: '{}'.",
                    before.id()
                ),
            )),
            Status::Pending => Err(cannot("reactivate")),
            Status::Inactive => {
                set_status(draft, &before, Status::Active);
                replace_roles(draft, &before, &organization, &roles, Status::Active);
                Ok(before.id().to_owned())
            }
        };
    }
    if let Some(id) = id
        && draft.read.membership(id).is_ok()
    {
        let message = format!("The organization membership '{id}' exists already.");
        return Err(Error::conflict("user_already_organization_member", message));
    }
    add(draft, user.id(), organization.id(), &roles, id)
}

/// Adds a membership that is not there, of a user and an organization that are perhaps only being created.
pub(crate) fn add<'a>(
    draft: &mut Draft<'a>,
    user: &str,
    organization: &str,
    roles: &[Role<'a>],
    id: Option<&str>,
) -> Result<String> {
    let (at, fresh) = draft.fresh("om")?;
    let id = id.map_or(fresh, str::to_owned);
    let this = (names::MEMBERSHIP, id.as_str());
    let root = (names::ORGANIZATION_TYPE, organization);
    draft.put(names::MEMBERSHIP, &id, Map::new(), at);
    draft.link(this, relation::USER, (names::USER, user), at);
    draft.link(this, relation::ORGANIZATION, root, at);
    for role in roles {
        let at = draft.moment();
        let (grant, edit) = draft.grant_on(role, root);
        edit.add(crate::grant::held_by(&grant, relation::MEMBER, this), at);
    }
    Ok(id)
}

/// A role as an organization sees it; one that is only being created sees those of the environment.
fn role_of<'a>(draft: &Draft<'a>, organization: Option<&Organization<'a>>, slug: &str) -> Result<Role<'a>> {
    match organization {
        Some(organization) => draft.read.role(organization, slug),
        None => draft.read.environment_role(slug),
    }
}

/// The roles of a request, or the default one.
pub(crate) fn organization_roles<'a>(
    draft: &Draft<'a>,
    organization: Option<&Organization<'a>>,
    slugs: Option<&[String]>,
) -> Result<Vec<Role<'a>>> {
    let slugs = match slugs {
        None | Some([]) => {
            let default = draft.settings().default_role;
            return Ok(vec![role_of(draft, organization, &default)?]);
        }
        Some(slugs) => slugs,
    };
    if slugs.len() > 1 && !draft.settings().multiple_roles {
        return Err(Error::unprocessable(
            "multiple_roles_not_enabled",
            "Multiple roles are not enabled for this environment.",
        ));
    }
    let mut roles: Vec<Role<'a>> = Vec::with_capacity(slugs.len());
    for slug in slugs {
        let Ok(role) = role_of(draft, organization, slug) else {
            return Err(Error::unprocessable(
                "invalid_role",
                format!("Role '{slug}' is not a valid role."),
            ));
        };
        if role.resource_type() != names::ORGANIZATION {
            return Err(Error::Unprocessable {
                code: "sub_resource_scoped_role_not_allowed",
                message: "Sub-resource scoped roles are not allowed for this operation.".into(),
                role_slug: Some(slug.clone()),
            });
        }
        if !roles.iter().any(|known| known.object() == role.object()) {
            roles.push(role);
        }
    }
    Ok(roles)
}

/// Replaces the roles that a membership has on its organization by itself.
///
/// # Errors
/// 404, and those of roles.
pub fn update(draft: &mut Draft<'_>, membership: &str, roles: Option<&[String]>) -> Result<()> {
    let membership = draft.read.membership(membership)?;
    let Some(roles) = roles else { return Ok(()) };
    let organization = membership.organization()?;
    let roles = organization_roles(draft, Some(&organization), Some(roles))?;
    replace_roles(draft, &membership, &organization, &roles, membership.status());
    Ok(())
}

pub(crate) fn replace_roles<'a>(
    draft: &mut Draft<'a>,
    membership: &Membership<'a>,
    organization: &Organization<'a>,
    roles: &[Role<'a>],
    status: Status,
) {
    let before = membership.direct_assignments_on(&organization.root());
    // Whoever is given a role without a condition has it without one.
    let (stay, go): (Vec<&Assignment<'a>>, Vec<&Assignment<'a>>) = before.iter().partition(|assignment| {
        let mut named = roles.iter();
        assignment.is_lasting() && named.any(|role| role.object() == assignment.role.object())
    });
    for assignment in go {
        let holder = held(
            assignment.grant.id(),
            assignments::holding(status),
            membership,
            assignment.policy(),
        );
        draft.existing_grant(&assignment.grant).remove(holder);
        draft.removed.assignments += 1;
    }
    for role in roles {
        if !stay
            .iter()
            .any(|assignment| assignment.role.object() == role.object())
        {
            let place = Place {
                role: *role,
                resource: organization.root(),
            };
            let at = draft.moment();
            let (grant, edit) = draft.grant_of(&place.role, &place.resource);
            edit.add(held(&grant, assignments::holding(status), membership, None), at);
        }
    }
}

/// Deactivates or activates a membership. What it is assigned is kept.
///
/// # Errors
/// 404, 400 for a membership that was not accepted yet.
pub fn change_status(draft: &mut Draft<'_>, membership: &str, active: bool) -> Result<()> {
    let membership = draft.read.membership(membership)?;
    match (membership.status(), active) {
        (Status::Pending, true) => Err(cannot("reactivate")),
        (Status::Pending, false) => Err(cannot("deactivate")),
        (Status::Active, true) | (Status::Inactive, false) => Ok(()),
        (Status::Inactive, true) => {
            set_status(draft, &membership, Status::Active);
            Ok(())
        }
        (Status::Active, false) => {
            set_status(draft, &membership, Status::Inactive);
            Ok(())
        }
    }
}

fn cannot(what: &str) -> Error {
    let code = match what {
        "reactivate" => "cannot_reactivate_pending_organization_membership",
        _ => "cannot_deactivate_pending_organization_membership",
    };
    Error::bad(
        code,
        format!("A pending organization membership cannot be {what}d."),
    )
}

/// Everything that the membership holds is held in the other way from now on, since the same time as before.
pub(crate) fn set_status<'a>(draft: &mut Draft<'a>, membership: &Membership<'a>, status: Status) {
    let (before, after) = (
        assignments::holding(membership.status()),
        assignments::holding(status),
    );
    for assignment in membership.direct_assignments() {
        let (grant, policy) = (assignment.grant, assignment.policy());
        let edit = draft.existing_grant(&grant);
        edit.remove(held(grant.id(), before, membership, policy));
        edit.add(held(grant.id(), after, membership, policy), assignment.created_at);
    }
    for (group, since) in membership.groups_since() {
        groups::leave(draft, &group, membership);
        groups::join(draft, &group, membership, status, since);
    }
    draft.update(membership, |meta| {
        set(
            meta,
            "status",
            (status != Status::Active).then_some(status.word()),
        );
    });
}

/// Deletes a membership with what it is assigned.
///
/// # Errors
/// 404
pub fn delete(draft: &mut Draft<'_>, membership: &str) -> Result<()> {
    let membership = draft.read.membership(membership)?;
    for assignment in membership.direct_assignments() {
        assignments::remove(draft, &assignment);
    }
    remove(draft, &membership);
    Ok(())
}

pub(crate) fn remove(draft: &mut Draft<'_>, membership: &Membership<'_>) {
    draft.delete(names::MEMBERSHIP, membership.id());
    draft.removed.memberships += 1;
}
