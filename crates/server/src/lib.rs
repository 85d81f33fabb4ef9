//! The HTTP face of Rowgate: `/fga/v1` and what an operator needs around it. Thin; decisions are made elsewhere.
//!
//! # Layout
//!
//! * [`config`]: what a server is started with.
//! * `server`: starting, running, stopping; `accept`: connections.
//! * `http`: where requests come in, the routes, one file per resource, and what every request goes through.
//! * `wire`: the JSON shapes of requests and answers.
//! * `extract`: callers, bodies, query strings; `leftover`: bodies that nobody read; `cursor`: pages of lists.
//! * `sql`: SQL over HTTP, which is a crate of its own.
//! * `error`: every answer that is not a success.
//! * `identity`: issuers, the users who ask with their tokens, and the server's own issuer.
//! * `retention`: how long the audit log is kept; `expiry`: role assignments that are over.
//! * `state`: what all requests share; `metrics`, `log`: what is counted and written down.
//!
//! `openapi.json` describes every route and is what the tests hold the answers against.

mod accept;
pub mod config;
mod cursor;
mod error;
mod expiry;
mod extract;
mod http;
mod identity;
mod leftover;
mod log;
mod metrics;
mod retention;
mod server;
pub mod sql;
mod state;
mod wire;

pub use config::{Config, ConfigError, DatabaseUrl, IdentityConfig, Limits, Log, LogFormat, StoreLocation};
pub use server::{ServeError, Server};

/// The version of this server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
