//! What all requests share.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use rowgate_environment::Registry;
use rowgate_rows::Tables;
use rowgate_sql::Gateway;
use tokio::sync::Semaphore;

use crate::ServeError;
use crate::config::Limits;
use crate::error::{ApiError, Result};
use crate::identity::Identities;
use crate::metrics::Metrics;

/// Most exports at a time.
const MAX_EXPORTS: usize = 4;

/// A handle on what all requests share. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) registry: Arc<Registry>,
    /// The application's tables, where the store is in the application's database.
    tables: OnceLock<Tables>,
    pub(crate) identities: Arc<Identities>,
    /// SQL over HTTP, if it is served.
    sql: OnceLock<Arc<Gateway>>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    /// Random, and another one after each start: generated request ids carry it.
    pub(crate) epoch: String,
    /// Long decisions and lists run on threads of their own, no more than this at a time.
    long: Arc<Semaphore>,
    /// Exports run for as long as their clients take to read.
    pub(crate) exports: Arc<Semaphore>,
    requests: AtomicU64,
    stopping: AtomicBool,
}

impl App {
    pub(crate) fn new(
        registry: Registry,
        identities: Identities,
        limits: Limits,
    ) -> Result<Self, ServeError> {
        let mut random = [0; 6];
        getrandom::fill(&mut random).map_err(|error| {
            ServeError::Task(format!("the operating system gives no randomness: {error}"))
        })?;
        let epoch = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let threads = std::thread::available_parallelism().map_or(4, usize::from);
        Ok(Self(Arc::new(Shared {
            registry: Arc::new(registry),
            tables: OnceLock::new(),
            identities: Arc::new(identities),
            sql: OnceLock::new(),
            limits,
            metrics: Metrics::default(),
            epoch,
            long: Arc::new(Semaphore::new(threads.max(2) * 2)),
            exports: Arc::new(Semaphore::new(MAX_EXPORTS)),
            requests: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        })))
    }

    /// Lets resources be rows of the database that a connection string names.
    pub(crate) fn serve_tables(&self, url: String) {
        // There is one database for as long as the server runs.
        let tables = Tables::new(url, tokio::runtime::Handle::current());
        let _ = self.0.tables.set(tables);
    }

    /// Shows what SQL over HTTP counts.
    pub(crate) fn serve_sql(&self, gateway: Arc<Gateway>) {
        // There is one database for as long as the server runs.
        let _ = self.0.sql.set(gateway);
    }

    /// SQL over HTTP, if it is served.
    pub(crate) fn sql(&self) -> Option<&Gateway> {
        self.0.sql.get().map(Arc::as_ref)
    }

    /// The application's tables.
    ///
    /// # Errors
    /// When an environment has bindings and the store is in no database.
    pub(crate) fn tables(&self) -> Result<&Tables> {
        let missing = || ApiError::Internal("there are bindings, and the store is not in a database".into());
        self.0.tables.get().ok_or_else(missing)
    }

    /// Work that may take longer than the threads that serve connections should be kept.
    pub(crate) async fn long<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.long)
            .acquire_owned()
            .await
            .map_err(|_| ApiError::Stopping)?;
        let working = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, even if nobody waits for it any more.
            let _place = place;
            work()
        });
        working
            .await
            .map_err(|error| ApiError::Internal(error.to_string()))
    }

    /// An id that no other request of this or another process has.
    pub(crate) fn next_request_id(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(32);
        id.push_str("req_");
        id.push_str(&self.epoch);
        // Ten digits are enough for a thousand requests in each second of thirty years. `format!` takes ten times as long, for every request.
        let digits = (0..10).rev().map(|digit| (number >> (4 * digit)) & 15);
        id.extend(digits.map(|digit| char::from(DIGITS[digit as usize])));
        id
    }

    /// From now on the server is not ready for more.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
