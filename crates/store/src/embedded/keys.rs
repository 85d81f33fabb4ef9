//! API keys.

use std::path::Path;

use redb::{ReadableTable, WriteTransaction};

use super::Embedded;
use super::failure::Outcome;
use super::tables::{API_KEYS, ENVIRONMENTS, damaged, misplaced, unknown};
use crate::codec::{decode_api_key, encode_api_key};
use crate::error::last_key;
use crate::{ApiKeyRecord, EnvironmentId, Result};

impl Embedded {
    pub(super) fn read_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        self.engine
            .read(|transaction| all(&transaction.open_table(API_KEYS)?, self.engine.path()))
    }

    pub(super) fn write_key(&self, key: &ApiKeyRecord) -> Result<()> {
        self.engine.write(|transaction, _| {
            if transaction
                .open_table(ENVIRONMENTS)?
                .get(key.environment.0)?
                .is_none()
            {
                return Err(unknown(key.environment).into());
            }
            transaction
                .open_table(API_KEYS)?
                .insert(key.id.as_str(), encode_api_key(key).as_slice())?;
            Ok(())
        })
    }

    pub(super) fn remove_key(&self, id: &str) -> Result<bool> {
        self.engine.write(|transaction, _| {
            let mut table = transaction.open_table(API_KEYS)?;
            let keys = all(&table, self.engine.path())?;
            let Some(key) = keys.iter().find(|key| key.id == id) else {
                return Ok(false);
            };
            let mut others = keys
                .iter()
                .filter(|other| other.environment == key.environment && other.id != id);
            if others.next().is_none() {
                return Err(last_key(id).into());
            }
            table.remove(id)?;
            Ok(true)
        })
    }
}

/// Removes the keys of an environment.
pub(super) fn remove_keys(
    transaction: &WriteTransaction,
    environment: EnvironmentId,
    path: &Path,
) -> Outcome<()> {
    let mut table = transaction.open_table(API_KEYS)?;
    for key in all(&table, path)? {
        if key.environment == environment {
            table.remove(key.id.as_str())?;
        }
    }
    Ok(())
}

fn all(table: &impl ReadableTable<&'static str, &'static [u8]>, path: &Path) -> Outcome<Vec<ApiKeyRecord>> {
    let mut all = Vec::new();
    for row in table.iter()? {
        let (id, value) = row?;
        let record =
            decode_api_key(value.value()).map_err(|error| damaged(path, "api_keys", &id.value(), error))?;
        if record.id != id.value() {
            return Err(misplaced(path, "api_keys", &id.value()));
        }
        all.push(record);
    }
    Ok(all)
}
