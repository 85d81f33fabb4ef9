//! Sessions to lend. Each pool is for one role and one way to log in.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::{Claimed, Session};
use crate::config::Limits;
use crate::error::{Error, Result};
use crate::session_jwt::{self, Signer};
use crate::wire::{Dialer, Login, WireError, connect};

/// How soon a login is tried again whose last session Postgres still counts.
const AGAIN: Duration = Duration::from_millis(25);

/// The longest message beyond the longest answer: what surrounds a row.
const MARGIN: usize = 64 << 10;

/// How sessions of a pool log in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// As one of the logins of a client role.
    Client(Arc<Logins>),
    /// As the role itself, with the password of the request.
    Password(String),
}

/// The logins of a client role, each of which can have one session.
#[derive(PartialEq, Eq)]
pub(crate) struct Logins {
    pub(crate) names: Vec<String>,
    pub(crate) password: String,
    /// Whether the extension `pg_session_jwt` answers who asks.
    pub(crate) signed: bool,
}

/// Which pool.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    role: String,
    credentials: Credentials,
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

impl Key {
    /// The role, as it is shown to operators.
    fn shown_role(&self) -> &str {
        match self.credentials {
            Credentials::Client(_) => &self.role,
            Credentials::Password(_) => WITH_PASSWORD,
        }
    }
}

/// Stands for all roles with passwords, whose names requests choose.
const WITH_PASSWORD: &str = "(password)";

/// The pools.
pub(crate) struct Pools {
    dialer: Arc<Dialer>,
    signer: Arc<Signer>,
    database: String,
    limits: Limits,
    /// Sessions with passwords, over all roles and passwords.
    password_places: Arc<Semaphore>,
    pools: Mutex<HashMap<Key, Arc<Pool>>>,
}

impl Pools {
    pub(crate) fn new(dialer: Arc<Dialer>, signer: Arc<Signer>, database: String, limits: Limits) -> Self {
        let password_places = Arc::new(Semaphore::new(limits.password_sessions));
        Self {
            dialer,
            signer,
            database,
            limits,
            password_places,
            pools: Mutex::default(),
        }
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
        let (places, free) = match &key.credentials {
            Credentials::Client(logins) => (
                Arc::new(Semaphore::new(logins.names.len())),
                logins.names.iter().cloned().collect(),
            ),
            Credentials::Password(_) => (Arc::clone(&self.password_places), VecDeque::new()),
        };
        let pool = Arc::new(Pool {
            key: key.clone(),
            dialer: Arc::clone(&self.dialer),
            signer: Arc::clone(&self.signer),
            database: self.database.clone(),
            limits: self.limits.clone(),
            places,
            waiting: AtomicUsize::new(0),
            state: Mutex::new(State {
                idle: Vec::new(),
                free,
            }),
        });
        pools.insert(key, Arc::clone(&pool));
        pool
    }

    /// How sessions are used at this moment, for each client role, and for all roles with passwords together.
    pub(crate) fn gauges(&self) -> Vec<Gauge> {
        let mut gauges: BTreeMap<String, Gauge> = BTreeMap::new();
        for pool in lock(&self.pools).values() {
            let (limit, free) = match &pool.key.credentials {
                Credentials::Client(logins) => (logins.names.len(), pool.places.available_permits()),
                // Counted once for all pools, below.
                Credentials::Password(_) => (0, 0),
            };
            let state = lock(&pool.state);
            let role = pool.key.shown_role();
            let gauge = gauges.entry(role.to_owned()).or_insert_with(|| Gauge::of(role));
            gauge.idle += state.idle.len();
            gauge.waiting += pool.waiting.load(Ordering::Relaxed);
            gauge.limit += limit;
            gauge.in_use += limit - free.min(limit);
        }
        if let Some(gauge) = gauges.get_mut(WITH_PASSWORD) {
            gauge.limit = self.limits.password_sessions;
            let free = self.password_places.available_permits();
            gauge.in_use = gauge.limit - free.min(gauge.limit);
        }
        gauges.into_values().collect()
    }

    /// Closes what has been idle for too long, and forgets pools without sessions.
    pub(crate) fn sweep(&self) {
        let mut closed = Vec::new();
        let mut pools = lock(&self.pools);
        pools.retain(|_, pool| {
            let mut state = lock(&pool.state);
            let (old, kept) = std::mem::take(&mut state.idle)
                .into_iter()
                .partition(|idle| pool.is_old(idle));
            state.idle = kept;
            for Idle { session, .. } in old {
                state.release(&session, &pool.key);
                closed.push(session);
            }
            !state.idle.is_empty() || Arc::strong_count(pool) > 1
        });
        drop(pools);
        for session in closed {
            tokio::spawn(session.connection.close());
        }
    }
}

/// The sessions of one role.
pub(crate) struct Pool {
    key: Key,
    dialer: Arc<Dialer>,
    signer: Arc<Signer>,
    database: String,
    limits: Limits,
    places: Arc<Semaphore>,
    /// Requests that wait for a place.
    waiting: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    /// The one used last is used next, so that those that are not needed become old.
    idle: Vec<Idle>,
    /// Logins without a session.
    free: VecDeque<String>,
}

impl State {
    fn release(&mut self, session: &Session, key: &Key) {
        if matches!(key.credentials, Credentials::Client(_)) {
            self.free.push_back(session.login.clone());
        }
    }
}

struct Idle {
    session: Session,
    since: Instant,
}

impl Pool {
    fn is_old(&self, idle: &Idle) -> bool {
        idle.since.elapsed() > self.limits.idle || idle.session.opened.elapsed() > self.limits.age
    }

