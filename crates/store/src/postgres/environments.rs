//! The environments of a store.

use postgres::error::SqlState;

use super::failure::{Failure, Result};
use super::session::{Session, Tx};
use crate::{EnvironmentId, EnvironmentRecord, ErrorKind, NewEnvironment, StoreError};

/// An environment's number as the database has it.
pub(super) fn number(environment: EnvironmentId) -> Result<i32> {
    i32::try_from(environment.0).map_err(|_| unknown(environment))
}

pub(super) fn unknown(environment: EnvironmentId) -> Failure {
    let what = format!("environment {environment} does not exist");
    Failure::new(ErrorKind::EnvironmentUnknown, what)
}

pub(super) fn id(number: i32) -> Result<EnvironmentId> {
    u32::try_from(number).map(EnvironmentId).map_err(|_| {
        let what = format!("rowgate.environment: the id {number} is negative");
        Failure::new(ErrorKind::Corrupt, what)
    })
}

pub(super) fn list(session: &mut Session) -> Result<Vec<EnvironmentRecord>> {
    let sql = "select id, name, uid, created_at from rowgate.environment order by id";
    let rows = session.read()?.query(sql, &[])?;
    rows.iter()
        .map(|row| {
            Ok(EnvironmentRecord {
                id: id(row.try_get(0)?)?,
                name: row.try_get(1)?,
                uid: row.try_get(2)?,
                created_at: row.try_get(3)?,
            })
        })
        .collect()
}

/// Creates an environment with the default schema, which SQL has to know, too.
pub(super) fn create(session: &mut Session, new: &NewEnvironment) -> Result<EnvironmentRecord> {
    let mut tx = session.begin()?;
    let sql = "insert into rowgate.environment (name, uid, created_at) values ($1, $2, $3) returning id";
    let inserted = tx.query_one(sql, &[&new.name, &new.uid, &new.created_at]);
    let number: i32 = match inserted {
        Err(failure) if failure.has_code(&SqlState::UNIQUE_VIOLATION) => {
            let what = format!(
                "there is an environment `{}`, or one with its uid, already",
                new.name
            );
            return Err(StoreError::new(ErrorKind::EnvironmentExists, what).into());
        }
        inserted => inserted?.try_get(0)?,
    };
    let schema = rowgate_schema::to_json(&rowgate_schema::default_environment()).to_string();
    tx.execute("select rowgate.put_schema($1, $2)", &[&number, &schema])?;
    changed(&mut tx)?;
    tx.commit()?;
    Ok(EnvironmentRecord {
        id: id(number)?,
        name: new.name.clone(),
        uid: new.uid.clone(),
        created_at: new.created_at,
    })
}

pub(super) fn delete(session: &mut Session, environment: EnvironmentId) -> Result<bool> {
    let Ok(number) = number(environment) else {
        return Ok(false);
    };
    let mut tx = session.begin()?;
    tx.take_your_time()?;
    let sql = "select from rowgate.environment where id = $1 for update";
    if tx.query_opt(sql, &[&number])?.is_none() {
        return Ok(false);
    }
    // After this, no application is in the middle of writing to it.
    tx.execute("select pg_advisory_xact_lock(1380403012, $1)", &[&number])?;
    for sql in [
        "delete from rowgate.warrant where environment = $1",
        "delete from rowgate.resource where environment = $1",
        "delete from rowgate.relation where environment = $1",
        "delete from rowgate.type where environment = $1",
        "delete from rowgate.pending where environment = $1",
        "delete from rowgate.commit where environment = $1",
        "delete from rowgate.audit where environment = $1",
        "delete from rowgate.environment where id = $1",
    ] {
        tx.execute(sql, &[&number])?;
    }
    changed(&mut tx)?;
    tx.commit()?;
    Ok(true)
}

/// Tells other servers that environments or keys are no longer those they know.
pub(super) fn changed(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute("update rowgate.registry set version = version + 1", &[])?;
    tx.execute("select pg_notify('rowgate', 'registry')", &[])?;
    Ok(())
}
