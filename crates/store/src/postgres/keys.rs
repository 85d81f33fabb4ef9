//! The API keys of a store.

use postgres::error::SqlState;

use super::environments::{self, changed};
use super::failure::{Failure, Result};
use super::session::Session;
use crate::error::last_key;
use crate::{ApiKeyRecord, ErrorKind};

pub(super) fn list(session: &mut Session) -> Result<Vec<ApiKeyRecord>> {
    let sql = "select id, environment, name, hash, prefix, created_at from rowgate.api_key order by id";
    let rows = session.read()?.query(sql, &[])?;
    rows.iter()
        .map(|row| {
            let id: String = row.try_get(0)?;
            let hash = row.try_get::<_, &[u8]>(3)?.try_into().map_err(|_| {
                let what = format!("rowgate.api_key: the hash of key `{id}` is not one");
                Failure::new(ErrorKind::Corrupt, what)
            })?;
            Ok(ApiKeyRecord {
                environment: environments::id(row.try_get(1)?)?,
                name: row.try_get(2)?,
                prefix: row.try_get(4)?,
                created_at: row.try_get(5)?,
                hash,
                id,
            })
        })
        .collect()
}

pub(super) fn put(session: &mut Session, key: &ApiKeyRecord) -> Result<()> {
    let environment = environments::number(key.environment)?;
    let mut tx = session.begin()?;
    let sql = "insert into rowgate.api_key (id, environment, name, hash, prefix, created_at) \
               values ($1, $2, $3, $4, $5, $6) \
               on conflict (id) do update set environment = excluded.environment, name = excluded.name, \
               hash = excluded.hash, prefix = excluded.prefix, created_at = excluded.created_at";
    let hash = key.hash.as_slice();
    let put = tx.execute(
        sql,
        &[
            &key.id,
            &environment,
            &key.name,
            &hash,
            &key.prefix,
            &key.created_at,
        ],
    );
    match put {
        Err(failure) if failure.has_code(&SqlState::FOREIGN_KEY_VIOLATION) => {
            return Err(environments::unknown(key.environment));
        }
        put => put?,
    };
    changed(&mut tx)?;
    tx.commit()
}

pub(super) fn delete(session: &mut Session, id: &str) -> Result<bool> {
    let mut tx = session.begin()?;
    // All keys of the environment are locked, in one order: whoever deletes another one waits, and then finds one less.
    let sql = "select id from rowgate.api_key \
               where environment = (select environment from rowgate.api_key where id = $1) order by id for update";
    let keys = tx.query(sql, &[&id])?;
    let there = keys.iter().any(|row| row.get::<_, &str>(0) == id);
    if !there {
        return Ok(false);
    }
    if keys.len() == 1 {
        return Err(last_key(id).into());
    }
    tx.execute("delete from rowgate.api_key where id = $1", &[&id])?;
    changed(&mut tx)?;
    tx.commit()?;
    Ok(true)
}
