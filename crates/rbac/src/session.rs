//! What a session of a user in an organization has: the roles and permissions of its token.

use crate::Result;
use crate::ask::Asker;
use crate::names::relation;
use crate::record::{Membership, Organization, Role, Status, User};

/// What the token of a session says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// The slugs of the roles on the organization, the one with the highest priority first.
    pub roles: Vec<String>,
    /// The slugs of the permissions that those roles carry, each once.
    pub permissions: Vec<String>,
}

/// The membership of a user in an organization, unless it does not count.
fn active<'a>(user: &User<'a>, organization: &Organization<'a>) -> Option<Membership<'a>> {
    user.memberships().find(|membership| {
        let own = membership.organization();
        membership.status() == Status::Active && own.is_ok_and(|own| own.object() == organization.object())
    })
}

impl<'a> Asker<'a> {
    /// What the session of a user in an organization has now. `None` for a user or an organization that is not known here, about whom
    /// nothing can be said; nobody who is no active member has anything.
    ///
    /// An assignment that expires counts until then, one with a condition only if that is true without any context.
    ///
    /// # Errors
    /// The limits of a decision.
    pub fn session(&self, user: &str, organization: &str) -> Result<Option<Session>> {
        let read = self.read();
        let (Ok(user), Ok(organization)) = (read.user(user), read.organization(organization)) else {
            return Ok(None);
        };
        let Some(membership) = active(&user, &organization) else {
            return Ok(Some(Session::default()));
        };
        let member = read.graph.symbol(relation::MEMBER);
        let mut held: Vec<Role<'a>> = Vec::new();
        for assignment in membership.assignments_on(&organization.root()) {
            let known = held.iter().any(|role| role.object() == assignment.role.object());
            if !known && self.has(&membership, member, &assignment.grant)? {
                held.push(assignment.role);
            }
        }
        read.sort_for(&organization, &mut held);
        Ok(Some(Session {
            permissions: carried(&held),
            roles: held.iter().map(|role| role.slug().into_owned()).collect(),
        }))
    }

    /// The permissions that roles of an organization carry together, each once. Roles that do not exist carry none.
    pub fn carried(&self, organization: &str, slugs: &[String]) -> Vec<String> {
        let read = self.read();
        let Ok(organization) = read.organization(organization) else {
            return Vec::new();
        };
        let roles = slugs
            .iter()
            .filter_map(|slug| read.role(&organization, slug).ok());
        carried(&roles.collect::<Vec<_>>())
    }
}

fn carried(roles: &[Role<'_>]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for slug in roles.iter().flat_map(Role::permissions) {
        if !all.contains(&slug) {
            all.push(slug);
        }
    }
    all
}
