//! Whether everything is as the last apply left it, so that there is nothing to do.
//!
//! The comment of the schema `rowgate_rls` holds two hashes: of what was asked for, and of what the catalogue said when it was done. What
//! somebody changed by hand since then changes the second.

use postgres::Transaction;
use rowgate_binding::Bindings;

use super::steps::{POLICY_NAMES, Step};
use crate::error::Error;
use crate::generate::Generated;
use crate::sql::SCHEMA;
use crate::sql::quote::text;

/// Policies, functions and rights, each as a line in the words of the catalogue.
const FOUND: &str = "
    select md5(string_agg(l.line, E'\\n' order by l.line collate \"C\")) from (
        select concat_ws(' ', 'policy', p.polrelid::regclass, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[],
            pg_get_expr(p.polqual, p.polrelid), '/', pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy'))
        from pg_policy p where p.polname::text = any ($1::text[])
        union all
        select concat_ws(' ', 'table', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity)
        from pg_class c where exists (select from pg_policy p where p.polrelid = c.oid and p.polname::text = any ($1::text[]))
        union all
        select concat_ws(' ', 'function', pg_get_functiondef(p.oid), p.proowner::regrole, p.proacl, obj_description(p.oid, 'pg_proc'))
        from pg_proc p where p.prokind = 'f' and (p.pronamespace = to_regnamespace($2)
            or (p.pronamespace = to_regnamespace('rowgate') and p.proname in ('is_bound', 'bound_to', 'row_exists', 'bound_edges')))
        union all
        select concat_ws(' ', 'schema', n.nspowner::regrole, n.nspacl) from pg_namespace n where n.nspname = $2
    ) l (line)";

/// Whether nothing has to be made anew.
pub(super) fn holds(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    generated: &Generated,
) -> Result<bool, Error> {
    let sql = "select obj_description(to_regnamespace($1)::oid, 'pg_namespace')";
    let row = transaction
        .query_one(sql, &[&SCHEMA])
        .map_err(Error::database("looking for what the last apply left"))?;
    let Some(comment) = row.get::<_, Option<String>>(0) else {
        return Ok(false);
    };
    Ok(comment == seal(transaction, bindings, generated)?)
}

/// The step that says what there is now. The last of all.
pub(super) fn step(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    generated: &Generated,
) -> Result<Step, Error> {
    let comment = text(&seal(transaction, bindings, generated)?);
    Ok(Step::reader(format!("comment on schema {SCHEMA} is {comment}")))
}

fn seal(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    generated: &Generated,
) -> Result<String, Error> {
    let row = transaction
        .query_one(FOUND, &[&POLICY_NAMES.as_slice(), &SCHEMA])
        .map_err(Error::database("looking at what apply made"))?;
    let found: Option<String> = row.get(0);
    let asked = asked(bindings, generated);
    Ok(format!(
        "Made by rowgate rls apply: {asked}, {}",
        found.unwrap_or_default()
    ))
}

/// A hash of all that is generated.
fn asked(bindings: &Bindings, generated: &Generated) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &str| {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    };
    bindings.roles.iter().for_each(|role| add(role));
    for function in generated.functions.iter().chain(&generated.hooks) {
        add(&function.sql);
        add(&function.comment);
        add(if function.for_roles { "roles" } else { "" });
    }
    for table in &generated.tables {
        add(if table.guarded { "guarded" } else { "" });
        for (name, sql) in table.statements(&bindings.roles) {
            add(&name);
            add(&sql);
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
