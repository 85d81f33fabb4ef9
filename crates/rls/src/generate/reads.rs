//! What keeps columns that are read from being dropped.

use std::collections::{BTreeMap, BTreeSet};

use rowgate_binding::{Bindings, Condition, Qualified, Table};

use super::Function;
use crate::sql::SCHEMA;
use crate::sql::clause::{column, indent};
use crate::sql::quote::qualified;

/// The columns of each table.
type Columns<'b> = BTreeMap<&'b Qualified, BTreeSet<&'b str>>;

/// A function that names every column that bindings name, and what says who asks. Nobody calls it. Its body is bound to them, which bodies in
/// PL/pgSQL are not: Postgres refuses to drop such a column, or to give it another type, as long as what reads it is in force.
pub(super) fn function(bindings: &Bindings) -> Function {
    let mut columns = Columns::new();
    for table in &bindings.tables {
        named(table, &mut columns);
    }
    let mut body: Vec<String> = columns
        .into_iter()
        .map(|(table, columns)| {
            let columns: Vec<String> = columns.into_iter().map(|name| column("t", name)).collect();
            format!("select {}\nfrom {} t;", columns.join(", "), qualified(table))
        })
        .collect();
    body.push(format!("select {}();", qualified(&bindings.subject.function)));
    let signature = format!("{SCHEMA}.reads()");
    Function {
        sql: format!(
            "create or replace function {signature} returns void\n    language sql stable parallel safe\n    \
             set search_path = pg_catalog, pg_temp\nbegin atomic\n{}\nend",
            indent(&body.join("\n"))
        ),
        signature,
        for_roles: false,
        comment: "Names what the others read, so that it is not dropped".to_owned(),
    }
}

fn named<'b>(table: &'b Table, columns: &mut Columns<'b>) {
    let mut add = |holder: &'b Qualified, names: &mut dyn Iterator<Item = &'b String>| {
        columns
            .entry(holder)
            .or_default()
            .extend(names.map(String::as_str));
    };
    let parents = table.parents.iter().flat_map(|parent| &parent.columns);
    let own = table.id.iter().chain(tested(&table.conditions));
    let own = own.chain(table.attributes.values()).chain(&table.organization);
    add(&table.name, &mut own.chain(parents));
    for source in table.relations.values().flatten() {
        match &source.join {
            None => add(&table.name, &mut source.columns.iter()),
            Some(join) => {
                let tested = tested(&join.conditions);
                add(
                    &join.name,
                    &mut source.columns.iter().chain(&join.key).chain(tested),
                );
            }
        }
    }
}

/// The columns that conditions test.
fn tested(conditions: &[Condition]) -> impl Iterator<Item = &String> {
    conditions.iter().map(|condition| &condition.column)
}
