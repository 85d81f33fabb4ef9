//! Installing: roles, the schema `rowgate` with its tables and functions, and who the current transaction acts for.
//!
//! It needs no superuser: a role that may create roles, and may create schemas in the database, is enough. It can be run again, for a newer
//! Rowgate or for further roles, and does what is missing, all of it or nothing.

use std::fmt;

use postgres::{IsolationLevel, Transaction};

use super::apart;
use super::clients;
pub use super::clients::ClientRole;
use super::failure::{Failure, Result};
use super::migrations::{self, ALL};
pub use super::owners::left_to_grant;
use crate::ErrorKind;

/// Owns the schema, its tables and its functions.
pub const OWNER: &str = "rowgate_owner";
/// Owns the functions that row-level security reads with.
pub const READER: &str = "rowgate_reader";
/// What the role that a server connects as is granted.
pub const SERVER: &str = "rowgate_server";
/// What the application's role is granted, to write and check warrants in SQL.
pub const APP: &str = "rowgate_app";

const AUTH: &str = include_str!("auth.sql");
const KEEP_POLICIES: &str = include_str!("auth/keep_policies.sql");
const SESSION_JWT: &str = include_str!("auth/session_jwt.sql");

const ROLES: [&str; 4] = [OWNER, READER, SERVER, APP];

/// Who else gets to use it.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Roles that servers connect as.
    pub servers: Vec<String>,
    /// Roles that applications connect as.
    pub apps: Vec<String>,
    /// Roles that clients have, who reach the database through a server.
    pub clients: Vec<ClientRole>,
}

