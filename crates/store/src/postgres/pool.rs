//! The connections that are kept, and when to try again after the database was gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::PostgresOptions;
use super::failure::{self, Failure};
use super::session::Session;
use super::target::Target;
use crate::{ErrorKind, Result, StoreError};

/// Connections that are kept open while nobody uses them.
const KEPT: usize = 4;

/// How often work is tried that the database ended for the sake of another transaction.
const COLLISIONS: u32 = 4;

const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Connections to one database.
pub(super) struct Pool {
    target: Target,
    options: PostgresOptions,
    idle: Mutex<Vec<Session>>,
    outage: Mutex<Option<Outage>>,
    closed: AtomicBool,
}

/// Since when connecting fails. Callers in between get the same answer at once, so that a database that is starting is not
/// besieged and nobody waits for connections that time out one after the other.
struct Outage {
    said: String,
    pause: Duration,
    until: Instant,
}

impl Pool {
    pub(super) fn new(target: Target, options: &PostgresOptions) -> Pool {
        Pool {
            target,
            options: options.clone(),
            idle: Mutex::default(),
            outage: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// Does work that may be done again, such as reading. It is, once, when a connection that was kept turns out to be gone.
    pub(super) fn run<T>(
        &self,
        doing: &str,
        mut work: impl FnMut(&mut Session) -> failure::Result<T>,
    ) -> Result<T> {
        let mut again = true;
        loop {
            let (mut session, kept) = self.take().map_err(|failure| failure.into_error(doing))?;
            match work(&mut session) {
                Ok(done) => {
                    self.give(session);
                    return Ok(done);
                }
                Err(failure) => {
                    let gone = failure.is_disconnect();
                    self.take_back(session, gone);
                    if !(gone && kept && std::mem::take(&mut again)) {
                        return Err(failure.into_error(doing));
                    }
                }
            }
        }
    }

    /// Does work that writes and may be done again when the database undid it for the sake of another transaction. A connection that
    /// was kept is looked at first.
    pub(super) fn write<T>(
        &self,
        doing: &str,
        mut work: impl FnMut(&mut Session) -> failure::Result<T>,
    ) -> Result<T> {
        let mut collisions = 0;
        loop {
            let mut session = self.take_alive().map_err(|failure| failure.into_error(doing))?;
            let failure = match work(&mut session) {
                Ok(done) => {
                    self.give(session);
                    return Ok(done);
                }
                Err(failure) => failure,
            };
            self.take_back(session, failure.is_disconnect());
            collisions += 1;
            if !failure.is_collision() || collisions >= COLLISIONS {
                return Err(failure.into_error(doing));
            }
        }
    }

    /// A connection that answered just now.
    pub(super) fn take_alive(&self) -> failure::Result<Session> {
        loop {
            let (mut session, kept) = self.take()?;
            if !kept || session.client().is_valid(Duration::from_secs(5)).is_ok() {
                return Ok(session);
            }
            self.idle().clear();
        }
    }

    /// A connection, and whether it is one that was kept.
    fn take(&self) -> failure::Result<(Session, bool)> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::new(ErrorKind::Closed, "the store was closed").into());
        }
        let kept = self.idle().pop().filter(|session| !session.is_closed());
        match kept {
            Some(session) => Ok((session, true)),
            None => self.connect().map(|session| (session, false)),
        }
    }

    /// A new connection, unless connecting has just failed.
    pub(super) fn connect(&self) -> failure::Result<Session> {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outage) = outage.as_ref().filter(|outage| Instant::now() < outage.until) {
            let what = format!(
                "the database cannot be reached: {}; trying again shortly",
                outage.said
            );
            return Err(Failure::new(ErrorKind::Unavailable, what));
        }
        drop(outage);
        let connected = Session::open(&self.target, &self.options);
        outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        match connected {
            Ok(session) => {
                *outage = None;
                Ok(session)
            }
            Err(failure) => {
                let pause = outage
                    .as_ref()
                    .map_or(SHORTEST_PAUSE, |outage| (outage.pause * 2).min(LONGEST_PAUSE));
                if let Failure::Postgres(error) = &failure {
                    *outage = Some(Outage {
                        said: failure::said(error),
                        pause,
                        until: Instant::now() + pause,
                    });
                }
                Err(failure)
            }
        }
    }

    /// Keeps a connection for the next one who needs one.
    pub(super) fn give(&self, session: Session) {
        let mut idle = self.idle();
        if idle.len() < KEPT && !self.closed.load(Ordering::Acquire) && !session.is_closed() {
            idle.push(session);
        }
    }

    /// After a failure. When one connection is gone, so are the others, most likely.
    pub(super) fn take_back(&self, session: Session, gone: bool) {
        if gone {
            self.idle().clear();
        } else {
            self.give(session);
        }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.idle().clear();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
