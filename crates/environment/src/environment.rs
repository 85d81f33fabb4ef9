//! One environment: read without waiting, write through the queue.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use arc_swap::ArcSwap;
use rowgate_store::{AuditEntry, AuditRange, EnvironmentRecord, Store, TransactionState};

use crate::form::Form;
use crate::kept::Kept;
use crate::queue::Queue;
use crate::token::{self, Freshness};
use crate::working::Working;
use crate::write::{Write, Written};
use crate::writer::{Job, Reply};
use crate::{Error, Published, Result, follow};

pub(crate) struct Inner {
    pub(crate) record: EnvironmentRecord,
    published: ArcSwap<Published>,
    /// Only the threads that write take it.
    working: Mutex<Working>,
    kept: Mutex<Kept>,
    pub(crate) snapshotting: AtomicBool,
    /// The newest revision that the store is known to have.
    head: AtomicU64,
    /// Since when that is ahead of what is published, microseconds since the Unix epoch; 0 when it is not.
    behind_since: AtomicI64,
}

impl Inner {
    pub(crate) fn new(record: EnvironmentRecord, mut working: Working) -> Self {
        let published = ArcSwap::from_pointee(working.publish());
        let head = AtomicU64::new(working.revision);
        Self {
            record,
            published,
            working: Mutex::new(working),
            kept: Mutex::default(),
            snapshotting: AtomicBool::new(false),
            head,
            behind_since: AtomicI64::new(0),
        }
    }

    pub(crate) fn working(&self) -> MutexGuard<'_, Working> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Lets a revision of a shared store be read. The one before may be needed to make others again.
    pub(crate) fn publish_shared(&self, next: Arc<Published>) {
        let before = self.publish(next);
        self.kept().replaced(before);
    }

    /// Lets a revision be read, and returns the one before.
    pub(crate) fn publish(&self, next: Arc<Published>) -> Arc<Published> {
        self.published.swap(next)
    }

    /// Notes how far the store is.
    pub(crate) fn heard_of(&self, head: u64) {
        let head = self.head.fetch_max(head, Ordering::AcqRel).max(head);
        if head <= self.published.load().revision() {
            self.behind_since.store(0, Ordering::Release);
        } else {
            let _ = self
                .behind_since
                .compare_exchange(0, crate::now(), Ordering::AcqRel, Ordering::Acquire);
        }
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
    pub(crate) store: Arc<dyn Store>,
}

/// How far an environment is behind its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// The newest revision that the store is known to have.
    pub head: u64,
    /// Since when the server has not had it, microseconds since the Unix epoch; `None` when it has it.
    pub since: Option<i64>,
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

    /// The newest revision if it is known to be fresh enough, at once; `None` when it is not, or has to be asked for.
    pub fn read_at_least(&self, freshness: Freshness) -> Option<Arc<Published>> {
        let published = self.read();
        match freshness {
            Freshness::AtLeast(revision) if published.revision() < revision => None,
            Freshness::Latest if self.store.shared().is_some() => None,
            Freshness::Transaction(_) => None,
            Freshness::Any | Freshness::Latest | Freshness::AtLeast(_) => Some(published),
        }
    }

