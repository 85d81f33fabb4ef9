//! The audit logs of the environments.

use super::environments;
use super::failure::{Failure, Result};
use super::log;
use super::rows::Entry;
use super::session::{Session, Tx};
use crate::audit::entries;
use crate::{AuditEntry, AuditPlace, AuditRange, EnvironmentId, ErrorKind};

/// Most entries that are removed in one transaction.
const PRUNED_AT_ONCE: i64 = 5_000;

/// Files what commits say of themselves, in the transaction that appends them.
pub(super) fn file(tx: &mut Tx<'_>, environment: i32, appended: &[Entry<'_>]) -> Result<()> {
    let all = appended.iter().flat_map(|appended| {
        let commit = appended.commit;
        entries(commit).map(move |(place, entry)| (place, commit.at, entry))
    });
    let (mut revisions, mut indexes, mut times, mut texts) = (vec![], vec![], vec![], vec![]);
    for (place, at, entry) in all {
        revisions.push(log::as_number(place.revision));
        indexes.push(i64::from(place.index));
        times.push(at);
        texts.push(entry);
    }
    if texts.is_empty() {
        return Ok(());
    }
    let sql = "insert into rowgate.audit (environment, revision, index, at, entry) \
               select $1, revision, index, at, entry \
               from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) made (revision, index, at, entry)";
    tx.execute(sql, &[&environment, &revisions, &indexes, &times, &texts])?;
    Ok(())
}

const NEWEST_FIRST: &str = "select revision, index, at, entry from rowgate.audit \
                            where environment = $1 and (revision, index) < ($2, $3) \
                            order by revision desc, index desc limit $4";

const OLDEST_FIRST: &str = "select revision, index, at, entry from rowgate.audit \
                            where environment = $1 and (revision, index) > ($2, $3) \
                            order by revision, index limit $4";

pub(super) fn read(
    session: &mut Session,
    environment: EnvironmentId,
    range: &AuditRange,
) -> Result<Vec<AuditEntry>> {
    let number = environments::number(environment)?;
    let mut tx = session.read()?;
    log::extent(&mut tx, environment)?;
    let (sql, beginning) = if range.newest_first {
        (NEWEST_FIRST, (i64::MAX, i64::MAX))
    } else {
        (OLDEST_FIRST, (-1, -1))
    };
    let after = range.after.map_or(beginning, |place| {
        (log::as_number(place.revision), i64::from(place.index))
    });
    let limit = i64::try_from(range.limit).unwrap_or(i64::MAX);
    let rows = tx.query(sql, &[&number, &after.0, &after.1, &limit])?;
    rows.iter().map(entry).collect()
}

fn entry(row: &postgres::Row) -> Result<AuditEntry> {
    let index: i64 = row.try_get(1)?;
    let index = u32::try_from(index).map_err(|_| {
        let what = format!("rowgate.audit: {index} is not the number of an entry");
        Failure::new(ErrorKind::Corrupt, what)
    })?;
    Ok(AuditEntry {
        place: AuditPlace {
            revision: log::revision(row.try_get(0)?)?,
            index,
        },
        at: row.try_get(2)?,
        entry: row.try_get(3)?,
    })
}

/// Removes what is older than a moment, up to a number. Returns how many, and whether there may be more.
pub(super) fn prune_some(
    session: &mut Session,
    environment: EnvironmentId,
    before: i64,
) -> Result<(u64, bool)> {
    let number = environments::number(environment)?;
    let mut tx = session.begin()?;
    let sql = "delete from rowgate.audit a using \
                   (select revision, index from rowgate.audit where environment = $1 and at < $2 order by at limit $3) old \
               where a.environment = $1 and a.revision = old.revision and a.index = old.index";
    let removed = tx.execute(sql, &[&number, &before, &PRUNED_AT_ONCE])?;
    tx.commit()?;
    Ok((removed, removed == PRUNED_AT_ONCE as u64))
}
