//! What a document changes, one kind of thing after the other.

use std::collections::BTreeSet;

use super::sense::refused;
use super::{Action, RoleEntry, Step, Types};
use crate::change::permissions::{self, NewPermission};
use crate::change::{roles, set};
use crate::draft::Draft;
use crate::names::{self, ORGANIZATION};
use crate::read::Reader;
use crate::record::{Resource, Role};
use crate::{Error, Result};

pub(super) fn types(
    draft: &mut Draft<'_>,
    before: &Types,
    wanted: &Types,
    prune: bool,
    plan: &mut Vec<Step>,
) -> Result<()> {
    for entry in &wanted.types {
        let known = before.types.iter().find(|known| known.slug == entry.slug);
        if known == Some(entry) {
            continue;
        }
        if let Some(known) = known {
            let lost: Vec<&String> = known
                .parents
                .iter()
                .filter(|slug| !entry.parents.contains(slug))
                .collect();
            for parent in lost {
                if let Some(example) = instance_under(draft.read, &entry.slug, Some(parent)) {
                    let message = format!(
                        "`{}` is under a resource of type `{parent}`, for example '{example}'",
                        entry.slug
                    );
                    return Err(refused(message));
                }
            }
        }
        let id = names::encode(&entry.slug);
        let stored = draft.read.resource_type(&entry.slug).ok();
        let mut meta = serde_json::Map::new();
        set(&mut meta, "name", Some(&entry.name));
        set(&mut meta, "description", entry.description.as_deref());
        meta.insert("parents".into(), entry.parents.clone().into());
        let action = match stored {
            Some(stored) => {
                draft.update(&stored, |before| *before = meta);
                Action::Update
            }
            None => {
                let at = draft.moment();
                draft.put(names::TYPE, &id, meta, at);
                draft.list((names::TYPE, &id), at);
                Action::Create
            }
        };
        plan.push(step(
            action,
            "resource_type",
            &entry.slug,
            format!("under {}", entry.parents.join(", ")),
        ));
    }
    for known in &before.types {
        if wanted.types.iter().any(|entry| entry.slug == known.slug) {
            continue;
        }
        if !prune {
            plan.push(step(
                Action::Keep,
                "resource_type",
                &known.slug,
                "not in the document".into(),
            ));
            continue;
        }
        if let Some(example) = instance_under(draft.read, &known.slug, None) {
            let message = format!(
                "there are resources of type `{}`, for example '{example}'",
                known.slug
            );
            return Err(refused(message));
        }
        let on_it = |role: &Role<'_>| role.is_custom() && role.resource_type() == known.slug;
        if let Some(role) = draft.read.of_type(names::ROLE).map(Role).find(on_it) {
            let organization = names::split_id(role.id()).map_or("", |(organization, _)| organization);
            let message = format!(
                "the role `{}` of {organization} is on `{}`",
                role.slug(),
                known.slug
            );
            return Err(refused(message));
        }
        draft.delete(names::TYPE, &names::encode(&known.slug));
        plan.push(step(Action::Delete, "resource_type", &known.slug, String::new()));
    }
    Ok(())
}

/// A resource of a type, under one of another type if that is given.
pub(super) fn instance_under(read: Reader<'_>, slug: &str, parent: Option<&str>) -> Option<String> {
    let fits = |resource: &crate::record::Resource<'_>| match parent {
        None => true,
        Some(parent) => resource.parent().is_some_and(|up| up.resource_type() == parent),
    };
    let found = read.resources_of_type(slug).find(fits)?;
    Some(found.external_id().into_owned())
}

pub(super) fn permission_steps(before: &Types, wanted: &Types, prune: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    for entry in &wanted.permissions {
        let known = before.permissions.iter().find(|known| known.slug == entry.slug);
        if known != Some(entry) {
            let action = if known.is_some() {
                Action::Update
            } else {
                Action::Create
            };
            steps.push(step(
                action,
                "permission",
                &entry.slug,
                format!("on {}", entry.resource_type),
            ));
        }
    }
    for known in &before.permissions {
        if !wanted.permissions.iter().any(|entry| entry.slug == known.slug) {
            let (action, detail) = if prune {
                (Action::Delete, "and taken out of every role")
            } else {
                (Action::Keep, "not in the document")
            };
            steps.push(step(action, "permission", &known.slug, detail.into()));
        }
    }
    steps
}

pub(super) fn permission(draft: &mut Draft<'_>, wanted: &Types, step: &Step) {
    let entry = wanted.permissions.iter().find(|entry| entry.slug == step.slug);
    match (step.action, entry) {
        (Action::Create, Some(entry)) => permissions::put(
            draft,
            &NewPermission {
                slug: entry.slug.clone(),
                name: entry.name.clone(),
                description: entry.description.clone(),
                resource_type: Some(entry.resource_type.clone()),
            },
        ),
        (Action::Update, Some(entry)) => {
            if let Ok(permission) = draft.read.permission(&entry.slug) {
                draft.update(&permission, |meta| {
                    set(meta, "name", Some(&entry.name));
                    set(meta, "description", entry.description.as_deref());
                });
            }
        }
        (Action::Delete, _) => permissions::remove(draft, &step.slug),
        _ => {}
    }
}

