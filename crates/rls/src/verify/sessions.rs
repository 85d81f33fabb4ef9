//! How the sessions of guarded roles are set up.

use std::collections::BTreeSet;

use super::inspection::Inspection;
use super::{Finding, Remedy};
use crate::catalog::bare;

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    if inspection.protected.is_empty() {
        return;
    }
    let catalog = inspection.catalog;
    // Settings are taken at login, and not from roles that the login is a member of.
    let logins: BTreeSet<&str> = inspection
        .guarded
        .iter()
        .flat_map(|role| catalog.logins_of(role))
        .filter(|login| !login.is_above_policies() || inspection.guarded.contains(login.name.as_str()))
        .map(|login| login.name.as_str())
        .collect();
    for login in logins {
        isolation(inspection, login, out);
        row_security(inspection, login, out);
        timeout(inspection, login, out);
    }
}

fn set(inspection: &Inspection<'_>, role: &str, what: &str) -> Remedy {
    Remedy::Sql(vec![format!(
        "ALTER ROLE {} IN DATABASE {} SET {what};",
        bare(role),
        bare(&inspection.catalog.database)
    )])
}

fn isolation(inspection: &Inspection<'_>, role: &str, out: &mut Vec<Finding>) {
    let name = "default_transaction_isolation";
    let level = inspection
        .catalog
        .setting(role, name)
        .unwrap_or(&inspection.catalog.isolation);
    if matches!(level, "repeatable read" | "serializable") {
        return;
    }
    let message = format!(
        "its transactions are {level}: a statement that waits for a row lock, or returns what it updated, can show a row whose permission was \
        taken away just before"
    );
    let remedy = set(inspection, role, &format!("{name} = 'repeatable read'"));
    out.push(Finding::new(
        "isolation",
        format!("role {}", bare(role)),
        message,
        remedy,
    ));
}

fn row_security(inspection: &Inspection<'_>, role: &str, out: &mut Vec<Finding>) {
    let value = inspection.catalog.setting(role, "row_security").unwrap_or("on");
    if !matches!(value, "off" | "false" | "no" | "0") {
        return;
    }
    let message = "row_security is off for it, so a query that policies would filter fails instead";
    let remedy = set(inspection, role, "row_security = on");
    out.push(Finding::new(
        "row_security_off",
        format!("role {}", bare(role)),
        message,
        remedy,
    ));
}

fn timeout(inspection: &Inspection<'_>, role: &str, out: &mut Vec<Finding>) {
    let value = inspection
        .catalog
        .setting(role, "statement_timeout")
        .unwrap_or("0");
    if value.chars().any(|digit| matches!(digit, '1'..='9')) {
        return;
    }
    let message = "no statement of it has a time limit, so one query with an expensive policy can keep a connection busy for ever";
    let remedy = set(inspection, role, "statement_timeout = '30s'");
    out.push(Finding::new(
        "statement_timeout",
        format!("role {}", bare(role)),
        message,
        remedy,
    ));
}
