//! Partitions and children. Asked by way of their parent they have its policies; asked directly they have their own, or none.
//! So a table without policies that gets a protected table as its child shows the child's rows.

use std::collections::BTreeSet;

use super::inspection::{Inspection, grantee, revoke};
use super::{Finding, Remedy};
use crate::catalog::{Relation, bare, dotted};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    for parent in inspection.protected_tables().filter(|table| table.rls) {
        for child in inspection
            .catalog
            .descendants(&parent.name)
            .into_iter()
            .filter(|child| !child.rls)
        {
            open(inspection, parent, child, out);
        }
    }
    for child in inspection.protected_tables() {
        for parent in inspection.catalog.ancestors(&child.name) {
            if !parent.rls && !inspection.protected.contains(&parent.name) {
                above(inspection, parent, child, out);
            }
        }
    }
}

/// A table without policies that shows the rows of a protected one.
fn above(inspection: &Inspection<'_>, parent: &Relation, child: &Relation, out: &mut Vec<Finding>) {
    let mut report = |who: &str, remedy: Remedy| {
        let message = format!(
            "it has the rows of {}, {who} has rights on it, and asked by way of it the policies of {} do not count",
            dotted(&child.name),
            dotted(&child.name)
        );
        out.push(Finding::new(
            "open_through_parent",
            dotted(&parent.name),
            message,
            remedy,
        ));
    };
    if inspection.reaches(&parent.owner) {
        let advice = "give the table to a role that the application does not connect as";
        report(&bare(&parent.owner), Remedy::Advice(advice.to_owned()));
    }
    for (to, grantor) in grants(inspection, parent) {
        report(&grantee(to), Remedy::Sql(revoke("ALL", parent, to, grantor)));
    }
}

/// Who has rights on a table, and who granted them.
fn grants<'a>(inspection: &'a Inspection<'_>, table: &'a Relation) -> BTreeSet<(&'a str, &'a str)> {
    inspection
        .rights(&table.name)
        .map(|grant| (grant.grantee.as_str(), grant.grantor.as_str()))
        .collect()
}

fn open(inspection: &Inspection<'_>, parent: &Relation, child: &Relation, out: &mut Vec<Finding>) {
    for (to, grantor) in grants(inspection, child) {
        let message = format!(
            "it holds rows of {}, {} has rights on it directly, and asked directly it has no policies",
            dotted(&parent.name),
            grantee(to)
        );
        let remedy = Remedy::Sql(revoke("ALL", child, to, grantor));
        out.push(Finding::new(
            "partition_unprotected",
            dotted(&child.name),
            message,
            remedy,
        ));
    }
}
