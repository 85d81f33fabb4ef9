//! Decisions and lists about resources that are rows of the application's tables.
//!
//! A check reads the one row it needs, with those that its edges lead to, in one statement, and is then decided in memory like any other.
//! The checks of a batch that ask for the same relation share the statement. A list is one statement, too: the database finds the ids by the same
//! predicate that guards the table.
//!
//! # Layout
//!
//! * [`reader`]: the rows that the questions of one request need, and asking again once they were read
//! * [`list`]: pages of ids from the database
//! * `compiled`: the statements of an environment, compiled when they are needed first
//! * `connections`: connections to the database, kept and replaced; `driven`: who moves their bytes
//! * `error`: why rows cannot be read
//!
//! Checks wait asynchronously. Lists, and what has `blocking` in its name, block: they must not be called on a thread that runs an async executor.

mod compiled;
mod connections;
mod driven;
mod error;
pub mod list;
pub mod reader;

pub use error::{Error, Result};
pub use reader::{Question, Reader, Tables};
