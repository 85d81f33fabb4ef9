//! Everything together.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::answer::Shape;
use crate::authenticate::{Authenticate, Claims};
use crate::cancel;
use crate::config::{Config, Limits, TargetError};
use crate::counters::Counters;
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::execute::{Failure, Introduction, Outcome, Work, collect};
use crate::head::Head;
use crate::kind::Kinds;
use crate::session::{Claimed, Credentials, Lease, Pools, Session};
use crate::session_jwt::Signer;
use crate::wire::{Dialer, Transaction, WireError};

/// How often idle sessions are looked at.
const SWEEP: Duration = Duration::from_secs(15);

/// How much later than Postgres itself a query is stopped.
const GRACE: Duration = Duration::from_millis(500);

/// Why SQL over HTTP cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The database's URL cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The operating system gives no randomness.
    #[error("no key can be made: the operating system gives no randomness")]
    Key,
    /// The database cannot be reached, or is not set up.
    #[error("the database for /sql is not ready: {0}; set it up with `rowgate pg install`")]
    Database(String),
}

/// SQL over HTTP, for one database.
pub struct Gateway {
    pub(crate) config: Config,
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) directory: Directory,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) counters: Counters,
    pools: Pools,
    signer: Arc<Signer>,
    kinds: Kinds,
    authenticate: Arc<dyn Authenticate>,
}

/// How a request was let in.
pub(crate) struct Entry {
    pub(crate) credentials: Credentials,
    /// The sealed claims are made when the session is known.
    pub(crate) claims: Option<Claims>,
    pub(crate) is_client: bool,
}

impl Gateway {
    /// Needs the runtime, for looking after idle sessions. Connects when the first request comes; see [`Gateway::check`].
    ///
    /// # Errors
    /// A target that cannot be used, such as one with a file of certificates that is not there.
    pub fn new(config: Config, authenticate: Arc<dyn Authenticate>) -> Result<Arc<Self>, GatewayError> {
        let dialer = Arc::new(Dialer::new(&config.target)?);
        let signer = Arc::new(Signer::new().map_err(|_| GatewayError::Key)?);
        let gateway = Arc::new(Self {
            directory: Directory::new(Arc::clone(&dialer), config.target.clone()),
            pools: Pools::new(
                Arc::clone(&dialer),
                Arc::clone(&signer),
                config.target.database.clone(),
                config.limits.clone(),
            ),
            requests: Arc::new(Semaphore::new(config.limits.requests)),
            counters: Counters::default(),
            kinds: Kinds::default(),
            authenticate,
            signer,
            dialer,
            config,
        });
        tokio::spawn(sweep(Arc::downgrade(&gateway)));
        Ok(gateway)
    }

