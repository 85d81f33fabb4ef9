//! Environments at run time: what a server does with a store, a schema and a graph, apart from HTTP.
//!
//! Reads take the newest published revision and never wait. Writes go through one thread, which checks them in order, makes
//! a group of them durable with one flush, publishes, and then answers.
//!
//! # Layout
//!
//! * [`registry`]: all environments of a store, API keys, opening and closing.
//! * [`environment`]: one environment: reading, writing, warrant tokens, revisions kept for cursors.
//! * [`write`]: what can be written.
//! * `writer`: the thread that writes; `working`: how a write becomes changes; `validate`: what may be written.
//! * `load`: start-up and snapshots.
//! * [`token`], [`keys`], [`published`], [`error`](Error): what they say.

pub mod environment;
mod error;
pub mod keys;
mod load;
pub mod published;
pub mod registry;
pub mod token;
mod validate;
mod working;
pub mod write;
mod writer;

pub use environment::Environment;
pub use error::{Error, Result};
pub use keys::ApiKey;
pub use published::Published;
pub use registry::Registry;
pub use token::Freshness;
pub(crate) use working::Working;
pub use write::{ImportedWarrant, NewResource, Op, StoredResource, Warrant, Write, Written};
pub use writer::now;
