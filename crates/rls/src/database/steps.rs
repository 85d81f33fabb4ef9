//! What is to be done, in order.

use postgres::Transaction;
use rowgate_binding::{Bindings, Qualified};

use super::{rights, seal};
use crate::error::Error;
use crate::generate::{Function, Generated, GuardedTable, READERS};
use crate::sql::SCHEMA;
use crate::sql::quote::{ident, qualified, text};

/// The names of the policies that are ours.
pub(super) const POLICY_NAMES: [&str; 6] = [
    "rowgate_select",
    "rowgate_insert",
    "rowgate_update",
    "rowgate_delete",
    "rowgate_reader",
    "rowgate_server",
];

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The role that it runs as; `None` for the role that is connected.
    pub role: Option<&'static str>,
    /// The statement, without a semicolon.
    pub sql: String,
}

impl Step {
    fn new(sql: impl Into<String>) -> Self {
        Self {
            role: None,
            sql: sql.into(),
        }
    }

    pub(super) fn reader(sql: impl Into<String>) -> Self {
        Self {
            role: Some("rowgate_reader"),
            sql: sql.into(),
        }
    }

    pub(super) fn owner(sql: impl Into<String>) -> Self {
        Self {
            role: Some("rowgate_owner"),
            sql: sql.into(),
        }
    }
}

/// All steps that make what was generated the state of the database; none for what is so already.
pub(super) fn all(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    generated: &Generated,
) -> Result<Vec<Step>, Error> {
    let mut steps = schema(transaction)?;
    steps.extend(read_grants(transaction, bindings, &generated.tables)?);
    steps.extend(rights::not_given(transaction, bindings, generated)?);
    if seal::holds(transaction, bindings, generated)? {
        return Ok(steps);
    }
    steps.extend(
        generated
            .functions
            .iter()
            .flat_map(|function| rights::create(function, &bindings.roles)),
    );
    let users: Vec<String> = rights::users(&bindings.roles).into_iter().map(ident).collect();
    let users = users.join(", ");
    steps.push(Step::reader(format!("grant usage on schema {SCHEMA} to {users}")));
    for table in &generated.tables {
        steps.extend(guard(transaction, table, &bindings.roles)?);
    }
    steps.extend(stale_policies(transaction, &generated.tables)?);
    let hooks = generated.hooks.iter();
    steps.extend(hooks.flat_map(|hook| rights::create(hook, &bindings.roles)));
    steps.extend(stale_functions(transaction, &generated.functions)?);
    Ok(steps)
}

fn schema(transaction: &mut Transaction<'_>) -> Result<Vec<Step>, Error> {
    let sql = "select exists (select from pg_namespace where nspname = $1)";
    let row = transaction
        .query_one(sql, &[&SCHEMA])
        .map_err(Error::database("looking for the schema rowgate_rls"))?;
    if row.get(0) {
        return Ok(Vec::new());
    }
    Ok(vec![Step::new(format!(
        "create schema {SCHEMA} authorization rowgate_reader"
    ))])
}

/// Lets the owner of the functions and the server read the tables, where they cannot yet.
fn read_grants(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    tables: &[GuardedTable],
) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    for role in READERS {
        for table in tables {
            let name = qualified(&table.name);
            if !has(
                transaction,
                "select has_schema_privilege($1, $2, 'usage')",
                role,
                &table.name.schema,
            )? {
                let step = Step::new(format!(
                    "grant usage on schema {} to {role}",
                    ident(&table.name.schema)
                ));
                if !steps.contains(&step) {
                    steps.push(step);
                }
            }
            if !has(
                transaction,
                "select has_table_privilege($1, $2, 'select')",
                role,
                &name,
            )? {
                steps.push(Step::new(format!("grant select on {name} to {role}")));
            }
        }
    }
    let function = &bindings.subject.function;
    if bindings.subject.is_of_claims() {
        // The function is made with the others, and asks what only some may ask.
        steps.extend(claims_grants(transaction)?);
        return Ok(steps);
    }
    if !has(
        transaction,
        "select has_schema_privilege($1, $2, 'usage')",
        "rowgate_reader",
        &function.schema,
    )? {
        steps.push(Step::new(format!(
            "grant usage on schema {} to rowgate_reader",
            ident(&function.schema)
        )));
    }
    let call = format!("{}()", qualified(function));
    if !has(
        transaction,
        "select has_function_privilege($1, $2, 'execute')",
        "rowgate_reader",
        &call,
    )? {
        steps.push(Step::new(format!(
            "grant execute on function {call} to rowgate_reader"
        )));
    }
    Ok(steps)
}

