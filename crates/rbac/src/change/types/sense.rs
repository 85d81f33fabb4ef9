//! Whether a document makes sense, by itself and with what is stored.

use std::collections::{BTreeMap, BTreeSet};

use rowgate_schema::did_you_mean;

use super::{MAX_DEPTH, MAX_TYPES, RoleEntry, Types};
use crate::change::roles;
use crate::hierarchy::Hierarchy;
use crate::names::{self, ORGANIZATION};
use crate::read::Reader;
use crate::record::Role;
use crate::{Error, FieldError, Result};

/// What makes no sense in a document, with the places.
#[derive(Default)]
struct Wrong(Vec<FieldError>);

impl Wrong {
    fn note(&mut self, path: String, code: &'static str, message: String) {
        self.0.push(FieldError {
            field: path,
            code,
            message,
        });
    }

    /// Something is named that does not exist.
    fn missing<'a>(
        &mut self,
        path: String,
        kind: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let near = did_you_mean(name, known).map_or_else(String::new, |near| format!("; {near}"));
        self.note(
            path,
            "invalid",
            format!("the {kind} `{name}` does not exist{near}"),
        );
    }

    fn check(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Fields(self.0))
        }
    }
}

/// The types that there are, to choose from.
fn types_of(hierarchy: &Hierarchy) -> impl Iterator<Item = &str> {
    hierarchy.types().map(|(slug, _)| slug).chain([ORGANIZATION])
}

/// The types that there will be.
pub(super) fn hierarchy(read: Reader<'_>, wanted: &Types, prune: bool) -> Result<Hierarchy> {
    let mut hierarchy = if prune {
        Hierarchy::default()
    } else {
        read.hierarchy()
    };
    let mut wrong = Wrong::default();
    let mut seen = BTreeSet::new();
    for (at, entry) in wanted.types.iter().enumerate() {
        let first = entry.slug.bytes().next().unwrap_or(b'-');
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        let named = (1..=crate::input::MAX_SLUG).contains(&entry.slug.len()) && entry.slug.bytes().all(fits);
        let place = format!("types[{at}].slug");
        if !named || !first.is_ascii_alphanumeric() || entry.slug == ORGANIZATION {
            let message = format!(
                "`{}` cannot be the slug of a resource type: small letters, digits, `-` and `_`, at most {}, not `organization`",
                entry.slug,
                crate::input::MAX_SLUG
            );
            wrong.note(place, "invalid", message);
        } else if !seen.insert(&entry.slug) {
            let message = format!("the type `{}` stands twice", entry.slug);
            wrong.note(place, "invalid", message);
        }
        if entry.parents.is_empty() {
            let message = format!(
                "the type `{}` needs at least one parent; `organization` is the topmost",
                entry.slug
            );
            wrong.note(format!("types[{at}].parents"), "required", message);
        }
        hierarchy.set(&entry.slug, entry.parents.clone());
    }
    for (at, entry) in wanted.types.iter().enumerate() {
        let mut parents = BTreeSet::new();
        for (index, parent) in entry.parents.iter().enumerate() {
            let place = format!("types[{at}].parents[{index}]");
            if !parents.insert(parent) {
                let message = format!("the parent `{parent}` of the type `{}` stands twice", entry.slug);
                wrong.note(place, "invalid", message);
            } else if !hierarchy.has(parent) {
                let others = types_of(&hierarchy).filter(|other| *other != entry.slug);
                wrong.missing(place, "type", parent, others);
            }
        }
    }
    wrong.check()?;
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

/// The permissions that there will be, with their types. What makes no sense of them and of the roles is said at once.
pub(super) fn permissions_and_roles(
    before: &Types,
    wanted: &Types,
    hierarchy: &Hierarchy,
    prune: bool,
) -> Result<BTreeMap<String, String>> {
    let mut wrong = Wrong::default();
    let permissions = permissions(before, wanted, hierarchy, prune, &mut wrong)?;
    let mut seen = BTreeSet::new();
    for (at, entry) in wanted.roles.iter().enumerate() {
        let path = format!("roles[{at}]");
        if !seen.insert(&entry.slug) {
            let message = format!("the role `{}` stands twice", entry.slug);
            wrong.note(format!("{path}.slug"), "invalid", message);
        }
        role(&path, entry, hierarchy, &permissions, &mut wrong);
    }
    wrong.check()?;
    for (slug, ty) in &permissions {
        if !hierarchy.has(ty) {
            return Err(refused(format!(
                "the permission `{slug}` is on the type `{ty}`, which is to be deleted"
            )));
        }
    }
    Ok(permissions)
}

fn permissions(
    before: &Types,
    wanted: &Types,
    hierarchy: &Hierarchy,
    prune: bool,
    wrong: &mut Wrong,
) -> Result<BTreeMap<String, String>> {
    let known: BTreeMap<&str, &str> = before
        .permissions
        .iter()
        .map(|entry| (entry.slug.as_str(), entry.resource_type.as_str()))
        .collect();
    let mut all = BTreeMap::new();
    for (at, entry) in wanted.permissions.iter().enumerate() {
        if !hierarchy.has(&entry.resource_type) {
            let place = format!("permissions[{at}].resource_type");
            wrong.missing(place, "type", &entry.resource_type, types_of(hierarchy));
        } else if known
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
            wrong.note(format!("permissions[{at}].slug"), "invalid", message);
        }
    }
    if !prune {
        for (slug, ty) in known {
            all.entry(slug.to_owned()).or_insert_with(|| ty.to_owned());
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

fn role(
    path: &str,
    entry: &RoleEntry,
    hierarchy: &Hierarchy,
    permissions: &BTreeMap<String, String>,
    wrong: &mut Wrong,
) {
    if entry.slug.starts_with(roles::CUSTOM) {
        let message = format!("the slug `{}` is that of an organization's own role", entry.slug);
        wrong.note(format!("{path}.slug"), "invalid", message);
    }
    let is_on_a_type = hierarchy.has(&entry.resource_type);
    if !is_on_a_type {
        let place = format!("{path}.resource_type");
        wrong.missing(place, "type", &entry.resource_type, types_of(hierarchy));
    }
    let mut carried = BTreeSet::new();
    for (at, slug) in entry.permissions.iter().enumerate() {
        let place = format!("{path}.permissions[{at}]");
        if !carried.insert(slug) {
            let message = format!("the role `{}` names `{slug}` twice", entry.slug);
            wrong.note(place, "invalid", message);
            continue;
        }
        let Some(ty) = permissions.get(slug) else {
            wrong.missing(place, "permission", slug, permissions.keys().map(String::as_str));
            continue;
        };
        if is_on_a_type && hierarchy.has(ty) && !hierarchy.reaches(&entry.resource_type, ty) {
            let message = format!(
                "the role `{}` on `{}` cannot carry `{slug}`, which is on `{ty}`: that is not the same type, nor below it",
                entry.slug, entry.resource_type
            );
            wrong.note(place, "invalid", message);
        }
    }
}

pub(super) fn refused(message: String) -> Error {
    Error::conflict("resource_type_in_use", message)
}
