//! Roles: of the environment, and of single organizations.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::set;
use crate::draft::Draft;
use crate::names::{self, ORGANIZATION, relation};
use crate::record::{Organization, Role};
use crate::{Error, Result};

/// What the slug of an organization's own role begins with, and that of no other.
pub const CUSTOM: &str = "org-";

/// A role to create.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// What requests call it. One is made from the name when absent.
    pub slug: Option<String>,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The type on whose resources it can be assigned; `organization` when absent.
    pub resource_type: Option<String>,
}

/// Creates a role of the environment, with the lowest priority.
///
/// # Errors
/// 422 for a slug that only an organization's own role can have, 404 for an unknown type, 409 `role_slug_conflict`.
pub fn create_for_environment(draft: &mut Draft<'_>, new: &NewRole) -> Result<String> {
    let slug = new.slug.clone().unwrap_or_default();
    if slug.starts_with(CUSTOM) {
        let message = format!("a slug that begins with `{CUSTOM}` is that of an organization's own role");
        return Err(Error::field("slug", "invalid", message));
    }
    let resource_type = known_type(draft, new)?;
    if draft.read.environment_role(&slug).is_ok() {
        let message = format!("A role with the slug '{slug}' already exists.");
        return Err(Error::conflict("role_slug_conflict", message));
    }
    put(draft, &names::encode(&slug), &resource_type, described(new));
    let mut settings = draft.settings();
    settings.role_order.push(slug.clone());
    draft.set_settings(settings);
    Ok(slug)
}

/// Creates a role of an organization.
///
/// # Errors
/// 404 for an unknown organization or type, 422 for a slug that only a role of the environment can have, 409
/// `organization_role_slug_conflict`.
pub fn create_for_organization(draft: &mut Draft<'_>, organization: &str, new: &NewRole) -> Result<String> {
    let organization = draft.read.organization(organization)?;
    let slug = match &new.slug {
        Some(slug) if !slug.starts_with(CUSTOM) => {
            let message = format!("the slug of an organization's own role begins with `{CUSTOM}`");
            return Err(Error::field("slug", "invalid", message));
        }
        Some(slug) => slug.clone(),
        None => made_from(&new.name)?,
    };
    let resource_type = known_type(draft, new)?;
    let id = names::id_within(organization.id(), &slug);
    if draft.read.find(names::ROLE, &id).is_some() {
        let message = format!("A role with the slug '{slug}' already exists in this organization.");
        return Err(Error::conflict("organization_role_slug_conflict", message));
    }
    put(draft, &id, &resource_type, described(new));
    Ok(slug)
}

/// A slug from a name, with something random at the end.
fn made_from(name: &str) -> Result<String> {
    let mut random = [0; 4];
    getrandom::fill(&mut random)
        .map_err(|error| Error::Internal(format!("the operating system gives no randomness: {error}")))?;
    let words = name.to_lowercase();
    let words = words.split(|char: char| !char.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let stem: String = words.join("-").chars().take(32).collect();
    let end: String = random
        .iter()
        .map(|byte| char::from(b"0123456789abcdefghijklmnopqrstuv"[usize::from(byte & 31)]))
        .collect();
    let stem = stem.trim_end_matches('-');
    Ok(if stem.is_empty() {
        format!("{CUSTOM}{end}")
    } else {
        format!("{CUSTOM}{stem}-{end}")
    })
}

fn known_type(draft: &Draft<'_>, new: &NewRole) -> Result<String> {
    let slug = new.resource_type.as_deref().unwrap_or(ORGANIZATION);
    if draft.read.hierarchy().has(slug) {
        return Ok(slug.to_owned());
    }
    Err(Error::not_found("Resource type", slug))
}

fn described(new: &NewRole) -> Map<String, Value> {
    let mut meta = Map::new();
    meta.insert("name".into(), new.name.clone().into());
    set(&mut meta, "description", new.description.as_deref());
    meta
}

/// Stores a role under its id in the graph.
pub(crate) fn put(draft: &mut Draft<'_>, id: &str, resource_type: &str, mut meta: Map<String, Value>) {
    let at = draft.moment();
    set(
        &mut meta,
        "type",
        (resource_type != ORGANIZATION).then_some(resource_type),
    );
    draft.put(names::ROLE, id, meta, at);
    match names::split_id(id) {
        None => draft.list((names::ROLE, id), at),
        Some((organization, _)) => {
            let to = (names::ORGANIZATION_TYPE, organization);
            draft.link((names::ROLE, id), relation::ORGANIZATION, to, at);
        }
    }
}

/// An organization's own role. A role of the environment is refused: the organization cannot change it.
///
/// # Errors
/// 404, 400 `bad_request` for a role of the environment.
pub fn own<'a>(draft: &Draft<'a>, organization: &str, slug: &str) -> Result<Role<'a>> {
    let organization = draft.read.organization(organization)?;
    let role = draft.read.role(&organization, slug)?;
    if role.is_custom() {
        return Ok(role);
    }
    let message =
        format!("The role '{slug}' belongs to the environment and cannot be changed for one organization.");
    Err(Error::bad("bad_request", message))
}

