//! Starting, running and stopping.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rowgate_environment::{Environment, Registry};
use rowgate_store::postgres::{Postgres, PostgresOptions};
use tokio::net::TcpListener;

use crate::config::{Config, ConfigError, IdentityConfig, StoreLocation};
use crate::identity::Identities;
use crate::state::App;
use crate::{accept, http, log, sql};

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
    router: axum::Router,
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
        let mut identity = config.identity.clone();
        let open = move || {
            let signing_keys = signing_keys(&store, &mut identity);
            let (registry, generated_key) = open(&store, api_key.as_deref())?;
            let identities = Identities::open(&identity, &signing_keys, &registry)?;
            Ok::<_, ServeError>((registry, identities, generated_key))
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let (registry, identities, generated_key) =
            opened.map_err(|error| ServeError::Task(error.to_string()))??;
        let app = App::new(registry, identities, config.limits.clone())?;
        if let StoreLocation::Postgres(url) = &config.store {
            app.serve_tables(url.secret().to_owned());
        }
        let sql = match config.sql {
            Some(config) => Some(sql::router(&app, config).await?),
            None => None,
        };
        let router = http::router(&app, &config.cors_origins, sql)?;
        Ok(Self {
            listener,
            address,
            app,
            router,
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
            router,
            ..
        } = self;
        tracing::info!(%address, version = crate::VERSION, "listening");
        accept::serve(listener, router, &app, shutdown).await;
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

/// Where the built-in issuer keeps its signing keys, unless the configuration says. Servers on one database would each sign with keys of
/// their own, so there it has to be said, or there is no such issuer.
fn signing_keys(store: &StoreLocation, identity: &mut IdentityConfig) -> PathBuf {
    match store {
        StoreLocation::File(directory) => directory.join(SIGNING_KEYS),
        StoreLocation::Postgres(_) => {
            identity.built_in.enabled &= identity.built_in.keys.is_some();
            PathBuf::new()
        }
    }
}

fn open(store: &StoreLocation, api_key: Option<&str>) -> Result<(Registry, Option<String>), ServeError> {
    let registry = match store {
        StoreLocation::File(directory) => Registry::open(directory),
        StoreLocation::Postgres(url) => Postgres::connect(url.secret(), PostgresOptions::default())
            .map_err(rowgate_environment::Error::from)
            .and_then(|store| Registry::with_store(Arc::new(store))),
    };
    let registry = registry.map_err(ServeError::Store)?;
    let default = registry.environment(rowgate_environment::registry::DEFAULT);
    let default: Environment =
        default.ok_or_else(|| ServeError::Task("the store has no default environment".into()))?;
    if let Some(secret) = api_key {
        registry
            .add_key(&default, BOOTSTRAP, secret)
            .map_err(ServeError::ApiKey)?;
        return Ok((registry, None));
    }
    if registry
        .environments()
        .iter()
        .any(|environment| !registry.keys(environment).is_empty())
    {
        return Ok((registry, None));
    }
    let (_, secret) = registry
        .create_key(&default, BOOTSTRAP)
        .map_err(ServeError::ApiKey)?;
    Ok((registry, Some(secret)))
}
