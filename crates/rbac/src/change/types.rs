//! Types as code: resource types, permissions and environment roles as one document, compared with what there is and applied at once.

use std::collections::{BTreeMap, BTreeSet};

use super::permissions::NewPermission;
use super::{permissions, roles, set};
use crate::draft::Draft;
use crate::hierarchy::Hierarchy;
use crate::names::{self, ORGANIZATION};
use crate::read::Reader;
use crate::record::Role;
use crate::{Error, Result};

/// Most levels of types, the organization included.
pub const MAX_DEPTH: usize = 32;

/// Most resource types.
pub const MAX_TYPES: usize = 100;

/// What an environment is to have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Types {
    /// Resource types.
    pub types: Vec<TypeEntry>,
    /// Permissions.
    pub permissions: Vec<PermissionEntry>,
    /// Environment roles, the one with the highest priority first.
    pub roles: Vec<RoleEntry>,
    /// The role that a membership has when it is given none.
    pub default_role: Option<String>,
    /// Whether a membership can have more than one role on its organization.
    pub multiple_roles: Option<bool>,
}

/// A resource type.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeEntry {
    /// What requests call it.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The types that its resources can be under.
    pub parents: Vec<String>,
}

/// A permission.
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionEntry {
    /// What requests call it.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The type that it is declared on.
    pub resource_type: String,
}

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleEntry {
    /// What requests call it.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The type on whose resources it can be assigned.
    pub resource_type: String,
    /// The permissions that it carries.
    pub permissions: Vec<String>,
}

/// What is done to one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
    /// It is not in the document and stays, because nothing was said about deleting.
    Keep,
}

impl Action {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// `resource_type`, `permission`, `role` or `settings`.
    pub kind: &'static str,
    /// To which.
    pub slug: String,
    /// In words, for a change.
    pub detail: String,
}

impl Types {
    /// What an environment has.
    pub fn of(read: Reader<'_>) -> Self {
        let description = |text: Option<&str>| text.map(str::to_owned);
        let settings = read.settings();
        Self {
            types: read
                .resource_types()
                .map(|ty| TypeEntry {
                    slug: ty.slug().into_owned(),
                    name: ty.name().to_owned(),
                    description: description(ty.description()),
                    parents: ty.parents().map(str::to_owned).collect(),
                })
                .collect(),
            permissions: read
                .permissions()
                .map(|permission| PermissionEntry {
                    slug: permission.slug().into_owned(),
                    name: permission.name().to_owned(),
                    description: description(permission.description()),
                    resource_type: permission.resource_type().to_owned(),
                })
                .collect(),
            roles: read.environment_roles().iter().map(RoleEntry::of).collect(),
            default_role: Some(settings.default_role),
            multiple_roles: Some(settings.multiple_roles),
        }
    }
}

impl RoleEntry {
    fn of(role: &Role<'_>) -> Self {
        Self {
            slug: role.slug().into_owned(),
            name: role.name().to_owned(),
            description: role.description().map(str::to_owned),
            resource_type: role.resource_type().to_owned(),
            permissions: role.permissions(),
        }
    }
}

/// Makes an environment have what the document says, and says what was done. With `prune`, what the document does not mention is
/// deleted, unless something depends on it.
///
/// # Errors
/// 422 for a document that makes no sense, 409 for a change that would leave resources, roles or assignments without ground.
pub fn apply(draft: &mut Draft<'_>, wanted: &Types, prune: bool) -> Result<Vec<Step>> {
    super::setup::ensure(draft)?;
    let before = Types::of(draft.read);
    let hierarchy = hierarchy(draft.read, wanted, prune)?;
    let mut plan = Vec::new();
    let slugs = declared_permissions(&before, wanted, &hierarchy, prune)?;
    still_reached(draft.read, wanted, &hierarchy, &slugs)?;
    types(draft, &before, wanted, prune, &mut plan)?;
    let permission_steps = permission_steps(&before, wanted, prune);
    for step in &permission_steps {
        permission(draft, wanted, step);
    }
    plan.extend(permission_steps);
    let role_steps = role_steps(draft, &before, wanted, &hierarchy, &slugs, prune)?;
    plan.extend(role_steps);
    settings(draft, &before, wanted, prune, &mut plan)?;
    let permissions: Vec<(String, String)> = slugs.into_iter().collect();
    draft.set_schema(&hierarchy, &permissions);
    Ok(plan)
}

