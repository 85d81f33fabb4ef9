//! Decisions over a schema and a snapshot of warrants: check, query, explain.
//!
//! A pure library: it does no IO, is not async, holds no cache between requests and reads no clock. What the answers mean is
//! written down in `docs/semantics.md`; a naive evaluator written from the same page is compared with this one in tests.
//!
//! # Layout
//!
//! * [`view`]: the entry point, one schema and one revision; `check`.
//! * [`query`]: both forms of query, their language, order and pages.
//! * [`explain`]: the decision tree with the reason for each no.
//! * `eval`, `memo`: the evaluator, a least fixpoint over three values. `who`: the subject it asks for.
//! * `program`, `drivers`: the schema in the graph's symbols, and where to start looking for what satisfies a rule.
//! * [`rows`]: resources that are rows of an application's tables.
//! * [`names`]: what a type, a relation and an id may look like.
//! * `missing`, `witness`: why an answer is unknown; which warrant a row reports.

mod drivers;
mod error;
mod eval;
pub mod explain;
mod limits;
mod memo;
mod missing;
pub mod names;
mod program;
pub mod query;
mod question;
pub mod rows;
mod value;
pub mod view;
mod who;
mod witness;

pub use error::EngineError;
pub use limits::Limits;
pub use program::Program;
pub use question::{Ambient, Check, Subject};
pub use value::Value;
pub use view::{Decision, View};
