//! Whether row-level security is on, and for everybody it should be.

use std::collections::BTreeSet;

use rowgate_binding::Qualified;

use super::expected::Expected;
use super::inspection::{Inspection, grantee, is_generated, is_own, revoke};
use super::{Finding, Remedy, Severity, expression};
use crate::catalog::{Relation, dotted};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    for table in inspection.protected_tables() {
        switched_on(inspection, table, out);
    }
    let deciding = deciding_tables(inspection);
    for table in inspection.catalog.relations.values() {
        if table.rls
            || !table.is_table()
            || table.extension
            || is_own(&table.name)
            || inspection.protected.contains(&table.name)
        {
            continue;
        }
        if deciding.contains(&table.name) {
            writable(inspection, table, out);
        }
        unprotected(inspection, table, out);
    }
}

fn switched_on(inspection: &Inspection<'_>, table: &Relation, out: &mut Vec<Finding>) {
    let has_policies = inspection.catalog.policies_of(&table.name).next().is_some();
    if !has_policies
        && inspection.expected.is_some_and(Expected::is_absent)
        && inspection.is_bound(&table.name)
    {
        // What apply would switch on, with all the rest that is not there.
        return;
    }
    let name = dotted(&table.name);
    let sql = |what: &str| Remedy::Sql(vec![format!("ALTER TABLE {name} {what} ROW LEVEL SECURITY;")]);
    if !table.rls {
        let message = "row-level security is off, so its policies are not applied to anybody";
        out.push(Finding::new("rls_disabled", &name, message, sql("ENABLE")));
    } else if !has_policies && !inspection.is_bound(&table.name) {
        let message = "row-level security is on and there is no policy, so only the owner and those above policies see a row";
        let advice = "write a policy, or bind the table in rowgate.toml and run `rowgate rls apply`";
        out.push(Finding::new(
            "rls_without_policy",
            &name,
            message,
            Remedy::Advice(advice.to_owned()),
        ));
    }
    if !table.forced {
        let message = format!(
            "row-level security is not forced, so whoever connects as the owner {} sees and changes every row",
            grantee(&table.owner)
        );
        let finding = Finding::new("rls_not_forced", &name, message, sql("FORCE"));
        let bound = inspection.is_bound(&table.name);
        out.push(if bound {
            finding.with_severity(Severity::Error)
        } else {
            finding
        });
    }
}

/// Tables whose rows decide what is visible elsewhere: those that join in bindings, and those that policies read.
fn deciding_tables(inspection: &Inspection<'_>) -> BTreeSet<Qualified> {
    let sources = inspection.bound().flat_map(|table| table.relations.values());
    let joins = sources
        .flatten()
        .filter_map(|source| source.join.as_ref())
        .map(|join| join.name.clone());
    let mut tables: BTreeSet<Qualified> = joins.collect();
    for policy in inspection
        .catalog
        .policies
        .iter()
        .filter(|policy| !is_generated(policy))
    {
        for text in [&policy.using, &policy.check].into_iter().flatten() {
            tables.extend(expression::parse(text).iter().flat_map(expression::tables));
        }
    }
    tables
}

fn writable(inspection: &Inspection<'_>, table: &Relation, out: &mut Vec<Finding>) {
    let writes = |privilege: &str| matches!(privilege, "INSERT" | "UPDATE");
    let grants: BTreeSet<(&str, &str)> = inspection
        .rights(&table.name)
        .filter(|grant| writes(&grant.privilege))
        .map(|grant| (grant.grantee.as_str(), grant.grantor.as_str()))
        .collect();
    for (to, grantor) in grants {
        let message = format!(
            "its rows decide what others may see, it has no policies, and {} can write to it: anybody can give themselves access",
            grantee(to)
        );
        let remedy = Remedy::Sql(revoke("INSERT, UPDATE", table, to, grantor));
        out.push(Finding::new(
            "permission_table_writable",
            dotted(&table.name),
            message,
            remedy,
        ));
    }
}

fn unprotected(inspection: &Inspection<'_>, table: &Relation, out: &mut Vec<Finding>) {
    let under_policy = table
        .parents
        .iter()
        .any(|parent| inspection.protected.contains(parent));
    let uses = |privilege: &str| matches!(privilege, "SELECT" | "INSERT" | "UPDATE" | "DELETE");
    let who: BTreeSet<String> = inspection
        .rights(&table.name)
        .filter(|grant| uses(&grant.privilege))
        .map(|grant| grantee(&grant.grantee))
        .collect();
    if under_policy || who.is_empty() {
        return;
    }
    let who: Vec<String> = who.into_iter().collect();
    let message = format!(
        "{} can use every row of it, because row-level security is off; once it is on, rows need a policy to be seen",
        who.join(", ")
    );
    let enable = format!("ALTER TABLE {} ENABLE ROW LEVEL SECURITY;", dotted(&table.name));
    out.push(Finding::new(
        "table_unprotected",
        dotted(&table.name),
        message,
        Remedy::Sql(vec![enable]),
    ));
}