/// Lets the owner of the functions see who asks.
fn claims_grants(transaction: &mut Transaction<'_>) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let sql = "select has_schema_privilege($1, $2, 'usage')";
    if !has(transaction, sql, "rowgate_reader", "auth")? {
        steps.push(Step::owner("grant usage on schema auth to rowgate_reader"));
    }
    let sql = "select has_function_privilege($1, $2, 'execute')";
    if !has(transaction, sql, "rowgate_reader", "auth.session()")? {
        steps.push(Step::owner(
            "grant execute on function auth.session() to rowgate_reader",
        ));
    }
    Ok(steps)
}

fn has(transaction: &mut Transaction<'_>, sql: &str, role: &str, what: &str) -> Result<bool, Error> {
    let row = transaction
        .query_one(sql, &[&role, &what])
        .map_err(Error::database(format!(
            "looking at what {role} may do with {what}"
        )))?;
    Ok(row.get(0))
}

/// Replaces the policies of a table. Those of the table's own rows only where a command is guarded.
fn guard(
    transaction: &mut Transaction<'_>,
    table: &GuardedTable,
    roles: &[String],
) -> Result<Vec<Step>, Error> {
    let name = qualified(&table.name);
    let mut steps = Vec::new();
    if table.guarded {
        steps.push(Step::new(format!(
            "alter table {name} enable row level security, force row level security"
        )));
    }
    for policy in policies_of(transaction, &table.name)? {
        steps.push(Step::new(format!("drop policy {} on {name}", ident(&policy))));
    }
    for (policy, sql) in table.statements(roles) {
        let hash = &blake3::hash(sql.as_bytes()).to_hex()[..16];
        steps.push(Step::new(sql));
        let comment = text(&format!("Made by rowgate rls apply, {hash}"));
        steps.push(Step::new(format!(
            "comment on policy {policy} on {name} is {comment}"
        )));
    }
    Ok(steps)
}

/// The policies of a table that are ours.
pub(super) fn policies_of(
    transaction: &mut Transaction<'_>,
    table: &Qualified,
) -> Result<Vec<String>, Error> {
    let sql = "select policyname::text from pg_policies where schemaname = $1 and tablename = $2 and policyname = any ($3::text[]) order by 1";
    let rows = transaction
        .query(sql, &[&table.schema, &table.name, &POLICY_NAMES.as_slice()])
        .map_err(Error::database(format!("looking for policies of {table}")))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Policies of ours on tables that are not bound any more. Their row-level security stays on, so that nothing becomes visible by it.
fn stale_policies(transaction: &mut Transaction<'_>, tables: &[GuardedTable]) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    for table in our_tables(transaction)? {
        if tables.iter().any(|known| known.name == table) {
            continue;
        }
        for policy in policies_of(transaction, &table)? {
            steps.push(Step::new(format!(
                "drop policy {} on {}",
                ident(&policy),
                qualified(&table)
            )));
        }
        steps.push(Step::new(format!(
            "revoke select on {} from {}",
            qualified(&table),
            READERS.join(", ")
        )));
    }
    Ok(steps)
}

/// The tables that have policies of ours.
pub(super) fn our_tables(transaction: &mut Transaction<'_>) -> Result<Vec<Qualified>, Error> {
    let sql = "select distinct schemaname::text, tablename::text from pg_policies where policyname = any ($1::text[]) order by 1, 2";
    let rows = transaction
        .query(sql, &[&POLICY_NAMES.as_slice()])
        .map_err(Error::database("looking for policies"))?;
    Ok(rows
        .iter()
        .map(|row| Qualified::new(row.get::<_, String>(0), row.get::<_, String>(1)))
        .collect())
}

/// Functions of an earlier apply that nothing uses any more.
pub(super) fn stale_functions(
    transaction: &mut Transaction<'_>,
    functions: &[Function],
) -> Result<Vec<Step>, Error> {
    let sql = "select format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)), p.proname::text \
               from pg_proc p join pg_namespace n on n.oid = p.pronamespace \
               where n.nspname = $1 and pg_get_userbyid(p.proowner) = 'rowgate_reader' order by 1";
    let rows = transaction
        .query(sql, &[&SCHEMA])
        .map_err(Error::database("looking for functions"))?;
    let used = |name: &str| {
        functions.iter().any(|function| {
            function
                .signature
                .starts_with(&format!("{SCHEMA}.{}(", ident(name)))
                || function.signature.starts_with(&format!("{SCHEMA}.{name}("))
        })
    };
    let stale = rows.iter().filter(|row| !used(&row.get::<_, String>(1)));
    let stale: Vec<String> = stale.map(|row| row.get(0)).collect();
    if stale.is_empty() {
        return Ok(Vec::new());
    }
    // In one statement, because they depend on each other.
    Ok(vec![Step::reader(format!("drop function {}", stale.join(", ")))])
}
