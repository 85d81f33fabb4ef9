//! Keys that tell of rows that cannot be seen: unique constraints and foreign keys are checked without policies.

use super::inspection::{Inspection, grantee};
use super::{Finding, Remedy};
use crate::catalog::{Key, Relation, dotted};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    for table in inspection.protected_tables() {
        unique(inspection, table, out);
        referred(inspection, table, out);
    }
}

/// Whether values of a column can be guessed: not those of a uuid, and not those that only the database chooses.
fn guessable(table: &Relation, column: &str) -> bool {
    table
        .column(column)
        .is_some_and(|column| column.base_type != "uuid")
}

/// Who of the guarded roles can write to a table.
fn writers(inspection: &Inspection<'_>, table: &Relation) -> Option<String> {
    let writes = |privilege: &str| matches!(privilege, "INSERT" | "UPDATE");
    let found = inspection.catalog.grants.iter().find(|grant| {
        grant.object == table.name && writes(&grant.privilege) && inspection.reaches(&grant.grantee)
    });
    found.map(|grant| grantee(&grant.grantee))
}

fn columns(key: &Key) -> String {
    key.columns.join(", ")
}

fn unique(inspection: &Inspection<'_>, table: &Relation, out: &mut Vec<Finding>) {
    let Some(who) = writers(inspection, table) else {
        return;
    };
    let own = |key: &&Key| key.columns.iter().all(|column| guessable(table, column));
    let generated = |key: &&Key| {
        let by_database = |name: &String| {
            table
                .column(name)
                .is_some_and(|c| c.identity || c.default.is_some() || c.generated)
        };
        !key.columns.iter().all(by_database)
    };
    let keys = table
        .primary_key
        .iter()
        .chain(&table.unique)
        .filter(own)
        .filter(generated);
    let keys: Vec<String> = keys
        .map(|key| format!("{} ({})", key.name, columns(key)))
        .collect();
    if keys.is_empty() {
        return;
    }
    let message = format!(
        "{who} can try a value of {} and learns from the refusal that a row has it, also one that it cannot see",
        keys.join(" and ")
    );
    let advice = "make the key wider by the owner's column, or let it hold values that nobody can guess, such as uuids";
    out.push(Finding::new(
        "key_oracle",
        dotted(&table.name),
        message,
        Remedy::Advice(advice.to_owned()),
    ));
}

fn referred(inspection: &Inspection<'_>, table: &Relation, out: &mut Vec<Finding>) {
    let mut from = Vec::new();
    for other in inspection.catalog.relations.values() {
        let keys = other.foreign_keys.iter().filter(|key| key.table == table.name);
        let guessable = keys.filter(|key| key.foreign_columns.iter().all(|column| guessable(table, column)));
        if guessable.count() > 0 && writers(inspection, other).is_some() {
            from.push(dotted(&other.name));
        }
    }
    if from.is_empty() {
        return;
    }
    let message = format!(
        "whoever writes to {} learns from the foreign key which ids of {} exist, also of rows that they cannot see",
        from.join(", "),
        dotted(&table.name)
    );
    let advice = "use ids that nobody can guess, such as uuids, or let policies of the referring table check that the row can be seen";
    let object = format!("foreign keys to {}", dotted(&table.name));
    out.push(Finding::new(
        "key_oracle",
        object,
        message,
        Remedy::Advice(advice.to_owned()),
    ));
}
