//! SQL text. Deterministic: the same schema, bindings and columns give the same bytes.
//!
//! * `quote`: names and values
//! * `key`: ids and keys
//! * `who`: the subject, the context and the claims
//! * `clause`: pieces of conditions
//! * `writer`: what a relation becomes: `condition` each kind of predicate, `policy` policies, `members` sets
//! * `set`: the query of each kind of set
//! * `weigh`: how large a set is, nearly
//! * `lookup`: whether one object is in a set
//! * `reference`: columns that hold the key of a row which is there
//! * `within`: resources of the authorization API
//! * `recursive`: the recursive query of relations that depend on each other

pub(crate) mod clause;
mod condition;
pub(crate) mod key;
mod lookup;
pub(crate) mod members;
mod policy;
pub(crate) mod quote;
mod recursive;
mod reference;
mod set;
mod weigh;
pub(crate) mod who;
pub(crate) mod within;
pub(crate) mod writer;

/// The schema of what is generated.
pub(crate) const SCHEMA: &str = "rowgate_rls";
