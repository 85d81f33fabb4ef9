//! The keys of one issuer, kept.
//!
//! Keys that are a little old are used while newer ones are fetched beside; keys that are older are used only if fetching fails; keys that
//! are too old are not used. One fetch at a time, and whoever needs it waits for that one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{FetchError, Fetcher, JwksUrl};
use crate::KeySet;
use crate::counters::FetchCounters;

/// When keys are fetched again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// From this age on, keys are fetched again in the background. 5 minutes.
    pub soft: Duration,
    /// From this age on, a token waits for the fetch. 1 hour.
    pub hard: Duration,
    /// From this age on, keys are not used even if no newer ones can be had. 24 hours.
    pub max_age: Duration,
    /// Between two fetches because of a `kid` that the keys do not have. 30 seconds.
    pub unknown_kid: Duration,
    /// Before the next fetch after one that failed; it doubles with each failure, up to a minute. 1 second.
    pub retry: Duration,
}

impl Default for Refresh {
    fn default() -> Self {
        Self {
            soft: Duration::from_secs(5 * 60),
            hard: Duration::from_secs(60 * 60),
            max_age: Duration::from_secs(24 * 60 * 60),
            unknown_kid: Duration::from_secs(30),
            retry: Duration::from_secs(1),
        }
    }
}

/// Longest wait after failures.
const MAX_RETRY: Duration = Duration::from_secs(60);

/// How an issuer's keys are doing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct State {
    /// How old the keys are; `None` if there are none.
    pub age: Option<Duration>,
    /// How many keys there are.
    pub keys: usize,
    /// Why the last fetch failed, if it did.
    pub failure: Option<FetchError>,
}

pub(crate) struct Cache {
    url: JwksUrl,
    fetcher: Fetcher,
    refresh: Refresh,
    /// The name of the issuer, for the log.
    name: String,
    pub(crate) counters: FetchCounters,
    inner: Mutex<Inner>,
    /// Tells those who wait that a fetch has ended.
    ended: watch::Sender<u64>,
}

struct Inner {
    kept: Option<Kept>,
    fetching: bool,
    /// When the last fetch ended, whatever came of it.
    tried: Option<Instant>,
    /// When the last fetch because of an unknown `kid` began.
    asked_for_kid: Option<Instant>,
    /// Failures since the last success, and what the last one was.
    failures: u32,
    failure: Option<FetchError>,
}

struct Kept {
    keys: Arc<KeySet>,
    fetched: Instant,
    /// Where the background refresh is due: a little different each time, so that servers that started together part.
    soft: Duration,
}

impl Cache {
    pub(crate) fn new(name: &str, url: JwksUrl, fetcher: Fetcher, refresh: Refresh) -> Arc<Self> {
        Arc::new(Self {
            url,
            fetcher,
            refresh,
            name: name.to_owned(),
            counters: FetchCounters::default(),
            inner: Mutex::new(Inner {
                kept: None,
                fetching: false,
                tried: None,
                asked_for_kid: None,
                failures: 0,
                failure: None,
            }),
            ended: watch::Sender::new(0),
        })
    }

    /// The keys, without waiting, if they are young enough for that. Fetches newer ones in the background when it is time.
    pub(crate) fn ready(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        let mut inner = self.lock();
        let kept = inner.kept.as_ref()?;
        let age = kept.fetched.elapsed();
        let due = age >= kept.soft;
        if age >= self.refresh.max_age || (age >= self.refresh.hard && self.may_try(&inner)) {
            return None;
        }
        let keys = Arc::clone(&kept.keys);
        if due && self.may_try(&inner) {
            self.start(&mut inner);
        }
        Some(keys)
    }

    /// The keys, waited for if need be.
    pub(crate) async fn keys(self: &Arc<Self>) -> Result<Arc<KeySet>, FetchError> {
        if let Some(keys) = self.ready() {
            return Ok(keys);
        }
        // Looked at again: the fetch of somebody else may have ended in between.
        let hard = self.refresh.hard.min(self.refresh.max_age);
        let is_old = |inner: &Inner| {
            inner
                .kept
                .as_ref()
                .is_none_or(|kept| kept.fetched.elapsed() >= hard)
        };
        self.fetched(|inner| is_old(inner) && self.may_try(inner)).await;
        let inner = self.lock();
        match &inner.kept {
            Some(kept) if kept.fetched.elapsed() < self.refresh.max_age => Ok(Arc::clone(&kept.keys)),
            _ => Err(inner.failure.clone().unwrap_or(FetchError::NotYet)),
        }
    }

