//! Roles of applications are not roles of servers: policies bind the ones, and the others read every row.

use postgres::Transaction;

use super::failure::{Failure, Result};
use super::install::{Grants, Step, quoted};
use crate::ErrorKind;

/// Whether the role `$member` has the rights of `$role`, or takes them with SET ROLE. Since version 16 a membership may give only one of them, or neither.
macro_rules! acts_as {
    ($member:literal, $role:literal) => {
        concat!(
            "exists (select from pg_roles b where pg_has_role(", $member, ", b.oid, \
                 case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end) \
                 and pg_has_role(b.oid, ", $role, ", 'USAGE'))"
        )
    };
}

/// A role of an application and one of servers where one is, or can act as, the other. What was granted earlier counts.
const TOGETHER: &str = concat!(
    "with app (name) as (
        select unnest($1::text[])
    ), earlier (name) as (
        select r.rolname::text from pg_roles g join pg_auth_members m on m.roleid = g.oid join pg_roles r on r.oid = m.member
        where g.rolname = 'rowgate_app' and ", acts_as!("r.oid", "g.oid"), "
    ), pair (app, server) as (
        select a.name, s.name from app a, (select unnest($2::text[]) union all select 'rowgate_server') s (name)
        union
        select e.name, s.name from earlier e, unnest($2::text[]) s (name)
    )
    select p.app, p.server from pair p join pg_roles a on a.rolname = p.app join pg_roles s on s.rolname = p.server
    where not a.rolsuper and (", acts_as!("a.oid", "s.oid"), "
        or (p.server <> 'rowgate_server' and not s.rolsuper and ", acts_as!("s.oid", "a.oid"), "))
    order by p.server = 'rowgate_server', 1, 2"
);

/// Roles that policies do not hold for.
const UNBOUND: &str = "
    select rolname::text, case when rolsuper then 'is a superuser' else 'has BYPASSRLS' end
    from pg_roles where rolname = any ($1::text[]) and (rolsuper or rolbypassrls) order by 1";

/// Refuses a role of the application that would see every row: one that is, or can act as, a role of servers, a superuser, or one with
/// BYPASSRLS.
pub(super) fn assert_apart(tx: &mut Transaction<'_>, grants: &Grants) -> Result<()> {
    if let Some((app, why)) = unbound(tx, &grants.apps)?.first() {
        let what = format!(
            "{} {why}: row-level security does not hold for it; let the application connect as another role",
            quoted(app)
        );
        return Err(Failure::new(ErrorKind::Unsupported, what));
    }
    if let Some(row) = tx.query(TOGETHER, &[&grants.apps, &grants.servers])?.first() {
        let (app, server): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let what = if app == server {
            format!(
                "{} cannot be the role of the application and of a server",
                quoted(&app)
            )
        } else {
            format!(
                "{}, a role of the application, and {}, of servers, must not be members of one another",
                quoted(&app),
                quoted(&server)
            )
        };
        let what = format!("{what}: a server reads every row; give the server a login of its own");
        return Err(Failure::new(ErrorKind::Unsupported, what));
    }
    Ok(())
}

/// What is to be said about roles of servers that could do with fewer rights.
pub(super) fn unbound_servers(tx: &mut Transaction<'_>, servers: &[String]) -> Result<Vec<Step>> {
    let unbound = unbound(tx, servers)?;
    Ok(unbound
        .into_iter()
        .map(|(role, why)| Step::UnboundServer(role, why))
        .collect())
}

fn unbound(tx: &mut Transaction<'_>, roles: &[String]) -> Result<Vec<(String, String)>> {
    let rows = tx.query(UNBOUND, &[&roles])?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}
