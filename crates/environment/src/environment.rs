//! One environment: read without waiting, write through the queue.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rowgate_store::EnvironmentRecord;

use crate::form::Form;
use crate::queue::Queue;
use crate::token::{self, Freshness};
use crate::working::Working;
use crate::write::{Write, Written};
use crate::writer::{Job, Reply};
use crate::{Error, Published, Result};

/// How long a revision that a cursor names is kept after it was last used.
const PIN_FOR: Duration = Duration::from_secs(600);

/// Most revisions kept for cursors.
const MAX_PINS: usize = 256;

pub(crate) struct Inner {
    pub(crate) record: EnvironmentRecord,
    published: ArcSwap<Published>,
    /// Only the threads that write take it.
    working: Mutex<Working>,
    /// Revisions that cursors name, so that the pages of one list are of one revision.
    pins: Mutex<BTreeMap<u64, (Arc<Published>, Instant)>>,
    pub(crate) snapshotting: AtomicBool,
}

impl Inner {
    pub(crate) fn new(record: EnvironmentRecord, mut working: Working) -> Self {
        let published = ArcSwap::from_pointee(working.publish());
        Self {
            record,
            published,
            working: Mutex::new(working),
            pins: Mutex::default(),
            snapshotting: AtomicBool::new(false),
        }
    }

    pub(crate) fn working(&self) -> MutexGuard<'_, Working> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Lets a revision be read, and returns the one before.
    pub(crate) fn publish(&self, next: Arc<Published>) -> Arc<Published> {
        self.published.swap(next)
    }

    pub(crate) fn begin_snapshot(&self) -> bool {
        !self.snapshotting.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn end_snapshot(&self) {
        self.snapshotting.store(false, Ordering::Release);
    }
}

/// Ends a snapshot however it ends.
pub(crate) struct Snapshotting(pub(crate) Arc<Inner>);

impl Drop for Snapshotting {
    fn drop(&mut self) {
        self.0.end_snapshot();
    }
}

/// A handle on an environment. Cloning it is cheap.
#[derive(Clone)]
pub struct Environment {
    pub(crate) inner: Arc<Inner>,
    pub(crate) queue: Arc<Queue>,
}

impl Environment {
    /// Its number in the store.
    pub fn id(&self) -> rowgate_store::EnvironmentId {
        self.inner.record.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.record.name
    }

    /// The random id that its warrant tokens carry.
    pub fn uid(&self) -> &str {
        &self.inner.record.uid
    }

    /// When it was created, microseconds since the Unix epoch.
    pub fn created_at(&self) -> i64 {
        self.inner.record.created_at
    }

    /// Whether it is the first one of its store, whose keys may manage the others.
    pub fn is_default(&self) -> bool {
        self.name() == crate::registry::DEFAULT
    }

    /// The newest revision. Keep to one for a whole request.
    pub fn read(&self) -> Arc<Published> {
        self.inner.published()
    }

    /// The token of a revision.
    pub fn token(&self, revision: u64) -> String {
        token::write(self.uid(), revision)
    }

    /// What a `Warrant-Token` header asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that is no token, and for a token of another environment.
    pub fn freshness(&self, token: Option<&str>) -> Result<Freshness> {
        token
            .filter(|token| !token.is_empty())
            .map_or(Ok(Freshness::Any), |token| token::read(self.uid(), token))
    }

    /// The newest revision if it is fresh enough, at once; `None` when it is not (yet).
    pub fn read_at_least(&self, freshness: Freshness) -> Option<Arc<Published>> {
        let published = self.read();
        match freshness {
            Freshness::AtLeast(revision) if published.revision() < revision => None,
            Freshness::Any | Freshness::Latest | Freshness::AtLeast(_) => Some(published),
        }
    }

    /// The error for a token that stayed in the future for as long as one waits.
    pub fn from_the_future(&self) -> Error {
        Error::Invalid {
            parameter: "Warrant-Token".into(),
            message: format!(
                "the token is of a later revision than this server has ({}); if the store was restored from a copy, drop the token",
                self.read().revision()
            ),
        }
    }

    /// Queues a write. `done` is called once: at once when names, ids, lengths or policies are wrong, otherwise from another thread
    /// after the write was refused, or is durable and can be read.
    pub fn submit(&self, write: Write, done: impl FnOnce(Result<Written>) + Send + 'static) {
        let (environment, reply) = (Arc::clone(&self.inner), Reply::new(done));
        match Form::of(write) {
            Ok(form) => self.queue.push(Job {
                environment,
                form,
                reply,
            }),
            Err(error) => reply.send(Err(error)),
        }
    }

    /// Writes and waits until it is durable and can be read.
    ///
    /// # Errors
    /// Whatever is wrong with the write; then nothing was changed.
    pub fn write(&self, write: Write) -> Result<Written> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.submit(write, move |outcome| {
            // Nobody to tell: the caller has gone.
            let _ = answer.send(outcome);
        });
        answered.recv().unwrap_or(Err(Error::Stopping))
    }

    /// Keeps a revision for the next page of a list.
    pub fn pin(&self, published: &Arc<Published>) {
        let mut pins = self.inner.pins.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        pins.retain(|_, (_, used)| now.duration_since(*used) < PIN_FOR);
        pins.insert(published.revision(), (Arc::clone(published), now));
        while pins.len() > MAX_PINS {
            let Some(oldest) = pins.iter().min_by_key(|(_, (_, used))| *used).map(|(at, _)| *at) else {
                break;
            };
            pins.remove(&oldest);
        }
    }

    /// A revision that a cursor names: the newest one, or one that was kept for it.
    pub fn pinned(&self, revision: u64) -> Option<Arc<Published>> {
        let newest = self.read();
        if newest.revision() == revision {
            return Some(newest);
        }
        let mut pins = self.inner.pins.lock().unwrap_or_else(PoisonError::into_inner);
        let (published, used) = pins.get_mut(&revision)?;
        *used = Instant::now();
        Some(Arc::clone(published))
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("record", &self.inner.record)
            .finish_non_exhaustive()
    }
}
