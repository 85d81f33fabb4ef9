//! The tables' versions.

use super::failure::{Failure, Result};
use super::session::Session;
use crate::ErrorKind;

/// One step from a version to the next.
#[derive(Debug)]
pub(super) struct Migration {
    pub(super) version: i32,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

impl Migration {
    /// Recognises that it is the one that was applied.
    pub(super) fn checksum(&self) -> String {
        blake3::hash(self.sql.as_bytes()).to_hex().to_string()
    }
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("migrations/", $name, ".sql")),
        }
    };
}

/// All of them, in order. One that was released is never changed: what has to change comes in a new one.
pub(super) const ALL: &[Migration] = &[
    migration!(1, "0001_tables"),
    migration!(2, "0002_documents"),
    migration!(3, "0003_bound"),
    migration!(4, "0004_warrants"),
    migration!(5, "0005_check"),
    migration!(6, "0006_context"),
    migration!(7, "0007_clients"),
    migration!(8, "0008_notify"),
    migration!(9, "0009_signing_keys"),
    migration!(10, "0010_audit"),
    migration!(11, "0011_keys"),
    migration!(12, "0012_client_names"),
];

/// Whether the applied migrations, as (version, checksum) in order, are a beginning of `ALL`. Returns how many there are.
pub(super) fn applied(rows: &[(i32, String)]) -> Result<usize> {
    for (at, (version, checksum)) in rows.iter().enumerate() {
        let Some(known) = ALL.get(at) else {
            let what = format!(
                "the tables of schema `rowgate` are of version {version}, and this Rowgate knows {}; use a newer Rowgate",
                ALL.len()
            );
            return Err(Failure::new(ErrorKind::Version, what));
        };
        if *version != known.version || *checksum != known.checksum() {
            let what = format!(
                "migration {version} of schema `rowgate` is not the `{}` of this Rowgate; the database was made by another build",
                known.name
            );
            return Err(Failure::new(ErrorKind::Version, what));
        }
    }
    Ok(rows.len())
}

pub(super) const APPLIED: &str = "select version, checksum from rowgate.migration order by version";

/// Checks that the database can be used as it is: an encoding that holds everything, the tables of this version, the rights to use them.
pub(super) fn check(session: &mut Session) -> Result<()> {
    let mut tx = session.read()?;
    let sql = "select current_setting('server_version_num')::int, current_setting('server_encoding'), pg_is_in_recovery(), \
                   to_regclass('rowgate.migration') is not null, current_user::text";
    let row = tx.query_one(sql, &[]);
    let row = match row {
        Err(failure) if failure.has_code(&postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) => {
            return Err(failure);
        }
        row => row?,
    };
    assert_usable(row.try_get(0)?, row.try_get(1)?)?;
    if row.try_get::<_, bool>(2)? {
        let what = "the database is a standby, which cannot be written to; connect to the primary";
        return Err(Failure::new(ErrorKind::Unsupported, what));
    }
    if !row.try_get::<_, bool>(3)? {
        let what = "the database has no schema `rowgate`; run `rowgate pg install` on it first";
        return Err(Failure::new(ErrorKind::NotInstalled, what));
    }
    let rows = tx.query(APPLIED, &[])?;
    let rows: Vec<(i32, String)> = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_>>()?;
    let count = applied(&rows)?;
    if count < ALL.len() {
        let what = format!(
            "the tables of schema `rowgate` are of version {count}, and this Rowgate needs {}; run `rowgate pg install` again",
            ALL.len()
        );
        return Err(Failure::new(ErrorKind::Version, what));
    }
    let sql = "select has_table_privilege('rowgate.warrant', 'insert')";
    if !tx.query_one(sql, &[])?.try_get::<_, bool>(0)? {
        let role: String = row.try_get(4)?;
        let what =
            format!("the role `{role}` may not write warrants; run `grant rowgate_server to \"{role}\"`");
        return Err(Failure::new(ErrorKind::Forbidden, what));
    }
    Ok(())
}

pub(super) fn assert_usable(version: i32, encoding: &str) -> Result<()> {
    if version < 150_000 {
        let what = format!(
            "the server is PostgreSQL {}; Rowgate needs 15 or newer",
            version / 10_000
        );
        return Err(Failure::new(ErrorKind::Unsupported, what));
    }
    if encoding != "UTF8" {
        let what = format!("the database's encoding is {encoding}; Rowgate needs UTF8");
        return Err(Failure::new(ErrorKind::Unsupported, what));
    }
    Ok(())
}
