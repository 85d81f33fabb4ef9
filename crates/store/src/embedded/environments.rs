//! Environments.

use redb::ReadableTable;

use super::failure::Outcome;
use super::keys::remove_keys;
use super::log::remove_log;
use super::tables::{ENVIRONMENTS, HEADS, META, NEXT_ENVIRONMENT, damaged, meta, misplaced, unknown};
use super::{Embedded, audit};
use crate::codec::{Head, decode_environment, encode_environment};
use crate::{EnvironmentId, EnvironmentRecord, ErrorKind, NewEnvironment, Result, Revision, StoreError};

impl Embedded {
    pub(super) fn read_environments(&self) -> Result<Vec<EnvironmentRecord>> {
        self.engine
            .read(|transaction| self.all(&transaction.open_table(ENVIRONMENTS)?))
    }

    pub(super) fn read_environment(&self, id: EnvironmentId) -> Result<EnvironmentRecord> {
        let all = self.read_environments()?;
        all.into_iter()
            .find(|record| record.id == id)
            .ok_or_else(|| unknown(id))
    }

    pub(super) fn add_environment(&self, new: &NewEnvironment) -> Result<EnvironmentRecord> {
        self.engine.write(|transaction, _| {
            let mut environments = transaction.open_table(ENVIRONMENTS)?;
            for other in self.all(&environments)? {
                if other.name == new.name {
                    return Err(taken(format!("an environment named `{}`", new.name)).into());
                }
                if other.uid == new.uid {
                    return Err(taken(format!("an environment with the uid `{}`", new.uid)).into());
                }
            }
            let mut numbers = transaction.open_table(META)?;
            let next = meta(&numbers, NEXT_ENVIRONMENT, self.engine.path())?;
            let id = u32::try_from(next)
                .map(EnvironmentId)
                .map_err(|_| taken("every possible environment".into()))?;
            numbers.insert(NEXT_ENVIRONMENT, next + 1)?;
            let record = EnvironmentRecord {
                id,
                name: new.name.clone(),
                uid: new.uid.clone(),
                created_at: new.created_at,
            };
            environments.insert(id.0, encode_environment(&record).as_slice())?;
            let head = Head {
                environment: id,
                head: Revision::ZERO,
                base: Revision::ZERO,
                bytes: 0,
            };
            transaction
                .open_table(HEADS)?
                .insert(id.0, head.encode().as_slice())?;
            Ok(record)
        })
    }

    /// Leaves the snapshot files, which nothing refers to from then on.
    pub(super) fn remove_environment(&self, id: EnvironmentId) -> Result<bool> {
        self.engine.write(|transaction, _| {
            if transaction.open_table(ENVIRONMENTS)?.remove(id.0)?.is_none() {
                return Ok(false);
            }
            remove_log(transaction, id)?;
            audit::remove(transaction, id)?;
            remove_keys(transaction, id, self.engine.path())?;
            Ok(true)
        })
    }

    fn all(&self, table: &impl ReadableTable<u32, &'static [u8]>) -> Outcome<Vec<EnvironmentRecord>> {
        let path = self.engine.path();
        let mut all = Vec::new();
        for row in table.iter()? {
            let (key, value) = row?;
            let record = decode_environment(value.value())
                .map_err(|error| damaged(path, "environments", &key.value(), error))?;
            if record.id.0 != key.value() {
                return Err(misplaced(path, "environments", &key.value()));
            }
            all.push(record);
        }
        Ok(all)
    }
}

fn taken(what: String) -> StoreError {
    StoreError::new(
        ErrorKind::EnvironmentExists,
        format!("this store has {what} already"),
    )
}
