//! The columns of tables, what is unique, and what refers to rows, from the catalogue.

use std::collections::BTreeSet;

use postgres::GenericClient;
use rowgate_binding::{Bindings, Qualified};

use crate::error::Error;
use crate::shape::{Column, ColumnType, ForeignKey, Shapes, UniqueIndex};

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

/// Those of a table from which others inherit do not hold for the rows of these.
const REFERENCES: &str = "
select k.conname::text, a.attname::text, a.attnum, tn.nspname::text, t.relname::text, b.attname::text, b.attnum, c.relkind = 'p'
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_constraint k on k.conrelid = c.oid and k.contype = 'f' and k.convalidated and not k.condeferrable and cardinality(k.conkey) = 1
    and k.confdeltype in ('a', 'r') and k.confupdtype in ('a', 'r')
join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
join pg_class t on t.oid = k.confrelid
join pg_namespace tn on tn.oid = t.relnamespace
join pg_attribute b on b.attrelid = t.oid and b.attnum = k.confkey[1]
where n.nspname = $1 and c.relname = $2
    and (c.relkind = 'p' or c.relkind = 'r' and not exists (select from pg_inherits h where h.inhparent = c.oid))
order by k.conname";

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
        let reading = || Error::database(format!("reading the foreign keys of {name}"));
        let rows = client
            .query(REFERENCES, &[&name.schema, &name.name])
            .map_err(reading())?;
        let key = |row: &postgres::Row| ForeignKey {
            name: row.get(0),
            column: row.get(1),
            number: row.get(2),
            to: Qualified::new(row.get::<_, &str>(3), row.get::<_, &str>(4)),
            to_column: row.get(5),
            to_number: row.get(6),
            partitioned: row.get(7),
        };
        shapes
            .references
            .insert(name.clone(), rows.iter().map(key).collect());
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
