//! Partitions and children. Asked by way of their parent they have its policies; asked directly they have their own, or none.

use std::collections::BTreeSet;

use super::inspection::{Inspection, grantee, revoke};
use super::{Finding, Remedy};
use crate::catalog::{Relation, dotted};

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
}

fn open(inspection: &Inspection<'_>, parent: &Relation, child: &Relation, out: &mut Vec<Finding>) {
    let grants: BTreeSet<(&str, &str)> = inspection
        .rights(&child.name)
        .map(|grant| (grant.grantee.as_str(), grant.grantor.as_str()))
        .collect();
    for (to, grantor) in grants {
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
