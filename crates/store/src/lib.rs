//! Where warrants are durable.
//!
//! A store keeps, for each environment, a log of commits numbered by revision and at most one snapshot that
//! stands for the beginning of that log. Decisions never read the store: they are made from a graph in
//! memory, which is rebuilt at start-up from the newest snapshot and the commits after it.
//!
//! What a store promises:
//!
//! * A write that was answered is on disk. A process killed at any moment loses nothing that was answered.
//! * A write is whole or absent, never in part.
//! * Whatever is read is what was written. A damaged file is reported as [`ErrorKind::Corrupt`], never
//!   guessed at.
//!
//! # Layout
//!
//! * `audit`: what commits say of themselves, kept for longer
//! * `change`: what a commit is made of, revisions and environment ids
//! * `record`: what is kept beside the log, environments and API keys
//! * `codec`: the bytes of a commit and of the records (drawn in `FORMAT.md`)
//! * `error`: [`StoreError`] and its stable codes
//! * `store`: the [`Store`] trait; `shared`: what a store can do that several processes write to
//! * `embedded`: the store that needs nothing installed, one directory
//! * [`postgres`]: the store in the application's database
//!
//! Everything here is synchronous. A caller with an async runtime moves the calls to a blocking thread.

mod audit;
mod change;
mod codec;
mod embedded;
mod error;
pub mod postgres;
mod record;
mod shared;
mod store;

pub use audit::{AuditEntry, AuditPlace, AuditRange};
pub use change::{Change, Commit, EnvironmentId, Revision, Warrant, WarrantKey};
pub use codec::{DecodeError, decode_commit, encode_commit};
pub use embedded::{Embedded, Options};
pub use error::{ErrorKind, Result, StoreError};
pub use record::{ApiKeyRecord, EnvironmentRecord, NewEnvironment};
pub use shared::{EnvironmentStanding, Shared, Standing, TransactionState};
pub use store::{LogSize, Store};