/// Changes the name or the description of a role.
///
/// # Errors
/// None of its own.
pub fn update(
    draft: &mut Draft<'_>,
    role: &Role<'_>,
    name: Option<&str>,
    description: Option<&Option<String>>,
) -> Result<()> {
    draft.update(role, |meta| {
        if let Some(name) = name {
            set(meta, "name", Some(name));
        }
        if let Some(description) = description {
            set(meta, "description", description.as_deref());
        }
    });
    Ok(())
}

/// Deletes a role that nobody has.
///
/// # Errors
/// 409 `role_has_assignments` or `role_has_group_role_mappings`, 400 for the default role.
pub fn delete(draft: &mut Draft<'_>, role: &Role<'_>) -> Result<()> {
    let slug = role.slug().into_owned();
    let mut settings = draft.settings();
    if !role.is_custom() && slug == settings.default_role {
        let message = format!("The role '{slug}' is the default role; make another one the default first.");
        return Err(Error::bad("bad_request", message));
    }
    if let Some(grant) = role.grants().next() {
        let by_groups = !crate::assignment::groups_of(draft.read, grant).is_empty();
        let (code, whom) = if by_groups {
            ("role_has_group_role_mappings", "groups")
        } else {
            ("role_has_assignments", "memberships")
        };
        let message = format!("The role '{slug}' is assigned to {whom}; remove those assignments first.");
        return Err(Error::conflict(code, message));
    }
    remove(draft, role);
    // One of the same name that is created later begins with the lowest priority.
    match names::split_id(role.id()) {
        None => {
            settings.role_order.retain(|known| *known != slug);
            draft.set_settings(settings);
        }
        Some((organization, _)) => {
            let organization = draft.read.organization(organization)?;
            let mut order = organization.role_order();
            order.retain(|known| *known != slug);
            if organization.has_role_order() && order.len() < organization.role_order().len() {
                set_own_order(draft, &organization, order);
            }
        }
    }
    Ok(())
}

pub(crate) fn remove(draft: &mut Draft<'_>, role: &Role<'_>) {
    draft.delete(names::ROLE, role.id());
    draft.removed.roles += 1;
}

/// Sets the order of priority, highest first. Roles that it does not name follow in the order in which they were.
///
/// # Errors
/// 404 for an unknown role, 422 for one that is named twice.
pub fn set_priority(draft: &mut Draft<'_>, organization: Option<&str>, slugs: &[String]) -> Result<()> {
    let organization = organization.map(|id| draft.read.organization(id)).transpose()?;
    let known = match &organization {
        Some(organization) => draft.read.roles(organization),
        None => draft.read.environment_roles(),
    };
    let known: Vec<String> = known.iter().map(|role| role.slug().into_owned()).collect();
    if let Some(missing) = slugs.iter().find(|slug| !known.contains(slug)) {
        return Err(Error::not_found("Role", missing.as_str()));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = slugs.iter().find(|slug| !seen.insert(slug.as_str())) {
        let message = format!("'{twice}' is named twice");
        return Err(Error::field("role_slugs", "invalid", message));
    }
    let mut order = slugs.to_vec();
    order.extend(known.into_iter().filter(|slug| !slugs.contains(slug)));
    match organization {
        Some(organization) => set_own_order(draft, &organization, order),
        None => {
            let mut settings = draft.settings();
            settings.role_order = order;
            draft.set_settings(settings);
        }
    }
    Ok(())
}

fn set_own_order(draft: &mut Draft<'_>, organization: &Organization<'_>, order: Vec<String>) {
    draft.update(organization, |meta| {
        meta.insert("role_order".into(), order.into());
    });
}
