//! All environments of one store, their keys, and the threads that write.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use rowgate_graph::Snapshot;
use rowgate_store::{ApiKeyRecord, Embedded, LogSize, NewEnvironment, Options, Store};
use rustc_hash::FxHashMap;

use crate::environment::{Environment, Inner, Snapshotting};
use crate::keys::{self, ApiKey};
use crate::queue::Queue;
use crate::writer;
use crate::{Error, Result, load};

/// The environment that every store has. Its keys may manage the other environments.
pub const DEFAULT: &str = "default";

/// A snapshot is written in the background when the log after the last one has grown past one of these, or past what is in
/// proportion to the graph if that is more: so an import of any size writes a few times its own size in snapshots.
const SNAPSHOT_COMMITS: u64 = 50_000;
const SNAPSHOT_BYTES: u64 = 64 << 20;

/// On shutdown a log shorter than both is not worth a snapshot.
const CLOSING_COMMITS: u64 = 500;
const CLOSING_BYTES: u64 = 8 << 20;

/// Most environments in one store.
pub const MAX_ENVIRONMENTS: usize = 1_000;

/// Everything one server serves.
pub struct Registry {
    store: Arc<dyn Store>,
    environments: ArcSwap<Vec<Environment>>,
    keys: ArcSwap<FxHashMap<[u8; 32], ApiKeyRecord>>,
    /// Held while environments or keys change.
    changing: Mutex<()>,
    queue: Arc<Queue>,
    /// The threads that write, until the registry is closed.
    writers: Mutex<Vec<JoinHandle<()>>>,
}

impl Registry {
    /// Opens the embedded store in a directory.
    ///
    /// # Errors
    /// Those of the store, and what is wrong with what it holds.
    pub fn open(directory: &Path) -> Result<Self> {
        Self::with_store(Arc::new(Embedded::open(directory, Options::default())?))
    }

