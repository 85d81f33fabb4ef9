//! All environments of one store, their keys, and the threads that write.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rowgate_graph::Snapshot;
use rowgate_store::{ApiKeyRecord, Embedded, ErrorKind, LogSize, NewEnvironment, Options, Store};

use crate::catalog::Catalog;
use crate::environment::{Environment, Inner, Snapshotting};
use crate::follow::{Follower, Following};
use crate::keys::{self, ApiKey, KeyHandle};
use crate::{Error, Result, load, turn, writer};

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
    catalog: Arc<Catalog>,
    /// Follows the store, if others write to it.
    follower: Option<Arc<Follower>>,
    /// The threads that write and follow, until the registry is closed.
    threads: Mutex<Vec<JoinHandle<()>>>,
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
        let catalog = Arc::new(Catalog::open(store)?);
        let shared = catalog.store.shared().is_some();
        let registry = Self {
            catalog,
            follower: shared.then(|| Arc::new(Follower::new())),
            threads: Mutex::default(),
        };
        if registry.environment(DEFAULT).is_none() {
            match registry.create_environment(DEFAULT) {
                // Another server was faster.
                Err(Error::Exists { .. }) => registry.catalog.refresh()?,
                created => drop(created?),
            }
        }
        registry.start_writers()?;
        registry.start_follower()?;
        Ok(registry)
    }

    /// One thread, and another one that prepares the next group of writes meanwhile if the store lets it.
    fn start_writers(&self) -> Result<()> {
        for _ in 0..=usize::from(self.catalog.store.prepares_ahead()) {
            let catalog = Arc::clone(&self.catalog);
            self.start("rowgate-writer", move || match catalog.store.shared() {
                Some(shared) => turn::run(shared, &catalog.queue),
                None => writer::run(&*catalog.store, &catalog.queue, &|environment| {
                    snapshot_if_due(&catalog.store, environment);
                }),
            })?;
        }
        Ok(())
    }

    fn start_follower(&self) -> Result<()> {
        let Some(follower) = self.follower.clone() else {
            return Ok(());
        };
        let catalog = Arc::clone(&self.catalog);
        self.start("rowgate-follower", move || {
            if let Some(shared) = catalog.store.shared() {
                follower.run(&catalog, shared);
            }
        })
    }

    fn start(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(run);
        let thread = thread.map_err(|error| Error::Refused {
            code: "internal_error",
            message: format!("cannot start a thread: {error}"),
        })?;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.push(thread);
        Ok(())
    }

    /// How it stands to a store that others write to; `None` when nobody else does.
    pub fn following(&self) -> Option<Following> {
        self.follower.as_ref().map(|follower| follower.state())
    }

    /// All environments.
    pub fn environments(&self) -> Vec<Environment> {
        self.catalog.environments.load().to_vec()
    }

    /// The environment of that name.
    pub fn environment(&self, name: &str) -> Option<Environment> {
        self.catalog
            .environments
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
        let _changing = self.catalog.change();
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
        let created = self.catalog.store.create_environment(&NewEnvironment {
            name: name.into(),
            uid,
            created_at: writer::now(),
        });
        let record = created.map_err(|error| match error.kind() {
            // Another server was faster.
            ErrorKind::EnvironmentExists => Error::Exists {
                kind: "Environment",
                key: name.to_owned(),
            },
            _ => error.into(),
        })?;
        let environment = self.catalog.load(record)?;
        environments.push(environment.clone());
        self.catalog.environments.store(Arc::new(environments));
        Ok(environment)
    }

    /// Deletes an environment with everything in it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] for the default environment, and those of the store.
    pub fn delete_environment(&self, name: &str) -> Result<()> {
        let _changing = self.catalog.change();
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
        self.catalog
            .store
            .delete_environment(environment.inner.record.id)?;
        let left = self
            .environments()
            .into_iter()
            .filter(|other| other.name() != name)
            .collect();
        self.catalog.environments.store(Arc::new(left));
        self.catalog.read_keys()
    }

    /// The environment that a secret opens.
    pub fn authenticate(&self, secret: &str) -> Option<Environment> {
        self.opened_by(secret).map(|(environment, _)| environment)
    }

    /// The environment that a secret opens, and the key that the secret is of.
    pub fn opened_by(&self, secret: &str) -> Option<(Environment, KeyHandle)> {
        if secret.len() > keys::MAX_KEY {
            return None;
        }
        let hash = keys::hash(secret);
        let keys = self.catalog.keys.load();
        let record = keys.get(&hash).filter(|record| keys::same(&record.hash, &hash))?;
        let environments = self.catalog.environments.load();
        let environment = environments
            .iter()
            .find(|environment| environment.inner.record.id == record.environment)?;
        Some((environment.clone(), KeyHandle(Arc::clone(record))))
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
        let _changing = self.catalog.change();
        if let Some(known) = self.catalog.keys.load().get(&record.hash) {
            if known.environment == record.environment {
                return Ok(self.describe(known));
            }
            return Err(Error::Exists {
                kind: "ApiKey",
                key: known.id.clone(),
            });
        }
        self.catalog.store.put_api_key(&record)?;
        self.catalog.read_keys()?;
        Ok(self.describe(&record))
    }

    /// The keys of an environment, oldest first.
    pub fn keys(&self, environment: &Environment) -> Vec<ApiKey> {
        let keys = self.catalog.keys.load();
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
        let _changing = self.catalog.change();
        let own = self.keys(environment);
        if !own.iter().any(|key| key.id == id) {
            return Err(Error::not_found("ApiKey", id));
        }
        let deleted = self.catalog.store.delete_api_key(id);
        // Also of what other servers did meanwhile.
        self.catalog.read_keys()?;
        match deleted {
            Err(error) if error.kind() == ErrorKind::LastApiKey => {
                let message = "this is the environment's last key; create another one first".to_owned();
                Err(Error::Refused {
                    code: "invalid_request",
                    message,
                })
            }
            Err(error) => Err(error.into()),
            // Whoever was faster: it is gone.
            Ok(_) => Ok(()),
        }
    }

    fn describe(&self, record: &ApiKeyRecord) -> ApiKey {
        let environments = self.catalog.environments.load();
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

    /// Finishes what is queued, writes snapshots where they make the next start faster, and closes the store.
    ///
    /// # Errors
    /// Those of the store. What was answered is durable all the same.
    pub fn close(&self) -> Result<()> {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if threads.is_empty() {
            return Ok(());
        }
        self.catalog.queue.stop();
        if let Some(follower) = &self.follower {
            follower.stop();
        }
        for thread in threads {
            // One that panicked has answered everybody, too.
            let _ = thread.join();
        }
        if self.follower.is_some() {
            // A shared store keeps the state itself, and others go on using it.
            return self.catalog.store.close().map_err(Error::from);
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
        outcome.and(self.catalog.store.close().map_err(Error::from))
    }

    fn closing_snapshot(&self, inner: &Arc<Inner>) -> Result<()> {
        let size = self.catalog.store.log_size(inner.record.id)?;
        if size.commits < CLOSING_COMMITS && size.bytes < CLOSING_BYTES {
            return Ok(());
        }
        load::snapshot(&*self.catalog.store, inner.record.id, &inner.published())
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