/// One thing that installing does, or leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Creates a role that cannot log in.
    CreateRole(&'static str),
    /// Creates the schema `rowgate`.
    CreateSchema,
    /// Applies the migration of that version and name.
    Migrate(i32, &'static str),
    /// Creates the schema `auth` with `session()`, `user_id()` and the like, or brings it up to date.
    CreateAuth,
    /// Leaves a schema `auth` as it is, which belongs to that role.
    KeepAuth(String),
    /// Leaves the schema `auth` to the extension `pg_session_jwt`, and lets clients and servers use it.
    UseSessionJwt,
    /// Grants the first role to the second.
    Grant(&'static str, String),
    /// Leaves a role of servers as it is, which policies do not hold for, and says why.
    UnboundServer(String, String),
    /// Creates a role for clients, or brings it up to date.
    MakeClientRole(ClientRole),
    /// Keeps clients from dropping policies that name their role, with an event trigger.
    KeepPolicies,
    /// Leaves clients able to drop policies that name their role: only a superuser may make event triggers.
    LeavePolicies,
}

impl Step {
    /// Whether it changes anything.
    #[must_use]
    pub fn changes(&self) -> bool {
        !matches!(
            self,
            Step::KeepAuth(_) | Step::UnboundServer(..) | Step::LeavePolicies
        )
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::CreateRole(role) => write!(f, "create role {role} (cannot log in)"),
            Step::CreateSchema => write!(f, "create schema rowgate, owned by {OWNER}"),
            Step::Migrate(_, name) => write!(f, "apply migration {name}"),
            Step::CreateAuth => f.write_str("create schema auth with session(), user_id() and the like"),
            Step::UseSessionJwt => {
                f.write_str("leave schema auth to the extension pg_session_jwt, and let the roles use it")
            }
            Step::KeepAuth(owner) => write!(f, "leave schema auth as it is: it belongs to {owner}"),
            Step::Grant(role, to) => write!(f, "grant {role} to {}", quoted(to)),
            Step::UnboundServer(role, why) => write!(
                f,
                "leave {} as it is: it {why}, so a server that connects as it may do far more than it needs; better give the server a \
                 login of its own, without that",
                quoted(role)
            ),
            Step::MakeClientRole(client) => write!(f, "make {client}"),
            Step::KeepPolicies => f.write_str("keep clients from DROP OWNED and ALTER DEFAULT PRIVILEGES with an event trigger"),
            Step::LeavePolicies => f.write_str(
                "leave clients able to run DROP OWNED, which drops the policies that name their role, and ALTER DEFAULT PRIVILEGES, which lasts: \
                 run this as a superuser once",
            ),
        }
    }
}

/// What [`install`] would do. Where nothing is installed yet it is tried and taken back, so that a right that is missing is found: there is nothing
/// then that anybody could wait for. An upgrade is not tried, for that locks the tables that servers use.
///
/// # Errors
/// As [`install`].
pub fn plan(url: &str, grants: &Grants) -> crate::Result<Vec<Step>> {
    let planned = run(url, |tx| {
        let steps = steps(tx, grants)?;
        if steps.iter().any(|step| matches!(step, Step::CreateSchema)) {
            one_at_a_time(tx)?;
            let mut attempt = tx.transaction()?;
            carry_out(&mut attempt, &steps)?;
            attempt.rollback()?;
        }
        Ok(steps)
    });
    planned.map_err(explained)
}

/// Installs what is missing, and returns what it did.
///
/// # Errors
/// `store_forbidden` when the role lacks a right, with what it lacks; `store_version` when the tables are of a newer Rowgate;
/// `store_unsupported` for a database that cannot be a store; `store_unavailable`. Nothing was changed then.
pub fn install(url: &str, grants: &Grants) -> crate::Result<Vec<Step>> {
    let installed = run(url, |tx| {
        one_at_a_time(tx)?;
        let steps = steps(tx, grants)?;
        carry_out(tx, &steps)?;
        Ok(steps)
    });
    installed.map_err(explained)
}

/// Several may install at the same time.
fn one_at_a_time(tx: &mut Transaction<'_>) -> Result<()> {
    tx.execute("select pg_advisory_xact_lock(1380403012, -1)", &[])?;
    Ok(())
}

/// In one transaction, which is committed if the work succeeds.
pub(super) fn run<T>(url: &str, work: impl FnOnce(&mut Transaction<'_>) -> Result<T>) -> Result<T> {
    let mut client = super::connect(url)?;
    client.batch_execute(
        "set search_path = pg_catalog, pg_temp; set client_min_messages = warning; set lock_timeout = '30s'",
    )?;
    let builder = client.build_transaction();
    let mut tx = builder.isolation_level(IsolationLevel::ReadCommitted).start()?;
    let done = work(&mut tx)?;
    tx.commit()?;
    Ok(done)
}

fn explained(failure: Failure) -> crate::StoreError {
    if failure.has_code(&postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) {
        let Failure::Postgres(error) = failure else {
            return failure.into_error("installing");
        };
        let what = format!(
            "installing: {}; the role needs the attribute CREATEROLE and the right to create schemas: \
             `alter role … createrole` and `grant create on database … to …`; where the rowgate roles exist already, it needs \
             to be a member of them with the admin option",
            super::failure::said(&error)
        );
        return crate::StoreError::new(ErrorKind::Forbidden, what).with_source(error);
    }
    failure.into_error("installing")
}

fn steps(tx: &mut Transaction<'_>, grants: &Grants) -> Result<Vec<Step>> {
    let sql = "select current_setting('server_version_num')::int, current_setting('server_encoding')";
    let row = tx.query_one(sql, &[])?;
    migrations::assert_usable(row.try_get(0)?, row.try_get(1)?)?;
    let mut steps = Vec::new();
    for role in ROLES {
        if !exists(
            tx,
            "select exists (select from pg_roles where rolname = $1)",
            role,
        )? {
            steps.push(Step::CreateRole(role));
        }
    }
    let there = "select exists (select from pg_namespace where nspname = $1)";
    let applied = if exists(tx, there, "rowgate")? {
        assert_ours(tx)?;
        applied(tx)?
    } else {
        steps.push(Step::CreateSchema);
        0
    };
    let missing = ALL.iter().skip(applied);
    steps.extend(missing.map(|migration| Step::Migrate(migration.version, migration.name)));
    let sql = "select pg_get_userbyid(nspowner)::text, obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'auth'";
    match tx.query_opt(sql, &[])? {
        None => steps.push(Step::CreateAuth),
        Some(row) => {
            let (owner, comment): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
            if is_session_jwt(tx)? {
                if !is_in_use(tx)? {
                    steps.push(Step::UseSessionJwt);
                }
            } else if owner != OWNER {
                assert_no_clients(grants, &owner)?;
                steps.push(Step::KeepAuth(owner));
            } else if comment.as_deref() != Some(&auth_comment()) {
                steps.push(Step::CreateAuth);
            }
        }
    }
    let wanted = grants.servers.iter().map(|role| (SERVER, role));
    for (role, to) in wanted.chain(grants.apps.iter().map(|role| (APP, role))) {
        if !is_member(tx, to, role)? {
            steps.push(Step::Grant(role, to.clone()));
        }
    }
    apart::assert_apart(tx, grants)?;
    steps.extend(apart::unbound_servers(tx, &grants.servers)?);
    // Tables come and go, and with them the grants that are missing; so this is done each time.
    steps.extend(grants.clients.iter().cloned().map(Step::MakeClientRole));
    if !grants.clients.is_empty() {
        steps.extend(keeping_policies(tx)?);
    }
    Ok(steps)
}

/// What is to be done so that clients cannot drop policies; none when it is done.
fn keeping_policies(tx: &mut Transaction<'_>) -> Result<Option<Step>> {
    let sql = "select (select rolsuper from pg_roles where rolname = current_user), \
                   (select obj_description(oid, 'pg_event_trigger') from pg_event_trigger where evtname = 'rowgate_keep_policies' and evtenabled = 'A')";
    let row = tx.query_one(sql, &[])?;
    let (is_superuser, comment): (bool, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    Ok(match (comment.is_some(), is_superuser) {
        (true, false) => None,
        (false, false) => Some(Step::LeavePolicies),
        (_, true) => (comment.as_deref() != Some(&keep_policies_comment())).then_some(Step::KeepPolicies),
    })
}

/// Whether `auth` is that of the extension `pg_session_jwt`.
fn is_session_jwt(tx: &mut Transaction<'_>) -> Result<bool> {
    // Not by `to_regprocedure`, which wants the right to use the schema.
    let sql = "select exists (select from pg_extension e \
                   join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e' \
                   join pg_proc p on d.classid = 'pg_proc'::regclass and d.objid = p.oid and p.proname = 'jwt_session_init' \
                   join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'auth' \
                   where e.extname = 'pg_session_jwt')";
    Ok(tx.query_one(sql, &[])?.try_get(0)?)
}

/// Whether what [`Step::UseSessionJwt`] does was done.
fn is_in_use(tx: &mut Transaction<'_>) -> Result<bool> {
    let sql = "select exists (select from pg_namespace where nspname = 'rowgate_client' and obj_description(oid, 'pg_namespace') = $1)";
    Ok(tx.query_one(sql, &[&session_jwt_comment()])?.try_get(0)?)
}

/// Clients send any SQL, and what other schemas of that name believe is a setting that any SQL can change.
fn assert_no_clients(grants: &Grants, owner: &str) -> Result<()> {
    if grants.clients.is_empty() {
        return Ok(());
    }
    let what = format!(
        "the schema `auth` belongs to `{owner}` and is not that of the extension pg_session_jwt: a client that sends SQL could be \
         anybody to its functions; install in a database without it, or without client roles"
    );
    Err(Failure::new(ErrorKind::Unsupported, what))
}

fn exists(tx: &mut Transaction<'_>, sql: &str, name: &str) -> Result<bool> {
    Ok(tx.query_one(sql, &[&name])?.try_get(0)?)
}

/// A schema of that name that is not ours is not touched.
fn assert_ours(tx: &mut Transaction<'_>) -> Result<()> {
    let sql = "select pg_get_userbyid(nspowner)::text from pg_namespace where nspname = 'rowgate'";
    let owner: String = tx.query_one(sql, &[])?.try_get(0)?;
    if owner == OWNER {
        return Ok(());
    }
    let what = format!(
        "the database has a schema `rowgate` already, which belongs to `{owner}` and not to `{OWNER}`"
    );
    Err(Failure::new(ErrorKind::Unsupported, what))
}

fn applied(tx: &mut Transaction<'_>) -> Result<usize> {
    let there = "select exists (select from pg_class where relname = 'migration' and relnamespace = 'rowgate'::regnamespace)";
    if !tx.query_one(there, &[])?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let as_owner = become_role(tx, OWNER)?;
    let rows = tx.query(migrations::APPLIED, &[])?;
    as_owner.end(tx)?;
    let rows: Vec<(i32, String)> = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_>>()?;
    migrations::applied(&rows)
}

/// Whether a role has what another one may do. Superusers are not taken for members: they may lose that.
fn is_member(tx: &mut Transaction<'_>, member: &str, role: &str) -> Result<bool> {
    if !exists(
        tx,
        "select exists (select from pg_roles where rolname = $1)",
        member,
    )? {
        let what = format!("there is no role {}; create it first", quoted(member));
        return Err(Failure::new(ErrorKind::Unsupported, what));
    }
    let sql = "select exists (select from pg_auth_members m where m.member = to_regrole($1) and m.roleid = to_regrole($2))";
    Ok(tx.query_one(sql, &[&quoted(member), &role])?.try_get(0)?)
}

fn carry_out(tx: &mut Transaction<'_>, steps: &[Step]) -> Result<()> {
    for step in steps {
        if let Step::CreateRole(role) = step {
            create_role(tx, role)?;
        }
    }
    let as_owner = become_role(tx, OWNER)?;
    for step in steps {
        match step {
            Step::CreateRole(_) | Step::KeepAuth(_) | Step::UnboundServer(..) | Step::LeavePolicies => {}
            Step::CreateSchema => {
                tx.batch_execute(&format!(
                    "set local role none; create schema rowgate authorization {OWNER}; set local role {OWNER}; \
                     create table rowgate.migration (version integer primary key, name text not null, checksum text not null, \
                     applied_at timestamptz not null default now())"
                ))?;
            }
            Step::Migrate(version, _) => migrate(tx, *version)?,
            Step::CreateAuth => {
                tx.batch_execute("set local role none")?;
                tx.batch_execute(AUTH)?;
                tx.batch_execute(&format!("comment on schema auth is '{}'", auth_comment()))?;
            }
            Step::UseSessionJwt => {
                tx.batch_execute("set local role none")?;
                tx.batch_execute(SESSION_JWT)?;
                let comment = session_jwt_comment();
                tx.batch_execute(&format!("comment on schema rowgate_client is '{comment}'"))?;
                for role in [APP, READER, SERVER] {
                    clients::let_use_auth(tx, role)?;
                }
            }
            Step::MakeClientRole(client) => clients::make(tx, client)?,
            Step::KeepPolicies => {
                tx.batch_execute("set local role none")?;
                tx.batch_execute(KEEP_POLICIES)?;
                let comment = keep_policies_comment();
                tx.batch_execute(&format!(
                    "comment on event trigger rowgate_keep_policies is '{comment}'; set local role {OWNER}"
                ))?;
            }
            Step::Grant(role, to) => {
                tx.batch_execute(&format!(
                    "set local role none; grant {role} to {}; set local role {OWNER}",
                    quoted(to)
                ))?;
            }
        }
    }
    as_owner.end(tx)
}

/// Stands on the schema `auth` and tells which version of it is there.
fn auth_comment() -> String {
    format!("Who the current session acts for (Rowgate, {})", version_of(AUTH))
}

/// Stands on the schema `rowgate_client`.
fn session_jwt_comment() -> String {
    let version = version_of(SESSION_JWT);
    format!("What servers ask sessions of clients beside pg_session_jwt (Rowgate, {version})")
}

/// Stands on the event trigger that keeps policies.
fn keep_policies_comment() -> String {
    format!(
        "Clients cannot run DROP OWNED or ALTER DEFAULT PRIVILEGES (Rowgate, {})",
        version_of(KEEP_POLICIES)
    )
}

fn version_of(sql: &str) -> String {
    let hash = blake3::hash(sql.as_bytes()).to_hex();
    hash.get(..16).unwrap_or_default().to_owned()
}

/// Roles belong to all databases of a server: another one may just be getting them, too.
fn create_role(tx: &mut Transaction<'_>, role: &str) -> Result<()> {
    Ok(tx.batch_execute(&format!(
        "do $$ begin create role {role} nologin; exception when duplicate_object or unique_violation then null; end $$"
    ))?)
}

fn migrate(tx: &mut Transaction<'_>, version: i32) -> Result<()> {
    for migration in ALL.iter().filter(|migration| migration.version == version) {
        tx.batch_execute(migration.sql)?;
        let sql = "insert into rowgate.migration (version, name, checksum) values ($1, $2, $3)";
        tx.execute(sql, &[&version, &migration.name, &migration.checksum()])?;
    }
    Ok(())
}

/// Acting as another role, until [`Acting::end`].
pub(super) struct Acting {
    role: &'static str,
    /// Whether the membership that this takes was granted for it, and goes with it.
    granted: bool,
}

/// Acts as a role. Where the current role may create roles and is not a member, it becomes one until the end.
pub(super) fn become_role(tx: &mut Transaction<'_>, role: &'static str) -> Result<Acting> {
    let sql = "select current_setting('server_version_num')::int >= 160000";
    let with_options: bool = tx.query_one(sql, &[])?.try_get(0)?;
    let (privilege, options) = if with_options {
        ("SET", " with inherit false, set true")
    } else {
        ("MEMBER", "")
    };
    let may = tx.query_one("select pg_has_role($1::text::name, $2)", &[&role, &privilege])?;
    let granted = !may.try_get::<_, bool>(0)?;
    if granted {
        tx.batch_execute(&format!("grant {role} to current_user{options}"))?;
    }
    tx.batch_execute(&format!("set local role {role}"))?;
    Ok(Acting { role, granted })
}

impl Acting {
    pub(super) fn end(self, tx: &mut Transaction<'_>) -> Result<()> {
        tx.batch_execute("set local role none")?;
        if self.granted {
            tx.batch_execute(&format!("revoke {} from current_user", self.role))?;
        }
        Ok(())
    }
}

/// An identifier in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
