//! What `apply` would make now, and whether it is there.
//!
//! The text of a policy is not kept by Postgres: it keeps a tree and prints it. So what a generated policy should look like is found out by
//! making it, on an empty temporary copy of its table, and taking the copy back. The same goes for functions. Nothing stays.

use postgres::Transaction;
use postgres::error::SqlState;
use rowgate_binding::{Bindings, Command, Qualified, Resolved};
use rowgate_schema::{Diagnostic, Model};

use super::stored::Stored;
use crate::catalog::{Catalog, Policy, PolicyCommand};
use crate::error::Error;
use crate::generate::{Compiler, Function, Generated, GuardedTable};
use crate::sql::quote::{ident, qualified};

/// How an object stands to what `apply` would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It is that.
    Same,
    /// It is not there.
    Missing,
    /// It says that it was made from something else.
    Outdated,
    /// It is different, and does not say that it was made from something else.
    Changed,
    /// What it should be could not be found out, for it calls a function that is not there.
    Calls(String),
    /// What it should be could not be found out.
    Unknown(String),
}

/// A generated object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// `policy rowgate_select on public.ticket`, `function rowgate_rls.user_id()`
    pub(super) name: String,
    /// The table of a policy, and its name.
    pub(super) policy: Option<(Qualified, String)>,
    /// Whether `rowgate pg install` makes it and `apply` replaces it: then it is there also where nothing was applied.
    pub(super) hook: bool,
    /// How it stands.
    pub(super) state: State,
}

/// Bindings and what should come of them.
#[derive(Debug)]
pub struct Expected {
    pub(super) bindings: Resolved,
    pub(super) objects: Vec<Object>,
    /// Why `apply` would refuse.
    pub(super) refused: Vec<Diagnostic>,
}

impl Expected {
    /// Whether nothing of what these bindings ask for is there. Bindings without a table ask for nothing that matters.
    pub(super) fn is_absent(&self) -> bool {
        let mut made = self.objects.iter().filter(|object| !object.hook);
        self.refused.is_empty()
            && !self.bindings.tables().is_empty()
            && made.all(|object| object.state == State::Missing)
    }

    /// Compiles bindings and compares what comes of them with a database. Of the transaction, nothing stays.
    ///
    /// # Errors
    /// Bindings that do not agree with the schema, and whatever the database says.
    pub fn read(
        transaction: &mut Transaction<'_>,
        catalog: &Catalog,
        model: &Model,
        bindings: &Bindings,
    ) -> Result<Self, Error> {
        let resolved = bindings.resolve(model).map_err(Error::Bindings)?;
        let shapes = crate::database::read_shapes(transaction, resolved.bindings())?;
        // Where there is none yet, nothing that is generated is there either, whatever the number.
        let stored = Stored::read(transaction, Some(&bindings.environment))?;
        let environment = stored.map_or(0, |stored| stored.id);
        let generated =
            Compiler::new(&resolved, shapes, environment).and_then(|compiler| compiler.generate());
        let mut expected = Self {
            bindings: resolved,
            objects: Vec::new(),
            refused: Vec::new(),
        };
        match generated {
            Ok(generated) => expected.objects = objects(transaction, catalog, bindings, &generated)?,
            Err(Error::Bindings(found)) => expected.refused = found,
            Err(Error::Refused(found)) => {
                expected
                    .refused
                    .extend(found.into_iter().map(|refusal| Diagnostic {
                        severity: rowgate_schema::Severity::Error,
                        code: refusal.code,
                        message: format!("`{}` cannot be compiled: {}", refusal.place, refusal.reason),
                        span: None,
                        path: Some(refusal.place),
                        help: Some(refusal.help),
                        notes: Vec::new(),
                    }))
            }
            Err(other) => return Err(other),
        }
        Ok(expected)
    }
}

