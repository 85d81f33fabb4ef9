//! Hearing of what others wrote.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator;

use super::failure::{Failure, Result};
use super::session::{Session, Tx};
use super::{Postgres, environments, log};
use crate::{EnvironmentId, EnvironmentStanding, Shared, Standing, TransactionState};

pub(super) fn standing(session: &mut Session) -> Result<Standing> {
    let sql = "select r.version, e.id, e.head, \
                   exists (select from rowgate.pending p where p.environment = e.id) \
               from rowgate.registry r left join rowgate.environment e on true order by e.id";
    let rows = session.read()?.query(sql, &[])?;
    let mut standing = Standing {
        registry: 0,
        environments: Vec::with_capacity(rows.len()),
    };
    for row in &rows {
        standing.registry = u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or_default();
        if let Some(id) = row.try_get(1)? {
            standing.environments.push(EnvironmentStanding {
                id: environments::id(id)?,
                head: log::revision(row.try_get(2)?)?,
                pending: row.try_get(3)?,
            });
        }
    }
    Ok(standing)
}

/// Waits for a notification, on a connection of its own.
pub(super) fn wait(store: &Postgres, at_most: Duration) -> crate::Result<bool> {
    let mut listener = listener(store);
    let heard = wait_on(store, &mut listener, at_most);
    if heard.is_err() || store.pool.is_closed() {
        *listener = None;
    }
    heard.map_err(|failure| failure.into_error("waiting for changes"))
}

fn wait_on(store: &Postgres, listener: &mut Option<Session>, at_most: Duration) -> Result<bool> {
    let session = match listener {
        Some(session) => session,
        None => {
            let mut session = store.pool.connect()?;
            session.client().batch_execute("listen rowgate")?;
            // Whatever was said before is to be looked for.
            *listener = Some(session);
            return Ok(true);
        }
    };
    let mut notifications = session.client().notifications();
    let first = notifications.timeout_iter(at_most).next()?;
    // Several that came together are one reason to look.
    let mut more = notifications.iter();
    while more.next()?.is_some() {}
    drop(more);
    drop(notifications);
    if first.is_none() {
        // Silence may also mean that the connection is gone.
        session.client().is_valid(at_most.max(Duration::from_secs(5)))?;
    }
    Ok(first.is_some())
}

fn listener(store: &Postgres) -> MutexGuard<'_, Option<Session>> {
    store.listener.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the connection that listens, unless somebody is waiting on it; they end it.
pub(super) fn hang_up(store: &Postgres) {
    if let Ok(mut listener) = store.listener.try_lock() {
        *listener = None;
    }
}

enum Fate {
    Running,
    Committed,
    RolledBack,
    Unheard,
}

pub(super) fn transaction(
    store: &Postgres,
    environment: EnvironmentId,
    number: u64,
) -> crate::Result<TransactionState> {
    let asking = "asking for a transaction";
    // In a transaction of its own: what follows must see what had committed by the time of the answer.
    let fate = store
        .pool
        .run(asking, |session| fate(&mut session.begin()?, number))?;
    match fate {
        Fate::Running => return Ok(TransactionState::Running),
        Fate::RolledBack => return Ok(TransactionState::RolledBack),
        Fate::Unheard => return Ok(TransactionState::Unheard),
        Fate::Committed => {}
    }
    let revision = |session: &mut Session| {
        let sql = "select max(revision) from rowgate.commit where environment = $1 and xid = $2::text::xid8";
        let row = session
            .read()?
            .query_one(sql, &[&environments::number(environment)?, &number.to_string()])?;
        row.try_get::<_, Option<i64>>(0)?.map(log::revision).transpose()
    };
    if let Some(revision) = store.pool.run(asking, revision)? {
        return Ok(TransactionState::Committed(revision));
    }
    // It is pending, or it changed nothing, or its commit was pruned from the log.
    store.number_pending(environment).map(TransactionState::Committed)
}

fn fate(tx: &mut Tx<'_>, number: u64) -> Result<Fate> {
    let row = tx.query_one("select pg_xact_status($1::text::xid8)", &[&number.to_string()]);
    let row = match row {
        Err(failure @ Failure::Postgres(_)) if failure.has_code(&SqlState::INVALID_PARAMETER_VALUE) => {
            return Ok(Fate::Unheard);
        }
        row => row?,
    };
    Ok(match row.try_get::<_, Option<&str>>(0)? {
        Some("in progress") => Fate::Running,
        Some("aborted") => Fate::RolledBack,
        // Of an old transaction, nothing is known any more; what it changed has long been numbered.
        _ => Fate::Committed,
    })
}
