//! Everything that speaks against it, at once, before anything is changed.

use postgres::Transaction;
use rowgate_binding::{Bindings, Qualified};

use super::{parents, roles, roles::WITHIN_REACH};
use crate::error::{Error, Problem};
use crate::generate::GuardedTable;
use crate::sql::quote::{ident, qualified};

/// The environment that the first server on a database makes. Others are made through a server.
const FIRST: &str = "default";

/// The roles that the current one acts as.
const ACTS_AS: [&str; 2] = ["rowgate_owner", "rowgate_reader"];

/// Whether Rowgate is installed.
pub(super) fn installed(transaction: &mut Transaction<'_>) -> Result<(), Error> {
    let failed = || Error::database("looking for the schema rowgate");
    let there = transaction
        .query_one("select exists (select from pg_namespace n join pg_class c on c.relnamespace = n.oid where n.nspname = 'rowgate' and c.relname = 'warrant')", &[])
        .map_err(failed())?;
    if !there.get::<_, bool>(0) {
        return Err(Problem::new(
            "missing_rowgate",
            "the database has no schema `rowgate`",
            "run `rowgate pg install` first",
        )
        .into());
    }
    Ok(())
}

/// Whether what is installed has the functions that generated ones call.
pub(super) fn up_to_date(transaction: &mut Transaction<'_>) -> Result<(), Error> {
    let failed = || Error::database("looking for the functions of the schema rowgate");
    // In the catalogue, for a name is looked up with the right to use the schema.
    let sql = "select exists (select from pg_namespace n join pg_proc p on p.pronamespace = n.oid
            where n.nspname = 'rowgate' and p.proname = 'key_uuid')";
    let there = transaction.query_one(sql, &[]).map_err(failed())?;
    if !there.get::<_, bool>(0) {
        return Err(Problem::new(
            "outdated_rowgate",
            "the schema `rowgate` of the database was made by an older Rowgate",
            "run `rowgate pg install` again, and then the servers of this version",
        )
        .into());
    }
    Ok(())
}

/// Whether the current role may act for Rowgate.
pub(super) fn member(transaction: &mut Transaction<'_>) -> Result<(), Error> {
    let failed = || Error::database("looking for the roles of Rowgate");
    // Since version 16 a member may lack the right to act as a role, or its rights.
    let sql = "select r, pg_has_role(r, 'MEMBER'), pg_has_role(r, 'USAGE') and case when v.number >= 160000 then pg_has_role(r, 'SET') else true end,
            v.number >= 160000, current_user::text
        from unnest($1::text[]) r, (select current_setting('server_version_num')::integer) v (number)";
    let rows = transaction.query(sql, &[&ACTS_AS.as_slice()]).map_err(failed())?;
    let problem = |row: &postgres::Row| {
        let (role, me): (String, String) = (row.get(0), row.get(4));
        let (is_member, may_act, has_options): (bool, bool, bool) = (row.get(1), row.get(2), row.get(3));
        let quoted = ident(&me);
        let (message, remedy) = match (is_member, may_act, has_options) {
            (_, true, _) => return None,
            (false, ..) => (
                format!("`{me}` is not a member of `{role}`"),
                format!("grant {role} to {quoted}"),
            ),
            (true, _, true) => (
                format!(
                    "`{me}` is a member of `{role}` that may not act as it, or does not inherit its rights"
                ),
                format!("grant {role} to {quoted} with inherit true, set true"),
            ),
            (true, _, false) => (
                format!("`{me}` is a member of `{role}` and does not inherit its rights"),
                format!("alter role {quoted} inherit"),
            ),
        };
        let help = format!("let an administrator run `{remedy}`");
        Some(Problem::new("not_a_member", message, help))
    };
    let missing: Vec<Problem> = rows.iter().filter_map(problem).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Error::Problems(missing))
    }
}

/// An environment, and another one that has bindings, if there is one.
struct Environments {
    number: Option<i32>,
    bound: Option<String>,
}

fn environments(transaction: &mut Transaction<'_>, name: &str) -> Result<Environments, Error> {
    let failed = || Error::database("looking for the environment");
    super::run_as(transaction, None, "set local role rowgate_owner").map_err(failed())?;
    let found = transaction
        .query_opt("select id from rowgate.environment where name = $1", &[&name])
        .map_err(failed())?;
    let others = transaction
        .query("select e.name from rowgate.environment e join rowgate.schema s on s.environment = e.id where s.bindings is not null and e.name <> $1", &[&name])
        .map_err(failed())?;
    super::run_as(transaction, None, "set local role none").map_err(failed())?;
    Ok(Environments {
        number: found.map(|row| row.get(0)),
        bound: others.first().map(|row| row.get(0)),
    })
}

