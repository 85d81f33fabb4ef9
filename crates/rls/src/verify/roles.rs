//! Whether a guarded role can get round the policies.

use super::inspection::Inspection;
use super::{Finding, Remedy};
use crate::catalog::{Membership, Policy, bare, dotted};
use crate::generate::READERS;

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    for role in &inspection.guarded {
        bypasses(inspection, role, out);
        owns(inspection, role, out);
        becomes(inspection, role, out);
    }
    if !inspection.protected.is_empty() {
        logins(inspection, out);
    }
}

fn bypasses(inspection: &Inspection<'_>, name: &str, out: &mut Vec<Finding>) {
    let Some(role) = inspection
        .catalog
        .roles
        .get(name)
        .filter(|role| role.is_above_policies())
    else {
        return;
    };
    let mut options = Vec::new();
    options.extend(role.superuser.then_some("NOSUPERUSER"));
    options.extend(role.bypasses.then_some("NOBYPASSRLS"));
    let what = if role.superuser {
        "a superuser"
    } else {
        "allowed to bypass row-level security"
    };
    let message = format!("policies are for it and it is {what}, so none of them holds for it");
    let sql = format!("ALTER ROLE {} {};", bare(name), options.join(" "));
    out.push(Finding::new(
        "role_bypasses_rls",
        role_name(name),
        message,
        Remedy::Sql(vec![sql]),
    ));
}

fn role_name(name: &str) -> String {
    format!("role {}", bare(name))
}

fn owns(inspection: &Inspection<'_>, role: &str, out: &mut Vec<Finding>) {
    for table in inspection.protected_tables().filter(|table| table.owner == role) {
        let message = format!(
            "its owner {} is a role that policies should bind, and an owner can switch row-level security off",
            bare(role)
        );
        let next = &inspection.catalog.database_owner;
        let remedy = if inspection.guarded.contains(next.as_str()) {
            Remedy::Advice("give the table to a role that the application does not connect as".to_owned())
        } else {
            let grant = format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {};",
                dotted(&table.name),
                bare(role)
            );
            Remedy::Sql(vec![
                format!("ALTER TABLE {} OWNER TO {};", dotted(&table.name), bare(next)),
                grant,
            ])
        };
        out.push(Finding::new(
            "role_owns_table",
            dotted(&table.name),
            message,
            remedy,
        ));
    }
}

fn becomes(inspection: &Inspection<'_>, role: &str, out: &mut Vec<Finding>) {
    if grants_any(inspection, role) {
        let message =
            "it has CREATEROLE, with which it can make itself a member of any role that is no superuser";
        let remedy = Remedy::Sql(vec![format!("ALTER ROLE {} NOCREATEROLE;", bare(role))]);
        out.push(Finding::new("role_can_become", role_name(role), message, remedy));
    }
    for (other, step) in inspection.catalog.can_act_as(role) {
        let Some(why) = why_unbound(inspection, other) else {
            continue;
        };
        let message = format!(
            "it is a member of {}, which {why}, so it can leave its policies behind",
            bare(other)
        );
        let remedy = Remedy::Sql(vec![leave(inspection, step)]);
        out.push(Finding::new("role_can_become", role_name(role), message, remedy));
    }
}

fn why_unbound(inspection: &Inspection<'_>, role: &str) -> Option<String> {
    let known = inspection.catalog.roles.get(role)?;
    if known.superuser {
        return Some("is a superuser".to_owned());
    }
    if known.bypasses {
        return Some("bypasses row-level security".to_owned());
    }
    if reads_all(inspection, role) {
        return Some("reads every row".to_owned());
    }
    if grants_any(inspection, role) {
        return Some("can make itself a member of any role that is no superuser".to_owned());
    }
    let owned = inspection.protected_tables().find(|table| table.owner == role)?;
    Some(format!("owns {}", dotted(&owned.name)))
}

/// Whether a role can grant any other: before version 16 that took no more than CREATEROLE.
fn grants_any(inspection: &Inspection<'_>, role: &str) -> bool {
    inspection.catalog.major() < 16
        && inspection
            .catalog
            .roles
            .get(role)
            .is_some_and(|role| role.creates_roles)
}

/// Whether a role is one of Rowgate's own that reads every row, where `apply` made policies.
fn reads_all(inspection: &Inspection<'_>, role: &str) -> bool {
    let ours = |policy: &Policy| READERS.iter().any(|reader| policy.name == *reader);
    (role == "rowgate_owner" || READERS.contains(&role)) && inspection.catalog.policies.iter().any(ours)
}

/// Ends the membership that leads to the role. From version 16 on, several roles can have granted the same membership.
fn leave(inspection: &Inspection<'_>, step: &Membership) -> String {
    let by = if inspection.catalog.major() >= 16 {
        format!(" GRANTED BY {}", bare(&step.grantor))
    } else {
        String::new()
    };
    format!("REVOKE {} FROM {}{by};", bare(&step.role), bare(&step.member))
}

fn logins(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    let unbound = inspection
        .catalog
        .roles
        .values()
        .filter(|role| role.logs_in && role.is_above_policies());
    for role in unbound.filter(|role| !inspection.guarded.contains(role.name.as_str())) {
        let what = if role.superuser {
            "is a superuser"
        } else {
            "has BYPASSRLS"
        };
        let message = format!("it logs in and {what}: an application that connects with it sees every row");
        let advice = "check that no application connects with it; administration and backups may".to_owned();
        out.push(Finding::new(
            "login_unbound",
            role_name(&role.name),
            message,
            Remedy::Advice(advice),
        ));
    }
}
