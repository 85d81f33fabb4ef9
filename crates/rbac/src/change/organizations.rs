//! Organizations.

use serde_json::{Map, Value};

use super::{groups, memberships, merge, resources, roles, set};
use crate::draft::Draft;
use crate::names::{self, ORGANIZATION_TYPE};
use crate::read::{ORGANIZATION_NAME, RESOURCE};
use crate::record::{Organization, Resource};
use crate::{Error, Result};

/// What can be said of an organization. Absent fields stay as they are.
#[derive(Debug, Clone, Default)]
pub struct OrganizationFields {
    /// What people call it.
    pub name: Option<String>,
    /// What the application calls it.
    pub external_id: Option<Option<String>>,
    /// Texts of the application's own.
    pub metadata: Option<Map<String, Value>>,
    /// Its domains, each with its state.
    pub domains: Option<Vec<(String, String)>>,
    /// Further fields of the wire format, as they come.
    pub other: Map<String, Value>,
}

/// Creates an organization and returns its id.
///
/// # Errors
/// 400 `external_id_already_used`, 409 for an id that is taken.
pub fn create(draft: &mut Draft<'_>, fields: &OrganizationFields, id: Option<&str>) -> Result<String> {
    let (at, fresh) = draft.fresh("org")?;
    let id = id.map_or(fresh, str::to_owned);
    if draft.read.organization(&id).is_ok() {
        let message = format!("The organization '{id}' exists already.");
        return Err(Error::conflict("organization_already_exists", message));
    }
    let mut meta = Map::new();
    write(draft, &mut meta, fields)?;
    let created_at = draft.put(ORGANIZATION_TYPE, &id, meta, at);
    let this = (ORGANIZATION_TYPE, id.as_str());
    draft.list(this, at);
    if let Some(Some(name)) = &fields.external_id {
        free(draft, name)?;
        draft.name(ORGANIZATION_NAME, name, this, at);
    }
    draft.name(
        RESOURCE,
        &Resource::wire_id_of(ORGANIZATION_TYPE, &id, created_at),
        this,
        at,
    );
    Ok(id)
}

fn write(draft: &mut Draft<'_>, meta: &mut Map<String, Value>, fields: &OrganizationFields) -> Result<()> {
    if let Some(name) = &fields.name {
        set(meta, "name", Some(name));
    }
    if let Some(external_id) = &fields.external_id {
        set(meta, "external_id", external_id.as_deref());
    }
    if let Some(metadata) = &fields.metadata {
        merge(meta, metadata)?;
    }
    if let Some(domains) = &fields.domains {
        let mut all = Vec::with_capacity(domains.len());
        for (domain, state) in domains {
            let (_, id) = draft.fresh("org_domain")?;
            all.push(serde_json::json!({"id": id, "domain": domain, "state": state}));
        }
        meta.insert("domains".into(), all.into());
    }
    meta.extend(fields.other.clone());
    Ok(())
}

fn free(draft: &Draft<'_>, external_id: &str) -> Result<()> {
    if draft.read.organization_by_external_id(external_id).is_ok() {
        let message = format!("The external id '{external_id}' is used by another organization.");
        return Err(Error::bad("external_id_already_used", message));
    }
    Ok(())
}

/// Changes an organization.
///
/// # Errors
/// 404, 400 `external_id_already_used`.
pub fn update(draft: &mut Draft<'_>, id: &str, fields: &OrganizationFields) -> Result<()> {
    let organization = draft.read.organization(id)?;
    if let Some(name) = &fields.external_id
        && organization.external_id() != name.as_deref()
    {
        if let Some(name) = name {
            free(draft, name)?;
            let at = draft.moment();
            draft.name(ORGANIZATION_NAME, name, (ORGANIZATION_TYPE, id), at);
        }
        if let Some(before) = organization.external_id() {
            draft.forget_name(ORGANIZATION_NAME, before);
        }
    }
    let mut meta = organization.all_meta();
    write(draft, &mut meta, fields)?;
    draft.update(&organization, |stored| *stored = meta);
    Ok(())
}

/// Deletes an organization with everything in it.
///
/// # Errors
/// 404
pub fn delete(draft: &mut Draft<'_>, id: &str) -> Result<()> {
    let organization: Organization<'_> = draft.read.organization(id)?;
    for resource in organization
        .root()
        .tree()
        .iter()
        .rev()
        .filter(|resource| !resource.is_root())
    {
        resources::remove(draft, resource);
    }
    resources::remove_grants(draft, &organization.root());
    for membership in organization.memberships() {
        memberships::remove(draft, &membership);
    }
    for group in organization.groups() {
        groups::remove(draft, &group);
    }
    for role in organization.own_roles() {
        roles::remove(draft, &role);
    }
    if let Some(name) = organization.external_id() {
        draft.forget_name(ORGANIZATION_NAME, name);
    }
    draft.forget_name(RESOURCE, &organization.root().wire_id());
    draft.delete(names::ORGANIZATION_TYPE, id);
    Ok(())
}
