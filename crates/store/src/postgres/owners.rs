//! The owners of the application's tables, who apply row-level security.

use super::install::{quoted, run};

/// Owners of tables that lack what `rowgate rls apply` needs: what it acts as, and a schema for the functions that it makes.
const OWNERS: &str = "
    with owners as (
        select distinct r.oid, r.rolname::text as name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner
        where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rowgate', 'auth')
            and not r.rolsuper and r.rolname !~ '^(rowgate|pg)_'
            -- What acts for users would see every row by these grants, and is refused by apply.
            and not pg_has_role(r.oid, 'rowgate_app', 'usage')
    )
    select o.name,
        pg_has_role(o.oid, 'rowgate_owner', 'member') and pg_has_role(o.oid, 'rowgate_reader', 'member'),
        to_regnamespace('rowgate_rls') is not null or has_database_privilege(o.oid, current_database(), 'create'),
        current_database()::text
    from owners o order by 1";

/// The statements that let the owners of the application's tables apply row-level security. None when they can, or when Rowgate is
/// not installed.
///
/// # Errors
/// `store_unavailable` and `store_forbidden`.
pub fn left_to_grant(url: &str) -> crate::Result<Vec<String>> {
    let statements = run(url, |tx| {
        let installed = "select count(r) = 3 from unnest('{rowgate_owner,rowgate_reader,rowgate_app}'::text[]) n, to_regrole(n) r";
        if !tx.query_one(installed, &[])?.try_get::<_, bool>(0)? {
            return Ok(Vec::new());
        }
        let mut statements = Vec::new();
        for row in tx.query(OWNERS, &[])? {
            let (owner, database): (String, String) = (row.try_get(0)?, row.try_get(3)?);
            if !row.try_get::<_, bool>(1)? {
                statements.push(format!(
                    "grant rowgate_owner, rowgate_reader to {}",
                    quoted(&owner)
                ));
            }
            if !row.try_get::<_, bool>(2)? {
                statements.push(format!(
                    "grant create on database {} to {}",
                    quoted(&database),
                    quoted(&owner)
                ));
            }
        }
        Ok(statements)
    });
    statements.map_err(|failure| failure.into_error("looking at the owners of tables"))
}
