//! All pools: one for each role and way to log in.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;

use super::open::{Credentials, Opener};
use super::pool::{Key, Pool, lock};
use crate::config::Limits;
use crate::counters::Counters;

/// How often idle sessions are looked at.
const SWEEP: Duration = Duration::from_secs(15);

/// How long a session that was given back may wait until somebody looks whether its reset succeeded, if nobody needs it before.
const SETTLE: Duration = Duration::from_millis(100);

/// How the sessions of a role are used at this moment.
pub(crate) struct Gauge {
    /// The role; [`WITH_PASSWORD`] for all sessions with passwords.
    pub(crate) role: String,
    pub(crate) in_use: usize,
    pub(crate) idle: usize,
    pub(crate) waiting: usize,
    pub(crate) limit: usize,
}

impl Gauge {
    fn of(role: &str) -> Self {
        Self {
            role: role.to_owned(),
            in_use: 0,
            idle: 0,
            waiting: 0,
            limit: 0,
        }
    }
}

/// Stands for all roles with passwords, whose names requests choose.
const WITH_PASSWORD: &str = "(password)";

/// The pools.
pub(crate) struct Pools {
    opener: Arc<Opener>,
    limits: Limits,
    counters: Arc<Counters>,
    /// Sessions with passwords, over all roles and passwords.
    password_places: Arc<Semaphore>,
    pools: Mutex<HashMap<Key, Arc<Pool>>>,
    returned: Arc<Returned>,
}

/// Tells that sessions were given back whose reset nobody looked at.
#[derive(Default)]
pub(super) struct Returned {
    any: AtomicBool,
    notify: Notify,
}

impl Returned {
    /// Wakes nobody but for the first session after a quiet time.
    pub(super) fn tell(&self) {
        if !self.any.swap(true, Ordering::AcqRel) {
            self.notify.notify_one();
        }
    }
}

impl Pools {
    /// Needs the runtime, for looking after idle sessions.
    pub(crate) fn new(opener: Opener, counters: Arc<Counters>) -> Arc<Self> {
        let pools = Arc::new(Self {
            limits: opener.limits.clone(),
            counters,
            password_places: Arc::new(Semaphore::new(opener.limits.password_sessions)),
            opener: Arc::new(opener),
            pools: Mutex::default(),
            returned: Arc::default(),
        });
        tokio::spawn(sweep(Arc::downgrade(&pools)));
        tokio::spawn(settle(Arc::downgrade(&pools), Arc::clone(&pools.returned)));
        pools
    }

    /// The pool of a role. A pool is found only with the password that its sessions logged in with.
    pub(crate) fn pool(&self, role: &str, credentials: Credentials) -> Arc<Pool> {
        let key = Key {
            role: role.to_owned(),
            credentials,
        };
        let mut pools = lock(&self.pools);
        if let Some(pool) = pools.get(&key) {
            return Arc::clone(pool);
        }
        let places = match &key.credentials {
            Credentials::Client(logins) => {
                close_replaced(&mut pools, role);
                Arc::new(Semaphore::new(logins.names.len()))
            }
            Credentials::Password(_) => Arc::clone(&self.password_places),
        };
        let opener = Arc::clone(&self.opener);
        let returned = Arc::clone(&self.returned);
        let pool = Arc::new(Pool::new(
            key.clone(),
            opener,
            self.limits.clone(),
            Arc::clone(&self.counters),
            places,
            returned,
        ));
        pools.insert(key, Arc::clone(&pool));
        pool
    }

    /// How sessions are used at this moment, for each client role, and for all roles with passwords together.
    pub(crate) fn gauges(&self) -> Vec<Gauge> {
        let mut gauges: BTreeMap<String, Gauge> = BTreeMap::new();
        for pool in lock(&self.pools).values() {
            let role = pool.shown_role().unwrap_or(WITH_PASSWORD);
            let gauge = gauges.entry(role.to_owned()).or_insert_with(|| Gauge::of(role));
            pool.count(gauge);
        }
        // Their places are shared by all pools.
        if let Some(gauge) = gauges.get_mut(WITH_PASSWORD) {
            gauge.limit = self.limits.password_sessions;
            let free = self.password_places.available_permits();
            gauge.in_use = gauge.limit - free.min(gauge.limit);
        }
        gauges.into_values().collect()
    }

    /// Closes what has been idle for too long, and forgets pools without sessions.
    fn sweep(&self) {
        let mut closed = Vec::new();
        let mut pools = lock(&self.pools);
        pools.retain(|_, pool| {
            closed.extend(pool.take_old());
            !pool.is_empty() || Arc::strong_count(pool) > 1
        });
        drop(pools);
        for session in closed {
            tokio::spawn(session.connection.close());
        }
    }

    /// Closes sessions whose reset failed.
    fn settle(&self) {
        let pools: Vec<_> = lock(&self.pools).values().cloned().collect();
        for pool in pools {
            pool.settle();
        }
    }
}

/// A role has other logins than before, by another `pg install`. Some may be the same, and have one session each: those that are idle are closed now, so
/// that nobody waits for them, and those in use when they are given back.
fn close_replaced(pools: &mut HashMap<Key, Arc<Pool>>, role: &str) {
    for (_, pool) in pools.extract_if(|_, pool| pool.is_of_client(role)) {
        for session in pool.replace() {
            tokio::spawn(session.connection.close());
        }
    }
}

async fn sweep(pools: Weak<Pools>) {
    loop {
        sleep(SWEEP).await;
        let Some(pools) = pools.upgrade() else { return };
        pools.sweep();
    }
}

/// Rests while no session is given back.
async fn settle(pools: Weak<Pools>, returned: Arc<Returned>) {
    loop {
        if !returned.any.swap(false, Ordering::AcqRel) {
            returned.notify.notified().await;
        }
        sleep(SETTLE).await;
        let Some(pools) = pools.upgrade() else { return };
        pools.settle();
    }
}
