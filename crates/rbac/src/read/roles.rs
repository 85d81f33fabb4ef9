//! Roles, and their order of priority.

use super::Reader;
use crate::names;
use crate::record::{Organization, Role};
use crate::{Error, Result};

impl<'a> Reader<'a> {
    /// An environment role.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn environment_role(self, slug: &str) -> Result<Role<'a>> {
        let found = self.find(names::ROLE, &names::encode(slug)).map(Role);
        found.ok_or_else(|| Error::not_found("Role", slug))
    }

    /// A role as an organization sees it: its own, or one of the environment.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn role(self, organization: &Organization<'a>, slug: &str) -> Result<Role<'a>> {
        match self.find(names::ROLE, &names::id_within(organization.id(), slug)) {
            Some(own) => Ok(Role(own)),
            None => self.environment_role(slug),
        }
    }

    /// All environment roles, the one with the highest priority first.
    pub fn environment_roles(self) -> Vec<Role<'a>> {
        let mut roles: Vec<Role<'a>> = self.of_environment(names::ROLE).map(Role).collect();
        sort_by_priority(&mut roles, &[&self.settings().role_order]);
        roles
    }

    /// All roles that an organization can use, the one with the highest priority first.
    pub fn roles(self, organization: &Organization<'a>) -> Vec<Role<'a>> {
        let mut roles: Vec<Role<'a>> = self.of_environment(names::ROLE).map(Role).collect();
        roles.extend(self.of_organization(organization, names::ROLE).map(Role));
        self.sort_for(organization, &mut roles);
        roles
    }

    /// Sorts roles as an organization sees them: the one with the highest priority first.
    pub(crate) fn sort_for(self, organization: &Organization<'a>, roles: &mut [Role<'a>]) {
        sort_by_priority(roles, &[&organization.role_order(), &self.settings().role_order]);
    }
}

/// By the first order that names a role, then by the next one. Roles that none names follow, those of the environment before an
/// organization's own, oldest first.
fn sort_by_priority(roles: &mut [Role<'_>], orders: &[&[String]]) {
    roles.sort_by_cached_key(|role| {
        let slug = role.slug();
        let place = |order: &&[String]| {
            order
                .iter()
                .position(|known| *known == slug)
                .unwrap_or(usize::MAX)
        };
        let places: Vec<usize> = orders.iter().map(place).collect();
        (places, role.is_custom(), role.object())
    });
}