    /// A session that nobody else uses.
    pub(crate) async fn lend(self: Arc<Self>) -> Result<Lease> {
        let place = self.place().await?;
        loop {
            let idle = lock(&self.state).idle.pop();
            let Some(idle) = idle else { break };
            let is_old = self.is_old(&idle);
            let mut lease = Lease {
                session: Some(idle.session),
                pool: Arc::clone(&self),
                _place: None,
            };
            if !is_old && lease.is_quiet().await {
                lease._place = Some(place);
                return Ok(lease);
            }
        }
        let session = match &self.key.credentials {
            Credentials::Client(logins) => self.open_as_client(logins).await?,
            Credentials::Password(password) => self.open_with_password(password).await?,
        };
        Ok(Lease {
            session: Some(session),
            pool: self,
            _place: Some(place),
        })
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::new(&self.waiting);
        let place = timeout(self.limits.wait, Arc::clone(&self.places).acquire_owned());
        match place.await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Error::Busy("all sessions of the role are in use; try again")),
        }
    }

    async fn open_with_password(&self, password: &str) -> Result<Session> {
        let role = &self.key.role;
        let login = Login {
            user: role,
            password: Some(password),
            database: &self.database,
            settings: &[],
            proven: true,
        };
        let connection = connect(&self.dialer, &login, self.limits.response + MARGIN).await;
        let connection = connection.map_err(|error| refused_login(error, role))?;
        Ok(Session {
            connection,
            name: None,
            claimed: Claimed::Never,
            login: role.clone(),
            role: role.clone(),
            opened: Instant::now(),
            asked: false,
        })
    }

    /// Another server may have a session with a login; then it is the turn of the next.
    async fn open_as_client(&self, logins: &Logins) -> Result<Session> {
        let until = Instant::now() + self.limits.wait;
        loop {
            let Some(login) = lock(&self.state).free.pop_front() else {
                return Err(Error::Busy("all sessions of the role are in use; try again"));
            };
            let opened = self.open_login(&login, logins).await;
            match opened {
                Ok(session) => return Ok(session),
                Err(error) => {
                    lock(&self.state).free.push_back(login);
                    let WireError::Database(refusal) = &error else {
                        return Err(error.answer());
                    };
                    if !refusal.has_code("53300") {
                        tracing::error!(error = %error, role = self.key.role, "a client role cannot log in");
                        return Err(Error::Unreachable(
                            "the database refuses the sessions of this role",
                        ));
                    }
                    if Instant::now() > until {
                        return Err(Error::Busy("all sessions of the role are in use; try again"));
                    }
                    sleep(AGAIN).await;
                }
            }
        }
    }

    async fn open_login(&self, login: &str, logins: &Logins) -> Result<Session, WireError> {
        let role = &self.key.role;
        let time = self.limits.time.as_millis().to_string();
        let mut settings = vec![
            ("role", role.as_str()),
            ("default_transaction_isolation", "repeatable read"),
            ("statement_timeout", &time),
            ("idle_in_transaction_session_timeout", &time),
        ];
        let first = if logins.signed {
            settings.push((session_jwt::KEY_SETTING, self.signer.jwk()));
            "select rowgate_client.connection(), auth.init()::text, current_user"
        } else {
            "select auth.connection(), auth.next_request(), current_user"
        };
        let as_login = Login {
            user: login,
            password: Some(&logins.password),
            database: &self.database,
            settings: &settings,
            proven: false,
        };
        let mut connection = connect(&self.dialer, &as_login, self.limits.response + MARGIN).await?;
        let (rows, _) = connection.simple(first).await?;
        let row = rows.into_iter().next().and_then(|row| row.try_into().ok());
        let [name, request, user] = row.ok_or(WireError::Unexpected)?;
        if name.is_none() || user.as_deref() != Some(role) {
            return Err(WireError::Unexpected);
        }
        let claimed = match request {
            _ if logins.signed => Claimed::Signed(0),
            Some(request) => Claimed::Sealed(request),
            None => return Err(WireError::Unexpected),
        };
        Ok(Session {
            connection,
            name,
            claimed,
            login: login.to_owned(),
            role: role.clone(),
            opened: Instant::now(),
            asked: false,
        })
    }
}

/// Why a role with a password does not get in. Whether there is such a role is not said.
fn refused_login(error: WireError, role: &str) -> Error {
    match error {
        WireError::Database(mut error) => {
            if error.has_code("28P01") || error.has_code("28000") {
                *error = crate::error::DatabaseError {
                    message: format!("password authentication failed for user '{role}'"),
                    code: Some("28P01".into()),
                    severity: error.severity.take(),
                    ..Default::default()
                };
            }
            Error::Database(error)
        }
        WireError::Unasked => Error::refused(
            "the database lets this role in without its password, so a password proves nothing; change pg_hba.conf",
        ),
        other => other.answer(),
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

/// A session on loan. Dropped, it is closed; see [`Lease::give_back`].
pub(crate) struct Lease {
    session: Option<Session>,
    pool: Arc<Pool>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// There until it is given back.
    pub(crate) fn session(&mut self) -> Result<&mut Session> {
        self.session
            .as_mut()
            .ok_or(Error::Unreachable("the session is gone"))
    }

    async fn is_quiet(&mut self) -> bool {
        match &mut self.session {
            Some(session) => session.connection.is_quiet().await,
            None => false,
        }
    }

    /// For the next user. Only after a reset.
    pub(crate) fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            lock(&self.pool.state).idle.push(Idle {
                session,
                since: Instant::now(),
            });
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

/// What is kept is whole after every statement, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
