//! Rights that policies do not cover.

use std::collections::{BTreeMap, BTreeSet};

use super::inspection::{Inspection, grantee, is_own, revoke};
use super::{Finding, Remedy, Severity};
use crate::catalog::{DefaultPrivilege, Relation, bare, dotted};

/// Rights that are never needed beside policies: the code, and what they let a role do.
const UNDOING: [(&str, &str, &str); 3] = [
    (
        "TRUNCATE",
        "grant_truncate",
        "can empty the table, because TRUNCATE asks no policy",
    ),
    (
        "TRIGGER",
        "grant_trigger",
        "can put a trigger on the table, which then runs with the rows and the rights of whoever writes to it",
    ),
    (
        "REFERENCES",
        "grant_references",
        "can refer to the table with a foreign key, which says of any key whether its row exists",
    ),
];

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    for table in inspection.protected_tables() {
        undoing(inspection, table, out);
        to_public(inspection, table, out);
    }
    defaults(inspection, out);
}

fn undoing(inspection: &Inspection<'_>, table: &Relation, out: &mut Vec<Finding>) {
    for (privilege, code, what) in UNDOING {
        let grants: BTreeSet<(&str, &str)> = inspection
            .catalog
            .grants
            .iter()
            .filter(|grant| {
                grant.object == table.name
                    && grant.privilege == privilege
                    && inspection.reaches(&grant.grantee)
            })
            .map(|grant| (grant.grantee.as_str(), grant.grantor.as_str()))
            .collect();
        for (to, grantor) in grants {
            let remedy = Remedy::Sql(revoke(privilege, table, to, grantor));
            out.push(Finding::new(
                code,
                dotted(&table.name),
                format!("{} {what}", grantee(to)),
                remedy,
            ));
        }
    }
}

fn to_public(inspection: &Inspection<'_>, table: &Relation, out: &mut Vec<Finding>) {
    let mut by_grantor: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let on = inspection
        .catalog
        .grants
        .iter()
        .filter(|grant| grant.object == table.name && grant.grantee.is_empty());
    for grant in on.filter(|grant| {
        UNDOING
            .iter()
            .all(|(privilege, ..)| *privilege != grant.privilege)
    }) {
        by_grantor
            .entry(&grant.grantor)
            .or_default()
            .insert(&grant.privilege);
    }
    for (grantor, privileges) in by_grantor {
        let privileges: Vec<&str> = privileges.into_iter().collect();
        let privileges = privileges.join(", ");
        let message = format!(
            "every role of the server has {privileges} on it, so a policy is all that is between them and the rows"
        );
        let remedy = Remedy::Sql(revoke(&privileges, table, "", grantor));
        out.push(Finding::new(
            "grant_to_public",
            dotted(&table.name),
            message,
            remedy,
        ));
    }
}

/// Rights on tables that do not exist yet.
fn defaults(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    type Who<'a> = (&'a str, Option<&'a str>, &'a str);
    let mut found: BTreeMap<Who<'_>, BTreeSet<&str>> = BTreeMap::new();
    let foreign = |privilege: &&DefaultPrivilege| {
        let schema = privilege.schema.clone().unwrap_or_default();
        privilege.kind == "r" && !is_own(&rowgate_binding::Qualified::new(schema, ""))
    };
    for default in inspection.catalog.default_privileges.iter().filter(foreign) {
        if !inspection.protected.is_empty() && inspection.reaches(&default.grantee) {
            let who = (
                default.creator.as_str(),
                default.schema.as_deref(),
                default.grantee.as_str(),
            );
            found.entry(who).or_default().insert(&default.privilege);
        }
    }
    for ((creator, schema, to), privileges) in found {
        let place = schema.map_or_else(
            || "any schema".to_owned(),
            |schema| format!("schema {}", bare(schema)),
        );
        let dangerous = privileges
            .iter()
            .any(|privilege| matches!(*privilege, "TRUNCATE" | "TRIGGER"));
        let privileges: Vec<&str> = privileges.into_iter().collect();
        let message = format!(
            "a table that {} creates in {place} gives {} to {} at once, before it has a policy",
            bare(creator),
            privileges.join(", "),
            grantee(to)
        );
        let inside = schema.map_or_else(String::new, |schema| format!(" IN SCHEMA {}", bare(schema)));
        let sql = format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {}{inside} REVOKE ALL ON TABLES FROM {};",
            bare(creator),
            grantee(to)
        );
        let finding = Finding::new(
            "default_privileges",
            format!("role {}", bare(creator)),
            message,
            Remedy::Sql(vec![sql]),
        );
        out.push(if dangerous {
            finding.with_severity(Severity::Warning)
        } else {
            finding
        });
    }
}
