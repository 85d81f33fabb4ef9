//! The roles that clients have, such as `authenticated`, and the logins of their sessions.

use std::fmt;

use postgres::Transaction;

use super::failure::{Failure, Result};
use super::install::{OWNER, become_role, quoted};
use crate::ErrorKind;

/// A role for clients: what a server lets in with a token, or as `anonymous` without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRole {
    /// Its name. It is created if it does not exist.
    pub name: String,
    /// How many sessions it can have at a time, over all servers: 1 to 200.
    pub sessions: i32,
    /// Schemas whose tables it may read and write, as far as row-level security lets it.
    pub schemas: Vec<String>,
}

impl fmt::Display for ClientRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "role {} for clients, with {} logins",
            quoted(&self.name),
            self.sessions
        )?;
        if !self.schemas.is_empty() {
            let schemas: Vec<String> = self.schemas.iter().map(|schema| quoted(schema)).collect();
            write!(f, " and grants on the tables of {}", schemas.join(", "))?;
        }
        Ok(())
    }
}

/// Creates the role and its logins, or brings them up to date. The transaction acts as the owner, before and after.
pub(super) fn make(tx: &mut Transaction<'_>, client: &ClientRole) -> Result<()> {
    tx.batch_execute(include_str!("auth/keep_client_role.sql"))?;
    // Servers know it, and go on while this runs.
    let sql = "select password from rowgate.client_role where role = $1::text::name";
    let known = tx.query_opt(sql, &[&client.name])?;
    let known: Option<String> = known.map(|row| row.try_get(0)).transpose()?;
    tx.batch_execute("set local role none")?;
    tx.batch_execute(include_str!("auth/client_role.sql"))?;
    let sql = "select logins::text[], password from pg_temp.make_client_role($1::text::name, $2, $3::text[]::name[], $4)";
    let made = tx.query_one(sql, &[&client.name, &client.sessions, &client.schemas, &known])?;
    let (logins, password): (Vec<String>, String) = (made.try_get(0)?, made.try_get(1)?);
    tx.batch_execute(&format!("set local role {OWNER}"))?;
    let sql = "select pg_temp.keep_client_role($1::text::name, $2::text[]::name[], $3)";
    tx.execute(sql, &[&client.name, &logins, &password])?;
    let ours = "select nspowner = current_user::regrole from pg_namespace where nspname = 'auth'";
    if !tx.query_one(ours, &[])?.try_get::<_, bool>(0)? {
        let_use_auth(tx, &client.name)?;
    }
    // Temporary objects keep those from being dropped who own them.
    tx.batch_execute("drop function pg_temp.keep_client_role; set local role none")?;
    tx.batch_execute(&format!(
        "drop function pg_temp.make_client_role; set local role {OWNER}"
    ))?;
    Ok(())
}

/// Lets a role use the functions of the extension `pg_session_jwt`, which everybody may call who may use their schema. The transaction acts
/// as the owner, before and after.
pub(super) fn let_use_auth(tx: &mut Transaction<'_>, role: &str) -> Result<()> {
    let role_name = quoted(role);
    tx.batch_execute(&format!(
        "set local role none; grant usage on schema auth to {role_name}; set local role {OWNER}"
    ))?;
    let sql = "select has_schema_privilege($1::text::name, 'auth', 'usage')";
    if tx.query_one(sql, &[&role])?.try_get(0)? {
        return Ok(());
    }
    let what = format!(
        "the schema `auth` of the extension pg_session_jwt is not yours to grant: run `grant usage on schema auth to {role_name}` as a \
         superuser, or install as one"
    );
    Err(Failure::new(ErrorKind::Forbidden, what))
}

/// The logins of all client roles.
pub(super) fn logins(tx: &mut Transaction<'_>) -> Result<Vec<String>> {
    let as_owner = become_role(tx, OWNER)?;
    let there = tx.query_one("select to_regclass('rowgate.client_role') is not null", &[])?;
    let rows = match there.try_get(0)? {
        true => tx.query("select unnest(logins)::text from rowgate.client_role", &[])?,
        false => Vec::new(),
    };
    as_owner.end(tx)?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
