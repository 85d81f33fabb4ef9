//! Roles: whether the current one owns the tables, and whether policies hold for those that they are for.

use postgres::Transaction;
use rowgate_binding::{Bindings, Qualified};

use crate::error::{Error, Problem};
use crate::generate::{GuardedTable, READERS};
use crate::sql::quote::ident;

/// Every role whose rights a role has or can take, itself included: it may `SET ROLE` to some, has what those inherit, and may grant
/// itself what it administers. Before version 16 every member may do both.
pub(super) const WITHIN_REACH: &str = "
    select w.name, r.oid from unnest($1::text[]) w (name) join pg_roles g on g.rolname = w.name
    join pg_roles r on exists (
        select from pg_roles s
        where pg_has_role(g.oid, s.oid, case when current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end)
            and (pg_has_role(s.oid, r.oid, 'USAGE') or pg_has_role(s.oid, r.oid, 'MEMBER WITH ADMIN OPTION')))
    where not g.rolsuper";

/// Refuses the current role when it is one of those that policies are for, or does not own a table that is there. Before anything else about
/// it: the application's role is not to be told what to grant it.
pub(super) fn owns(
    transaction: &mut Transaction<'_>,
    roles: &[String],
    tables: &[Qualified],
) -> Result<(), Error> {
    let failed = || Error::database("looking for the owners of tables");
    let sql = "select current_user::text, rolsuper from pg_roles where rolname = current_user";
    let row = transaction.query_one(sql, &[]).map_err(failed())?;
    let (me, superuser): (String, bool) = (row.get(0), row.get(1));
    let sql = "select t.schema || '.' || t.name, pg_get_userbyid(c.relowner)::text, pg_has_role(c.relowner, 'USAGE')
        from unnest($1::text[], $2::text[]) with ordinality t (schema, name, at)
        join pg_namespace n on n.nspname = t.schema join pg_class c on c.relnamespace = n.oid and c.relname = t.name
        order by t.at";
    let (schemas, names): (Vec<&str>, Vec<&str>) = tables
        .iter()
        .map(|table| (table.schema.as_str(), table.name.as_str()))
        .unzip();
    let rows = transaction.query(sql, &[&schemas, &names]).map_err(failed())?;
    if roles.contains(&me) && !superuser {
        let mut owners = rows.iter().map(|row| row.get::<_, String>(1));
        return Err(guarded(&me, owners.find(|owner| *owner != me)).into());
    }
    let foreign = rows.iter().filter(|row| !row.get::<_, bool>(2));
    let problem = |row: &postgres::Row| {
        let (table, owner): (String, String) = (row.get(0), row.get(1));
        let message = format!("table `{table}` belongs to `{owner}`, and `{me}` is not a member of it");
        Problem::new("not_the_owner", message, format!("connect as `{owner}`"))
    };
    let problems: Vec<Problem> = foreign.map(problem).collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Problems(problems))
    }
}

