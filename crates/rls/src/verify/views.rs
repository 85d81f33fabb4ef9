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

/// A protected table that a view reads.
struct Below<'a> {
    table: &'a Relation,
    /// Whether it is read through one that it is a child of and that has no policies: then its own do not hold.
    through_parent: bool,
}

/// The protected tables that a view reads, also through other views and through their parents.
fn protected_below<'a>(inspection: &Inspection<'a>, view: &'a Relation) -> Vec<Below<'a>> {
    let mut seen: BTreeSet<(&Qualified, bool)> = BTreeSet::new();
    let mut open: Vec<(&Qualified, bool)> = view.reads.iter().map(|name| (name, false)).collect();
    let mut found = Vec::new();
    while let Some((name, through_parent)) = open.pop() {
        let Some(table) = inspection
            .table(name)
            .filter(|_| seen.insert((name, through_parent)))
        else {
            continue;
        };
        open.extend(table.reads.iter().map(|name| (name, false)));
        if inspection.protected.contains(name) {
            found.push(Below {
                table,
                through_parent,
            });
        }
        if through_parent || !inspection.protected.contains(name) {
            open.extend(children(inspection, name).map(|child| (&child.name, true)));
        }
    }
    found.sort_by(|a, b| (&a.table.name, b.through_parent).cmp(&(&b.table.name, a.through_parent)));
    found.dedup_by(|a, b| a.table.name == b.table.name);
    found
}

/// The tables that are partitions or children of one.
fn children<'a>(inspection: &Inspection<'a>, parent: &Qualified) -> impl Iterator<Item = &'a Relation> {
    let tables = inspection.catalog.relations.values();
    tables.filter(move |table| table.parents.contains(parent))
}

fn names(tables: &[Below<'_>]) -> String {
    tables
        .iter()
        .map(|below| dotted(&below.table.name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn definer(inspection: &Inspection<'_>, view: &Relation, out: &mut Vec<Finding>) {
    let tables = protected_below(inspection, view);
    if tables.is_empty() {
        return;
    }
    let readable = inspection.rights(&view.name).next().is_some();
    let through_parent = tables.iter().any(|below| below.through_parent);
    let open = through_parent
        || tables
            .iter()
            .any(|below| inspection.bypasses(&view.owner, below.table));
    let owner = grantee(&view.owner);
    let message = if through_parent {
        format!(
            "it reads {} through a table that they are children of and that has no row-level security, so it shows every row",
            names(&tables)
        )
    } else if open {
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