pub(super) fn role_steps(
    draft: &mut Draft<'_>,
    before: &Types,
    wanted: &Types,
    prune: bool,
) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for entry in &wanted.roles {
        let known = before.roles.iter().find(|known| known.slug == entry.slug);
        match known {
            Some(known) if known.resource_type != entry.resource_type => {
                return Err(refused(format!(
                    "the role `{}` is on another type and cannot move",
                    entry.slug
                )));
            }
            Some(known) if same_role(known, entry) => continue,
            _ => {}
        }
        let detail = format!("on {}: {}", entry.resource_type, entry.permissions.join(", "));
        let action = if known.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        steps.push(step(action, "role", &entry.slug, detail));
        put_role(draft, entry, known);
    }
    for known in &before.roles {
        if wanted.roles.iter().any(|entry| entry.slug == known.slug) {
            continue;
        }
        let is_default = wanted.default_role.as_ref().or(before.default_role.as_ref()) == Some(&known.slug);
        if !prune || is_default {
            steps.push(step(
                Action::Keep,
                "role",
                &known.slug,
                "not in the document".into(),
            ));
            continue;
        }
        let role = draft.read.environment_role(&known.slug)?;
        if let Some(grant) = role.grants().next() {
            let mut places = draft.read.graph.resources(grant.object()).all();
            let resource = places
                .find_map(|edge| draft.read.record(edge.other()))
                .map(Resource);
            let on = resource.map(|on| format!(" on `{}:{}`", on.resource_type(), on.external_id()));
            let on = on.unwrap_or_default();
            return Err(refused(format!("the role `{}` is assigned{on}", known.slug)));
        }
        roles::remove(draft, &role);
        steps.push(step(Action::Delete, "role", &known.slug, String::new()));
    }
    Ok(steps)
}

pub(super) fn same_role(known: &RoleEntry, entry: &RoleEntry) -> bool {
    let sorted = |entry: &RoleEntry| entry.permissions.iter().cloned().collect::<BTreeSet<String>>();
    known.name == entry.name && known.description == entry.description && sorted(known) == sorted(entry)
}

pub(super) fn put_role(draft: &mut Draft<'_>, entry: &RoleEntry, known: Option<&RoleEntry>) {
    let id = names::encode(&entry.slug);
    let mut meta = serde_json::Map::new();
    set(&mut meta, "name", Some(&entry.name));
    set(&mut meta, "description", entry.description.as_deref());
    let carried = known.map_or(&[][..], |known| &known.permissions);
    match draft.read.environment_role(&entry.slug) {
        Ok(role) => {
            set(&mut meta, "type", role.text("type"));
            draft.update(&role, |before| *before = meta);
        }
        Err(_) => roles::put(draft, &id, &entry.resource_type, meta),
    }
    let role = (names::ROLE, &*id);
    let everybody = (names::MEMBERSHIP, "*");
    for slug in carried.iter().filter(|slug| !entry.permissions.contains(slug)) {
        draft.unlink(role, &names::permission_relation(slug), everybody);
    }
    for slug in entry.permissions.iter().filter(|slug| !carried.contains(slug)) {
        let at = draft.moment();
        draft.link(role, &names::permission_relation(slug), everybody, at);
    }
}

pub(super) fn settings(
    draft: &mut Draft<'_>,
    before: &Types,
    wanted: &Types,
    prune: bool,
    plan: &mut Vec<Step>,
) -> Result<()> {
    let mut settings = draft.settings();
    let known = settings.clone();
    let mut order: Vec<String> = wanted.roles.iter().map(|entry| entry.slug.clone()).collect();
    let stays = |slug: &&String| !prune || **slug == known.default_role;
    let rest = known.role_order.iter().filter(stays);
    let rest: Vec<String> = rest.filter(|slug| !order.contains(slug)).cloned().collect();
    order.extend(rest);
    settings.role_order = order;
    if let Some(multiple) = wanted.multiple_roles {
        settings.multiple_roles = multiple;
    }
    if let Some(slug) = &wanted.default_role {
        let of_organization = |entry: &RoleEntry| entry.slug == *slug && entry.resource_type == ORGANIZATION;
        if !wanted.roles.iter().chain(&before.roles).any(of_organization) {
            let message = format!("the default role `{slug}` does not exist on `organization`");
            return Err(Error::field("default_role", "invalid", message));
        }
        settings.default_role.clone_from(slug);
    }
    if settings == known {
        return Ok(());
    }
    let detail = format!(
        "default role {}, multiple roles {}, priority {}",
        settings.default_role,
        settings.multiple_roles,
        settings.role_order.join(" > ")
    );
    plan.push(step(Action::Update, "settings", "environment", detail));
    draft.set_settings(settings);
    Ok(())
}

pub(super) fn step(action: Action, kind: &'static str, slug: &str, detail: String) -> Step {
    Step {
        action,
        kind,
        slug: slug.to_owned(),
        detail,
    }
}
