//! A session on loan.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::{Pool, lock};
use crate::error::{Error, Result};
use crate::session::{Affinity, Session};
use crate::wire::{Transaction, WireError};

/// A session on loan. Dropped, it is closed; see [`Lease::give_back`].
pub(crate) struct Lease {
    session: Option<Session>,
    pool: Arc<Pool>,
    /// The token that the session may be kept for.
    keeps: Option<Affinity>,
    _place: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn new(
        session: Session,
        pool: Arc<Pool>,
        place: OwnedSemaphorePermit,
        keeps: Option<Affinity>,
    ) -> Self {
        Self {
            session: Some(session),
            pool,
            keeps,
            _place: place,
        }
    }

    /// There until it is given back.
    pub(crate) fn session(&mut self) -> Result<&mut Session> {
        self.session
            .as_mut()
            .ok_or(Error::Unreachable("the session is gone"))
    }

    /// Whether the session may be kept for the token that has it: the token had one a moment ago, so it may come again soon.
    pub(crate) fn may_keep(&self) -> bool {
        self.keeps.is_some()
    }

    /// For the next request of the same token, as it is. Anybody else gets it after a reset only.
    pub(crate) fn keep(mut self) {
        let keeps = self.keeps;
        match &mut self.session {
            Some(session) if keeps.is_some() => {
                session.kept = keeps;
                session.connection.trim();
                self.give_back();
            }
            _ => self.put_back(Transaction::None),
        }
    }

    /// For the next user, once it is reset; closed if that fails. Nobody waits for a reset that was asked for already: what came of it is
    /// read before the session is lent again.
    pub(crate) fn put_back(mut self, transaction: Transaction) {
        match &self.session {
            Some(session) if session.is_unsettled() && transaction == Transaction::None => self.give_back(),
            _ => drop(tokio::spawn(async move {
                let Ok(session) = self.session() else { return };
                let outcome = session.reset(transaction).await;
                self.finish(outcome);
            })),
        }
    }

    /// For nobody any more.
    pub(crate) fn close(mut self) {
        if let Some(session) = self.session.take() {
            lock(&self.pool.state).release(&session, &self.pool.key);
            tokio::spawn(session.connection.close());
        }
    }

    /// Waits for a reset that was asked for.
    pub(super) async fn settle(mut self) {
        let Ok(session) = self.session() else { return };
        let outcome = session.settle().await;
        self.finish(outcome);
    }

    fn finish(self, outcome: Result<(), WireError>) {
        match outcome {
            Ok(()) => self.give_back(),
            Err(error) => {
                self.pool.counters.closed();
                tracing::debug!(%error, "a session was closed because it could not be reset");
            }
        }
    }

    /// For the next user. Only after a reset, when one was asked for, or when it says whom it is kept for.
    pub(crate) fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            let is_unsettled = session.is_unsettled() || session.is_kept();
            let unwanted = lock(&self.pool.state).take_back(session);
            if let Some(session) = unwanted {
                tokio::spawn(session.connection.close());
            } else if is_unsettled {
                self.pool.returned.tell();
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            lock(&self.pool.state).release(&session, &self.pool.key);
        }
    }
}
