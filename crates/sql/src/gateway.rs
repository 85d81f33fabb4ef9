//! Everything together.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::admit::{Entry, not_set_up};
use crate::answer::Shape;
use crate::authenticate::{Authenticate, Claims};
use crate::config::{Config, Limits, TargetError};
use crate::counters::Counters;
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::execute::{Failure, Introduction, Outcome, Work, collect};
use crate::head::Head;
use crate::in_use::InUse;
use crate::incoming::Bodies;
use crate::kind::Kinds;
use crate::lasting;
use crate::session::{Claimed, Opener, Pools, Session};
use crate::session_jwt::Signer;
use crate::wire::{Dialer, Transaction, WireError};

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
    pub(crate) requests: Semaphore,
    pub(crate) bodies: Bodies,
    pub(crate) counters: Arc<Counters>,
    pools: Arc<Pools>,
    signer: Arc<Signer>,
    kinds: Kinds,
    pub(crate) authenticate: Arc<dyn Authenticate>,
}

impl Gateway {
    /// Needs the runtime, for looking after idle sessions. Connects when the first request comes; see [`Gateway::check`].
    ///
    /// # Errors
    /// A target that cannot be used, such as one with a file of certificates that is not there.
    pub fn new(config: Config, authenticate: Arc<dyn Authenticate>) -> Result<Arc<Self>, GatewayError> {
        let dialer = Arc::new(Dialer::new(&config.target)?);
        let signer = Arc::new(Signer::new().map_err(|_| GatewayError::Key)?);
        let counters = Arc::new(Counters::default());
        let opener = Opener {
            dialer: Arc::clone(&dialer),
            signer: Arc::clone(&signer),
            database: config.target.database.clone(),
            limits: config.limits.clone(),
            lacks_transaction_timeout: AtomicBool::new(false),
        };
        Ok(Arc::new(Self {
            directory: Directory::new(Arc::clone(&dialer), config.target.clone(), config.limits.known),
            pools: Pools::new(opener, Arc::clone(&counters)),
            requests: Semaphore::new(config.limits.requests),
            bodies: Bodies::new(&config.limits),
            counters,
            kinds: Kinds::default(),
            authenticate,
            signer,
            dialer,
            config,
        }))
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
            token,
            is_client,
        } = entry;
        let lease = self.pools.pool(&head.role, credentials).lend(token).await?;
        let mut session = InUse::new(self, lease);
        let limit = self.limits().time;
        let since = Instant::now();
        // A role with a password has its sessions to itself.
        let undone = !is_client || lasting::undone_by_reset(&work.queries);
        let tries = Tries {
            kept: undone && session.may_keep() && lasting::nothing_named(&work.queries),
            reset: undone,
            repeated: is_client && work.batch.is_none(),
        };
        let performed = self.perform(session.get()?, claims.as_ref(), &work, tries);
        let outcome = timeout(limit + GRACE, performed)
            .await
            .unwrap_or_else(|_| Err(Error::Timeout(limit).into()));
        self.counters.took(since.elapsed());
        let (result, end) = match outcome {
            Ok((outcomes, end)) => (Ok(outcomes), end),
            Err(Failure {
                error,
                session: Some(transaction),
                ..
            }) => (Err(error), End::Reset(transaction)),
            Err(Failure { error, .. }) => return Err(error),
        };
        match self.written(&shape, result) {
            Written::Done(result) => {
                match end {
                    _ if !undone => session.close(),
                    End::Keep => session.keep(),
                    End::Reset(transaction) => session.put_back(transaction),
                }
                result
            }
            Written::Unknown(outcomes, types) => {
                // Asked of a session that nobody has set up to lie.
                let transaction = match end {
                    End::Keep => Transaction::None,
                    End::Reset(transaction) => transaction,
                };
                let learned = self.learn(session.get()?, transaction, &types).await;
                learned.map_err(WireError::answer)?;
                match undone {
                    true => session.give_back(),
                    false => session.close(),
                }
                shape.write(&outcomes, &self.kinds)
            }
        }
    }

    async fn perform(
        &self,
        session: &mut Session,
        claims: Option<&Claims>,
        work: &Work,
        mut tries: Tries,
    ) -> Result<(Vec<Outcome>, End), Failure> {
        loop {
            // Something of the token's last request may be left in it, or a statement of a batch was prepared by one before it.
            let may_be_stale = session.is_kept() || (tries.kept && work.batch.is_some());
            let failure = match self.attempt(session, claims, work, &tries).await {
                Ok((outcomes, transaction)) => {
                    let plain = outcomes.iter().all(|outcome| lasting::is_plain(&outcome.tag));
                    let keep = tries.kept && plain && transaction == Transaction::None;
                    let end = if keep { End::Keep } else { End::Reset(transaction) };
                    return Ok((outcomes, end));
                }
                Err(failure) => failure,
            };
            let transaction = match failure.session {
                Some(transaction) if may_be_stale && failure.unstarted => {
                    self.counters.afresh();
                    transaction
                }
                Some(Transaction::None) if tries.repeated && failure.error.is_serialization_failure() => {
                    tries.repeated = false;
                    self.counters.retried();
                    Transaction::None
                }
                _ => return Err(failure),
            };
            tries.kept = false;
            session.reset(transaction).await.map_err(WireError::answer)?;
        }
    }

    /// Does the work once.
    async fn attempt(
        &self,
        session: &mut Session,
        claims: Option<&Claims>,
        work: &Work,
        tries: &Tries,
    ) -> Result<(Vec<Outcome>, Transaction), Failure> {
        let introduction = self.introduce(session, claims, tries.kept).await?;
        let statements = tries.kept.then_some(&mut session.statements);
        let output = session.connection.output();
        if let Err(error) = work.encode(introduction.as_ref(), statements, output) {
            // Nothing was sent yet, so Postgres is as it was.
            output.clear();
            return Err(Failure {
                error,
                session: Some(Transaction::None),
                unstarted: false,
            });
        }
        // A batch that fails leaves its transaction open, and only what ends that can follow.
        if tries.reset && !tries.kept && work.batch.is_none() {
            session.ask_for_reset().map_err(WireError::answer)?;
        }
        let before = usize::from(introduction.is_some());
        collect(&mut session.connection, work, before, self.limits()).await
    }

    /// The statement that brings the claims of a request into its session, with its parameter. Also into a session that is kept: a seal ends with its
    /// request, and nothing that the one before it did to the setting matters.
    async fn introduce(
        &self,
        session: &mut Session,
        claims: Option<&Claims>,
        kept: bool,
    ) -> Result<Option<Introduction>> {
        let longest = self.limits().time;
        match (&mut session.claimed, claims) {
            (Claimed::Never, _) | (Claimed::Sealed { .. }, None) => Ok(None),
            (Claimed::Sealed { request, .. }, Some(claims)) => {
                let known = self.directory.known().await.map_err(not_set_up)?;
                let sealed = known.seal.seal(claims, request, longest);
                Ok(Some(match kept {
                    true => Introduction::kept(sealed),
                    false => Introduction::sealed(sealed),
                }))
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

/// What may be done to make work succeed.
struct Tries {
    /// Keep the session as it is for the next request of the token.
    kept: bool,
    /// Reset it for the next user; otherwise it is closed.
    reset: bool,
    /// Repeat the work when Postgres asks for it.
    repeated: bool,
}

/// What becomes of the session of work that is done.
enum End {
    Keep,
    /// Where the session stands.
    Reset(Transaction),
}

enum Written {
    Done(Result<Vec<u8>>),
    /// The outcomes have types that are not known yet.
    Unknown(Vec<Outcome>, Vec<u32>),
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
