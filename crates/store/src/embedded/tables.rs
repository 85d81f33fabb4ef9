//! The tables of the storage engine, and reading their rows.

use std::path::Path;

use redb::{ReadTransaction, ReadableTable, TableDefinition};

use super::failure::{Failure, Outcome};
use super::files::corrupt;
use crate::codec::{DecodeError, Head};
use crate::{EnvironmentId, ErrorKind, StoreError};

/// (environment, revision) to the sealed commit.
pub(super) const LOG: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("log");
/// Environment to its sealed [`Head`].
pub(super) const HEADS: TableDefinition<u32, &[u8]> = TableDefinition::new("heads");
/// Environment to its sealed record.
pub(super) const ENVIRONMENTS: TableDefinition<u32, &[u8]> = TableDefinition::new("environments");
/// The id of an API key to its sealed record.
pub(super) const API_KEYS: TableDefinition<&str, &[u8]> = TableDefinition::new("api_keys");
/// (environment, revision, number within the commit) to the sealed audit entry. Stores of before there was an audit log lack the table
/// until something is written to it.
pub(super) const AUDIT: TableDefinition<(u32, u64, u32), &[u8]> = TableDefinition::new("audit");
/// Single numbers by name.
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// In [`META`]: the version of this layout.
pub(super) const FORMAT: &str = "format";
/// In [`META`]: how many write transactions there were. By it a transaction whose commit reported an error is
/// found to have happened or not.
pub(super) const SEQUENCE: &str = "sequence";
/// In [`META`]: the number that the next environment gets.
pub(super) const NEXT_ENVIRONMENT: &str = "next_environment";

/// The layout that this code reads and writes.
pub(super) const FORMAT_VERSION: u64 = 1;

/// The head of an environment.
pub(super) fn head(
    heads: &impl ReadableTable<u32, &'static [u8]>,
    environment: EnvironmentId,
    path: &Path,
) -> Outcome<Head> {
    let row = heads.get(environment.0)?.ok_or_else(|| unknown(environment))?;
    let head = Head::decode(row.value()).map_err(|error| damaged(path, "heads", &environment.0, error))?;
    if head.environment != environment {
        return Err(misplaced(path, "heads", &environment.0));
    }
    Ok(head)
}

/// The head of an environment, by a transaction of its own.
pub(super) fn read_head(
    transaction: &ReadTransaction,
    environment: EnvironmentId,
    path: &Path,
) -> Outcome<Head> {
    head(&transaction.open_table(HEADS)?, environment, path)
}

/// A number that is always there.
pub(super) fn meta(table: &impl ReadableTable<&'static str, u64>, name: &str, path: &Path) -> Outcome<u64> {
    match table.get(name)? {
        Some(value) => Ok(value.value()),
        None => Err(corrupt(
            path.display(),
            format_args!("`{name}` is missing from table `meta`"),
        )
        .into()),
    }
}

pub(super) fn unknown(environment: EnvironmentId) -> StoreError {
    StoreError::new(
        ErrorKind::EnvironmentUnknown,
        format!("there is no environment {environment} in this store"),
    )
}

/// A row that does not decode.
pub(super) fn damaged(path: &Path, table: &str, key: &dyn std::fmt::Debug, error: DecodeError) -> Failure {
    let path = path.display();
    match error {
        DecodeError::Version(_) => StoreError::new(
            ErrorKind::Version,
            format!("row {key:?} of table `{table}` in `{path}`: {error}; start the Rowgate that wrote it, or a later one"),
        ),
        error => corrupt(path, format_args!("row {key:?} of table `{table}`: {error}")),
    }
    .into()
}

/// A row that belongs to another key.
pub(super) fn misplaced(path: &Path, table: &str, key: &dyn std::fmt::Debug) -> Failure {
    corrupt(
        path.display(),
        format_args!("row {key:?} of table `{table}` belongs to another key"),
    )
    .into()
}
