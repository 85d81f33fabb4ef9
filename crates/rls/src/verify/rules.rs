//! Rules (`create rule`) of protected tables: what they do is done with the rights of the table's owner, and with the owner's policies.

use super::inspection::{Inspection, grantee};
use super::{Finding, Remedy};
use crate::catalog::{bare, dotted};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    for table in inspection.protected_tables() {
        for rule in &table.rules {
            let message = format!(
                "what it makes of each {} runs with the rights of {}, who owns the table, and under the policies of that role and not of who asks",
                rule.event,
                grantee(&table.owner)
            );
            let advice =
                "let a trigger do it, whose function runs with the rights of who asks, and drop the rule";
            out.push(Finding::new(
                "rule_on_table",
                format!("rule {} on {}", bare(&rule.name), dotted(&table.name)),
                message,
                Remedy::Advice(advice.to_owned()),
            ));
        }
    }
}