    /// The same, after asking the store for what others wrote. It waits for the store's answer and for nothing else: `None` means that it
    /// is worth asking again.
    ///
    /// # Errors
    /// Those of the store, and [`Error::Invalid`] for the token of a transaction that was rolled back or that the database does not know.
    pub fn ask_for(&self, freshness: Freshness) -> Result<Option<Arc<Published>>> {
        let Some(shared) = self.store.shared() else {
            return match freshness {
                Freshness::Transaction(_) => Err(Error::invalid(
                    "Warrant-Token",
                    "the token is of a database transaction, and the store of this server is not a database",
                )),
                freshness => Ok(self.read_at_least(freshness)),
            };
        };
        let wanted = match freshness {
            Freshness::Any => return Ok(Some(self.read())),
            Freshness::Latest => 0,
            Freshness::AtLeast(revision) => revision,
            Freshness::Transaction(number) => match shared.transaction(self.inner.record.id, number)? {
                TransactionState::Running => return Ok(None),
                TransactionState::Committed(revision) => revision.get(),
                TransactionState::RolledBack => {
                    let message =
                        "the transaction of the token was rolled back: what it wrote does not exist";
                    return Err(Error::invalid("Warrant-Token", message));
                }
                TransactionState::Unheard => {
                    let message = "the database has had no such transaction; if it was restored from a copy, drop the token";
                    return Err(Error::invalid("Warrant-Token", message));
                }
            },
        };
        let published = follow::catch_up(shared, &*self.store, &self.inner)?;
        Ok((published.revision() >= wanted).then_some(published))
    }

    /// How far it is behind its store; `None` when nobody else writes to that.
    pub fn lag(&self) -> Option<Lag> {
        self.store.shared()?;
        let since = self.inner.behind_since.load(Ordering::Acquire);
        Some(Lag {
            head: self
                .inner
                .head
                .load(Ordering::Acquire)
                .max(self.read().revision()),
            since: Some(since).filter(|since| *since != 0),
        })
    }

    /// The error for a token that stayed in the future for as long as one waits.
    pub fn from_the_future(&self, freshness: Freshness) -> Error {
        let message = match freshness {
            Freshness::Transaction(_) => {
                "the transaction of the token has not committed yet; commit it before asking".to_owned()
            }
            _ => format!(
                "the token is of a later revision than this server has ({}); if the store was restored from a copy, drop the token",
                self.read().revision()
            ),
        };
        Error::invalid("Warrant-Token", message)
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

    /// A part of the audit log: what transactions and imports said of themselves. It is read from the store.
    ///
    /// # Errors
    /// Those of the store.
    pub fn audit(&self, range: &AuditRange) -> Result<Vec<AuditEntry>> {
        Ok(self.store.audit(self.id(), range)?)
    }

    /// Removes what the audit log has of before a moment, microseconds since the Unix epoch. Returns how many entries that was.
    ///
    /// # Errors
    /// Those of the store.
    pub fn prune_audit(&self, before: i64) -> Result<u64> {
        Ok(self.store.prune_audit(self.id(), before)?)
    }

    /// Keeps a revision for the next page of a list.
    pub fn pin(&self, published: &Arc<Published>) {
        self.inner.kept().pin(published);
    }

    /// A revision that a cursor names: the newest one, or one that was kept for it.
    pub fn pinned(&self, revision: u64) -> Option<Arc<Published>> {
        let newest = self.read();
        if newest.revision() == revision {
            return Some(newest);
        }
        self.inner.kept().pinned(revision)
    }

    /// A revision that a cursor names, also one that another server of the same store gave out: it is made again from an older one and
    /// the log, and kept. `None` when this server was not there yet, or it is too long ago. Asks the store.
    ///
    /// # Errors
    /// Those of the store.
    pub fn made_again(&self, revision: u64) -> Result<Option<Arc<Published>>> {
        let Some(shared) = self.store.shared() else {
            return Ok(self.pinned(revision));
        };
        if self.read().revision() < revision {
            follow::catch_up(shared, &*self.store, &self.inner)?;
        }
        if let Some(published) = self.pinned(revision) {
            return Ok(Some(published));
        }
        let base = self.inner.kept().not_after(revision);
        let Some(base) = base.filter(|_| revision < self.read().revision()) else {
            return Ok(None);
        };
        let Some(commits) = follow::between(&*self.store, &self.inner, base.revision(), revision)? else {
            return Ok(None);
        };
        let mut working = Working::of(&base);
        working.follow(&commits)?;
        let published = Arc::new(working.publish());
        self.pin(&published);
        Ok(Some(published))
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("record", &self.inner.record)
            .finish_non_exhaustive()
    }
}
