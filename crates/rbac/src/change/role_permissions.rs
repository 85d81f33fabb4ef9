//! What roles carry.

use std::collections::BTreeSet;

use crate::draft::Draft;
use crate::names;
use crate::record::Role;
use crate::{Error, Result};

/// Replaces what a role carries.
///
/// # Errors
/// 422 for a permission that does not exist or that such a role cannot carry.
pub fn set(draft: &mut Draft<'_>, role: &Role<'_>, permissions: &[String]) -> Result<()> {
    may_carry(draft, role, permissions)?;
    let wanted: BTreeSet<&str> = permissions.iter().map(String::as_str).collect();
    let carried = role.permissions();
    for slug in carried.iter().filter(|slug| !wanted.contains(slug.as_str())) {
        drop_permission(draft, role, slug);
    }
    let mut known: BTreeSet<&str> = carried.iter().map(String::as_str).collect();
    for slug in permissions {
        if known.insert(slug) {
            carry(draft, role, slug);
        }
    }
    Ok(())
}

/// Adds a permission to what a role carries. It is no error if the role carries it already.
///
/// # Errors
/// 404 for an unknown permission, 422 for one that such a role cannot carry.
pub fn add(draft: &mut Draft<'_>, role: &Role<'_>, slug: &str) -> Result<()> {
    draft.read.permission(slug)?;
    may_carry(draft, role, &[slug.to_owned()])?;
    if !role.permissions().iter().any(|carried| carried == slug) {
        carry(draft, role, slug);
    }
    Ok(())
}

/// Takes a permission away from a role.
///
/// # Errors
/// 404 when the role does not carry it.
pub fn remove(draft: &mut Draft<'_>, role: &Role<'_>, slug: &str) -> Result<()> {
    if !role.permissions().iter().any(|carried| carried == slug) {
        return Err(Error::not_found("Permission", slug));
    }
    drop_permission(draft, role, slug);
    Ok(())
}

fn carry(draft: &mut Draft<'_>, role: &Role<'_>, slug: &str) {
    let at = draft.moment();
    let relation = names::permission_relation(slug);
    draft.link((names::ROLE, role.id()), &relation, (names::MEMBERSHIP, "*"), at);
    touch(draft, role);
}

fn drop_permission(draft: &mut Draft<'_>, role: &Role<'_>, slug: &str) {
    let relation = names::permission_relation(slug);
    draft.unlink((names::ROLE, role.id()), &relation, (names::MEMBERSHIP, "*"));
    touch(draft, role);
}

/// Notes that a role has changed.
fn touch(draft: &mut Draft<'_>, role: &Role<'_>) {
    let at = draft.moment();
    draft.update(role, |meta| {
        meta.insert("updated_at".into(), at.into());
    });
}

/// A role carries permissions of its own type and of the types below it.
fn may_carry(draft: &Draft<'_>, role: &Role<'_>, permissions: &[String]) -> Result<()> {
    let hierarchy = draft.read.hierarchy();
    let (mut unknown, mut unreachable) = (Vec::new(), Vec::new());
    for slug in permissions {
        match draft.read.permission(slug) {
            Err(_) => unknown.push(slug.as_str()),
            Ok(permission) if !hierarchy.reaches(role.resource_type(), permission.resource_type()) => {
                unreachable.push(slug.as_str());
            }
            Ok(_) => {}
        }
    }
    if !unknown.is_empty() {
        let message = format!("unknown permissions: {}", unknown.join(", "));
        return Err(Error::field("permissions", "invalid", message));
    }
    if !unreachable.is_empty() {
        let message = format!(
            "a role on `{}` carries permissions of that type and of types below it; not: {}",
            role.resource_type(),
            unreachable.join(", ")
        );
        return Err(Error::field("permissions", "invalid", message));
    }
    Ok(())
}
