//! Everything together.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use crate::answer::Shape;
use crate::authenticate::{Authenticate, Claims};
use crate::cancel;
use crate::config::{Config, Limits, TargetError};
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::execute::{Failure, Outcome, Work, collect};
use crate::head::Head;
use crate::kind::Kinds;
use crate::session::{Credentials, Lease, Pools};
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
    pools: Pools,
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
        let gateway = Arc::new(Self {
            directory: Directory::new(Arc::clone(&dialer), config.target.clone()),
            pools: Pools::new(
                Arc::clone(&dialer),
                config.target.database.clone(),
                config.limits.clone(),
            ),
            requests: Arc::new(Semaphore::new(config.limits.requests)),
            kinds: Kinds::default(),
            authenticate,
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

    /// Does the work in a session and answers. The session is made ready for the next user after that; nobody waits for it.
    pub(crate) async fn run(
        self: &Arc<Self>,
        head: &Head,
        entry: Entry,
        mut work: Work,
        shape: Shape,
    ) -> Result<Vec<u8>> {
        let mut lease = self.pools.pool(&head.role, entry.credentials).lend().await?;
        if let Some(claims) = &entry.claims {
            let known = self.directory.known().await.map_err(not_set_up)?;
            let session = lease.session()?;
            let request = session
                .request
                .as_deref()
                .ok_or(Error::Unreachable("the session has no number"))?;
            work.seal = Some(known.seal.seal(claims, request, self.limits().time));
        }
        let (answer, answered) = oneshot::channel();
        let retried = entry.is_client && work.batch.is_none();
        tokio::spawn(Arc::clone(self).work(lease, work, shape, retried, answer));
        answered
            .await
            .unwrap_or(Err(Error::Unreachable("the request was given up")))
    }

    /// A task of its own: it goes on when the client goes away, because a session must never be left in the middle.
    async fn work(
        self: Arc<Self>,
        mut lease: Lease,
        work: Work,
        shape: Shape,
        retried: bool,
        mut answer: oneshot::Sender<Result<Vec<u8>>>,
    ) {
        let limit = self.limits().time + GRACE;
        let outcome = tokio::select! {
            outcome = self.perform(&mut lease, &work, retried) => outcome,
            () = tokio::time::sleep(limit) => Err(Error::Timeout(self.limits().time).into()),
            () = answer.closed() => Err(Error::Cancelled.into()),
        };
        let (result, transaction) = match outcome {
            Ok((outcomes, transaction)) => (Ok(outcomes), Some(transaction)),
            Err(failure) => (Err(failure.error), failure.session),
        };
        let Some(transaction) = transaction else {
            // The client may know at once; the session takes its time to end.
            let _ = answer.send(result.and(Err(Error::Unreachable("the session is gone"))));
            cancel::stop(&self, lease).await;
            return;
        };
        match self.written(&shape, result) {
            Written::Done(result) => {
                let _ = answer.send(result);
                self.put_back(lease, transaction).await;
            }
            Written::Unknown(outcomes, types) => {
                // Asked of a session that nobody has set up to lie.
                let learned = self.learn(&mut lease, transaction, &types).await;
                let ready = learned.is_ok();
                let result = learned
                    .map_err(WireError::answer)
                    .and_then(|()| shape.write(&outcomes, &self.kinds));
                let _ = answer.send(result);
                if ready {
                    lease.give_back();
                }
            }
        }
    }

    async fn perform(
        &self,
        lease: &mut Lease,
        work: &Work,
        retried: bool,
    ) -> Result<(Vec<Outcome>, Transaction), Failure> {
        let connection = &mut lease.session()?.connection;
        let mut messages = bytes::BytesMut::new();
        // Nothing was sent yet, so the session is as it was.
        work.encode(&mut messages).map_err(|error| Failure {
            error,
            session: Some(Transaction::None),
        })?;
        connection.output().extend_from_slice(&messages);
        match collect(connection, work, self.limits()).await {
            Err(Failure {
                error,
                session: Some(Transaction::None),
            }) if retried && error.is_serialization_failure() => {
                connection.output().extend_from_slice(&messages);
                collect(connection, work, self.limits()).await
            }
            outcome => outcome,
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
        lease: &mut Lease,
        transaction: Transaction,
        types: &[u32],
    ) -> Result<(), WireError> {
        let session = lease.session().map_err(|_| WireError::Unexpected)?;
        session.reset(transaction).await?;
        self.kinds.learn(&mut session.connection, types).await
    }

    /// For the next user, or closed if it cannot be made clean.
    async fn put_back(&self, mut lease: Lease, transaction: Transaction) {
        let Ok(session) = lease.session() else { return };
        match session.reset(transaction).await {
            Ok(()) => lease.give_back(),
            Err(error) => tracing::debug!(%error, "a session was closed because it could not be reset"),
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
