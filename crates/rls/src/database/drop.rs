//! Undoing what apply did.

use postgres::Client;
use rowgate_binding::Bindings;

use super::apply::isolation_statement;
use super::steps::{Step, our_tables, policies_of, stale_functions};
use super::{begin, preflight, run_as};
use crate::error::Error;
use crate::generate::without_bindings;
use crate::sql::SCHEMA;
use crate::sql::quote::{ident, qualified};

/// Removes every policy and function that apply made, and the bindings of the environment. Row-level security is switched off on tables
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
    for table in our_tables(&mut transaction)? {
        let name = qualified(&table);
        let ours = policies_of(&mut transaction, &table)?;
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
    steps.extend(loosen(&mut transaction, bindings.as_deref())?);
    transaction.commit().map_err(Error::database("committing"))?;
    Ok(steps)
}

/// Gives roles back the isolation level of the database, where the current role may.
fn loosen(transaction: &mut postgres::Transaction<'_>, bindings: Option<&str>) -> Result<Vec<Step>, Error> {
    let parsed = bindings.and_then(|text| serde_json::from_str(text).ok());
    let Some(bindings) = parsed.and_then(|value| Bindings::from_json(&value).ok()) else {
        return Ok(Vec::new());
    };
    let failed = || Error::database("setting the isolation of roles back");
    let database: String = transaction
        .query_one("select current_database()::text", &[])
        .map_err(failed())?
        .get(0);
    let mut done = Vec::new();
    for role in &bindings.roles {
        let sql = isolation_statement(role, &database, "reset default_transaction_isolation");
        let mut attempt = transaction.savepoint("isolation").map_err(failed())?;
        // A role that is gone, or that the current role may not alter, keeps what it has.
        if attempt.batch_execute(&sql).is_ok() {
            attempt.commit().map_err(failed())?;
            done.push(Step { role: None, sql });
        } else {
            attempt.rollback().map_err(failed())?;
        }
    }
    let revoke = format!(
        "revoke usage on schema {SCHEMA} from {}",
        bindings
            .roles
            .iter()
            .map(|role| ident(role))
            .collect::<Vec<_>>()
            .join(", ")
    );
    if !bindings.roles.is_empty() {
        let mut attempt = transaction.savepoint("usage").map_err(failed())?;
        if run_as(&mut attempt, Some("rowgate_reader"), &revoke).is_ok() {
            attempt.commit().map_err(failed())?;
        } else {
            attempt.rollback().map_err(failed())?;
        }
    }
    Ok(done)
}
