//! Starting, running and stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rowgate_environment::{Environment, Registry};
use rowgate_identity::built_in::{KeyFiles, KeyStore};
use rowgate_store::postgres::{Postgres, PostgresOptions};
use tokio::net::TcpListener;

use crate::config::{Config, ConfigError, StoreLocation};
use crate::identity::{Identities, StoredKeys, keep_following};
use crate::state::App;
use crate::{accept, expiry, http, log, retention, sql};

/// The name of the key that a configuration brings along.
const BOOTSTRAP: &str = "bootstrap";

/// Where the signing keys are, in the directory of the store.
const SIGNING_KEYS: &str = "identity";

/// Why a server does not start, or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// The store cannot be opened, or did not close.
    #[error("{code}: {0}", code = .0.code())]
    Store(#[source] rowgate_environment::Error),
    /// The signing keys cannot be read or made.
    #[error("{0}")]
    Keys(#[source] rowgate_identity::built_in::KeyStoreError),
    /// The bootstrap key cannot be used.
    #[error("the API key: {0}")]
    ApiKey(#[source] rowgate_environment::Error),
    /// A thread of the server ended unexpectedly.
    #[error("a task of the server ended unexpectedly: {0}")]
    Task(String),
}

/// A server that listens and has its store open.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
    entry: http::Entry,
    audit_retention: Duration,
    generated_key: Option<String>,
}

impl Server {
    /// Opens the store, makes sure that there is a key, and listens. Requests are answered from [`Server::run`] on.
    ///
    /// # Errors
    /// [`ServeError`] with what to do about it.
    pub async fn bind(config: Config) -> Result<Self, ServeError> {
        log::init(&config.log)?;
        let listen = |error| ServeError::Listen {
            address: config.listen,
            error,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let store = config.store.clone();
        let api_key = config.api_key.clone();
        let identity = config.identity.clone();
        let open = move || {
            let (registry, stored_keys) = open_store(&store)?;
            let generated_key = api_key_of(&registry, api_key.as_deref())?;
            let signing_keys = match &identity.built_in.keys {
                Some(directory) => Arc::new(KeyFiles::new(directory)),
                None => stored_keys,
            };
            let identities = Identities::open(&identity, signing_keys, &registry)?;
            Ok::<_, ServeError>((registry, identities, generated_key))
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let (registry, identities, generated_key) =
            opened.map_err(|error| ServeError::Task(error.to_string()))??;
        let app = App::new(registry, identities, config.limits.clone())?;
        if let StoreLocation::Postgres(url) = &config.store {
            app.serve_tables(url.secret().to_owned());
        }
        keep_following(&app.identities, &app.registry);
        let sql = match config.sql {
            Some(sql) => Some(sql::router(&app, sql, config.sql_environment).await?),
            None => None,
        };
        let entry = http::entry(&app, &config.cors_origins, sql)?;
        Ok(Self {
            listener,
            address,
            app,
            entry,
            audit_retention: config.audit_retention,
            generated_key,
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The key that was generated because the store had none. It is not kept anywhere: show it once.
    pub fn generated_key(&self) -> Option<&str> {
        self.generated_key.as_deref()
    }

    /// What it serves.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.app.registry)
    }

    /// Answers requests until `shutdown` is ready; then finishes those in flight and closes the store.
    ///
    /// # Errors
    /// [`ServeError`] when the store did not close well. What was answered is durable all the same.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Self {
            listener,
            address,
            app,
            entry,
            audit_retention,
            ..
        } = self;
        tracing::info!(%address, version = crate::VERSION, "listening");
        let pruning = tokio::spawn(retention::keep_to(Arc::clone(&app.registry), audit_retention));
        let ending = tokio::spawn(expiry::look_after(Arc::clone(&app.registry), app.limits.expiry));
        accept::serve(listener, entry, &app, shutdown).await;
        pruning.abort();
        ending.abort();
        let registry = Arc::clone(&app.registry);
        let closed = tokio::task::spawn_blocking(move || registry.close()).await;
        closed
            .map_err(|error| ServeError::Task(error.to_string()))?
            .map_err(ServeError::Store)?;
        tracing::info!("stopped");
        Ok(())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The store, and where it keeps signing keys: beside it, or in its database, where all servers find the same ones.
fn open_store(store: &StoreLocation) -> Result<(Registry, Arc<dyn KeyStore>), ServeError> {
    match store {
        StoreLocation::File(directory) => {
            let registry = Registry::open(directory).map_err(ServeError::Store)?;
            Ok((registry, Arc::new(KeyFiles::new(directory.join(SIGNING_KEYS)))))
        }
        StoreLocation::Postgres(url) => {
            let store = Postgres::connect(url.secret(), PostgresOptions::default());
            let store = Arc::new(store.map_err(|error| ServeError::Store(error.into()))?);
            let registry = Registry::with_store(Arc::clone(&store) as _).map_err(ServeError::Store)?;
            Ok((registry, Arc::new(StoredKeys(store))))
        }
    }
}

/// Makes sure that there is an API key. The one that was made, if there was none.
fn api_key_of(registry: &Registry, api_key: Option<&str>) -> Result<Option<String>, ServeError> {
    let default = registry.environment(rowgate_environment::registry::DEFAULT);
    let default: Environment =
        default.ok_or_else(|| ServeError::Task("the store has no default environment".into()))?;
    if let Some(secret) = api_key {
        registry
            .add_key(&default, BOOTSTRAP, secret)
            .map_err(ServeError::ApiKey)?;
        return Ok(None);
    }
    if registry
        .environments()
        .iter()
        .any(|environment| !registry.keys(environment).is_empty())
    {
        return Ok(None);
    }
    let (_, secret) = registry
        .create_key(&default, BOOTSTRAP)
        .map_err(ServeError::ApiKey)?;
    Ok(Some(secret))
}
