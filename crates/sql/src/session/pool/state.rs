//! The idle sessions of a pool and the logins without one, and which of them is next.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Key;
use crate::session::affinity::Recent;
use crate::session::{Affinity, Credentials, Session};

/// How long a kept session is idle before others get it although there is a login with which one could be opened.
const RESTED: Duration = Duration::from_millis(100);

/// What of a pool changes.
pub(super) struct State {
    /// The one used last is used next, so that those that are not needed become old.
    pub(super) idle: Vec<Idle>,
    /// Logins without a session.
    free: VecDeque<String>,
    pub(super) recent: Recent,
    /// Whether other logins took the place of these: then no session comes back.
    is_replaced: bool,
}

pub(super) struct Idle {
    pub(super) session: Session,
    pub(super) since: Instant,
}

impl State {
    /// No session yet, and these logins.
    pub(super) fn new(free: VecDeque<String>) -> Self {
        Self {
            idle: Vec::new(),
            recent: Recent::new(free.len()),
            free,
            is_replaced: false,
        }
    }

    /// Where the session is that is lent next: the one that is kept for the token; else one that is kept for nobody, whose reset is done, if there is
    /// one; else the one that was kept longest without being used.
    pub(super) fn best(&mut self, token: Option<Affinity>, is_full: bool) -> Option<usize> {
        let own = |idle: &Idle| idle.session.is_kept() && idle.session.kept == token;
        let at = self.idle.iter().rposition(own);
        at.or_else(|| {
            let is_settled = |idle: &mut Idle| !idle.session.is_kept() && idle.session.is_settled();
            self.idle.iter_mut().rposition(is_settled)
        })
        .or_else(|| self.idle.iter().rposition(|idle| !idle.session.is_kept()))
        .or_else(|| {
            let is_full = is_full || self.free.is_empty();
            let longest = self.idle.first()?;
            (is_full || longest.since.elapsed() > RESTED).then_some(0)
        })
    }

    /// Takes a session back. Where there are other logins now, it is to be closed.
    pub(super) fn take_back(&mut self, session: Session) -> Option<Session> {
        if self.is_replaced {
            return Some(session);
        }
        let since = Instant::now();
        self.idle.push(Idle { session, since });
        None
    }

    /// From now on no session comes back. Those that are here are to be closed.
    pub(super) fn replace(&mut self) -> Vec<Session> {
        self.is_replaced = true;
        self.idle.drain(..).map(|idle| idle.session).collect()
    }

    /// Its session is about to be closed, so its login is free.
    pub(super) fn release(&mut self, session: &Session, key: &Key) {
        if matches!(key.credentials, Credentials::Client(_)) {
            self.free.push_back(session.login.clone());
        }
    }
}

/// A login with which a session is being opened. It is free again when dropped, also where nobody waits for the session any more.
pub(super) struct Taken<'a> {
    state: &'a Mutex<State>,
    login: String,
    is_kept: bool,
}

impl<'a> Taken<'a> {
    /// The next that is free.
    pub(super) fn from(state: &'a Mutex<State>) -> Option<Self> {
        let login = lock(state).free.pop_front()?;
        Some(Self {
            state,
            login,
            is_kept: false,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.login
    }

    /// There is a session with it.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            lock(self.state).free.push_back(std::mem::take(&mut self.login));
        }
    }
}

/// What is kept is whole after every statement, so a panic elsewhere does not spoil it.
pub(in crate::session) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
