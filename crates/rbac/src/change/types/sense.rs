//! Whether a document makes sense, by itself and with what is stored.

use std::collections::{BTreeMap, BTreeSet};

use super::{MAX_DEPTH, MAX_TYPES, RoleEntry, Types};
use crate::change::roles;
use crate::hierarchy::Hierarchy;
use crate::names::{self, ORGANIZATION};
use crate::read::Reader;
use crate::record::Role;
use crate::{Error, Result};

pub(super) fn hierarchy(read: Reader<'_>, wanted: &Types, prune: bool) -> Result<Hierarchy> {
    let mut hierarchy = if prune {
        Hierarchy::default()
    } else {
        read.hierarchy()
    };
    let mut seen = BTreeSet::new();
    for entry in &wanted.types {
        let first = entry.slug.bytes().next().unwrap_or(b'-');
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        let named = (1..=crate::input::MAX_SLUG).contains(&entry.slug.len()) && entry.slug.bytes().all(fits);
        if !named || !first.is_ascii_alphanumeric() || entry.slug == ORGANIZATION {
            let message = format!(
                "`{}` cannot be the slug of a resource type: small letters, digits, `-` and `_`, at most {}, not `organization`",
                entry.slug,
                crate::input::MAX_SLUG
            );
            return Err(Error::field("types", "invalid", message));
        }
        if !seen.insert(&entry.slug) {
            return Err(Error::field(
                "types",
                "invalid",
                format!("the type `{}` stands twice", entry.slug),
            ));
        }
        if entry.parents.is_empty() {
            let message = format!(
                "the type `{}` needs at least one parent; `organization` is the topmost",
                entry.slug
            );
            return Err(Error::field("types", "required", message));
        }
        let mut parents = BTreeSet::new();
        if let Some(twice) = entry.parents.iter().find(|parent| !parents.insert(*parent)) {
            let message = format!("the parent `{twice}` of the type `{}` stands twice", entry.slug);
            return Err(Error::field("types", "invalid", message));
        }
        hierarchy.set(&entry.slug, entry.parents.clone());
    }
    sound(&hierarchy)?;
    Ok(hierarchy)
}

/// Whether types are under one another as they can be.
pub(crate) fn sound(hierarchy: &Hierarchy) -> Result<()> {
    for (slug, parents) in hierarchy.types() {
        if let Some(unknown) = parents.iter().find(|parent| !hierarchy.has(parent)) {
            let message = format!("the parent `{unknown}` of the type `{slug}` does not exist");
            return Err(Error::field("types", "invalid", message));
        }
    }
    if let Some(slug) = hierarchy.cycle() {
        return Err(Error::field(
            "types",
            "invalid",
            format!("the type `{slug}` is under itself"),
        ));
    }
    let (depth, count) = (hierarchy.depth(), hierarchy.types().count());
    if depth > MAX_DEPTH || count > MAX_TYPES {
        let message = format!(
            "{count} types, {depth} levels deep; at most {MAX_TYPES} types and {MAX_DEPTH} levels are allowed"
        );
        return Err(Error::field("types", "too_many", message));
    }
    Ok(())
}

/// The permissions that there will be, with their types.
pub(super) fn declared_permissions(
    before: &Types,
    wanted: &Types,
    hierarchy: &Hierarchy,
    prune: bool,
) -> Result<BTreeMap<String, String>> {
    let known: BTreeMap<&str, &str> = before
        .permissions
        .iter()
        .map(|entry| (entry.slug.as_str(), entry.resource_type.as_str()))
        .collect();
    let mut all = BTreeMap::new();
    for entry in &wanted.permissions {
        if !hierarchy.has(&entry.resource_type) {
            let message = format!(
                "the type `{}` of the permission `{}` does not exist",
                entry.resource_type, entry.slug
            );
            return Err(Error::field("permissions", "invalid", message));
        }
        if known
            .get(entry.slug.as_str())
            .is_some_and(|ty| *ty != entry.resource_type)
        {
            let message = format!(
                "the permission `{}` is on another type and cannot move",
                entry.slug
            );
            return Err(refused(message));
        }
        if all
            .insert(entry.slug.clone(), entry.resource_type.clone())
            .is_some()
        {
            let message = format!("the permission `{}` stands twice", entry.slug);
            return Err(Error::field("permissions", "invalid", message));
        }
    }
    if !prune {
        for (slug, ty) in known {
            all.entry(slug.to_owned()).or_insert_with(|| ty.to_owned());
        }
    }
    for (slug, ty) in &all {
        if !hierarchy.has(ty) {
            return Err(refused(format!(
                "the permission `{slug}` is on the type `{ty}`, which is to be deleted"
            )));
        }
    }
    Ok(all)
}

/// No role may carry a permission that it no longer reaches. What a role of the environment carries afterwards is checked with the role.
pub(super) fn still_reached(
    read: Reader<'_>,
    wanted: &Types,
    hierarchy: &Hierarchy,
    slugs: &BTreeMap<String, String>,
) -> Result<()> {
    let everybody = read.graph.wildcard(read.symbol(names::MEMBERSHIP));
    for (slug, ty) in slugs {
        for edge in read.back(everybody, &names::permission_relation(slug)) {
            let Some(role) = read.record(edge.other()).map(Role) else {
                continue;
            };
            let rewritten = !role.is_custom() && wanted.roles.iter().any(|entry| entry.slug == role.slug());
            if !rewritten && !hierarchy.reaches(role.resource_type(), ty) {
                let message = format!(
                    "the role `{}` on `{}` carries `{slug}`, which it would no longer reach",
                    role.slug(),
                    role.resource_type()
                );
                return Err(refused(message));
            }
        }
    }
    Ok(())
}

pub(super) fn makes_sense(
    entry: &RoleEntry,
    hierarchy: &Hierarchy,
    slugs: &BTreeMap<String, String>,
) -> Result<()> {
    let wrong = |message: String| Err(Error::field("roles", "invalid", message));
    if entry.slug.starts_with(roles::CUSTOM) {
        return wrong(format!(
            "the slug `{}` is that of an organization's own role",
            entry.slug
        ));
    }
    if !hierarchy.has(&entry.resource_type) {
        return wrong(format!(
            "the type `{}` of the role `{}` does not exist",
            entry.resource_type, entry.slug
        ));
    }
    let mut carried = BTreeSet::new();
    for slug in &entry.permissions {
        if !carried.insert(slug) {
            return wrong(format!("the role `{}` names `{slug}` twice", entry.slug));
        }
        let Some(ty) = slugs.get(slug) else {
            return wrong(format!(
                "the role `{}` carries `{slug}`, which does not exist",
                entry.slug
            ));
        };
        if !hierarchy.reaches(&entry.resource_type, ty) {
            return wrong(format!(
                "the role `{}` on `{}` cannot carry `{slug}`, which is on `{ty}`: that is not the same type, nor below it",
                entry.slug, entry.resource_type
            ));
        }
    }
    Ok(())
}

pub(super) fn refused(message: String) -> Error {
    Error::conflict("resource_type_in_use", message)
}
