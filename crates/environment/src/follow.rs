//! Following a store that others write to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rowgate_store::{Commit, ErrorKind, Revision, Shared, Store, StoreError};

use crate::catalog::Catalog;
use crate::environment::Inner;
use crate::working::Working;
use crate::{Error, Published, Result, load, now};

/// How long to wait for news before asking for it.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The same after something was found: a transaction that committed a moment later may have relied on the others' notification.
const ASK_SOON: Duration = Duration::from_millis(20);

/// How long to wait before trying again when the store does not answer.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// How often old commits are removed.
const PRUNE: Duration = Duration::from_secs(60);

/// How a server stands to a store that others write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// When the store answered the last time, microseconds since the Unix epoch.
    pub answered_at: i64,
    /// Why it cannot be followed at the moment, and since when.
    pub failing: Option<Failing>,
}

/// Why a store cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The code of the error.
    pub code: &'static str,
    /// The error.
    pub message: String,
    /// Since when, microseconds since the Unix epoch.
    pub since: i64,
}

/// The thread that follows, as seen from outside.
pub(crate) struct Follower {
    state: Mutex<Following>,
    stopping: AtomicBool,
}

impl Follower {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(Following {
                answered_at: now(),
                failing: None,
            }),
            stopping: AtomicBool::new(false),
        }
    }

    pub(crate) fn state(&self) -> Following {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Follows until it is stopped.
    pub(crate) fn run(&self, catalog: &Catalog, shared: &dyn Shared) {
        let mut registry = None;
        let mut pruned = Instant::now();
        while !self.is_stopping() {
            let followed = follow(catalog, shared, &mut registry);
            let next = match followed {
                Ok(true) => Some(ASK_SOON),
                Ok(false) => Some(ASK_AGAIN),
                Err(_) => None,
            };
            self.note(followed.map(|_| ()));
            if pruned.elapsed() > PRUNE {
                pruned = Instant::now();
                // What could not be removed now is removed later.
                let _ = shared.prune();
            }
            if next.is_none_or(|next| shared.wait(next).is_err()) {
                std::thread::sleep(TRY_AGAIN);
            }
        }
    }

    fn note(&self, followed: Result<()>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match followed {
            Ok(()) => {
                state.answered_at = now();
                state.failing = None;
            }
            Err(error) => {
                let since = state.failing.as_ref().map_or_else(now, |failing| failing.since);
                state.failing = Some(Failing {
                    code: error.code(),
                    message: error.to_string(),
                    since,
                });
            }
        }
    }
}

/// Looks at everything once, and returns whether there was anything new. One environment that cannot be followed does not keep the others
/// from it.
fn follow(catalog: &Catalog, shared: &dyn Shared, registry: &mut Option<u64>) -> Result<bool> {
    let standing = shared.standing()?;
    if *registry != Some(standing.registry) {
        catalog.refresh()?;
        *registry = Some(standing.registry);
    }
    let mut outcome = Ok(false);
    for environment in catalog.environments.load().iter() {
        let inner = &environment.inner;
        let of = standing.environments.iter().find(|of| of.id == inner.record.id);
        let Some(of) = of else { continue };
        inner.heard_of(of.head.get());
        if of.pending || of.head.get() > inner.published().revision() {
            outcome = outcome.and(catch_up(shared, &*catalog.store, inner).map(|_| true));
        }
    }
    outcome
}

/// Brings an environment to what is committed now, what is pending included.
pub(crate) fn catch_up(
    shared: &dyn Shared,
    store: &dyn Store,
    environment: &Inner,
) -> Result<Arc<Published>> {
    let mut working = environment.working();
    let head = shared.number_pending(environment.record.id)?;
    environment.heard_of(head.get());
    let published = environment.published();
    if head.get() > published.revision() {
        match after(store, environment, published.revision()) {
            Ok(commits) => {
                if working.revision != published.revision() {
                    working.go_to(&published);
                }
                if let Err(error) = working.follow(&commits) {
                    working.go_to(&published);
                    return Err(error);
                }
                publish(environment, &mut working, &published);
            }
            Err(Error::Store(error)) if error.kind() == ErrorKind::RevisionTruncated => {
                reload(shared, environment, &mut working)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(environment.published())
}

fn after(store: &dyn Store, environment: &Inner, revision: u64) -> Result<Vec<Commit>> {
    let mut commits = Vec::new();
    store.commits_after(
        environment.record.id,
        Revision::from_u64(revision),
        &mut |commit| {
            commits.push(commit);
            Ok(())
        },
    )?;
    Ok(commits)
}

/// The commits after a revision up to another one; `None` when the log no longer reaches back so far, or not so far yet.
pub(crate) fn between(
    store: &dyn Store,
    environment: &Inner,
    after: u64,
    last: u64,
) -> Result<Option<Vec<Commit>>> {
    let mut commits = Vec::new();
    let visited = store.commits_after(environment.record.id, Revision::from_u64(after), &mut |commit| {
        if commit.revision.get() > last {
            return Err(StoreError::new(ErrorKind::Io, "what was wanted has been read"));
        }
        commits.push(commit);
        Ok(())
    });
    let complete = after + commits.len() as u64 == last;
    match visited {
        _ if complete => Ok(Some(commits)),
        Ok(()) => Ok(None),
        Err(error) if error.kind() == ErrorKind::RevisionTruncated => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads everything anew.
pub(crate) fn reload(shared: &dyn Shared, environment: &Inner, working: &mut Working) -> Result<()> {
    *working = load::from_tables(shared, environment.record.id)?;
    let before = environment.published();
    publish(environment, working, &before);
    Ok(())
}

/// Lets what was followed or written be read, if it is anything new.
pub(crate) fn publish(environment: &Inner, working: &mut Working, before: &Published) {
    if working.revision == before.revision() && working.epoch() == before.epoch {
        return;
    }
    // A graph that cannot be compacted goes on as it is.
    let _ = working.compact_if_sparse();
    environment.publish_shared(Arc::new(working.publish()));
    environment.heard_of(working.revision);
}