fn refused(message: String) -> Error {
    Error::conflict("resource_type_in_use", message)
}

fn hierarchy(read: Reader<'_>, wanted: &Types, prune: bool) -> Result<Hierarchy> {
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
        hierarchy.set(&entry.slug, entry.parents.clone());
    }
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
    Ok(hierarchy)
}

/// The permissions that there will be, with their types.
fn declared_permissions(
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
fn still_reached(
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

fn types(
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
        for organization in draft.read.organizations() {
            if let Some(role) = organization
                .own_roles()
                .find(|role| role.resource_type() == known.slug)
            {
                let message = format!(
                    "the role `{}` of {} is on `{}`",
                    role.slug(),
                    organization.id(),
                    known.slug
                );
                return Err(refused(message));
            }
        }
        draft.delete(names::TYPE, &names::encode(&known.slug));
        plan.push(step(Action::Delete, "resource_type", &known.slug, String::new()));
    }
    Ok(())
}

/// A resource of a type, under one of another type if that is given.
fn instance_under(read: Reader<'_>, slug: &str, parent: Option<&str>) -> Option<String> {
    let wanted = read.graph.symbol(&names::type_name(slug))?;
    let mut all = read
        .graph
        .all_resources()
        .filter(|resource| resource.resource_type == wanted);
    let fits = |resource: &crate::record::Resource<'_>| match parent {
        None => true,
        Some(parent) => resource.parent().is_some_and(|up| up.resource_type() == parent),
    };
    all.find_map(|resource| {
        let found = crate::record::Resource(read.record(resource.object)?);
        fits(&found).then(|| found.external_id().into_owned())
    })
}

fn permission_steps(before: &Types, wanted: &Types, prune: bool) -> Vec<Step> {
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

fn permission(draft: &mut Draft<'_>, wanted: &Types, step: &Step) {
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

fn role_steps(
    draft: &mut Draft<'_>,
    before: &Types,
    wanted: &Types,
    hierarchy: &Hierarchy,
    slugs: &BTreeMap<String, String>,
    prune: bool,
) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in &wanted.roles {
        if !seen.insert(&entry.slug) {
            return Err(Error::field(
                "roles",
                "invalid",
                format!("the role `{}` stands twice", entry.slug),
            ));
        }
        makes_sense(entry, hierarchy, slugs)?;
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
        if role.grants().next().is_some() {
            return Err(refused(format!("the role `{}` is assigned", known.slug)));
        }
        roles::remove(draft, &role);
        steps.push(step(Action::Delete, "role", &known.slug, String::new()));
    }
    Ok(steps)
}

fn same_role(known: &RoleEntry, entry: &RoleEntry) -> bool {
    let sorted = |entry: &RoleEntry| entry.permissions.iter().cloned().collect::<BTreeSet<String>>();
    known.name == entry.name && known.description == entry.description && sorted(known) == sorted(entry)
}

fn makes_sense(entry: &RoleEntry, hierarchy: &Hierarchy, slugs: &BTreeMap<String, String>) -> Result<()> {
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
    for slug in &entry.permissions {
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

fn put_role(draft: &mut Draft<'_>, entry: &RoleEntry, known: Option<&RoleEntry>) {
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
    let role = (names::ROLE, id.as_str());
    let everybody = (names::MEMBERSHIP, "*");
    for slug in carried.iter().filter(|slug| !entry.permissions.contains(slug)) {
        draft.unlink(role, &names::permission_relation(slug), everybody);
    }
    for slug in entry.permissions.iter().filter(|slug| !carried.contains(slug)) {
        let at = draft.moment();
        draft.link(role, &names::permission_relation(slug), everybody, at);
    }
}

fn settings(
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

fn step(action: Action, kind: &'static str, slug: &str, detail: String) -> Step {
    Step {
        action,
        kind,
        slug: slug.to_owned(),
        detail,
    }
}
