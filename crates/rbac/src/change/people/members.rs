//! Who of a list is where, with which roles.

use std::collections::{BTreeMap, BTreeSet};

use super::organizations::Organizations;
use super::users::Users;
use super::{Gone, Notes, Person};
use crate::change::memberships;
use crate::change::types::Action;
use crate::draft::Draft;
use crate::record::{Membership, Organization, Role, Status};
use crate::{Assignment, Result};

const KIND: &str = "organization_membership";

/// By organization and user, each by their number.
#[derive(Default)]
pub(super) struct Members {
    all: BTreeMap<(usize, usize), Wanted>,
}

struct Wanted {
    line: usize,
    roles: Option<Vec<String>>,
}

impl Members {
    /// Notes an entry that has a user and an organization.
    pub(super) fn add(
        &mut self,
        person: &Person,
        organization: Option<usize>,
        user: Option<usize>,
        notes: &mut Notes,
    ) {
        let Some(user) = user else { return };
        let Some(organization) = organization else {
            if person.roles.is_some() && person.organization.is_none() {
                notes.wrong(person.line, "roles need an organization");
            }
            return;
        };
        let wanted = Wanted {
            line: person.line,
            roles: person.roles.clone(),
        };
        if let Some(before) = self.all.insert((organization, user), wanted) {
            let message = format_args!(
                "the same user in the same organization as on line {}",
                before.line
            );
            notes.wrong(person.line, message);
        }
    }

    pub(super) fn write<'a>(
        &self,
        draft: &mut Draft<'a>,
        organizations: &Organizations<'a>,
        users: &Users<'a>,
        gone: Gone,
        notes: &mut Notes,
    ) -> Result<()> {
        for ((organization, user), wanted) in &self.all {
            let called = format!(
                "{} in {}",
                users.called(*user),
                organizations.called(*organization)
            );
            let (id, stored) = organizations.get(*organization);
            let before = stored.and_then(|stored| membership(users.stored(*user)?, stored));
            let slugs = wanted.roles.as_deref();
            if before.is_some() && slugs.is_none_or(<[String]>::is_empty) {
                // Whoever is a member keeps the roles that he has.
                bring_back(draft, before.as_ref(), &called, wanted.line, notes);
                continue;
            }
            let roles = match memberships::organization_roles(draft, stored, slugs) {
                Ok(roles) => roles,
                Err(error) => {
                    notes.wrong(wanted.line, error);
                    continue;
                }
            };
            match (before, stored) {
                (Some(before), Some(stored)) => {
                    let active = bring_back(draft, Some(&before), &called, wanted.line, notes);
                    if active && !has_exactly(&before, &roles) {
                        memberships::replace_roles(draft, &before, stored, &roles, Status::Active);
                        notes.step(Action::Update, KIND, &called, listed(&roles));
                    }
                }
                _ => {
                    memberships::add(draft, users.id(*user), id, &roles, None)?;
                    notes.step(Action::Create, KIND, &called, listed(&roles));
                }
            }
        }
        if gone != Gone::Keep {
            for at in organizations.numbers() {
                let (_, Some(stored)) = organizations.get(at) else {
                    continue;
                };
                let here = self.all.range((at, 0)..(at + 1, 0));
                let here: BTreeSet<&str> = here.map(|((_, user), _)| users.id(*user)).collect();
                let called = organizations.called(at);
                let missing = |membership: &Membership<'_>| {
                    let user = membership.user();
                    user.is_ok_and(|user| !here.contains(user.id()))
                };
                for membership in stored.memberships().filter(missing) {
                    let user = membership.user()?;
                    let called = format!("{} in {called}", user.email());
                    part(draft, &membership, gone, &called, notes)?;
                }
            }
        }
        Ok(())
    }
}

fn membership<'a>(user: &crate::record::User<'a>, organization: &Organization<'a>) -> Option<Membership<'a>> {
    user.memberships().find(|membership| {
        let own = membership.organization();
        own.is_ok_and(|own| own.object() == organization.object())
    })
}

/// Activates a membership that was deactivated. Returns whether it is active then.
fn bring_back<'a>(
    draft: &mut Draft<'a>,
    membership: Option<&Membership<'a>>,
    called: &str,
    line: usize,
    notes: &mut Notes,
) -> bool {
    match membership.map(|membership| (membership, membership.status())) {
        Some((membership, Status::Inactive)) => {
            memberships::set_status(draft, membership, Status::Active);
            notes.step(Action::Update, KIND, called, "activated again");
            true
        }
        Some((_, Status::Pending)) => {
            notes.wrong(line, "the membership was not accepted yet");
            false
        }
        Some((_, Status::Active)) | None => true,
    }
}

fn part<'a>(
    draft: &mut Draft<'a>,
    membership: &Membership<'a>,
    gone: Gone,
    called: &str,
    notes: &mut Notes,
) -> Result<()> {
    match gone {
        Gone::Deactivate if membership.status() == Status::Active => {
            memberships::set_status(draft, membership, Status::Inactive);
            notes.step(Action::Update, KIND, called, "not in the list: deactivated");
        }
        Gone::Remove => {
            memberships::delete(draft, membership.id())?;
            notes.step(Action::Delete, KIND, called, "not in the list");
        }
        Gone::Deactivate | Gone::Keep => {}
    }
    Ok(())
}

/// Whether these are the roles that a membership has on its organization by itself and for good.
fn has_exactly(membership: &Membership<'_>, roles: &[Role<'_>]) -> bool {
    let own = membership.direct_assignments();
    let on_root = || own.iter().filter(|assignment| assignment.resource.is_root());
    let has: BTreeSet<&str> = on_root().map(|assignment| assignment.role.id()).collect();
    on_root().all(Assignment::is_lasting) && has == roles.iter().map(|role| role.id()).collect()
}

fn listed(roles: &[Role<'_>]) -> String {
    let slugs: Vec<String> = roles.iter().map(|role| role.slug().into_owned()).collect();
    format!("roles {}", slugs.join(", "))
}
