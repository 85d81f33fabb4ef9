//! A session while a request uses it.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::cancel;
use crate::error::{Error, Result};
use crate::gateway::Gateway;
use crate::session::{Lease, Session};
use crate::wire::Transaction;

/// A session that a request uses. Dropped like that, because the request was given up or failed half-way, what it runs is stopped and it is
/// closed: a session is never left in the middle.
pub(crate) struct InUse {
    gateway: Arc<Gateway>,
    lease: Option<Lease>,
}

impl InUse {
    pub(crate) fn new(gateway: &Arc<Gateway>, lease: Lease) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            lease: Some(lease),
        }
    }

    pub(crate) fn get(&mut self) -> Result<&mut Session> {
        let lease = self.lease.as_mut();
        lease.ok_or(Error::Unreachable("the session is gone"))?.session()
    }

    /// For the next user, or closed if it cannot be made clean.
    pub(crate) fn put_back(mut self, transaction: Transaction) {
        if let Some(lease) = self.lease.take() {
            lease.put_back(transaction);
        }
    }

    /// For nobody any more.
    pub(crate) fn close(mut self) {
        if let Some(lease) = self.lease.take() {
            lease.close();
        }
    }

    /// For the next request of the same token, if it may be kept.
    pub(crate) fn keep(mut self) {
        if let Some(lease) = self.lease.take() {
            lease.keep();
        }
    }

    /// Whether the session may be kept for the token of the request.
    pub(crate) fn may_keep(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::may_keep)
    }

    /// For the next user. Only after a reset.
    pub(crate) fn give_back(mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        // Without a runtime the process is about to end, and its connections with it.
        if let (Some(lease), Ok(runtime)) = (self.lease.take(), Handle::try_current()) {
            self.gateway.counters.closed();
            runtime.spawn(cancel::stop(Arc::clone(&self.gateway), lease));
        }
    }
}