    /// Keys newer than `known`, for a token whose key those do not have. `None` if there are none or if it is too early to ask again:
    /// tokens with made-up names of keys must not become requests to the issuer.
    pub(crate) async fn newer_than(self: &Arc<Self>, known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let newer = || {
            let inner = self.lock();
            let kept = inner.kept.as_ref()?;
            (!Arc::ptr_eq(&kept.keys, known)).then(|| Arc::clone(&kept.keys))
        };
        if let Some(keys) = newer() {
            return Some(keys);
        }
        let floor = |inner: &mut Inner| {
            let rested = |asked: Instant| asked.elapsed() >= self.refresh.unknown_kid;
            let is_time = inner.asked_for_kid.is_none_or(rested) && self.may_try(inner);
            if is_time {
                inner.asked_for_kid = Some(Instant::now());
            }
            is_time
        };
        self.fetched(floor).await;
        newer()
    }

    pub(crate) fn state(&self) -> State {
        let inner = self.lock();
        State {
            age: inner.kept.as_ref().map(|kept| kept.fetched.elapsed()),
            keys: inner.kept.as_ref().map_or(0, |kept| kept.keys.keys().len()),
            failure: inner.failure.clone(),
        }
    }

    /// Waits for the fetch that is under way, or for a new one if it is time for one.
    async fn fetched(self: &Arc<Self>, is_time: impl FnOnce(&mut Inner) -> bool) {
        let mut ended = {
            let mut inner = self.lock();
            if !inner.fetching && !is_time(&mut inner) {
                return;
            }
            let ended = self.ended.subscribe();
            self.start(&mut inner);
            ended
        };
        // The sender lives in `self`, so it does not go away.
        let _ = ended.changed().await;
    }

    /// Whether enough time has gone by since the last failure.
    fn may_try(&self, inner: &Inner) -> bool {
        let Some(tried) = inner.tried.filter(|_| inner.failures > 0) else {
            return true;
        };
        let doubled = self
            .refresh
            .retry
            .saturating_mul(1 << (inner.failures - 1).min(16));
        tried.elapsed() >= doubled.min(MAX_RETRY.max(self.refresh.retry))
    }

    /// Fetches in a task of its own: a request that is given up takes nothing away from the others that wait.
    fn start(self: &Arc<Self>, inner: &mut MutexGuard<'_, Inner>) {
        if std::mem::replace(&mut inner.fetching, true) {
            return;
        }
        let end = End(Arc::clone(self));
        tokio::spawn(async move {
            let cache = &end.0;
            let fetched = cache.fetcher.fetch(&cache.url).await;
            cache.take(fetched);
        });
    }

    fn take(&self, fetched: Result<KeySet, FetchError>) {
        let mut inner = self.lock();
        match fetched {
            Ok(keys) => {
                self.counters.succeeded();
                for why in keys.skipped() {
                    tracing::debug!(issuer = self.name, "a key of the issuer is not used: it {why}");
                }
                if inner.failures > 0 {
                    tracing::info!(issuer = self.name, "the keys of the issuer can be fetched again");
                }
                inner.kept = Some(Kept {
                    keys: Arc::new(keys),
                    fetched: Instant::now(),
                    soft: jittered(self.refresh.soft),
                });
                inner.failures = 0;
                inner.failure = None;
            }
            Err(error) => {
                self.counters.failed(&error);
                tracing::warn!(
                    issuer = self.name,
                    url = %self.url,
                    %error,
                    failures = inner.failures + 1,
                    kept_for_seconds = inner.kept.as_ref().map(|kept| kept.fetched.elapsed().as_secs()),
                    "cannot fetch the keys of an issuer"
                );
                inner.failures = inner.failures.saturating_add(1);
                inner.failure = Some(error);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a fetch however it ends, so that nobody waits for one that is no more.
struct End(Arc<Cache>);

impl Drop for End {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.fetching = false;
        inner.tried = Some(Instant::now());
        drop(inner);
        self.0.ended.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Up to a tenth less.
fn jittered(age: Duration) -> Duration {
    let mut random = [0; 2];
    // Without randomness servers refresh together, and that is all.
    let _ = getrandom::fill(&mut random);
    age - age.mul_f64(f64::from(u16::from_be_bytes(random)) / 655_360.0)
}
