//! Throw-away Postgres servers for tests. Never shipped.
//!
//! A test that needs Postgres gets a real one: a cluster made by `initdb` in a temporary directory, listening on a Unix socket in
//! that directory and on a free port of 127.0.0.1. It ends with the test process, however that ends, and takes its directory along.
//!
//! ```no_run
//! use rowgate_pgtest::{Cluster, Version};
//!
//! let database = Cluster::shared(Version::V15).database("tickets");
//! database.client().batch_execute("create table ticket (id text primary key)").unwrap();
//! ```
//!
//! # Layout
//!
//! * `binaries`: where the programs of a version are
//! * `cluster`: starting, stopping and killing a server
//! * `database`: a database of its own for each test
//!
//! A missing installation is a failure with the command that mends it, never a skipped test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness fails by panicking"
)]

mod binaries;
mod cluster;
mod database;

pub use binaries::Version;
pub use cluster::{Certificate, Cluster, Options, give_to_postgres};
pub use database::Database;

/// The versions that everything is tested on: the oldest supported and the newest.
#[must_use]
pub fn versions() -> [Version; 2] {
    [Version::V15, Version::V18]
}
