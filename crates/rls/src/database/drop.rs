//! Undoing what apply did.

use std::collections::BTreeSet;

use postgres::error::SqlState;
use postgres::{Client, Transaction};
use rowgate_binding::{Bindings, Qualified};

use super::apply::isolation_statement;
use super::steps::{Step, our_tables, policies_of, stale_functions};
use super::{begin, preflight, roles, run_as};
use crate::error::Error;
use crate::generate::{READERS, without_bindings};
use crate::sql::SCHEMA;
use crate::sql::quote::{ident, qualified};

/// What drop did.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// The statements, in order; none where there was nothing to drop.
    pub steps: Vec<Step>,
    /// Statements that the current role may not run, for an administrator.
    pub left_to_do: Vec<String>,
}

/// Removes every policy and function that apply made, the rights that it gave, and the bindings of the environment. Row-level security is switched off on tables
/// that have no other policies. All of it or nothing, but for what only others may take back.
///
/// # Errors
/// When Rowgate is not installed, the current role lacks a right, or the database is lost. Nothing was changed then.
pub fn drop(client: &mut Client, environment: &str) -> Result<Dropped, Error> {
    let mut transaction = begin(client)?;
    preflight::installed(&mut transaction)?;
    let tables = our_tables(&mut transaction)?;
    roles::owns(&mut transaction, &[], &tables)?;
    preflight::member(&mut transaction)?;
    let number = preflight::bound_environment(&mut transaction, environment)?;
    let (_, bindings) = preflight::documents(&mut transaction, number)?;
    let mut steps = Vec::new();
    for table in &tables {
        let name = qualified(table);
        let ours = policies_of(&mut transaction, table)?;
        for policy in &ours {
            steps.push(Step {
                role: None,
                sql: format!("drop policy {} on {name}", ident(policy)),
            });
        }
        let sql = "select count(*) from pg_policies where schemaname = $1 and tablename = $2";
        let failed = Error::database(format!("looking for policies of {table}"));
        let row = transaction
            .query_one(sql, &[&table.schema, &table.name])
            .map_err(failed)?;
        if row.get::<_, i64>(0) == i64::try_from(ours.len()).unwrap_or(i64::MAX) {
            steps.push(Step {
                role: None,
                sql: format!("alter table {name} disable row level security, no force row level security"),
            });
        }
    }
    let functions = stale_functions(&mut transaction, &[])?;
    if tables.is_empty() && functions.is_empty() && bindings.is_none() {
        return Ok(Dropped {
            steps,
            left_to_do: Vec::new(),
        });
    }
    steps.extend(without_bindings().into_iter().map(Step::owner));
    steps.extend(functions);
    let sql = "select to_regnamespace($1) is not null";
    let there = transaction
        .query_one(sql, &[&SCHEMA])
        .map_err(Error::database("looking for the schema rowgate_rls"))?;
    if there.get(0) {
        steps.push(Step::reader(format!(
            "revoke usage on schema {SCHEMA} from rowgate_owner, rowgate_server"
        )));
        steps.push(Step::reader(format!("comment on schema {SCHEMA} is null")));
    }
    if bindings.is_some() {
        steps.push(Step::owner(format!(
            "select rowgate.set_bindings({number}, null)"
        )));
    }
    for step in &steps {
        run_as(&mut transaction, step.role, &step.sql).map_err(Error::database(step.sql.clone()))?;
    }
    let parsed = bindings.and_then(|text| serde_json::from_str(&text).ok());
    let bindings = parsed.and_then(|value| Bindings::from_json(&value).ok());
    let mut wanted = forget_reading(&mut transaction, &tables, bindings.as_ref())?;
    wanted.extend(loosen(&mut transaction, bindings.as_ref())?);
    let mut left_to_do = Vec::new();
    for step in wanted {
        if attempt(&mut transaction, &step)? {
            steps.push(step);
        } else {
            left_to_do.push(step.sql);
        }
    }
    transaction.commit().map_err(Error::database("committing"))?;
    Ok(Dropped { steps, left_to_do })
}

/// Takes back the rights to read the tables that apply gave. Those of the schema `auth` of Rowgate came with it and stay.
fn forget_reading(
    transaction: &mut Transaction<'_>,
    tables: &[Qualified],
    bindings: Option<&Bindings>,
) -> Result<Vec<Step>, Error> {
    let mut statements = Vec::new();
    let readers = READERS.join(", ");
    for table in tables {
        statements.push(format!("revoke select on {} from {readers}", qualified(table)));
    }
    let mut schemas: BTreeSet<&str> = tables.iter().map(|table| table.schema.as_str()).collect();
    if let Some(function) = bindings.map(|bindings| &bindings.subject.function) {
        let sql = "select exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace \
                   where n.nspname = $1 and p.proname = $2 and p.pronargs = 0 and pg_get_userbyid(n.nspowner) <> 'rowgate_owner')";
        let row = transaction
            .query_one(sql, &[&function.schema, &function.name])
            .map_err(Error::database("looking for the subject's function"))?;
        if row.get(0) {
            schemas.insert(&function.schema);
            statements.push(format!(
                "revoke execute on function {}() from rowgate_reader",
                qualified(function)
            ));
        }
    }
    for schema in schemas {
        statements.push(format!("revoke usage on schema {} from {readers}", ident(schema)));
    }
    Ok(statements
        .into_iter()
        .map(|sql| Step { role: None, sql })
        .collect())
}

/// Gives roles back the isolation level of the database, and takes back the schema of the functions.
fn loosen(transaction: &mut Transaction<'_>, bindings: Option<&Bindings>) -> Result<Vec<Step>, Error> {
    let Some(bindings) = bindings.filter(|bindings| !bindings.roles.is_empty()) else {
        return Ok(Vec::new());
    };
    let database: String = transaction
        .query_one("select current_database()::text", &[])
        .map_err(Error::database("setting the isolation of roles back"))?
        .get(0);
    let mut steps = Vec::new();
    for role in present(transaction, &bindings.roles)? {
        let sql = isolation_statement(&role, &database, "reset default_transaction_isolation");
        steps.push(Step { role: None, sql });
        steps.push(Step::reader(format!(
            "revoke usage on schema {SCHEMA} from {}",
            ident(&role)
        )));
    }
    Ok(steps)
}

/// Those of the roles that still exist.
fn present(transaction: &mut Transaction<'_>, roles: &[String]) -> Result<Vec<String>, Error> {
    let sql = "select rolname::text from pg_roles where rolname::text = any ($1::text[]) order by 1";
    let rows = transaction
        .query(sql, &[&roles])
        .map_err(Error::database("looking for roles"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Carries out a step if the current role may.
fn attempt(transaction: &mut Transaction<'_>, step: &Step) -> Result<bool, Error> {
    let failed = || Error::database(step.sql.clone());
    let mut attempt = transaction.savepoint("attempt").map_err(failed())?;
    match run_as(&mut attempt, step.role, &step.sql) {
        Ok(()) => attempt.commit().map(|()| true).map_err(failed()),
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            attempt.rollback().map(|()| false).map_err(failed())
        }
        Err(error) => Err(failed()(error)),
    }
}
