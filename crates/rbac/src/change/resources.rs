//! Resources.

use serde_json::Map;

use super::set;
use crate::draft::Draft;
use crate::names::{self, ORGANIZATION, relation};
use crate::read::{self, Reader, Target};
use crate::record::{Resource, ResourceType};
use crate::{Error, Result};

/// A resource to create.
#[derive(Debug, Clone)]
pub struct NewResource {
    /// What the application calls it.
    pub external_id: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The slug of its type.
    pub resource_type: String,
    /// The id of its organization.
    pub organization: String,
    /// What it is under; the organization when absent.
    pub parent: Option<Target>,
}

/// Creates a resource and returns its id.
///
/// # Errors
/// 404 for an unknown organization, type or parent, 400 for an organization, 422 for a parent of another type, 409
/// `authorization_resource_external_id_conflict`.
pub fn create(draft: &mut Draft<'_>, new: &NewResource) -> Result<String> {
    let organization = draft.read.organization(&new.organization)?;
    if new.resource_type == ORGANIZATION {
        return Err(not_organizations());
    }
    let resource_type = draft.read.resource_type(&new.resource_type)?;
    let parent = match &new.parent {
        Some(target) => draft.read.target(&organization, target)?,
        None => organization.root(),
    };
    may_be_under(&resource_type, &parent, new.parent.is_some())?;
    let type_name = names::type_name(&new.resource_type);
    let id = names::id_within(organization.id(), &new.external_id);
    if draft.read.find(&type_name, &id).is_some() {
        let message = format!(
            "A resource of type '{}' with the external id '{}' already exists in this organization.",
            new.resource_type, new.external_id
        );
        return Err(Error::conflict(
            "authorization_resource_external_id_conflict",
            message,
        ));
    }
    let at = draft.moment();
    let mut meta = Map::new();
    meta.insert("name".into(), new.name.clone().into());
    set(&mut meta, "description", new.description.as_deref());
    let hashed = names::split_id(&id).is_some_and(|(_, encoded)| names::decode(encoded).is_none());
    set(
        &mut meta,
        "external_id",
        hashed.then_some(new.external_id.as_str()),
    );
    let created_at = draft.put(&type_name, &id, meta, at);
    let this = (type_name.as_str(), id.as_str());
    draft.link(this, relation::PARENT, (parent.type_name(), parent.id()), at);
    let wire_id = Resource::wire_id_of(&type_name, &id, created_at);
    draft.name(read::RESOURCE, &wire_id, this, at);
    Ok(wire_id)
}

fn not_organizations() -> Error {
    Error::bad(
        "bad_request",
        "Resources of the type 'organization' are the organizations themselves: create, change and delete those.",
    )
}

/// Whether a resource of a type can be under another one.
fn may_be_under(of: &ResourceType<'_>, parent: &Resource<'_>, named: bool) -> Result<()> {
    if of.parents().any(|slug| slug == parent.resource_type()) {
        return Ok(());
    }
    let resource_type = of.slug();
    let allowed: Vec<String> = of.parents().map(|slug| format!("`{slug}`")).collect();
    let allowed = allowed.join(", ");
    let (code, message) = if named {
        let message = format!(
            "a resource of type `{resource_type}` is under one of type {allowed}, not `{}`",
            parent.resource_type()
        );
        ("invalid", message)
    } else {
        let message =
            format!("a resource of type `{resource_type}` is under one of type {allowed}; say which");
        ("required", message)
    };
    Err(Error::field("parent_resource_id", code, message))
}

/// Changes to a resource.
#[derive(Debug, Clone, Default)]
pub struct ResourceChange {
    /// What people call it.
    pub name: Option<String>,
    /// What it is.
    pub description: Option<Option<String>>,
    /// What it is under.
    pub parent: Option<Target>,
}

/// Changes a resource.
///
/// # Errors
/// 400 for an organization, 404 for an unknown parent, 422 for a parent of another type or one that is under the resource itself.
pub fn update<'a>(draft: &mut Draft<'a>, resource: &Resource<'a>, change: &ResourceChange) -> Result<()> {
    if resource.is_root() {
        return Err(not_organizations());
    }
    if let Some(target) = &change.parent {
        let parent = draft.read.target(&resource.organization()?, target)?;
        move_under(draft, resource, &parent)?;
    }
    draft.update(resource, |meta| {
        if let Some(name) = &change.name {
            set(meta, "name", Some(name));
        }
        if let Some(description) = &change.description {
            set(meta, "description", description.as_deref());
        }
    });
    Ok(())
}

fn move_under<'a>(draft: &mut Draft<'a>, resource: &Resource<'a>, parent: &Resource<'a>) -> Result<()> {
    let before = resource.parent();
    if before.is_some_and(|before| before.object() == parent.object()) {
        return Ok(());
    }
    let resource_type = draft.read.resource_type(resource.resource_type())?;
    may_be_under(&resource_type, parent, true)?;
    let mut up = Some(*parent);
    while let Some(above) = up {
        if above.object() == resource.object() {
            let message = "a resource cannot be under itself, or under what is under it";
            return Err(Error::field("parent_resource_id", "invalid", message));
        }
        up = above.parent();
    }
    let this = (resource.type_name(), resource.id());
    if let Some(before) = before {
        draft.unlink(this, relation::PARENT, (before.type_name(), before.id()));
    }
    let at = draft.moment();
    draft.link(this, relation::PARENT, (parent.type_name(), parent.id()), at);
    draft.update(resource, |meta| {
        meta.insert("updated_at".into(), at.into());
    });
    Ok(())
}

/// Deletes a resource, with everything under it and every assignment on any of that, if asked to.
///
/// # Errors
/// 400 for an organization, 409 `resource_has_dependents`.
pub fn delete<'a>(draft: &mut Draft<'a>, resource: &Resource<'a>, cascade: bool) -> Result<()> {
    if resource.is_root() {
        return Err(not_organizations());
    }
    let children = resource.children().count();
    let assignments = resource.grants().count();
    if !cascade && (children > 0 || assignments > 0) {
        let message = format!(
            "The resource has dependents: {children} under it, {assignments} roles assigned on it. Pass cascade_delete=true to delete them too."
        );
        return Err(Error::conflict("resource_has_dependents", message));
    }
    for resource in resource.tree().iter().rev() {
        remove(draft, resource);
    }
    Ok(())
}

/// Deletes a resource and what is assigned on it.
pub(crate) fn remove<'a>(draft: &mut Draft<'a>, resource: &Resource<'a>) {
    remove_grants(draft, resource);
    draft.forget_resource(resource);
    draft.removed.resources += 1;
}

/// Deletes everything that is assigned on a resource.
pub(crate) fn remove_grants<'a>(draft: &mut Draft<'a>, resource: &Resource<'a>) {
    for grant in resource.grants() {
        let groups = crate::assignment::groups_of(draft.read, grant).len();
        draft.removed.group_assignments += groups;
        draft.removed.assignments += crate::record::members(&grant).count();
        draft.delete(names::GRANT, grant.id());
    }
}

/// A resource as a request names it: by id, or within an organization.
///
/// # Errors
/// 404
pub fn find<'a>(read: Reader<'a>, organization: Option<&str>, target: &Target) -> Result<Resource<'a>> {
    match (organization, target) {
        (Some(id), target) => {
            let organization = read.organization(id)?;
            read.target(&organization, target)
        }
        (None, Target::Id(id)) => read.resource(id),
        (None, Target::External { external_id, .. }) => {
            Err(Error::not_found("Authorization resource", external_id.as_str()))
        }
    }
}
