//! Planning and applying, in one transaction.

use postgres::{Client, Transaction};
use rowgate_binding::Bindings;
use rowgate_binding::authz::is_reserved;
use rowgate_schema::{Diagnostic, Model};

use super::steps::Step;
use super::{begin, preflight, read_shapes, rights, roles, run_as, seal, steps, stored};
use crate::error::{Error, Problem};
use crate::generate::{Compiler, Explanation, Generated, tables_of};
use crate::sql::quote::ident;

/// What to put into force.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The bindings.
    pub bindings: &'a Bindings,
    /// A schema to put into force with them; `None` for the one that is.
    pub schema: Option<&'a Model>,
    /// Whether policies that were made by hand may stay.
    pub keep_existing: bool,
}

/// What apply would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The statements, in order; none when everything is as it should be.
    pub steps: Vec<Step>,
    /// Where each guarded relation's answer comes from.
    pub explanations: Vec<Explanation>,
    /// What is probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// Roles whose transactions begin at an isolation level at which `select … for update` can show a row that was revoked.
    pub isolation: Vec<Isolation>,
    /// Owners of tables to whom policies come to hold, too: what they write themselves changes nothing from then on.
    pub owners: Vec<String>,
}

/// A role that is to begin its transactions at another isolation level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Isolation {
    /// Its name.
    pub role: String,
    /// The statement that does it. Where the role that applies may not, an administrator has to.
    pub sql: String,
}

/// What apply did.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The plan that was carried out.
    pub plan: Plan,
    /// Roles whose isolation level the current role may not set, and the statement that an administrator can run.
    pub left_to_do: Vec<String>,
}

/// What apply would do. Changes nothing.
///
/// # Errors
/// Everything that speaks against it: the bindings, relations that cannot be compiled, the database.
pub fn plan(client: &mut Client, request: &Request<'_>) -> Result<Plan, Error> {
    let mut transaction = begin(client)?;
    prepare(&mut transaction, request).map(|(plan, _)| plan)
}

/// Puts bindings, and perhaps a schema, into force: functions, policies, and what servers and `rowgate.check` know of bound relations. All of
/// it or nothing; a second time changes nothing.
///
/// # Errors
/// As [`plan`].
pub fn apply(client: &mut Client, request: &Request<'_>) -> Result<Applied, Error> {
    let mut transaction = begin(client)?;
    let (mut plan, generated) = prepare(&mut transaction, request)?;
    for step in &plan.steps {
        run_as(&mut transaction, step.role, &step.sql).map_err(Error::database(first_line(&step.sql)))?;
    }
    if !plan.steps.is_empty() {
        // What is new may have come with rights, by default privileges.
        for step in rights::not_given(&mut transaction, request.bindings, &generated)? {
            run_as(&mut transaction, step.role, &step.sql).map_err(Error::database(first_line(&step.sql)))?;
            plan.steps.push(step);
        }
        let step = seal::step(&mut transaction, request.bindings, &generated)?;
        run_as(&mut transaction, step.role, &step.sql).map_err(Error::database(first_line(&step.sql)))?;
        plan.steps.push(step);
    }
    let left_to_do = isolate(&mut transaction, &plan.isolation)?;
    transaction.commit().map_err(Error::database("committing"))?;
    Ok(Applied { plan, left_to_do })
}

fn first_line(sql: &str) -> String {
    sql.lines().next().unwrap_or_default().to_owned()
}

fn prepare(transaction: &mut Transaction<'_>, request: &Request<'_>) -> Result<(Plan, Generated), Error> {
    let bindings = request.bindings;
    preflight::installed(transaction)?;
    preflight::up_to_date(transaction)?;
    roles::owns(transaction, &bindings.roles, &tables_of(bindings))?;
    preflight::member(transaction)?;
    let environment = preflight::environment(transaction, &bindings.environment)?;
    // No warrant is written and no document replaced meanwhile.
    transaction
        .batch_execute(&format!(
            "select pg_advisory_xact_lock(1380403012, {environment})"
        ))
        .map_err(Error::database("waiting for those who write warrants"))?;
    let (schema, old_bindings) = preflight::documents(transaction, environment)?;
    let model = match request.schema {
        Some(model) => with_reserved(model, schema.as_deref())?,
        None => stored_model(schema.as_deref())?,
    };
    let resolved = bindings.resolve(&model).map_err(Error::Bindings)?;
    let shapes = read_shapes(transaction, resolved.bindings())?;
    let compiler = Compiler::new(&resolved, shapes, environment)?;
    let generated = compiler.generate()?;
    preflight::check(transaction, bindings, &generated.tables, request.keep_existing)?;
    stored::check(transaction, environment, &resolved)?;
    let mut steps = steps::all(transaction, resolved.bindings(), &generated)?;
    steps.extend(documents(environment, request, &model, (schema, old_bindings)));
    let plan = Plan {
        steps,
        explanations: generated.explanations.clone(),
        warnings: resolved.warnings().to_vec(),
        isolation: unisolated(transaction, &bindings.roles)?,
        owners: roles::newly_held(transaction, &generated.tables)?,
    };
    Ok((plan, generated))
}

