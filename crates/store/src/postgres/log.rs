//! The log of an environment.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postgres::fallible_iterator::FallibleIterator;

use super::environments::{self, number};
use super::failure::{Failure, Result};
use super::pool::Pool;
use super::session::{Session, Tx};
use crate::{Commit, DecodeError, EnvironmentId, ErrorKind, Revision, StoreError, decode_commit};

/// Most commits that are removed in one transaction.
const PRUNED_AT_ONCE: i64 = 5_000;

/// What the log holds: the commits after `base` up to `head`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) base: Revision,
    pub(super) head: Revision,
}

impl Extent {
    fn of(row: &postgres::Row) -> Result<Extent> {
        Ok(Extent {
            base: revision(row.try_get(0)?)?,
            head: revision(row.try_get(1)?)?,
        })
    }
}

/// A revision that the database has as a number.
pub(super) fn revision(number: i64) -> Result<Revision> {
    u64::try_from(number)
        .map(Revision::from_u64)
        .map_err(|_| Failure::new(ErrorKind::Corrupt, format!("the revision {number} is negative")))
}

/// A revision as the database has it.
pub(super) fn as_number(revision: Revision) -> i64 {
    i64::try_from(revision.get()).unwrap_or(i64::MAX)
}

pub(super) fn extent(tx: &mut Tx<'_>, environment: EnvironmentId) -> Result<Extent> {
    let sql = "select base, head from rowgate.environment where id = $1";
    let row = tx.query_opt(sql, &[&number(environment)?])?;
    Extent::of(&row.ok_or_else(|| environments::unknown(environment))?)
}

/// What the log holds, with the lock that whoever appends must have. Nobody else appends until the transaction ends.
pub(super) fn lock(tx: &mut Tx<'_>, environment: EnvironmentId) -> Result<Extent> {
    let sql = "select base, head from rowgate.environment where id = $1 for no key update";
    let row = tx.query_opt(sql, &[&number(environment)?])?;
    Extent::of(&row.ok_or_else(|| environments::unknown(environment))?)
}

pub(super) fn assert_reached(environment: EnvironmentId, revision: Revision, head: Revision) -> Result<()> {
    if revision <= head {
        return Ok(());
    }
    let what = format!("environment {environment} is at revision {head} and has no revision {revision}");
    Err(Failure::new(ErrorKind::RevisionConflict, what))
}

fn assert_kept(environment: EnvironmentId, revision: Revision, base: Revision) -> Result<()> {
    if revision >= base {
        return Ok(());
    }
    let what = format!(
        "the log of environment {environment} begins after revision {base}; what came after revision {revision} has to be \
         loaded from the tables"
    );
    Err(Failure::new(ErrorKind::RevisionTruncated, what))
}

const AFTER: &str = "select revision, changes from rowgate.commit \
                     where environment = $1 and revision > $2 and revision <= $3 order by revision";

/// The commits after a revision.
pub(super) fn after(
    tx: &mut Tx<'_>,
    environment: EnvironmentId,
    revision: Revision,
    extent: Extent,
) -> Result<Vec<Commit>> {
    let mut commits = Vec::new();
    if revision != extent.head {
        each_after(tx, environment, revision, extent, &mut |commit| {
            commits.push(commit);
            Ok(())
        })?;
    }
    Ok(commits)
}

fn each_after(
    tx: &mut Tx<'_>,
    environment: EnvironmentId,
    revision: Revision,
    extent: Extent,
    visit: &mut dyn FnMut(Commit) -> crate::Result<()>,
) -> Result<()> {
    assert_reached(environment, revision, extent.head)?;
    assert_kept(environment, revision, extent.base)?;
    let (from, to) = (as_number(revision), as_number(extent.head));
    let mut rows = tx.stream(AFTER, &[&number(environment)?, &from, &to])?;
    let mut expected = revision;
    while let Some(row) = rows.next()? {
        let commit = decode(environment, row.try_get(0)?, row.try_get(1)?)?;
        expected = expected.next();
        if commit.revision != expected {
            return Err(gap(environment, expected));
        }
        visit(commit)?;
    }
    if expected != extent.head {
        return Err(gap(environment, expected.next()));
    }
    Ok(())
}