/// The number of the environment of that name, if no other one has bindings.
pub(super) fn environment(transaction: &mut Transaction<'_>, name: &str) -> Result<i32, Error> {
    let Environments { number, bound } = environments(transaction, name)?;
    if let Some(other) = bound {
        let message = format!("environment `{other}` has bindings in this database, and only one can");
        let help = format!("run `rowgate rls drop --environment {other}` first");
        return Err(Problem::new("other_bindings", message, help)
            .at("environment")
            .into());
    }
    number.ok_or_else(|| {
        let help = if name == FIRST {
            "start a server on this database, `rowgate serve --store postgres://…`: the first one makes it"
                .to_owned()
        } else {
            format!("create it with `rowgate environment create {name}`, or name another one in the bindings")
        };
        let message = format!("the database has no environment `{name}`");
        Problem::new("missing_environment", message, help)
            .at("environment")
            .into()
    })
}

/// The number of the environment of that name, whose bindings are to go.
pub(super) fn bound_environment(transaction: &mut Transaction<'_>, name: &str) -> Result<i32, Error> {
    let Environments { number, bound } = environments(transaction, name)?;
    match (number, bound) {
        (Some(number), None) => Ok(number),
        (number, Some(other)) => {
            let what = if number.is_some() {
                "has no bindings"
            } else {
                "is not there"
            };
            let message = format!("environment `{name}` {what}; the bindings are those of `{other}`");
            Err(Problem::new("other_bindings", message, format!("say --environment {other}")).into())
        }
        (None, None) => {
            let message = format!("the database has no environment `{name}`, and no bindings");
            Err(Problem::new("missing_environment", message, "there is nothing to drop").into())
        }
    }
}

/// The text of the schema of an environment, and its bindings.
pub(super) fn documents(
    transaction: &mut Transaction<'_>,
    environment: i32,
) -> Result<(Option<String>, Option<String>), Error> {
    let failed = || Error::database("reading the schema of the environment");
    super::run_as(transaction, None, "set local role rowgate_owner").map_err(failed())?;
    let row = transaction
        .query_opt(
            "select document, bindings from rowgate.schema where environment = $1",
            &[&environment],
        )
        .map_err(failed())?;
    super::run_as(transaction, None, "set local role none").map_err(failed())?;
    Ok(row.map_or((None, None), |row| (Some(row.get(0)), row.get(1))))
}

/// What is wrong with roles and tables.
pub(super) fn check(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    tables: &[GuardedTable],
    keep_existing: bool,
) -> Result<(), Error> {
    let mut problems = Vec::new();
    roles::check(transaction, bindings, tables, &mut problems)?;
    parents::check(transaction, &bindings.roles, tables, &mut problems)?;
    // The function that finds a membership is made by apply; what it asks comes with `rowgate pg install`.
    let asks = if bindings.subject.is_of_claims() {
        &Qualified::new("auth", "user_id")
    } else {
        &bindings.subject.function
    };
    function(transaction, asks, &mut problems)?;
    for table in tables {
        if table.guarded && !keep_existing {
            existing(transaction, bindings, &table.name, &mut problems)?;
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Problems(problems))
    }
}

fn function(
    transaction: &mut Transaction<'_>,
    name: &Qualified,
    problems: &mut Vec<Problem>,
) -> Result<(), Error> {
    let sql = "select exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace \
               where n.nspname = $1 and p.proname = $2 and p.pronargs = 0 and not p.proretset and p.prorettype in ('text'::regtype, 'varchar'::regtype))";
    let row = transaction
        .query_one(sql, &[&name.schema, &name.name])
        .map_err(Error::database("looking for the subject's function"))?;
    if !row.get::<_, bool>(0) {
        let message = format!("the database has no function `{name}()` that returns text");
        let help = "`rowgate pg install` creates `auth.user_id()`";
        problems.push(Problem::new("missing_function", message, help).at("subject.id"));
    }
    Ok(())
}

/// Where bindings name a table.
fn place(bindings: &Bindings, table: &Qualified) -> String {
    let at = bindings.tables.iter().position(|bound| bound.name == *table);
    at.map_or_else(|| "table".to_owned(), |at| format!("table[{at}].name"))
}

fn existing(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    table: &Qualified,
    problems: &mut Vec<Problem>,
) -> Result<(), Error> {
    // Policies of roles that no guarded role can act as let nothing through to those that are guarded.
    let sql = format!(
        "select string_agg(p.polname::text, ', ' order by p.polname)
        from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $2 and c.relname = $3 and p.polname <> all ($4::text[])
            and (p.polroles = '{{0}}' or exists (select from ({WITHIN_REACH}) r where r.oid = any (p.polroles)))"
    );
    let ours = super::steps::POLICY_NAMES.as_slice();
    let failed = Error::database(format!("looking for policies of {table}"));
    let row = transaction
        .query_one(&sql, &[&bindings.roles, &table.schema, &table.name, &ours])
        .map_err(failed)?;
    if let Some(names) = row.get::<_, Option<String>>(0) {
        let message = format!("table `{table}` has policies that were made by hand: {names}");
        let help = format!(
            "a row that any of them lets through is let through; drop them, for example `drop policy {} on {}`, or say --keep-existing",
            names.split(", ").next().map(ident).unwrap_or_default(),
            qualified(table)
        );
        problems.push(Problem::new("existing_policies", message, help).at(place(bindings, table)));
    }
    Ok(())
}
