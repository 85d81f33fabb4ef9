//! Uninstalling: everything that installing made, with all warrants, and nothing that others made.

use std::fmt;

use postgres::Transaction;
use postgres::error::SqlState;

use super::clients;
use super::failure::{Failure, Result};
use super::install::{APP, OWNER, READER, SERVER, become_role, quoted, run};
use crate::ErrorKind;

/// One thing that uninstalling does, or leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Drops the schema `rowgate`, with so many environments and warrants.
    DropSchema {
        /// How many environments it has.
        environments: i64,
        /// How many warrants they have together.
        warrants: i64,
    },
    /// Drops the schema `auth`.
    DropAuth,
    /// Drops the schema `rowgate_client`, which is there beside the extension `pg_session_jwt`.
    DropClient,
    /// Drops the logins of so many sessions of clients. The roles that they are members of stay, for tables are granted to them.
    DropLogins(usize),
    /// Drops a role.
    DropRole(&'static str),
    /// Leaves a role, and why.
    KeepRole(&'static str, String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::DropSchema {
                environments,
                warrants,
            } => write!(
                f,
                "drop schema rowgate, with {environments} environments and {warrants} warrants"
            ),
            Step::DropAuth => f.write_str("drop schema auth"),
            Step::DropClient => f.write_str("drop schema rowgate_client"),
            Step::DropLogins(logins) => write!(f, "drop {logins} logins of client roles"),
            Step::DropRole(role) => write!(f, "drop role {role}"),
            Step::KeepRole(role, why) => write!(f, "leave role {role}: {why}"),
        }
    }
}

/// What [`uninstall`] would do.
///
/// # Errors
/// As [`uninstall`].
pub fn plan(url: &str) -> crate::Result<Vec<Step>> {
    let planned = run(url, |tx| {
        let steps = carry_out(tx)?;
        tx.batch_execute("rollback and chain")?;
        Ok(steps)
    });
    planned.map_err(|failure| failure.into_error("planning"))
}

/// Drops what is there, and returns what it did.
///
/// # Errors
/// `store_unsupported` when something outside of the schema depends on it, such as a policy; `store_forbidden` when the role lacks a right.
/// Nothing was changed then.
pub fn uninstall(url: &str) -> crate::Result<Vec<Step>> {
    run(url, carry_out).map_err(|failure| failure.into_error("uninstalling"))
}

fn carry_out(tx: &mut Transaction<'_>) -> Result<Vec<Step>> {
    tx.execute("select pg_advisory_xact_lock(1380403012, -1)", &[])?;
    let mut steps = Vec::new();
    let owned = "select nspname::text from pg_namespace where nspname in ('rowgate', 'auth', 'rowgate_client') \
                 and nspowner = (select oid from pg_roles where rolname = 'rowgate_owner')";
    let schemas: Vec<String> = tx
        .query(owned, &[])?
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect::<Result<_>>()?;
    if !schemas.is_empty() {
        assert_no_policies(tx)?;
        assert_unused(tx, &schemas)?;
        let logins = clients::logins(tx)?;
        for login in &logins {
            tx.batch_execute(&format!("drop role if exists {}", quoted(login)))?;
        }
        if !logins.is_empty() {
            steps.push(Step::DropLogins(logins.len()));
        }
        let as_owner = become_role(tx, OWNER)?;
        for schema in &schemas {
            match schema.as_str() {
                "rowgate" => {
                    let sql = "select (select count(*) from rowgate.environment), (select count(*) from rowgate.warrant)";
                    let row = tx.query_one(sql, &[])?;
                    steps.push(Step::DropSchema {
                        environments: row.try_get(0)?,
                        warrants: row.try_get(1)?,
                    });
                }
                "auth" => steps.push(Step::DropAuth),
                _ => steps.push(Step::DropClient),
            }
            tx.batch_execute(&format!("drop schema {} cascade", quoted(schema)))?;
        }
        as_owner.end(tx)?;
    }
    for role in [APP, SERVER, READER, OWNER] {
        let sql = "select exists (select from pg_roles where rolname = $1)";
        if tx.query_one(sql, &[&role])?.try_get(0)? {
            steps.push(drop_role(tx, role)?);
        }
    }
    Ok(steps)
}

/// The functions of generated policies read the tables without Postgres knowing that they depend on them.
fn assert_no_policies(tx: &mut Transaction<'_>) -> Result<()> {
    let sql = "select exists (select from pg_proc where pronamespace = to_regnamespace('rowgate_rls'))";
    if !tx.query_one(sql, &[])?.try_get::<_, bool>(0)? {
        return Ok(());
    }
    let what = "row-level security reads these tables; run `rowgate rls drop` first";
    Err(Failure::new(ErrorKind::Unsupported, what))
}

/// Whatever else depends on the schemas would be dropped with them: views, policies, defaults.
fn assert_unused(tx: &mut Transaction<'_>, schemas: &[String]) -> Result<()> {
    let sql = "with ours as ( \
                   select 'pg_proc'::regclass as class, oid from pg_proc where pronamespace::regnamespace::text = any ($1) \
                   union all select 'pg_class'::regclass, oid from pg_class where relnamespace::regnamespace::text = any ($1) \
                   union all select 'pg_type'::regclass, oid from pg_type where typnamespace::regnamespace::text = any ($1)) \
               select distinct pg_describe_object(d.classid, d.objid, 0) \
               from pg_depend d join ours on ours.class = d.refclassid and ours.oid = d.refobjid \
                   cross join lateral pg_identify_object(d.classid, d.objid, 0) object \
               where d.deptype = 'n' and (object.type, object.name) is distinct from ('event trigger', 'rowgate_keep_policies') and coalesce(object.schema, '') <> all ($1) \
                   and pg_describe_object(d.classid, d.objid, 0) !~ all (select ' ' || s || '\\.' from unnest($1) s) \
               order by 1 limit 20";
    let found = tx.query(sql, &[&schemas])?;
    if found.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = found
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect::<Result<_>>()?;
    let what = format!(
        "these would go with the schemas: {}; drop them first (`rowgate rls drop` drops the policies it made)",
        names.join(", ")
    );
    Err(Failure::new(ErrorKind::Unsupported, what))
}

/// Drops a role, unless other databases or other owners need it.
fn drop_role(tx: &mut Transaction<'_>, role: &'static str) -> Result<Step> {
    let mut nested = tx.savepoint("role")?;
    let dropped = drop_owned(&mut nested, role);
    match dropped {
        Ok(()) => {
            nested.commit()?;
            Ok(Step::DropRole(role))
        }
        Err(failure) => {
            let kept = failure.has_code(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST)
                || failure.has_code(&SqlState::INSUFFICIENT_PRIVILEGE)
                || failure.has_code(&SqlState::OBJECT_IN_USE);
            let Failure::Postgres(error) = failure else {
                return Err(failure);
            };
            if !kept {
                return Err(Failure::Postgres(error));
            }
            nested.rollback()?;
            let detail = error.as_db_error().and_then(postgres::error::DbError::detail);
            let why = match detail {
                Some(detail) => format!("{} ({detail})", super::failure::said(&error)),
                None => super::failure::said(&error),
            };
            Ok(Step::KeepRole(role, why.replace('\n', "; ")))
        }
    }
}

fn drop_owned(tx: &mut Transaction<'_>, role: &'static str) -> Result<()> {
    // Rights that it has on things of others, such as the schema `public`.
    let acting = become_role(tx, role)?;
    tx.batch_execute(&format!("drop owned by {role} restrict"))?;
    acting.end(tx)?;
    Ok(tx.batch_execute(&format!("drop role {role}"))?)
}
