//! Environments at run time: what a server does with a store, a schema and a graph, apart from HTTP.
//!
//! Reads take the newest published revision and never wait. Writes are checked in order, one after the other, each against the
//! state that those before it leave; a group of them is made durable with one flush, published, and then answered.
//!
//! # Layout
//!
//! * [`registry`]: all environments of a store, API keys, opening and closing.
//! * [`environment`]: one environment: reading, writing, warrant tokens; `kept`: revisions for cursors.
//! * [`write`]: what can be written; `form`: what can be told of a write before it is queued.
//! * `queue`: what waits, and whose turn it is; `writer`: the threads that write; `group`: what shares a flush.
//! * `working`: the newest state; `prepare`: from a write to the changes it makes, `batch`: the same for its warrants; `validate`:
//!   what the schema and the stored groups allow.
//! * `bound`: bindings in force and what they forbid; [`rows`]: a revision together with rows that a request has read.
//! * [`reserved`]: types that only transactions change.
//! * `load`: start-up and snapshots.
//! * `catalog`: the environments and keys of a store; `turn`: writing to a store that others write to, too; `follow`: following it.
//! * [`token`], [`keys`], [`published`], [`error`](Error): what they say.

mod batch;
mod bound;
mod catalog;
pub mod environment;
mod error;
mod follow;
mod form;
mod group;
mod kept;
pub mod keys;
mod load;
mod prepare;
pub mod published;
mod queue;
pub mod registry;
pub mod reserved;
pub mod rows;
pub mod token;
mod turn;
mod validate;
mod working;
pub mod write;
mod writer;

pub use bound::Bound;
pub use environment::{Environment, Lag};
pub use error::{Error, Result};
pub use follow::{Failing, Following};
pub use keys::ApiKey;
pub use published::Published;
pub use registry::Registry;
pub use token::Freshness;
pub use write::{
    Edit, ImportedWarrant, NewResource, Op, State, StoredResource, Transaction, Warrant, Write, Written,
};
pub use writer::now;