fn objects(
    transaction: &mut Transaction<'_>,
    catalog: &Catalog,
    bindings: &Bindings,
    generated: &Generated,
) -> Result<Vec<Object>, Error> {
    let failed = || Error::database("comparing what is there with what `rls apply` makes");
    let mut scratch = transaction.savepoint("expected").map_err(failed())?;
    // As the catalog was read, so that both are printed the same.
    scratch
        .batch_execute("set local search_path = pg_catalog")
        .map_err(failed())?;
    let mut found = Vec::new();
    for table in &generated.tables {
        found.extend(policies(&mut scratch, catalog, table, &bindings.roles).map_err(failed())?);
    }
    let there = |role: &&String| catalog.roles.contains_key(*role);
    let present: Vec<String> = bindings.roles.iter().filter(there).cloned().collect();
    for function in generated.functions.iter().chain(&generated.hooks) {
        let state = function_state(&mut scratch, function, &present).map_err(failed())?;
        let name = format!("function {}", function.signature);
        found.push(Object {
            name,
            policy: None,
            hook: function.is_hook(),
            state,
        });
    }
    scratch.rollback().map_err(failed())?;
    Ok(found)
}

/// The comment that `apply` gives a policy: it tells what the policy was made from.
fn comment(sql: &str) -> String {
    format!("{GENERATED}, {}", &blake3::hash(sql.as_bytes()).to_hex()[..16])
}

/// How the comments of generated policies begin.
pub(super) const GENERATED: &str = "Made by rowgate rls apply";

type Made = (String, Option<String>, Option<String>);

/// The policies of a table, made on a copy.
fn policies(
    transaction: &mut Transaction<'_>,
    catalog: &Catalog,
    table: &GuardedTable,
    roles: &[String],
) -> Result<Vec<Object>, postgres::Error> {
    let statements = table.statements(roles);
    let copy = GuardedTable {
        name: Qualified::new("pg_temp", &table.name.name),
        ..table.clone()
    };
    let mut scratch = transaction.savepoint("copy")?;
    let made = make(&mut scratch, table, &copy, roles);
    scratch.rollback()?;
    let mut found = Vec::new();
    for (name, sql) in statements {
        let now = catalog
            .policies_of(&table.name)
            .find(|policy| policy.name == name);
        let state = match (now, &made) {
            (None, _) => State::Missing,
            (Some(now), _) if now.comment.as_deref() != Some(comment(&sql).as_str()) => State::Outdated,
            (Some(_), Err(error)) => unknown(error),
            (Some(now), Ok(made)) if is_as_made(now, made, roles) => State::Same,
            _ => State::Changed,
        };
        let shown = format!("policy {name} on {}", crate::catalog::dotted(&table.name));
        found.push(Object {
            name: shown,
            policy: Some((table.name.clone(), name)),
            hook: false,
            state,
        });
    }
    Ok(found)
}

fn make(
    transaction: &mut Transaction<'_>,
    table: &GuardedTable,
    copy: &GuardedTable,
    roles: &[String],
) -> Result<Vec<Made>, postgres::Error> {
    let sql = format!(
        "create temporary table {} (like {})",
        ident(&table.name.name),
        qualified(&table.name)
    );
    transaction.batch_execute(&sql)?;
    for (_, sql) in copy.statements(roles) {
        transaction.batch_execute(&sql)?;
    }
    let sql = "select polname::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy where polrelid = $1::text::regclass";
    let rows = transaction.query(sql, &[&format!("pg_temp.{}", ident(&table.name.name))])?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect()
}

/// Whether a policy is what `create policy` made of it. Command and roles follow from its name.
fn is_as_made(now: &Policy, made: &[Made], roles: &[String]) -> bool {
    let command = now.name.strip_prefix("rowgate_").and_then(Command::parse);
    let (command, mut wanted) = match command {
        Some(command) => (command, roles.to_vec()),
        None => (Command::Select, vec![now.name.clone()]),
    };
    let mut has = now.roles.clone();
    has.sort();
    wanted.sort();
    let expressions = made
        .iter()
        .any(|(name, using, check)| *name == now.name && *using == now.using && *check == now.check);
    now.permissive && now.command == PolicyCommand::One(command) && has == wanted && expressions
}

