//! The sessions of one role with one way to log in, to lend.

mod lease;
mod state;

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

pub(crate) use lease::Lease;
pub(super) use state::lock;
use state::{Idle, State, Taken};

use super::open::{Credentials, Logins, Opener};
use super::pools::{Gauge, Returned};
use super::{Affinity, Session};
use crate::config::Limits;
use crate::counters::Counters;
use crate::error::{Error, Result};
use crate::wire::WireError;

/// How soon a login is tried again whose last session Postgres still counts.
const AGAIN: Duration = Duration::from_millis(25);

/// How long a request waits for the reset of a session, before it looks for another session.
const SOON: Duration = Duration::from_millis(20);

/// How long a session may be idle before somebody looks whether its reset succeeded.
const UNSETTLED: Duration = Duration::from_millis(50);

const ALL_IN_USE: Error = Error::Busy("all sessions of the role are in use; try again");

/// Which pool.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(super) role: String,
    pub(super) credentials: Credentials,
}

/// Without the many names of logins: few pools have the same role.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.role.hash(state);
        if let Credentials::Password(password) = &self.credentials {
            password.hash(state);
        }
    }
}

/// The sessions of one role.
pub(crate) struct Pool {
    key: Key,
    opener: Arc<Opener>,
    limits: Limits,
    counters: Arc<Counters>,
    places: Arc<Semaphore>,
    /// Requests that wait for a place.
    waiting: AtomicUsize,
    state: Mutex<State>,
    returned: Arc<Returned>,
}

impl Pool {
    pub(super) fn new(
        key: Key,
        opener: Arc<Opener>,
        limits: Limits,
        counters: Arc<Counters>,
        places: Arc<Semaphore>,
        returned: Arc<Returned>,
    ) -> Self {
        let free = match &key.credentials {
            Credentials::Client(logins) => logins.names.iter().cloned().collect(),
            Credentials::Password(_) => VecDeque::new(),
        };
        Self {
            key,
            opener,
            limits,
            counters,
            places,
            waiting: AtomicUsize::new(0),
            state: Mutex::new(State::new(free)),
            returned,
        }
    }

    /// A session that nobody else uses, and that nobody left anything in but the same token, if one asks.
    pub(crate) async fn lend(self: Arc<Self>, token: Option<Affinity>) -> Result<Lease> {
        let keeps = token.filter(|token| lock(&self.state).recent.note(*token));
        let until = Instant::now() + self.limits.wait;
        let mut is_full = false;
        loop {
            let place = self.place().await?;
            let Some(session) = self.take_idle(token, is_full) else {
                match self.open().await? {
                    Some(session) => return Ok(self.lease(session, place, keeps)),
                    None if Instant::now() > until => return Err(ALL_IN_USE),
                    None => {
                        is_full = true;
                        yield_now().await;
                    }
                }
                continue;
            };
            let mut lease = self.lease(session, place, keeps);
            let session = lease.session()?;
            if session.is_kept() && session.kept == token {
                if session.connection.is_quiet().await {
                    self.counters.kept();
                    return Ok(lease);
                }
                continue;
            }
            if session.is_kept() {
                session.ask_for_reset().map_err(WireError::answer)?;
            }
            if timeout(SOON, session.settled()).await.is_err() {
                tokio::spawn(lease.settle());
            } else if session.settle().await.is_err() {
                self.counters.closed();
            } else if session.connection.is_quiet().await {
                return Ok(lease);
            }
        }
    }

    /// An idle session that is young enough. `is_full`: no other can be opened.
    fn take_idle(&self, token: Option<Affinity>, is_full: bool) -> Option<Session> {
        let mut state = lock(&self.state);
        while let Some(at) = state.best(token, is_full) {
            let idle = state.idle.remove(at);
            if !self.is_old(&idle) {
                return Some(idle.session);
            }
            state.release(&idle.session, &self.key);
        }
        None
    }

    fn is_old(&self, idle: &Idle) -> bool {
        idle.since.elapsed() > self.limits.idle || idle.session.opened.elapsed() > self.limits.age
    }