    /// Whether the database is there and set up.
    ///
    /// # Errors
    /// What it says instead.
    pub async fn check(&self) -> Result<(), GatewayError> {
        let known = self
            .directory
            .known()
            .await
            .map_err(|error| GatewayError::Database(error.to_string()))?;
        if known.roles.is_empty() {
            let message = "it has no client roles";
            return Err(GatewayError::Database(message.into()));
        }
        Ok(())
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// Who may come in, and as whom.
    pub(crate) async fn admit(&self, head: &Head) -> Result<Entry> {
        if head.database != self.config.target.database {
            return Err(Error::Database(Box::new(crate::error::DatabaseError {
                message: format!("database \"{}\" does not exist", head.database),
                code: Some("3D000".into()),
                severity: Some("FATAL".into()),
                ..Default::default()
            })));
        }
        match (&head.token, &head.password) {
            (Some(token), _) => self.admit_token(&head.role, token).await,
            (None, Some(password)) if self.config.takes_password_of(&head.role) => Ok(Entry {
                credentials: Credentials::Password(password.clone()),
                claims: None,
                is_client: false,
            }),
            (None, _) if head.role == "anonymous" && self.config.anonymous => {
                let credentials = self.client(&head.role).await?;
                Ok(Entry {
                    credentials,
                    claims: None,
                    is_client: true,
                })
            }
            (None, None) if self.config.takes_password_of(&head.role) => Err(Error::refused(
                "missing authentication credentials: required password",
            )),
            (None, _) => Err(Error::refused(
                "missing authentication credentials: required authorization bearer token in JWT format",
            )),
        }
    }

    async fn admit_token(&self, role: &str, token: &str) -> Result<Entry> {
        // The token first: who has none learns nothing about the roles.
        let claims = self
            .authenticate
            .authenticate(token, role)
            .await
            .map_err(Error::Refused)?;
        let credentials = self.client(role).await?;
        Ok(Entry {
            credentials,
            claims: Some(claims),
            is_client: true,
        })
    }

    async fn client(&self, role: &str) -> Result<Credentials> {
        let known = self.directory.known().await.map_err(not_set_up)?;
        let credentials = known.roles.get(role).cloned();
        credentials.ok_or_else(|| {
            Error::refused(format!(
                "the role `{role}` is not for tokens; see `rowgate pg install --client-role`"
            ))
        })
    }

    /// Does the work in a session and answers. The session is made ready for the next user meanwhile; nobody waits for it.
    pub(crate) async fn run(
        self: &Arc<Self>,
        head: &Head,
        entry: Entry,
        work: Work,
        shape: Shape,
    ) -> Result<Vec<u8>> {
        let Entry {
            credentials,
            claims,
            is_client,
        } = entry;
        let lease = self.pools.pool(&head.role, credentials).lend().await?;
        let mut session = InUse::new(self, lease);
        let limit = self.limits().time;
        let since = Instant::now();
        let retried = is_client && work.batch.is_none();
        let performed = self.perform(session.get()?, claims.as_ref(), &work, retried);
        let outcome = timeout(limit + GRACE, performed)
            .await
            .unwrap_or_else(|_| Err(Error::Timeout(limit).into()));
        self.counters.took(since.elapsed());
        let (result, transaction) = match outcome {
            Ok((outcomes, transaction)) => (Ok(outcomes), transaction),
            Err(Failure {
                error,
                session: Some(transaction),
            }) => (Err(error), transaction),
            Err(Failure { error, session: None }) => return Err(error),
        };
        match self.written(&shape, result) {
            Written::Done(result) => {
                session.put_back(transaction);
                result
            }
            Written::Unknown(outcomes, types) => {
                // Asked of a session that nobody has set up to lie.
                let learned = self.learn(session.get()?, transaction, &types).await;
                learned.map_err(WireError::answer)?;
                session.give_back();
                shape.write(&outcomes, &self.kinds)
            }
        }
    }

    async fn perform(
        &self,
        session: &mut Session,
        claims: Option<&Claims>,
        work: &Work,
        mut retried: bool,
    ) -> Result<(Vec<Outcome>, Transaction), Failure> {
        loop {
            let introduction = self.introduce(session, claims).await?;
            let output = session.connection.output();
            if let Err(error) = work.encode(introduction.as_ref(), output) {
                // Nothing was sent yet, so the session is as it was.
                output.clear();
                let session = Some(Transaction::None);
                return Err(Failure { error, session });
            }
            // A batch that fails leaves its transaction open, and only what ends that can follow.
            if work.batch.is_none() {
                session.ask_for_reset().map_err(WireError::answer)?;
            }
            let before = usize::from(introduction.is_some());
            match collect(&mut session.connection, work, before, self.limits()).await {
                Err(Failure {
                    error,
                    session: Some(Transaction::None),
                }) if retried && error.is_serialization_failure() => {
                    retried = false;
                    self.counters.retried();
                    session
                        .reset(Transaction::None)
                        .await
                        .map_err(WireError::answer)?;
                }
                outcome => return outcome,
            }
        }
    }

    /// The statement that brings the claims of a request into its session, with its parameter.
    async fn introduce(
        &self,
        session: &mut Session,
        claims: Option<&Claims>,
    ) -> Result<Option<Introduction>> {
        let longest = self.limits().time;
        match (&mut session.claimed, claims) {
            (Claimed::Never, _) | (Claimed::Sealed(_), None) => Ok(None),
            (Claimed::Sealed(request), Some(claims)) => {
                let known = self.directory.known().await.map_err(not_set_up)?;
                let sealed = known.seal.seal(claims, request, longest);
                Ok(Some(Introduction::sealed(sealed)))
            }
            (Claimed::Signed(number), claims) => {
                *number += 1;
                let token = self.signer.sign(claims, *number, longest)?;
                Ok(Some(Introduction::signed(token)))
            }
        }
    }

    fn written(&self, shape: &Shape, result: Result<Vec<Outcome>>) -> Written {
        let outcomes = match result {
            Ok(outcomes) => outcomes,
            Err(error) => return Written::Done(Err(error)),
        };
        match shape.unknown_types(&outcomes, &self.kinds) {
            Ok(types) if types.is_empty() => Written::Done(shape.write(&outcomes, &self.kinds)),
            Ok(types) => Written::Unknown(outcomes, types),
            Err(error) => Written::Done(Err(error)),
        }
    }

    async fn learn(
        &self,
        session: &mut Session,
        transaction: Transaction,
        types: &[u32],
    ) -> Result<(), WireError> {
        session.reset(transaction).await?;
        self.kinds.learn(&mut session.connection, types).await
    }

    /// What is counted, and the sessions, in the Prometheus text format.
    ///
    /// # Errors
    /// Those of the writer; a string has none.
    pub fn write_metrics(&self, out: &mut String) -> std::fmt::Result {
        self.counters.write(&self.pools.gauges(), out)
    }
}

/// A session that a request uses. Dropped like that, because the request was given up or failed half-way, what it runs is stopped and it is
/// closed: a session is never left in the middle.
struct InUse {
    gateway: Arc<Gateway>,
    lease: Option<Lease>,
}

impl InUse {
    fn new(gateway: &Arc<Gateway>, lease: Lease) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            lease: Some(lease),
        }
    }

    fn get(&mut self) -> Result<&mut Session> {
        let lease = self.lease.as_mut();
        lease.ok_or(Error::Unreachable("the session is gone"))?.session()
    }

    /// For the next user, or closed if it cannot be made clean.
    fn put_back(mut self, transaction: Transaction) {
        let Some(mut lease) = self.lease.take() else {
            return;
        };
        let gateway = Arc::clone(&self.gateway);
        tokio::spawn(async move {
            let Ok(session) = lease.session() else { return };
            match session.reset(transaction).await {
                Ok(()) => lease.give_back(),
                Err(error) => {
                    gateway.counters.closed();
                    tracing::debug!(%error, "a session was closed because it could not be reset");
                }
            }
        });
    }

    /// For the next user. Only after a reset.
    fn give_back(mut self) {
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

enum Written {
    Done(Result<Vec<u8>>),
    /// The outcomes have types that are not known yet.
    Unknown(Vec<Outcome>, Vec<u32>),
}

fn not_set_up(error: WireError) -> Error {
    tracing::error!(%error, "the keys of /sql cannot be read");
    Error::Unreachable("the database cannot be reached, or is not set up")
}

async fn sweep(gateway: Weak<Gateway>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(gateway) = gateway.upgrade() else { return };
        gateway.pools.sweep();
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