    /// Serves a store.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub fn with_store(store: Arc<dyn Store>) -> Result<Self> {
        let queue = Arc::new(Queue::new(store.prepares_ahead()));
        let mut environments = Vec::new();
        for record in store.environments()? {
            let working = load::load(&*store, record.id)?;
            environments.push(Environment {
                inner: Arc::new(Inner::new(record, working)),
                queue: Arc::clone(&queue),
            });
        }
        let registry = Self {
            store,
            environments: ArcSwap::from_pointee(environments),
            keys: ArcSwap::default(),
            changing: Mutex::default(),
            queue,
            writers: Mutex::default(),
        };
        registry.start_writers()?;
        registry.read_keys()?;
        if registry.environment(DEFAULT).is_none() {
            registry.create_environment(DEFAULT)?;
        }
        Ok(registry)
    }

    /// One thread, and another one that prepares the next group of writes meanwhile if the store lets it.
    fn start_writers(&self) -> Result<()> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..=usize::from(self.store.prepares_ahead()) {
            let (store, queue) = (Arc::clone(&self.store), Arc::clone(&self.queue));
            let run = move || {
                writer::run(&*store, &queue, &|environment| {
                    snapshot_if_due(&store, environment)
                });
            };
            let thread = std::thread::Builder::new().name("rowgate-writer".into());
            writers.push(thread.spawn(run).map_err(|error| Error::Refused {
                code: "internal_error",
                message: format!("cannot start a thread: {error}"),
            })?);
        }
        Ok(())
    }

    /// All environments.
    pub fn environments(&self) -> Vec<Environment> {
        self.environments.load().to_vec()
    }

    /// The environment of that name.
    pub fn environment(&self, name: &str) -> Option<Environment> {
        self.environments
            .load()
            .iter()
            .find(|environment| environment.name() == name)
            .cloned()
    }

    /// Creates an environment with the default schema.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Invalid`] for a name that cannot be one, and those of the store.
    pub fn create_environment(&self, name: &str) -> Result<Environment> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if !rowgate_engine::names::is_name(name) {
            return Err(Error::invalid(
                "name",
                "can only contain letters, digits, '-' and '_', and at most 64 of them",
            ));
        }
        if self.environment(name).is_some() {
            return Err(Error::Exists {
                kind: "Environment",
                key: name.to_owned(),
            });
        }
        let mut environments = self.environments();
        if environments.len() >= MAX_ENVIRONMENTS {
            let message = format!("a store holds at most {MAX_ENVIRONMENTS} environments");
            return Err(Error::Refused {
                code: "invalid_request",
                message,
            });
        }
        let uid = keys::random(9)?;
        let record = self.store.create_environment(&NewEnvironment {
            name: name.into(),
            uid,
            created_at: writer::now(),
        })?;
        let working = load::load(&*self.store, record.id)?;
        let environment = Environment {
            inner: Arc::new(Inner::new(record, working)),
            queue: Arc::clone(&self.queue),
        };
        environments.push(environment.clone());
        self.environments.store(Arc::new(environments));
        Ok(environment)
    }

    /// Deletes an environment with everything in it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] for the default environment, and those of the store.
    pub fn delete_environment(&self, name: &str) -> Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let environment = self
            .environment(name)
            .ok_or_else(|| Error::not_found("Environment", name))?;
        if environment.is_default() {
            let message = "the default environment cannot be deleted".to_owned();
            return Err(Error::Refused {
                code: "invalid_request",
                message,
            });
        }
        self.store.delete_environment(environment.inner.record.id)?;
        let left = self
            .environments()
            .into_iter()
            .filter(|other| other.name() != name)
            .collect();
        self.environments.store(Arc::new(left));
        self.read_keys()
    }

    /// The environment that a secret opens.
    pub fn authenticate(&self, secret: &str) -> Option<Environment> {
        if secret.len() > keys::MAX_KEY {
            return None;
        }
        let hash = keys::hash(secret);
        let keys = self.keys.load();
        let record = keys.get(&hash).filter(|record| keys::same(&record.hash, &hash))?;
        let environments = self.environments.load();
        environments
            .iter()
            .find(|environment| environment.inner.record.id == record.environment)
            .cloned()
    }

    /// Creates a key; the secret is returned here and never again.
    ///
    /// # Errors
    /// Those of the store.
    pub fn create_key(&self, environment: &Environment, name: &str) -> Result<(ApiKey, String)> {
        let secret = keys::generate()?;
        Ok((self.add_key(environment, name, &secret)?, secret))
    }

    /// Makes a chosen secret a key of an environment. Nothing happens if it is one already.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a secret that is too short, [`Error::Exists`] when it opens another environment.
    pub fn add_key(&self, environment: &Environment, name: &str, secret: &str) -> Result<ApiKey> {
        if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
            return Err(Error::invalid("name", "a key's name has 1 to 100 characters"));
        }
        let record = keys::record(secret, name, environment.inner.record.id)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.keys.load().get(&record.hash) {
            if known.environment == record.environment {
                return Ok(self.describe(known));
            }
            return Err(Error::Exists {
                kind: "ApiKey",
                key: known.id.clone(),
            });
        }
        self.store.put_api_key(&record)?;
        self.read_keys()?;
        Ok(self.describe(&record))
    }

    /// The keys of an environment, oldest first.
    pub fn keys(&self, environment: &Environment) -> Vec<ApiKey> {
        let keys = self.keys.load();
        let own = keys
            .values()
            .filter(|key| key.environment == environment.inner.record.id);
        let mut own: Vec<ApiKey> = own.map(|key| self.describe(key)).collect();
        own.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        own
    }

    /// Deletes a key of an environment.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] for the last key, and those of the store.
    pub fn delete_key(&self, environment: &Environment, id: &str) -> Result<()> {
        // Before looking: of two that delete the last two keys, one is refused.
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let own = self.keys(environment);
        if !own.iter().any(|key| key.id == id) {
            return Err(Error::not_found("ApiKey", id));
        }
        if own.len() == 1 {
            let message = "this is the environment's last key; create another one first".to_owned();
            return Err(Error::Refused {
                code: "invalid_request",
                message,
            });
        }
        self.store.delete_api_key(id)?;
        self.read_keys()
    }

    fn describe(&self, record: &ApiKeyRecord) -> ApiKey {
        let environments = self.environments.load();
        let of = environments
            .iter()
            .find(|environment| environment.inner.record.id == record.environment);
        ApiKey {
            id: record.id.clone(),
            name: record.name.clone(),
            environment: of.map_or_else(String::new, |environment| environment.name().to_owned()),
            prefix: record.prefix.clone(),
            created_at: record.created_at,
        }
    }

    fn read_keys(&self) -> Result<()> {
        let keys = self
            .store
            .api_keys()?
            .into_iter()
            .map(|key| (key.hash, key))
            .collect();
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// Finishes what is queued, writes snapshots where they make the next start faster, and closes the store.
    ///
    /// # Errors
    /// Those of the store. What was answered is durable all the same.
    pub fn close(&self) -> Result<()> {
        let writers = std::mem::take(&mut *self.writers.lock().unwrap_or_else(PoisonError::into_inner));
        if writers.is_empty() {
            return Ok(());
        }
        self.queue.stop();
        for writer in writers {
            // One that panicked has answered everybody, too.
            let _ = writer.join();
        }
        let mut outcome = Ok(());
        for environment in self.environments() {
            let inner = &environment.inner;
            // A snapshot that is being written in the background is waited for: it may be half-way through a large graph.
            while !inner.begin_snapshot() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            outcome = outcome.and(self.closing_snapshot(inner));
        }
        outcome.and(self.store.close().map_err(Error::from))
    }

    fn closing_snapshot(&self, inner: &Arc<Inner>) -> Result<()> {
        let size = self.store.log_size(inner.record.id)?;
        if size.commits < CLOSING_COMMITS && size.bytes < CLOSING_BYTES {
            return Ok(());
        }
        load::snapshot(&*self.store, inner.record.id, &inner.published())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // A failure to close loses nothing that was answered; there is nobody left to tell.
        let _ = self.close();
    }
}

/// Whether the log after a snapshot is long enough for another one of this graph.
fn is_due(log: LogSize, graph: &Snapshot) -> bool {
    let entries = (graph.warrant_count() + graph.resource_count()) as u64;
    // An entry of a snapshot takes some thirty bytes. Half a graph's size of log is read as fast as the graph.
    log.commits >= SNAPSHOT_COMMITS.max(entries / 16) || log.bytes >= SNAPSHOT_BYTES.max(entries * 15)
}

fn snapshot_if_due(store: &Arc<dyn Store>, environment: &Arc<Inner>) {
    let log = store.log_size(environment.record.id).unwrap_or_default();
    if !is_due(log, &environment.published().graph) || !environment.begin_snapshot() {
        return;
    }
    // Dropped with the thread that cannot be started, too.
    let (store, taken) = (Arc::clone(store), Snapshotting(Arc::clone(environment)));
    let run = move || {
        let inner = &taken.0;
        // A failed snapshot costs a slower start, nothing else; the next flush tries again.
        let _ = load::snapshot(&*store, inner.record.id, &inner.published());
    };
    let _ = std::thread::Builder::new()
        .name("rowgate-snapshot".into())
        .spawn(run);
}