    fn lease(
        self: &Arc<Self>,
        session: Session,
        place: OwnedSemaphorePermit,
        keeps: Option<Affinity>,
    ) -> Lease {
        Lease::new(session, Arc::clone(self), place, keeps)
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::new(&self.waiting);
        let place = timeout(self.limits.wait, Arc::clone(&self.places).acquire_owned());
        match place.await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(ALL_IN_USE),
        }
    }

    /// None: no login is free, here or on other servers, but there was an idle session a moment ago.
    async fn open(&self) -> Result<Option<Session>> {
        match &self.key.credentials {
            Credentials::Client(logins) => self.open_as_client(logins).await,
            Credentials::Password(password) => self.opener.open(&self.key.role, password).await.map(Some),
        }
    }

    /// Another server may have a session with a login, or a client has changed its password; then it is the turn of the next.
    async fn open_as_client(&self, logins: &Logins) -> Result<Option<Session>> {
        let until = Instant::now() + self.limits.wait;
        let mut lost = 0;
        loop {
            let Some(login) = Taken::from(&self.state) else {
                return Ok(None);
            };
            let opened = self
                .opener
                .open_as_client(&self.key.role, login.name(), logins)
                .await;
            let error = match opened {
                Ok(session) => {
                    login.keep();
                    return Ok(Some(session));
                }
                Err(error) => error,
            };
            let in_use = match &error {
                WireError::Database(refusal) => refusal.has_code("53300"),
                WireError::Unexpected | WireError::Changing => false,
                _ => return Err(error.answer()),
            };
            if !in_use {
                tracing::error!(%error, login = login.name(), "a login of a client role cannot be used; run `rowgate pg install` again");
                lost += 1;
            }
            // A client may have spoilt its login; the others may be as they were.
            if lost >= logins.names.len() {
                return Err(Error::Unreachable(
                    "the database refuses the sessions of this role",
                ));
            }
            if Instant::now() > until {
                return Err(ALL_IN_USE);
            }
            drop(login);
            if in_use {
                if !self.is_empty() {
                    return Ok(None);
                }
                sleep(AGAIN).await;
            }
        }
    }

    /// Looks at the resets of idle sessions that nobody has needed since, and closes those that failed. Resets what was kept for long enough.
    pub(super) fn settle(self: &Arc<Self>) {
        let is_due = |idle: &Idle| {
            let idle_for = idle.since.elapsed();
            (idle.session.is_unsettled() && idle_for > UNSETTLED)
                || (idle.session.is_kept() && idle_for > self.limits.kept)
        };
        while let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let session = {
                let mut state = lock(&self.state);
                let Some(at) = state.idle.iter().position(is_due) else {
                    break;
                };
                state.idle.remove(at).session
            };
            tokio::spawn(self.lease(session, place, None).settle());
        }
        let is_awaited = |idle: &Idle| is_due(idle) || idle.session.is_kept();
        if lock(&self.state).idle.iter().any(is_awaited) {
            self.returned.tell();
        }
    }

    /// Idle sessions that are old, to be closed.
    pub(super) fn take_old(&self) -> Vec<Session> {
        let mut state = lock(&self.state);
        let (old, kept): (Vec<_>, _) = std::mem::take(&mut state.idle)
            .into_iter()
            .partition(|idle| self.is_old(idle));
        state.idle = kept;
        for idle in &old {
            state.release(&idle.session, &self.key);
        }
        old.into_iter().map(|idle| idle.session).collect()
    }

    /// Other logins took the place of these. The sessions that are to be closed.
    pub(super) fn replace(&self) -> Vec<Session> {
        lock(&self.state).replace()
    }

    /// Whether it has logins of the role.
    pub(super) fn is_of_client(&self, role: &str) -> bool {
        self.shown_role() == Some(role)
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.state).idle.is_empty()
    }

    /// The role as it is shown to operators; none for a role that a request chose.
    pub(super) fn shown_role(&self) -> Option<&str> {
        match self.key.credentials {
            Credentials::Client(_) => Some(&self.key.role),
            Credentials::Password(_) => None,
        }
    }

    /// Adds how the sessions are used at this moment.
    pub(super) fn count(&self, gauge: &mut Gauge) {
        gauge.idle += lock(&self.state).idle.len();
        gauge.waiting += self.waiting.load(Ordering::Relaxed);
        if let Credentials::Client(logins) = &self.key.credentials {
            let limit = logins.names.len();
            gauge.limit += limit;
            gauge.in_use += limit - self.places.available_permits().min(limit);
        }
    }
}

/// One that waits, counted until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
