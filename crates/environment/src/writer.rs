//! The threads that write. Each takes what is queued as a group and carries it through three stages: *prepare*, which checks and
//! applies each write in order to the newest state; *append*, which makes the group durable with one flush; *publish*, after which
//! the writes can be read and are answered.
//!
//! While one group is appended another is prepared on top of it. Should the append fail, everything since the last durable
//! state is taken back, the group that is being prepared included.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rowgate_store::Store;

use crate::environment::Inner;
use crate::form::Form;
use crate::group::Group;
use crate::queue::Queue;
use crate::write::Written;
use crate::{Error, Result};

type Done = Box<dyn FnOnce(Result<Written>) + Send>;

/// Who waits for the outcome of a write. One that is dropped, because the writing has ended, is answered all the same.
pub(crate) struct Reply(Option<Done>);

impl Reply {
    pub(crate) fn new(done: impl FnOnce(Result<Written>) + Send + 'static) -> Self {
        Self(Some(Box::new(done)))
    }

    pub(crate) fn send(mut self, outcome: Result<Written>) {
        if let Some(done) = self.0.take() {
            done(outcome);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(Error::Stopping));
        }
    }
}

/// A queued write.
pub(crate) struct Job {
    pub(crate) environment: Arc<Inner>,
    pub(crate) form: Form,
    pub(crate) reply: Reply,
}

/// Microseconds since the Unix epoch.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64)
}

/// Writes until the queue is stopped. Two threads may do this on one queue.
pub(crate) fn run(store: &dyn Store, queue: &Queue, flushed: &dyn Fn(&Arc<Inner>)) {
    loop {
        let mut group = Group::default();
        let preparing = queue.prepare();
        while let Some(job) = preparing.next(group.len()) {
            group.prepare(job);
        }
        if group.len() == 0 {
            return;
        }
        let Some(appending) = preparing.append() else {
            return;
        };
        // Nobody else prepares or appends now: the state is that of this group.
        group.close();
        drop(preparing);
        let stored = group.append(store);
        let done = group.publish(stored);
        drop(appending);
        done.environments().for_each(flushed);
        // What the group leaves is freed when nobody waits for it any more.
        drop(done);
    }
}
