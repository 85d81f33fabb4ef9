//! Undoing what apply did.

use std::collections::BTreeSet;

use postgres::{Client, Transaction};
use rowgate_binding::{Bindings, Qualified};

use super::apply::isolation_statement;
use super::steps::{Step, our_tables, policies_of, stale_functions};
use super::{begin, preflight, run_as};
use crate::error::Error;
use crate::generate::{READERS, without_bindings};
use crate::sql::SCHEMA;
use crate::sql::quote::{ident, qualified};

/// Removes every policy and function that apply made, the rights that it gave, and the bindings of the environment. Row-level security is switched off on tables
/// that have no other policies. All of it or nothing. Returns what was done.
///
/// # Errors
/// When Rowgate is not installed, the current role lacks a right, or the database is lost. Nothing was changed then.
pub fn drop(client: &mut Client, environment: &str) -> Result<Vec<Step>, Error> {
    let mut transaction = begin(client)?;
    preflight::installed(&mut transaction)?;
    let number = preflight::environment(&mut transaction, environment)?;
    let (_, bindings) = preflight::documents(&mut transaction, number)?;
    let mut steps = Vec::new();
    let tables = our_tables(&mut transaction)?;
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
    steps.extend(without_bindings().into_iter().map(Step::owner));
    steps.extend(stale_functions(&mut transaction, &[])?);
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
    steps.extend(forget_reading(&mut transaction, &tables, bindings.as_ref())?);
    steps.extend(loosen(&mut transaction, bindings.as_ref())?);
    transaction.commit().map_err(Error::database("committing"))?;
    Ok(steps)
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
    let mut done = Vec::new();
    for sql in statements {
        done.extend(attempt(transaction, Step { role: None, sql })?);
    }
    Ok(done)
}

/// Gives roles back the isolation level of the database, where the current role may.
fn loosen(transaction: &mut Transaction<'_>, bindings: Option<&Bindings>) -> Result<Vec<Step>, Error> {
    let Some(bindings) = bindings.filter(|bindings| !bindings.roles.is_empty()) else {
        return Ok(Vec::new());
    };
    let database: String = transaction
        .query_one("select current_database()::text", &[])
        .map_err(Error::database("setting the isolation of roles back"))?
        .get(0);
    let mut done = Vec::new();
    for role in &bindings.roles {
        let sql = isolation_statement(role, &database, "reset default_transaction_isolation");
        done.extend(attempt(transaction, Step { role: None, sql })?);
    }
    let roles: Vec<String> = bindings.roles.iter().map(|role| ident(role)).collect();
    let revoke = format!("revoke usage on schema {SCHEMA} from {}", roles.join(", "));
    done.extend(attempt(transaction, Step::reader(revoke))?);
    Ok(done)
}

/// Carries out a step if it can be. What is gone, or belongs to somebody who has to do it, stays as it is.
fn attempt(transaction: &mut Transaction<'_>, step: Step) -> Result<Option<Step>, Error> {
    let failed = || Error::database(step.sql.clone());
    let mut attempt = transaction.savepoint("attempt").map_err(failed())?;
    if run_as(&mut attempt, step.role, &step.sql).is_err() {
        attempt.rollback().map_err(failed())?;
        return Ok(None);
    }
    attempt.commit().map_err(failed())?;
    Ok(Some(step))
}
