//! Defaults of a login. Every role may change its own (`ALTER ROLE … SET`), and Postgres cannot take that right away. So a client can leave
//! settings for the next session of the login that it got, and no reset of a session undoes them.

use crate::wire::{Connection, WireError};

/// What `pg install` sets for a login, in its database.
const OWN: [&str; 3] = [
    "default_transaction_isolation=repeatable read",
    "statement_timeout=15s",
    "idle_in_transaction_session_timeout=30s",
];

/// Defaults of this login that it may have set itself. Those that only a superuser may set are an operator's.
fn changed() -> String {
    let own = OWN.map(|setting| format!("'{setting}'")).join(", ");
    format!(
        "select s.setdatabase <> 0, split_part(c.setting, '=', 1)
         from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c (setting)
         where s.setrole = session_user::pg_catalog.regrole
             and s.setdatabase in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
             and (s.setdatabase = 0 or c.setting not in ({own}))
             and not exists (select from pg_catalog.pg_settings p
                 where p.name = pg_catalog.split_part(c.setting, '=', 1) and p.context <> 'user')"
    )
}

/// Takes back what a client has set. Says whether there was something.
pub(super) async fn restore(connection: &mut Connection, database: &str) -> Result<bool, WireError> {
    // Whatever the defaults are, the names below mean what they should.
    let (rows, _) = connection
        .simple(&format!("set search_path = pg_catalog; {}", changed()))
        .await?;
    if rows.is_empty() {
        connection.simple("reset search_path").await?;
        return Ok(false);
    }
    // `reset role` would come back to the role of the startup message, and it is the login whose defaults these are.
    let mut sql = "set role none; set transaction_read_only = off; ".to_owned();
    for row in rows {
        let [Some(here), Some(name)] = row.as_slice() else {
            return Err(WireError::Unexpected);
        };
        let database = match here.as_str() {
            "t" => format!(" in database {}", quoted(database)),
            _ => String::new(),
        };
        sql.push_str(&format!(
            "alter role session_user{database} reset {}; ",
            quoted(name)
        ));
    }
    connection.simple(&sql).await?;
    tracing::warn!("a client had changed the defaults of its login; they were taken back");
    Ok(true)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
