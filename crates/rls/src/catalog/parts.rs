//! Tables and views, and what belongs to them, from the rows of the queries.

use std::collections::BTreeMap;

use postgres::{GenericClient, Row};
use rowgate_binding::Qualified;

use super::read::{Result, qualified};
use super::{Column, ForeignKey, Index, Key, Kind, Relation, Rule, Trigger};

/// Columns, constraints, indexes, triggers, rules and the sources of views.
pub(super) fn read(
    client: &mut impl GenericClient,
    relations: &mut BTreeMap<Qualified, Relation>,
) -> Result<()> {
    type Add = fn(&mut Relation, &Row) -> Result<()>;
    let parts: [(&str, &str, Add); 6] = [
        (include_str!("sql/columns.sql"), "table", add_column),
        (include_str!("sql/constraints.sql"), "table", add_constraint),
        (include_str!("sql/indexes.sql"), "table", add_index),
        (include_str!("sql/triggers.sql"), "table", add_trigger),
        (include_str!("sql/rules.sql"), "table", add_rule),
        (include_str!("sql/reads.sql"), "view", add_source),
    ];
    for (sql, owner, add) in parts {
        for row in client.query(sql, &[])? {
            // What another transaction made in between is not there yet; that matters to nobody.
            if let Some(relation) = relations.get_mut(&qualified(&row, "schema", owner)?) {
                add(relation, &row)?;
            }
        }
    }
    Ok(())
}

pub(super) fn relation(row: &Row) -> Result<Relation> {
    let parents: Vec<String> = row.try_get("parents")?;
    let parents = parents.iter().filter_map(|parent| parent.split_once('\u{1}'));
    Ok(Relation {
        name: qualified(row, "schema", "name")?,
        kind: match row.try_get::<_, &str>("kind")? {
            "p" => Kind::Partitioned,
            "v" => Kind::View,
            "m" => Kind::MaterializedView,
            "f" => Kind::Foreign,
            _ => Kind::Table,
        },
        owner: row.try_get("owner")?,
        rls: row.try_get("enabled")?,
        forced: row.try_get("forced")?,
        partition: row.try_get("partition")?,
        extension: row.try_get("extension")?,
        rows: row.try_get("rows")?,
        replica_identity: row.try_get("identity")?,
        options: row.try_get("options")?,
        parents: parents
            .map(|(schema, name)| Qualified::new(schema, name))
            .collect(),
        columns: Vec::new(),
        primary_key: None,
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        triggers: Vec::new(),
        rules: Vec::new(),
        reads: Vec::new(),
    })
}

fn add_column(relation: &mut Relation, row: &Row) -> Result<()> {
    relation.columns.push(Column {
        name: row.try_get("name")?,
        ty: row.try_get("type")?,
        base_type: row.try_get("base_type")?,
        category: row.try_get("category")?,
        not_null: row.try_get("not_null")?,
        generated: row.try_get("generated")?,
        identity: row.try_get("identity")?,
        default: row.try_get("default")?,
    });
    Ok(())
}

fn add_constraint(relation: &mut Relation, row: &Row) -> Result<()> {
    let (name, columns) = (row.try_get("name")?, row.try_get("columns")?);
    match row.try_get::<_, &str>("kind")? {
        "p" => relation.primary_key = Some(Key { name, columns }),
        "u" => relation.unique.push(Key { name, columns }),
        _ => relation.foreign_keys.push(ForeignKey {
            name,
            columns,
            table: qualified(row, "foreign_schema", "foreign_table")?,
            foreign_columns: row.try_get("foreign_columns")?,
        }),
    }
    Ok(())
}

fn add_index(relation: &mut Relation, row: &Row) -> Result<()> {
    let columns: Vec<String> = row.try_get("columns")?;
    relation.indexes.push(Index {
        name: row.try_get("name")?,
        columns: columns
            .into_iter()
            .map(|column| (!column.is_empty()).then_some(column))
            .collect(),
        leakproof: row.try_get("leakproof")?,
        method: row.try_get("method")?,
        unique: row.try_get("unique")?,
        valid: row.try_get("valid")?,
        predicate: row.try_get("predicate")?,
    });
    Ok(())
}

fn add_trigger(relation: &mut Relation, row: &Row) -> Result<()> {
    relation.triggers.push(Trigger {
        name: row.try_get("name")?,
        function: qualified(row, "function_schema", "function")?,
        enabled: row.try_get("enabled")?,
    });
    Ok(())
}

fn add_rule(relation: &mut Relation, row: &Row) -> Result<()> {
    relation.rules.push(Rule {
        name: row.try_get("name")?,
        event: row.try_get("event")?,
    });
    Ok(())
}

fn add_source(relation: &mut Relation, row: &Row) -> Result<()> {
    relation.reads.push(qualified(row, "table_schema", "table")?);
    Ok(())
}
