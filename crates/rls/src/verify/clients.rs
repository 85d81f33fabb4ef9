//! Roles that clients have, who send SQL of their own.

use std::collections::BTreeSet;

use super::inspection::Inspection;
use super::{Finding, Remedy, Severity};
use crate::catalog::{Catalog, bare};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    let catalog = inspection.catalog;
    if catalog.keeps_policies {
        return;
    }
    for role in clients(catalog) {
        let naming = || {
            catalog
                .policies
                .iter()
                .filter(|policy| policy.roles.iter().any(|named| named == role))
        };
        if naming().next().is_none() {
            continue;
        }
        let restricts = naming().any(|policy| !policy.permissive);
        let (severity, what) = if restricts {
            (
                Severity::Error,
                "what restrictive policies hide from it is shown then",
            )
        } else {
            (Severity::Warning, "nobody who has the role sees a row then")
        };
        let message = format!(
            "its clients can run `DROP OWNED BY CURRENT_USER`, which takes the role out of all policies that name it, whoever owns them: {what}"
        );
        let advice = "let a superuser run `rowgate pg install --with-roles` (or `--client-role` with its name) once, which makes an event trigger \
            against it; where there is no superuser, let policies hold for PUBLIC and test the role in their conditions";
        out.push(
            Finding::new(
                "policies_can_be_dropped",
                format!("role {}", bare(role)),
                message,
                Remedy::Advice(advice.to_owned()),
            )
            .with_severity(severity),
        );
    }
}

/// Roles whose sessions have logins as `rowgate pg install` makes them: `authenticated_16384_7`.
fn clients(catalog: &Catalog) -> BTreeSet<&str> {
    let of_session = |member: &str, role: &str| {
        let mut numbers = member.strip_prefix(role)?.strip_prefix('_')?.split('_');
        let is_number = |part: Option<&str>| {
            part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        Some(is_number(numbers.next()) && is_number(numbers.next()) && numbers.next().is_none())
    };
    catalog
        .memberships
        .iter()
        .filter(|membership| of_session(&membership.member, &membership.role) == Some(true))
        .map(|membership| membership.role.as_str())
        .collect()
}
