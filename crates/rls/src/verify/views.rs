//! Views, which read with the rights of their owner, and materialised views, which keep what they read.

use std::collections::BTreeSet;

use rowgate_binding::Qualified;

use super::inspection::{Inspection, grantee, revoke};
use super::{Finding, Remedy, Severity};
use crate::catalog::{Kind, Relation, dotted};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    for view in inspection.catalog.relations.values() {
        match view.kind {
            Kind::View if !view.option("security_invoker") => definer(inspection, view, out),
            Kind::MaterializedView => materialized(inspection, view, out),
            _ => {}
        }
    }
}

/// The protected tables that a view reads, also through other views.
fn protected_below<'a>(inspection: &Inspection<'a>, view: &'a Relation) -> Vec<&'a Relation> {
    let mut seen: BTreeSet<&Qualified> = BTreeSet::new();
    let mut open: Vec<&Qualified> = view.reads.iter().collect();
    let mut found = Vec::new();
    while let Some(name) = open.pop() {
        if let Some(relation) = inspection.table(name)
            && seen.insert(name)
        {
            open.extend(&relation.reads);
            found.extend(inspection.protected.contains(name).then_some(relation));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn names(tables: &[&Relation]) -> String {
    tables
        .iter()
        .map(|table| dotted(&table.name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn definer(inspection: &Inspection<'_>, view: &Relation, out: &mut Vec<Finding>) {
    let tables = protected_below(inspection, view);
    if tables.is_empty() {
        return;
    }
    let readable = inspection.rights(&view.name).next().is_some();
    let open = tables.iter().any(|table| inspection.bypasses(&view.owner, table));
    let owner = grantee(&view.owner);
    let message = if open {
        format!(
            "it reads {} as its owner {owner}, for whom policies do not hold, so it shows every row",
            names(&tables)
        )
    } else {
        format!(
            "it reads {} as its owner {owner}, so the policies of that role apply and not those of who asks",
            names(&tables)
        )
    };
    let sql = format!("ALTER VIEW {} SET (security_invoker = true);", dotted(&view.name));
    let finding = Finding::new(
        "definer_view",
        dotted(&view.name),
        message,
        Remedy::Sql(vec![sql]),
    );
    out.push(if readable && open {
        finding.with_severity(Severity::Error)
    } else {
        finding
    });
}

fn materialized(inspection: &Inspection<'_>, view: &Relation, out: &mut Vec<Finding>) {
    let tables = protected_below(inspection, view);
    if tables.is_empty() {
        return;
    }
    let grants: BTreeSet<(&str, &str)> = inspection
        .rights(&view.name)
        .map(|grant| (grant.grantee.as_str(), grant.grantor.as_str()))
        .collect();
    for (to, grantor) in grants {
        let message = format!(
            "it keeps rows of {}, a materialised view cannot have policies, and {} can read all of it",
            names(&tables),
            grantee(to)
        );
        let remedy = Remedy::Sql(revoke("ALL", view, to, grantor));
        out.push(Finding::new(
            "materialized_view",
            dotted(&view.name),
            message,
            remedy,
        ));
    }
}
