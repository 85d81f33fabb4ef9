//! A server's turn at writing an environment.

use std::time::{Duration, Instant};

use super::environments::number;
use super::failure::{Failure, Result};
use super::log::{self, Extent};
use super::net::Net;
use super::number::{self, number_locked};
use super::rows::{self, Entry};
use super::session::{Session, Tx};
use super::{Postgres, environments};
use crate::{Change, Commit, EnvironmentId, ErrorKind, Revision, StoreError};

const WRITING: &str = "writing";

/// How often a turn begins anew, because the database undid it or others got ahead, before it is given up.
const ATTEMPTS: u32 = 6;

/// How long to wait before looking again whether a commit took place.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What prepares commits from those that came before.
type Prepare<'a> = &'a mut dyn FnMut(&[Commit]) -> crate::Result<Vec<Commit>>;

/// What identifies the commits of one attempt.
struct Writer {
    id: String,
    /// The first revision it wrote, once it has.
    first: Option<Revision>,
}

impl Writer {
    fn new() -> Writer {
        Writer {
            id: uuid::Uuid::now_v7().to_string(),
            first: None,
        }
    }
}

pub(super) fn take(
    store: &Postgres,
    environment: EnvironmentId,
    known: Revision,
    prepare: Prepare<'_>,
) -> crate::Result<Revision> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let mut writer = Writer::new();
        let mut session = store
            .pool
            .take_alive()
            .map_err(|failure| failure.into_error(WRITING))?;
        let failure = match attempt(&mut session, environment, known, prepare, &mut writer) {
            Ok(head) => {
                store.pool.give(session);
                return Ok(head);
            }
            Err(failure) => failure,
        };
        store.pool.take_back(session, failure.is_disconnect());
        let unknown = matches!(&failure, Failure::Store(error) if error.kind() == ErrorKind::OutcomeUnknown);
        if unknown && let Some(first) = writer.first {
            if let Some(head) = outcome(store, environment, first, &writer.id)? {
                return Ok(head);
            }
            // It did not take place, and the database is there again.
        } else if !failure.is_collision() && !unknown {
            return Err(failure.into_error(WRITING));
        }
        if attempts == ATTEMPTS {
            return Err(failure.into_error(WRITING));
        }
    }
}

fn attempt(
    session: &mut Session,
    environment: EnvironmentId,
    known: Revision,
    prepare: Prepare<'_>,
    writer: &mut Writer,
) -> Result<Revision> {
    let number = number(environment)?;
    let mut tx = session.begin()?;
    let mut extent = log::lock(&mut tx, environment)?;
    tx.execute("select pg_advisory_xact_lock_shared(1380403012, $1)", &[&number])?;
    let mut documents_locked = false;
    for _ in 0..ATTEMPTS {
        extent = number_locked(&mut tx, environment, extent)?;
        let before = log::after(&mut tx, environment, known, extent)?;
        let commits = prepare(&before)?;
        assert_following(environment, extent.head, &commits)?;
        let net = Net::of(&commits);
        if net.replaces_documents() && !documents_locked {
            // Waits for the applications that are writing under the documents in force, and what they wrote must be looked at.
            tx.execute("select pg_advisory_xact_lock(1380403012, $1)", &[&number])?;
            documents_locked = true;
            if !number::pending(&mut tx, number)?.is_empty() {
                continue;
            }
        }
        if commits.is_empty() {
            tx.commit()?;
            return Ok(extent.head);
        }
        if write(&mut tx, number, &net)? {
            let head = append_all(&mut tx, number, &commits, &writer.id)?.unwrap_or(extent.head);
            writer.first = commits.first().map(|commit| commit.revision);
            tx.commit()?;
            return Ok(head);
        }
    }
    let what = format!(
        "environment {environment}: applications changed the same warrants {ATTEMPTS} times in a row; try again"
    );
    Err(Failure::new(ErrorKind::Busy, what))
}

/// Writes the rows. Returns whether that stands: a transaction that held one of them, and has committed since, comes first, and the
/// writes have to be checked against what it did. Then nothing is written.
fn write(tx: &mut Tx<'_>, environment: i32, net: &Net<'_>) -> Result<bool> {
    tx.batch("savepoint rows")?;
    rows::write(tx, environment, net)?;
    let overtaken = number::pending(tx, environment)?
        .iter()
        .any(|pending| match &pending.change {
            Change::CreateWarrant(warrant) => net.touches(&warrant.key),
            Change::DeleteWarrant(key) => net.touches(key),
            _ => true,
        });
    if overtaken {
        tx.batch("rollback to savepoint rows")?;
    }
    tx.batch("release savepoint rows")?;
    Ok(!overtaken)
}

