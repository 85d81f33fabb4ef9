//! The columns of tables and what is unique, from the catalogue.

use std::collections::BTreeSet;

use postgres::GenericClient;
use rowgate_binding::{Bindings, Qualified};

use crate::error::Error;
use crate::shape::{Column, ColumnType, Shapes, UniqueIndex};

const COLUMNS: &str = "
select a.attname::text, format_type(a.atttypid, a.atttypmod), t.typname::text, t.typtype::text, tn.nspname = 'pg_catalog',
    coalesce(l.collisdeterministic, true)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
join pg_namespace tn on tn.oid = t.typnamespace
left join pg_collation l on l.oid = a.attcollation
where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')";

/// An index on an expression tells no columns apart.
const UNIQUE: &str = "
select array(select a.attname::text from unnest(x.indkey::int2[]) with ordinality k(number, at)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number where k.at <= x.indnkeyatts order by k.at),
    pg_get_expr(x.indpred, x.indrelid), x.indisprimary,
    c.relkind = 'r' and exists (select from pg_inherits h where h.inhparent = c.oid), not x.indimmediate
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_index x on x.indrelid = c.oid and x.indisunique and x.indisvalid
where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')
    and not 0 = any ((x.indkey::int2[])[0:x.indnkeyatts - 1])
order by x.indisprimary desc, x.indexrelid::regclass::text";

/// The columns of every table that bindings name. Views and foreign tables are no tables here: they cannot be guarded.
pub fn read_shapes(client: &mut impl GenericClient, bindings: &Bindings) -> Result<Shapes, Error> {
    let mut names: BTreeSet<&Qualified> = BTreeSet::new();
    for table in &bindings.tables {
        names.insert(&table.name);
        names.extend(
            table
                .relations
                .values()
                .flatten()
                .filter_map(|source| source.join.as_ref())
                .map(|join| &join.name),
        );
    }
    let mut shapes = Shapes::default();
    for name in names {
        let reading = || Error::database(format!("reading the columns of {name}"));
        let rows = client
            .query(COLUMNS, &[&name.schema, &name.name])
            .map_err(reading())?;
        for row in rows {
            let column = Column {
                ty: column_type(row.get(2), row.get(3), row.get(4)),
                name: row.get(1),
                exact: row.get(5),
            };
            shapes
                .tables
                .entry(name.clone())
                .or_default()
                .insert(row.get(0), column);
        }
        let reading = || Error::database(format!("reading the unique indexes of {name}"));
        let rows = client
            .query(UNIQUE, &[&name.schema, &name.name])
            .map_err(reading())?;
        let index = |row: &postgres::Row| UniqueIndex {
            columns: row.get(0),
            predicate: row.get(1),
            primary: row.get(2),
            inherited: row.get(3),
            deferrable: row.get(4),
        };
        shapes
            .unique
            .insert(name.clone(), rows.iter().map(index).collect());
    }
    Ok(shapes)
}

fn column_type(name: &str, kind: &str, builtin: bool) -> ColumnType {
    match (name, kind) {
        (_, "e") => ColumnType::Enum,
        _ if !builtin => ColumnType::Other,
        ("text" | "varchar", _) => ColumnType::Text,
        ("int2" | "int4" | "int8", _) => ColumnType::Integer,
        ("uuid", _) => ColumnType::Uuid,
        ("bool", _) => ColumnType::Boolean,
        ("float4" | "float8", _) => ColumnType::Float,
        ("numeric", _) => ColumnType::Numeric,
        ("_text" | "_varchar", _) => ColumnType::TextArray,
        _ => ColumnType::Other,
    }
}
