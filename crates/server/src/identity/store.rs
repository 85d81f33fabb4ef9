//! Signing keys in the database of the store, where all its servers find them.

use std::sync::Arc;

use rowgate_identity::built_in::{Contents, KeyStore, KeyStoreError};
use rowgate_store::StoreError;
use rowgate_store::postgres::Postgres;

/// The table `rowgate.signing_key`.
pub(crate) struct StoredKeys(pub(crate) Arc<Postgres>);

impl KeyStore for StoredKeys {
    fn load(&self, name: &str) -> Result<Option<Contents>, KeyStoreError> {
        let loaded = self.0.signing_keys(name).map_err(failed)?;
        Ok(loaded.map(Contents::new))
    }

    fn save(&self, name: &str, loaded: Option<&Contents>, contents: &Contents) -> Result<(), KeyStoreError> {
        let loaded = loaded.map(Contents::expose);
        match self.0.replace_signing_keys(name, loaded, contents.expose()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(KeyStoreError::Changed {
                name: name.to_owned(),
            }),
            Err(error) => Err(failed(error)),
        }
    }

    fn delete(&self, name: &str) -> Result<(), KeyStoreError> {
        self.0.delete_signing_keys(name).map_err(failed)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn fingerprint(&self) -> Result<String, KeyStoreError> {
        self.0.signing_keys_fingerprint().map_err(failed)
    }
}

fn failed(error: StoreError) -> KeyStoreError {
    KeyStoreError::Store(Box::new(error))
}