fn append_all(
    tx: &mut Tx<'_>,
    environment: i32,
    commits: &[Commit],
    writer: &str,
) -> Result<Option<Revision>> {
    let entries: Vec<Entry<'_>> = commits
        .iter()
        .map(|commit| Entry {
            commit,
            xid: None,
            writer: Some(writer),
        })
        .collect();
    rows::append(tx, environment, &entries)?;
    Ok(commits.last().map(|commit| commit.revision))
}

/// Whether commits follow the head of their environment.
fn assert_following(environment: EnvironmentId, head: Revision, commits: &[Commit]) -> Result<()> {
    let mut expected = head;
    for commit in commits {
        expected = expected.next();
        if commit.environment != environment || commit.revision != expected {
            let what = format!(
                "revision {} of environment {} was to be appended to environment {environment}, where {expected} is next",
                commit.revision, commit.environment
            );
            return Err(Failure::new(ErrorKind::RevisionConflict, what));
        }
    }
    Ok(())
}

/// Finds out whether a commit took place whose answer was lost. Returns the head if it did.
fn outcome(
    store: &Postgres,
    environment: EnvironmentId,
    first: Revision,
    writer: &str,
) -> crate::Result<Option<Revision>> {
    let since = Instant::now();
    loop {
        let asked = store.pool.connect().and_then(|mut session| {
            let found = took_place(&mut session, environment, first, writer);
            store.pool.give(session);
            found
        });
        match asked {
            Ok(found) => return Ok(found),
            Err(failure) if since.elapsed() < store.options.patience && !store.pool.is_closed() => {
                if !failure.is_disconnect() && !is_busy(&failure) {
                    return Err(unknown(failure));
                }
                std::thread::sleep(LOOK_AGAIN);
            }
            Err(failure) => return Err(unknown(failure)),
        }
    }
}

fn is_busy(failure: &Failure) -> bool {
    failure.has_code(&postgres::error::SqlState::LOCK_NOT_AVAILABLE)
        || failure.has_code(&postgres::error::SqlState::QUERY_CANCELED)
}

fn unknown(failure: Failure) -> StoreError {
    let what = "the connection was lost while a write was being committed, and the database cannot be asked whether it was; \
                it is stored whole or not at all, read it again to see which";
    StoreError::new(ErrorKind::OutcomeUnknown, what).with_source(failure.into_error("asking"))
}

fn took_place(
    session: &mut Session,
    environment: EnvironmentId,
    first: Revision,
    writer: &str,
) -> Result<Option<Revision>> {
    let mut tx = session.begin()?;
    // The lost transaction holds this lock until it has ended, one way or the other.
    let extent = log::lock(&mut tx, environment)?;
    let sql = "select exists (select from rowgate.commit where environment = $1 and revision = $2 and writer = $3::text::uuid)";
    let row = tx.query_one(sql, &[&number(environment)?, &log::as_number(first), &writer])?;
    Ok(row.try_get::<_, bool>(0)?.then_some(extent.head))
}

/// Appends commits of several environments, all or none.
pub(super) fn append(store: &Postgres, commits: &[Commit]) -> crate::Result<()> {
    let mut environments: Vec<EnvironmentId> = commits.iter().map(|commit| commit.environment).collect();
    environments.sort();
    environments.dedup();
    let own = |environment: EnvironmentId| -> Vec<Commit> {
        let of = commits.iter().filter(|commit| commit.environment == environment);
        of.cloned().collect()
    };
    if let [only] = environments.as_slice() {
        let own = own(*only);
        let known = own
            .first()
            .map_or(0, |first| first.revision.get().saturating_sub(1));
        let sequence = |before: &[Commit]| match before {
            [] => Ok(own.clone()),
            _ => Err(conflict(*only)),
        };
        return take(store, *only, Revision::from_u64(known), &mut { sequence }).map(|_| ());
    }
    store.pool.write(WRITING, |session| {
        let mut tx = session.begin()?;
        for environment in &environments {
            append_here(&mut tx, *environment, &own(*environment))?;
        }
        tx.commit()
    })
}

fn append_here(tx: &mut Tx<'_>, environment: EnvironmentId, commits: &[Commit]) -> Result<()> {
    let number = environments::number(environment)?;
    let extent = log::lock(tx, environment)?;
    let net = Net::of(commits);
    let mode = if net.replaces_documents() {
        "select pg_advisory_xact_lock(1380403012, $1)"
    } else {
        "select pg_advisory_xact_lock_shared(1380403012, $1)"
    };
    tx.execute(mode, &[&number])?;
    let extent: Extent = number_locked(tx, environment, extent)?;
    assert_following(environment, extent.head, commits)?;
    if !write(tx, number, &net)? {
        return Err(conflict(environment).into());
    }
    append_all(tx, number, commits, &uuid::Uuid::now_v7().to_string())?;
    Ok(())
}

fn conflict(environment: EnvironmentId) -> StoreError {
    let what = format!("environment {environment}: others wrote to it since these commits were prepared");
    StoreError::new(ErrorKind::RevisionConflict, what)
}
