//! Permissions.

use serde_json::Map;

use super::set;
use crate::draft::Draft;
use crate::names::{self, ORGANIZATION};
use crate::{Error, Result};

/// A permission to create.
#[derive(Debug, Clone)]
pub struct NewPermission {
    /// What requests call it.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The type that it is declared on; `organization` when absent.
    pub resource_type: Option<String>,
}

/// Creates a permission.
///
/// # Errors
/// 404 for an unknown type, 409 `permission_slug_conflict`.
pub fn create(draft: &mut Draft<'_>, new: &NewPermission) -> Result<()> {
    let hierarchy = draft.read.hierarchy();
    let resource_type = new.resource_type.as_deref().unwrap_or(ORGANIZATION);
    if !hierarchy.has(resource_type) {
        return Err(Error::not_found("Resource type", resource_type));
    }
    if draft.read.permission(&new.slug).is_ok() {
        let message = format!("A permission with the slug '{}' already exists.", new.slug);
        return Err(Error::conflict("permission_slug_conflict", message));
    }
    put(draft, new);
    let mut permissions = draft.permissions();
    permissions.push((new.slug.clone(), resource_type.to_owned()));
    draft.set_schema(&hierarchy, &permissions);
    Ok(())
}

/// Stores a permission; the schema has to follow.
pub(crate) fn put(draft: &mut Draft<'_>, new: &NewPermission) {
    let at = draft.moment();
    let id = names::encode(&new.slug);
    let mut meta = Map::new();
    meta.insert("name".into(), new.name.clone().into());
    set(&mut meta, "description", new.description.as_deref());
    let other_type = new.resource_type.as_deref().filter(|slug| *slug != ORGANIZATION);
    set(&mut meta, "type", other_type);
    draft.put(names::PERMISSION, &id, meta, at);
    draft.list((names::PERMISSION, &id), at);
}

/// Changes the name or the description of a permission.
///
/// # Errors
/// 404
pub fn update(
    draft: &mut Draft<'_>,
    slug: &str,
    name: Option<&str>,
    description: Option<&Option<String>>,
) -> Result<()> {
    let permission = draft.read.permission(slug)?;
    draft.update(&permission, |meta| {
        if let Some(name) = name {
            set(meta, "name", Some(name));
        }
        if let Some(description) = description {
            set(meta, "description", description.as_deref());
        }
    });
    Ok(())
}

/// Deletes a permission and takes it out of every role.
///
/// # Errors
/// 404
pub fn delete(draft: &mut Draft<'_>, slug: &str) -> Result<()> {
    draft.read.permission(slug)?;
    remove(draft, slug);
    let mut permissions = draft.permissions();
    permissions.retain(|(known, _)| known != slug);
    draft.set_schema(&draft.read.hierarchy(), &permissions);
    Ok(())
}

/// Removes a permission from roles and lists; the schema has to follow.
pub(crate) fn remove(draft: &mut Draft<'_>, slug: &str) {
    let relation = names::permission_relation(slug);
    let everybody = draft.read.graph.wildcard(draft.read.symbol(names::MEMBERSHIP));
    let carriers: Vec<String> = draft
        .read
        .back(everybody, &relation)
        .filter_map(|edge| draft.read.record(edge.other()))
        .map(|role| role.id().to_owned())
        .collect();
    for role in carriers {
        draft.unlink((names::ROLE, &role), &relation, (names::MEMBERSHIP, "*"));
    }
    draft.delete(names::PERMISSION, &names::encode(slug));
}