/// A schema that has no types of the authorization API keeps those that are stored, as over HTTP.
fn with_reserved(model: &Model, stored: Option<&str>) -> Result<Model, Error> {
    let has_own = model.schema().types.iter().any(|def| is_reserved(&def.name.text));
    let Some(stored) = stored.filter(|_| !has_own) else {
        return Ok(model.clone());
    };
    let stored = stored_model(Some(stored))?;
    let reserved = stored
        .schema()
        .types
        .iter()
        .filter(|def| is_reserved(&def.name.text));
    let reserved: Vec<_> = reserved.cloned().collect();
    if reserved.is_empty() {
        return Ok(model.clone());
    }
    let mut schema = model.schema().clone();
    schema.types.extend(reserved);
    let (model, _) = rowgate_schema::resolve(schema).map_err(Error::Bindings)?;
    Ok(model)
}

fn stored_model(document: Option<&str>) -> Result<Model, Error> {
    let unreadable = |why: String| {
        Error::from(Problem::new(
            "missing_schema",
            format!("the schema of the environment cannot be read: {why}"),
            "put one into force, or pass one",
        ))
    };
    let Some(document) = document else {
        return Err(unreadable("there is none".to_owned()));
    };
    let value = serde_json::from_str(document).map_err(|error| unreadable(error.to_string()))?;
    let parsed = rowgate_schema::from_json(&value);
    let first = |found: &[Diagnostic]| unreadable(found.first().map(ToString::to_string).unwrap_or_default());
    let schema = parsed.schema.ok_or_else(|| first(&parsed.diagnostics))?;
    rowgate_schema::resolve(schema)
        .map(|(model, _)| model)
        .map_err(|found| first(&found))
}

/// The documents that change.
fn documents(
    environment: i32,
    request: &Request<'_>,
    model: &Model,
    (old_schema, old_bindings): (Option<String>, Option<String>),
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut put = |function: &str, document: String, old: Option<String>| {
        if old.as_ref() != Some(&document) {
            let document = crate::sql::quote::text(&document);
            steps.push(Step::owner(format!(
                "select rowgate.{function}({environment}, {document})"
            )));
        }
    };
    if request.schema.is_some() {
        put(
            "set_schema",
            rowgate_schema::to_json(model.schema()).to_string(),
            old_schema,
        );
    }
    put(
        "set_bindings",
        request.bindings.to_json().to_string(),
        old_bindings,
    );
    steps
}

/// Roles whose transactions in this database do not begin at REPEATABLE READ or above.
fn unisolated(transaction: &mut Transaction<'_>, roles: &[String]) -> Result<Vec<Isolation>, Error> {
    let sql = "select w.name, current_database()::text from unnest($1::text[]) w (name) where not exists (
        select from pg_db_role_setting s, unnest(s.setconfig) c
        where s.setrole = to_regrole(quote_ident(w.name)) and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
            and c in ('default_transaction_isolation=repeatable read', 'default_transaction_isolation=serializable'))";
    let rows = transaction
        .query(sql, &[&roles])
        .map_err(Error::database("looking at the isolation of roles"))?;
    let isolated = |row: &postgres::Row| {
        let (role, database): (String, String) = (row.get(0), row.get(1));
        let what = "set default_transaction_isolation = 'repeatable read'";
        Isolation {
            sql: isolation_statement(&role, &database, what),
            role,
        }
    };
    Ok(rows.iter().map(isolated).collect())
}

/// Sets the isolation level of roles, where the current role may.
fn isolate(transaction: &mut Transaction<'_>, roles: &[Isolation]) -> Result<Vec<String>, Error> {
    let failed = || Error::database("setting the isolation of roles");
    let mut left = Vec::new();
    for Isolation { sql, .. } in roles {
        let mut attempt = transaction.savepoint("isolation").map_err(failed())?;
        match attempt.batch_execute(sql) {
            Ok(()) => attempt.commit().map_err(failed())?,
            Err(error) if error.code() == Some(&postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) => {
                attempt.rollback().map_err(failed())?;
                left.push(sql.clone());
            }
            Err(error) => return Err(failed()(error)),
        }
    }
    Ok(left)
}

pub(super) fn isolation_statement(role: &str, database: &str, what: &str) -> String {
    format!(
        "alter role {} in database {} {what}",
        ident(role),
        ident(database)
    )
}