/// Everything about a function that can be compared.
type Definition = (bool, String, bool, String, Vec<String>, String, String);

fn function_state(
    transaction: &mut Transaction<'_>,
    function: &Function,
    roles: &[String],
) -> Result<State, postgres::Error> {
    let mut scratch = transaction.savepoint("look")?;
    let now = look_at(&mut scratch, &function.signature);
    scratch.rollback()?;
    let (now, owner, rights) = match now {
        Ok(Some(now)) => now,
        Ok(None) => return Ok(State::Missing),
        Err(error) => return Ok(unknown(&error)),
    };
    let signature = temporary(&function.signature);
    let mut scratch = transaction.savepoint("function")?;
    let sql = function
        .sql
        .replacen(head(&function.signature), head(&signature), 1);
    let made = scratch
        .batch_execute(&sql)
        .and_then(|()| look_at(&mut scratch, &signature));
    scratch.rollback()?;
    Ok(match made {
        Err(error) => unknown(&error),
        Ok(made) => {
            let same = made.is_some_and(|(made, ..)| made == now);
            let ours = owner == "rowgate_reader" || owner == "rowgate_owner";
            if same && ours && is_as_given(&rights, function, roles) {
                State::Same
            } else {
                State::Changed
            }
        }
    })
}

/// Whether exactly those may execute a function that `apply` lets, and none of them may let others.
fn is_as_given(rights: &[String], function: &Function, roles: &[String]) -> bool {
    let mut given = crate::database::executors(function, roles);
    given.sort_unstable();
    given.dedup();
    rights == given
}

/// A function, its owner, and who else may execute it: sorted, with a `*` in front of those who may let others, and PUBLIC as the empty name.
fn look_at(
    transaction: &mut Transaction<'_>,
    signature: &str,
) -> Result<Option<(Definition, String, Vec<String>)>, postgres::Error> {
    let sql = "select p.prosecdef, p.provolatile::text, p.proretset, format_type(p.prorettype, null), coalesce(p.proconfig, '{}'),
            case when p.prosqlbody is null then p.prosrc else pg_get_function_sqlbody(p.oid) end, p.proparallel::text,
            pg_get_userbyid(p.proowner)::text,
            array(select distinct case when g.is_grantable then '*' else '' end || coalesce(r.rolname::text, '')
                from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g left join pg_roles r on r.oid = g.grantee
                where g.grantee <> p.proowner)
        from pg_proc p where p.oid = to_regprocedure($1)";
    let Some(row) = transaction.query_opt(sql, &[&signature])? else {
        return Ok(None);
    };
    let definition = (
        row.try_get(0)?,
        row.try_get(1)?,
        row.try_get(2)?,
        row.try_get(3)?,
        row.try_get(4)?,
        row.try_get(5)?,
        row.try_get(6)?,
    );
    let mut rights: Vec<String> = row.try_get(8)?;
    rights.sort_unstable();
    Ok(Some((definition, row.try_get(7)?, rights)))
}

/// The name of a signature, up to its arguments.
fn head(signature: &str) -> &str {
    signature.split_once('(').map_or(signature, |(name, _)| name)
}

fn temporary(signature: &str) -> String {
    let name = signature.split_once('.').map_or(signature, |(_, name)| name);
    format!("pg_temp.{name}")
}

/// What it means that a copy of an object could not be made.
fn unknown(error: &postgres::Error) -> State {
    if error.code() == Some(&SqlState::UNDEFINED_FUNCTION) {
        State::Calls(said(error))
    } else {
        State::Unknown(said(error))
    }
}

fn said(error: &postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |said| said.message().to_owned())
}
