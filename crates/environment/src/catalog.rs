//! What a registry knows of its store: the environments and the API keys.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use rowgate_store::{ApiKeyRecord, EnvironmentRecord, ErrorKind, Store};
use rustc_hash::FxHashMap;

use crate::environment::{Environment, Inner};
use crate::queue::Queue;
use crate::{Result, load};

pub(crate) struct Catalog {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) environments: ArcSwap<Vec<Environment>>,
    pub(crate) keys: ArcSwap<FxHashMap<[u8; 32], Arc<ApiKeyRecord>>>,
    /// Held while environments or keys change.
    changing: Mutex<()>,
    pub(crate) queue: Arc<Queue>,
}

impl Catalog {
    /// Loads everything that a store has.
    pub(crate) fn open(store: Arc<dyn Store>) -> Result<Self> {
        let queue = Arc::new(Queue::new(store.prepares_ahead()));
        let catalog = Self {
            store,
            environments: ArcSwap::default(),
            keys: ArcSwap::default(),
            changing: Mutex::default(),
            queue,
        };
        catalog.refresh()?;
        Ok(catalog)
    }

    pub(crate) fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads again which environments and keys there are. Those that others created are loaded, those that others deleted go.
    pub(crate) fn refresh(&self) -> Result<()> {
        let _changing = self.change();
        let known = self.environments.load();
        let mut environments = Vec::new();
        for record in self.store.environments()? {
            let same = known
                .iter()
                .find(|environment| environment.inner.record == record);
            environments.push(match same {
                Some(environment) => environment.clone(),
                None => self.load(record)?,
            });
        }
        self.environments.store(Arc::new(environments));
        self.read_keys()
    }

    pub(crate) fn load(&self, record: EnvironmentRecord) -> Result<Environment> {
        let working = load::load(&*self.store, record.id)?;
        Ok(Environment {
            inner: Arc::new(Inner::new(record, working)),
            queue: Arc::clone(&self.queue),
            store: Arc::clone(&self.store),
        })
    }

    /// Reads the keys. Of several records of one secret, which servers that start together may store, the first stays.
    pub(crate) fn read_keys(&self) -> Result<()> {
        let mut keys: FxHashMap<[u8; 32], Arc<ApiKeyRecord>> = FxHashMap::default();
        for key in self.store.api_keys()? {
            match keys.entry(key.hash) {
                Entry::Occupied(_) => match self.store.delete_api_key(&key.id) {
                    // It stays, and opens nothing.
                    Err(error) if error.kind() == ErrorKind::LastApiKey => {}
                    deleted => {
                        deleted?;
                    }
                },
                Entry::Vacant(place) => {
                    place.insert(Arc::new(key));
                }
            }
        }
        self.keys.store(Arc::new(keys));
        Ok(())
    }
}
