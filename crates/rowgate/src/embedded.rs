//! A server in this process, on a store that goes away: for the demo and for tests.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use rowgate_server::{Config, Log, LogFormat, ServeError, Server, StoreLocation};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::client::Client;
use crate::failure::Failure;

/// A running server. Dropping it stops the server and deletes its store.
pub struct Embedded {
    url: String,
    key: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Deleted last.
    _store: TempDir,
}

impl Embedded {
    /// Starts a server at one of the addresses: the first that is free.
    ///
    /// # Errors
    /// When none of them is.
    pub fn start(addresses: &[SocketAddr]) -> Result<Self, Failure> {
        let store = tempfile::Builder::new()
            .prefix("rowgate-")
            .tempdir()
            .map_err(|error| Failure::new(error.to_string()))?;
        let runtime = runtime()?;
        let server = runtime.block_on(bind(addresses, &store))?;
        let url = format!("http://{}", server.local_addr());
        let key = server.generated_key().map(str::to_owned);
        let key = key.ok_or_else(|| Failure::new("the new store has a key already"))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let run = move || {
            let stopped = async {
                // Dropped or sent: stop in both cases.
                let _ = stopped.await;
            };
            // The store goes away; how well it was closed does not matter.
            let _ = runtime.block_on(server.run(stopped));
        };
        let thread = std::thread::Builder::new()
            .name("rowgate-server".into())
            .spawn(run);
        let thread = thread.map_err(|error| Failure::new(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            url,
            key,
            stop: Some(stop),
            thread: Some(thread),
            _store: store,
        })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key of its default environment.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A client for its default environment.
    ///
    /// # Errors
    /// None that a server of our own would cause.
    pub fn client(&self) -> Result<Client, Failure> {
        Client::new(&self.url, &self.key)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been reported by then.
            let _ = thread.join();
        }
    }
}

async fn bind(addresses: &[SocketAddr], store: &TempDir) -> Result<Server, Failure> {
    let mut failure = Failure::new("no address to listen on");
    for address in addresses {
        let log = Log {
            format: LogFormat::Off,
            ..Log::default()
        };
        let config = Config {
            listen: *address,
            log,
            ..Config::new(StoreLocation::File(store.path().join("data")))
        };
        match Server::bind(config).await {
            Ok(server) => return Ok(server),
            Err(error @ ServeError::Listen { .. }) => failure = Failure::new(error.to_string()),
            Err(error) => return Err(Failure::new(error.to_string())),
        }
    }
    Err(failure)
}

/// The runtime that a server runs on.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| Failure::new(format!("cannot start the runtime: {error}")))
}

/// Ready when somebody wants the program to stop: Ctrl-C, or SIGTERM.
pub(crate) fn interrupted() -> Result<impl Future<Output = ()>, Failure> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let cannot = |error: std::io::Error| Failure::new(format!("cannot listen to signals: {error}"));
        let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            // Without signals the program is stopped from outside.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
