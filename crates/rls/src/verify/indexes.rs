//! Indexes that policies need, and indexes that policies take away.

use std::collections::BTreeMap;

use rowgate_binding::{Qualified, Source, Table};

use super::expression::{self, Need, Scope};
use super::inspection::{Inspection, is_generated, policy_name};
use super::{Finding, Remedy};
use crate::catalog::{Index, Kind, Policy, Relation, bare, dotted};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    let mut needs: BTreeMap<Need, String> = BTreeMap::new();
    for table in inspection.bound() {
        bound(table, &mut needs);
    }
    for policy in inspection
        .catalog
        .policies
        .iter()
        .filter(|policy| !is_generated(policy))
    {
        by_hand(inspection, policy, &mut needs);
    }
    for (need, who) in needs {
        if let Some(table) = inspection.table(&need.table).filter(|table| table.is_table()) {
            needed(
                table,
                &need.column,
                &who,
                conditions(inspection, &need.table),
                out,
            );
        }
    }
    for table in inspection.protected_tables() {
        not_leakproof(table, out);
    }
}

/// Columns by which the generated predicates and walks find rows.
fn bound(table: &Table, needs: &mut BTreeMap<Need, String>) {
    let mut need = |table: &Qualified, columns: &[String], who: String| {
        if let Some(column) = columns.first() {
            needs
                .entry(Need {
                    table: table.clone(),
                    column: column.clone(),
                })
                .or_insert(who);
        }
    };
    need(
        &table.name,
        &table.id,
        format!("the id of `{}`", table.resource_type),
    );
    for (relation, sources) in &table.relations {
        let who = || format!("relation `{relation}` of `{}`", table.resource_type);
        for Source { join, columns, .. } in sources {
            match join {
                None => need(&table.name, columns, who()),
                Some(join) => {
                    need(&join.name, &join.key, who());
                    need(&join.name, columns, who());
                }
            }
        }
    }
}

fn by_hand(inspection: &Inspection<'_>, policy: &Policy, needs: &mut BTreeMap<Need, String>) {
    let scope = Scope {
        catalog: inspection.catalog,
        table: &policy.table,
    };
    // A new row is not looked up, so WITH CHECK needs no index.
    let Some(expr) = policy.using.as_deref().and_then(expression::parse) else {
        return;
    };
    // The column that a faster form looks up counts, too: without the index it would be as slow.
    for need in expression::needs(&expression::rewrite(&expr, scope).expr, scope) {
        needs.entry(need).or_insert_with(|| policy_name(policy));
    }
}

/// Whether the bindings count only some of the rows, so that an index may leave out the others.
fn conditions(inspection: &Inspection<'_>, table: &Qualified) -> bool {
    inspection
        .bound()
        .any(|bound| bound.name == *table && !bound.conditions.is_empty())
}

fn needed(table: &Relation, column: &str, who: &str, partial_is_enough: bool, out: &mut Vec<Finding>) {
    let Some(known) = table.column(column) else {
        return; // reported as missing
    };
    // Two values: an index would find half of the table.
    if known.category == "B" {
        return;
    }
    let fits = |index: &&Index| {
        index
            .columns
            .first()
            .is_some_and(|first| first.as_deref() == Some(column))
            && matches!(index.method.as_str(), "btree" | "hash")
            && (index.predicate.is_none() || partial_is_enough)
    };
    let fitting: Vec<&Index> = table.indexes.iter().filter(fits).collect();
    if fitting.iter().any(|index| index.valid) {
        return;
    }
    let name = dotted(&table.name);
    if let Some(invalid) = fitting.first() {
        let index = dotted(&Qualified::new(&table.name.schema, &invalid.name));
        let message = format!(
            "{who} looks rows up by {} and the index for it is not valid, so it is not used",
            bare(column)
        );
        let remedy = Remedy::Sql(vec![format!("REINDEX INDEX CONCURRENTLY {index};")]);
        return out.push(Finding::new("index_invalid", index, message, remedy));
    }
    let concurrently = if table.kind == Kind::Partitioned {
        ""
    } else {
        "CONCURRENTLY "
    };
    let message = format!(
        "{who} looks rows up by {}, which no index begins with, so the whole table is read",
        bare(column)
    );
    let remedy = Remedy::Sql(vec![format!(
        "CREATE INDEX {concurrently}ON {name} ({});",
        bare(column)
    )]);
    out.push(Finding::new(
        "missing_index",
        format!("{name} ({})", bare(column)),
        message,
        remedy,
    ));
}

fn not_leakproof(table: &Relation, out: &mut Vec<Finding>) {
    for index in table
        .indexes
        .iter()
        .filter(|index| index.leakproof.first() == Some(&false))
    {
        let name = dotted(&Qualified::new(&table.name.schema, &index.name));
        let message = format!(
            "its operators are not leakproof, so for roles that policies bind Postgres reads every visible row of {} instead of using it",
            dotted(&table.name)
        );
        let advice = "search in a SECURITY DEFINER function that joins what the caller may see, or look rows up by a column whose operators \
            are leakproof, such as text, uuid and integer equality";
        out.push(Finding::new(
            "index_not_leakproof",
            name,
            message,
            Remedy::Advice(advice.to_owned()),
        ));
    }
}