/// Owners of guarded tables that policies do not hold for yet, and will.
pub(super) fn newly_held(
    transaction: &mut Transaction<'_>,
    tables: &[GuardedTable],
) -> Result<Vec<String>, Error> {
    let sql = "select distinct r.rolname::text from unnest($1::text[], $2::text[]) t (schema, name)
        join pg_namespace n on n.nspname = t.schema
        join pg_class c on c.relnamespace = n.oid and c.relname = t.name
        join pg_roles r on r.oid = c.relowner
        where not (c.relrowsecurity and c.relforcerowsecurity) and not r.rolsuper and not r.rolbypassrls order by 1";
    let guarded = tables.iter().filter(|table| table.guarded);
    let (schemas, names): (Vec<&str>, Vec<&str>) = guarded
        .map(|table| (table.name.schema.as_str(), table.name.name.as_str()))
        .unzip();
    let rows = transaction
        .query(sql, &[&schemas, &names])
        .map_err(Error::database("looking for the owners of tables"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What a role is told that policies are for, with who owns the tables if that is another.
fn guarded(me: &str, owner: Option<String>) -> Problem {
    let message = format!("`{me}` is one of the roles that policies are for");
    match owner {
        Some(owner) => Problem::new(
            "not_the_owner",
            message,
            format!("run this as the owner of the tables, `{owner}`"),
        ),
        None => Problem::new(
            "role_bypasses",
            message,
            "let the tables belong to a role that the application does not connect as, with `alter table … owner to …`, and run this as that role",
        ),
    }
}

/// Roles that are not there, and roles that policies do not hold for.
pub(super) fn check(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    tables: &[GuardedTable],
    problems: &mut Vec<Problem>,
) -> Result<(), Error> {
    let sql = "select w.name, r.rolname is not null, coalesce(r.rolsuper, false), coalesce(r.rolbypassrls, false) \
               from unnest($1::text[]) with ordinality w (name, at) left join pg_roles r on r.rolname = w.name order by w.at";
    let rows = transaction
        .query(sql, &[&bindings.roles])
        .map_err(Error::database("looking for roles"))?;
    for (index, row) in rows.iter().enumerate() {
        let name: String = row.get(0);
        let path = place(index);
        if !row.get::<_, bool>(1) {
            let help = format!(
                "create it, for example `create role {} login`, or correct `roles`",
                ident(&name)
            );
            let message = format!("the database has no role `{name}`");
            problems.push(Problem::new("missing_role", message, help).at(path));
        } else if row.get(2) || row.get(3) {
            let why = if row.get(2) {
                "is a superuser"
            } else {
                "has BYPASSRLS"
            };
            let message = format!("role `{name}` {why}: policies do not apply to it");
            let help = "let the application connect as another role";
            problems.push(Problem::new("role_bypasses", message, help).at(path));
        }
    }
    for (index, role) in bindings.roles.iter().enumerate() {
        let problem = leaves(transaction, role, tables)?;
        problems.extend(problem.map(|problem| problem.at(place(index))));
    }
    Ok(())
}

/// Where the bindings name a role.
fn place(index: usize) -> String {
    format!("roles[{index}]")
}

/// Whether a role is, or can act as, another that sees every row or can switch policies off. One reason is enough.
fn leaves(
    transaction: &mut Transaction<'_>,
    role: &str,
    tables: &[GuardedTable],
) -> Result<Option<Problem>, Error> {
    let sql = format!(
        "select r.rolname::text, r.rolsuper, r.rolbypassrls, r.rolname = any ($2::text[]) as reads,
            (select t.schema || '.' || t.name from unnest($3::text[], $4::text[]) t (schema, name)
                join pg_namespace n on n.nspname = t.schema
                join pg_class c on c.relnamespace = n.oid and c.relname = t.name
                where c.relowner = r.oid limit 1) as owned,
            r.rolcreaterole and current_setting('server_version_num')::integer < 160000
        from ({WITHIN_REACH}) w join pg_roles r on r.oid = w.oid
        where not (r.rolname = w.name and r.rolbypassrls)
        order by r.rolsuper desc, r.rolbypassrls desc, reads desc, r.rolname = w.name desc, r.rolname"
    );
    let unbound: Vec<&str> = READERS.into_iter().chain(["rowgate_owner"]).collect();
    let (schemas, names): (Vec<&str>, Vec<&str>) = tables
        .iter()
        .map(|table| (table.name.schema.as_str(), table.name.name.as_str()))
        .unzip();
    let rows = transaction
        .query(&sql, &[&[role].as_slice(), &unbound, &schemas, &names])
        .map_err(Error::database("looking at what roles are members of"))?;
    Ok(rows.iter().find_map(|row| {
        let (other, owned): (String, Option<String>) = (row.get(0), row.get(4));
        let (superuser, bypasses, reads): (bool, bool, bool) = (row.get(1), row.get(2), row.get(3));
        let (what, help) = if superuser || bypasses {
            let what = if superuser { "is a superuser" } else { "has BYPASSRLS" };
            (what.to_owned(), revoke(&other, role))
        } else if reads {
            ("reads every row".to_owned(), own_login(&other))
        } else {
            // Before version 16 such a role can make itself a member of any other.
            if row.get(5) {
                return Some(creates_roles(role, &other));
            }
            let table = owned?;
            if other == role {
                let message = format!("role `{role}` owns table `{table}`, and an owner can switch policies off");
                let help = "give the tables to a role that the application does not connect as, with `alter table … owner to …`";
                return Some(Problem::new("role_bypasses", message, help));
            }
            (format!("owns table `{table}` and can switch policies off"), revoke(&other, role))
        };
        let message = format!("`{role}` is a member of `{other}`, which {what}");
        Some(Problem::new("role_bypasses", message, help))
    }))
}

fn creates_roles(role: &str, other: &str) -> Problem {
    let can = "can make itself a member of a role that sees every row";
    let (message, help) = if other == role {
        (
            format!("`{role}` has CREATEROLE and {can}"),
            format!("run `alter role {} nocreaterole`", ident(role)),
        )
    } else {
        (
            format!("`{role}` is a member of `{other}`, which has CREATEROLE and {can}"),
            revoke(other, role),
        )
    };
    Problem::new("role_bypasses", message, help)
}

fn revoke(other: &str, role: &str) -> String {
    format!(
        "run `revoke {} from {}`, or let the application connect as another role",
        ident(other),
        ident(role)
    )
}

fn own_login(other: &str) -> String {
    let who = if other == "rowgate_server" {
        "the server"
    } else {
        "the owner of the tables"
    };
    format!("give {who} a login of its own")
}