fn gap(environment: EnvironmentId, missing: Revision) -> Failure {
    let what = format!("rowgate.commit: revision {missing} of environment {environment} is missing");
    Failure::new(ErrorKind::Corrupt, what)
}

fn decode(environment: EnvironmentId, number: i64, changes: &[u8]) -> Result<Commit> {
    let what = |why: String| format!("rowgate.commit: revision {number} of environment {environment}: {why}");
    let commit = decode_commit(changes).map_err(|error| {
        let kind = match error {
            DecodeError::Version(_) => ErrorKind::Version,
            _ => ErrorKind::Corrupt,
        };
        StoreError::new(kind, what(error.to_string())).with_source(error)
    })?;
    if commit.environment != environment || as_number(commit.revision) != number {
        let why = format!(
            "it says it is revision {} of {}",
            commit.revision, commit.environment
        );
        return Err(Failure::new(ErrorKind::Corrupt, what(why)));
    }
    Ok(commit)
}

pub(super) fn visit_after(
    pool: &Pool,
    environment: EnvironmentId,
    revision: Revision,
    visit: &mut dyn FnMut(Commit) -> crate::Result<()>,
) -> crate::Result<()> {
    // Once something was visited, beginning again would visit it twice.
    let mut session = pool.take_alive().map_err(|failure| failure.into_error(READING))?;
    let read = visit_on(&mut session, environment, revision, visit);
    let gone = read.as_ref().is_err_and(Failure::is_disconnect);
    pool.take_back(session, gone);
    read.map_err(|failure| failure.into_error(READING))
}

const READING: &str = "reading the log";

fn visit_on(
    session: &mut Session,
    environment: EnvironmentId,
    revision: Revision,
    visit: &mut dyn FnMut(Commit) -> crate::Result<()>,
) -> Result<()> {
    let mut tx = session.read()?;
    let extent = extent(&mut tx, environment)?;
    each_after(&mut tx, environment, revision, extent, visit)
}

/// Removes what is older than the retention, from the front of each log.
pub(super) fn prune(pool: &Pool, retention: Duration) -> crate::Result<u64> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64);
    let before = now.saturating_sub(retention.as_micros() as i64);
    let mut pruned = 0;
    for environment in pool.run("pruning the log", environments::list)? {
        loop {
            let removed = pool.write("pruning the log", |session| {
                prune_some(session, environment.id, before)
            })?;
            pruned += removed;
            if removed < PRUNED_AT_ONCE as u64 {
                break;
            }
        }
    }
    Ok(pruned)
}

fn prune_some(session: &mut Session, environment: EnvironmentId, before: i64) -> Result<u64> {
    let number = number(environment)?;
    let mut tx = session.begin()?;
    // Whoever is appending has precedence; there is a next time.
    let sql = "select base from rowgate.environment where id = $1 for no key update skip locked";
    let Some(row) = tx.query_opt(sql, &[&number])? else {
        return Ok(0);
    };
    let base: i64 = row.try_get(0)?;
    // The first that is too young, among the next ones, is the first that stays.
    let sql = "select coalesce(min(revision) filter (where at >= $3) - 1, max(revision)) \
               from (select revision, at from rowgate.commit where environment = $1 and revision > $2 \
                     order by revision limit $4) oldest";
    let row = tx.query_one(sql, &[&number, &base, &before, &PRUNED_AT_ONCE])?;
    let Some(last) = row.try_get::<_, Option<i64>>(0)?.filter(|last| *last > base) else {
        return Ok(0);
    };
    tx.execute(
        "update rowgate.environment set base = $2 where id = $1",
        &[&number, &last],
    )?;
    let sql = "delete from rowgate.commit where environment = $1 and revision <= $2";
    let removed = tx.execute(sql, &[&number, &last])?;
    tx.commit()?;
    Ok(removed)
}
