//! Tables that show the rows of guarded ones: what a table inherits from, or is a partition of.

use postgres::Transaction;

use super::roles::WITHIN_REACH;
use crate::error::{Error, Problem};
use crate::generate::GuardedTable;

/// Refuses where a guarded role can use a table without row-level security that a guarded table is a child of: asked by way of its parent,
/// a child's policies do not count.
pub(super) fn check(
    transaction: &mut Transaction<'_>,
    roles: &[String],
    tables: &[GuardedTable],
    problems: &mut Vec<Problem>,
) -> Result<(), Error> {
    let sql = format!(
        "with recursive above (child, oid) as (
            select t.schema || '.' || t.name, i.inhparent from unnest($2::text[], $3::text[]) t (schema, name)
            join pg_namespace n on n.nspname = t.schema
            join pg_class c on c.relnamespace = n.oid and c.relname = t.name
            join pg_inherits i on i.inhrelid = c.oid
            union
            select a.child, i.inhparent from above a join pg_inherits i on i.inhrelid = a.oid
        )
        select distinct a.child, n.nspname || '.' || p.relname, w.name
        from above a join pg_class p on p.oid = a.oid join pg_namespace n on n.oid = p.relnamespace
        join ({WITHIN_REACH}) w on has_table_privilege(w.oid, p.oid, 'select, insert, update, delete, truncate')
            or has_any_column_privilege(w.oid, p.oid, 'select, insert, update')
        where not p.relrowsecurity and not exists (
            select from unnest($2::text[], $3::text[]) t (schema, name) where t.schema = n.nspname and t.name = p.relname)
        order by 1, 2, 3"
    );
    let (schemas, names): (Vec<&str>, Vec<&str>) = tables
        .iter()
        .filter(|table| table.guarded)
        .map(|table| (table.name.schema.as_str(), table.name.name.as_str()))
        .unzip();
    let rows = transaction
        .query(&sql, &[&roles, &schemas, &names])
        .map_err(Error::database("looking for the parents of tables"))?;
    for row in rows {
        let (child, parent, role): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let message = format!(
            "table `{parent}` has the rows of `{child}`, no row-level security and no policies in the bindings, and `{role}` has rights on it"
        );
        let help = format!("take away the rights of `{role}` on `{parent}`, or guard `{parent}` as well");
        problems.push(Problem::new("open_through_parent", message, help));
    }
    Ok(())
}
