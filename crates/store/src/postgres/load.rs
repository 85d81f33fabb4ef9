//! The state of an environment, from its tables.

use postgres::Row;
use postgres::fallible_iterator::FallibleIterator;

use super::environments::number;
use super::failure::{Failure, Result};
use super::session::{Session, Tx};
use super::{Postgres, log, number as numbering};
use crate::{Change, EnvironmentId, Revision, Warrant, WarrantKey};

const LOADING: &str = "loading an environment";

type Visit<'a> = &'a mut dyn FnMut(Change) -> crate::Result<()>;

/// Visits the state and then what happened to it meanwhile.
///
/// The rows are those of one moment. Some of what they show has no revision yet at that moment, because it is pending. So whatever is
/// pending is numbered afterwards, and the log is read from the revision of the rows on: it says again what the rows showed already, and
/// in the end everything up to its last revision has happened, and nothing else.
pub(super) fn load(
    store: &Postgres,
    environment: EnvironmentId,
    visit: Visit<'_>,
) -> crate::Result<Revision> {
    let mut session = store
        .pool
        .take_alive()
        .map_err(|failure| failure.into_error(LOADING))?;
    let loaded = load_on(&mut session, environment, visit);
    let gone = loaded.as_ref().is_err_and(Failure::is_disconnect);
    store.pool.take_back(session, gone);
    loaded.map_err(|failure| failure.into_error(LOADING))
}

fn load_on(session: &mut Session, environment: EnvironmentId, visit: Visit<'_>) -> Result<Revision> {
    let revision = rows(&mut session.read()?, environment, visit)?;
    numbering::number_pending(session, environment)?;
    let mut tx = session.read()?;
    let extent = log::extent(&mut tx, environment)?;
    for commit in log::after(&mut tx, environment, revision, extent)? {
        commit.changes.into_iter().try_for_each(&mut *visit)?;
    }
    Ok(extent.head)
}

fn rows(tx: &mut Tx<'_>, environment: EnvironmentId, visit: Visit<'_>) -> Result<Revision> {
    tx.take_your_time()?;
    let revision = log::extent(tx, environment)?.head;
    let number = number(environment)?;
    let sql = "select document, bindings from rowgate.schema where environment = $1";
    if let Some(row) = tx.query_opt(sql, &[&number])? {
        visit(Change::Schema {
            json: row.try_get(0)?,
        })?;
        if let Some(json) = row.try_get(1)? {
            visit(Change::Bindings { json: Some(json) })?;
        }
    }
    // In the order of creation, which lists keep.
    let sql = "select type, id, meta, created_at from rowgate.resource where environment = $1 \
               order by created_at, type, id";
    let mut rows = tx.stream(sql, &[&number])?;
    while let Some(row) = rows.next()? {
        visit(Change::PutResource {
            resource_type: row.try_get(0)?,
            resource_id: row.try_get(1)?,
            meta: row.try_get(2)?,
            created_at: row.try_get(3)?,
        })?;
    }
    drop(rows);
    // What a pending change created comes with its commit, so that the resources that it names get the times that the log gives them.
    let sql = "select resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy, created_at \
               from rowgate.warrant w where environment = $1 and not (policy_hash = ''::bytea and exists ( \
                   select from rowgate.pending p where p.environment = $1 and p.change = 'create' \
                       and p.resource_type = w.resource_type and p.resource_id = w.resource_id \
                       and p.relation = w.relation and p.subject_type = w.subject_type \
                       and p.subject_id = w.subject_id and p.subject_relation = w.subject_relation)) \
               order by created_at, resource_type, resource_id, relation, subject_type, subject_id";
    let mut rows = tx.stream(sql, &[&number])?;
    while let Some(row) = rows.next()? {
        visit(Change::CreateWarrant(warrant(&row)?))?;
    }
    Ok(revision)
}

fn warrant(row: &Row) -> Result<Warrant> {
    let option = |column: usize| -> Result<Option<String>> {
        let text: String = row.try_get(column)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    };
    Ok(Warrant {
        key: WarrantKey {
            resource_type: row.try_get(0)?,
            resource_id: row.try_get(1)?,
            relation: row.try_get(2)?,
            subject_type: row.try_get(3)?,
            subject_id: row.try_get(4)?,
            subject_relation: option(5)?,
            policy: option(6)?,
        },
        created_at: row.try_get(7)?,
    })
}
