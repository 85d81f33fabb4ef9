//! For tests only, never shipped: the naive reference evaluator and generators of whole worlds.
//!
//! The [`Oracle`] is written straight from `docs/semantics.md` and is as slow as it likes; every fast path must agree
//! with it. It knows nothing of the engine, and must not: two readings of one page check each other.
//!
//! ```
//! use rowgate_testkit::{Context, Oracle, Value, World};
//!
//! let world = World::default().relation("doc", "viewer").warrant("doc:d#viewer@user:*");
//! let oracle = Oracle::new(&world, &Context::new(), 0);
//! assert_eq!(oracle.holds("doc:d", "viewer", "user:ann"), Ok(Value::True));
//! assert_eq!(oracle.is_implicit_check("doc:d", "viewer", "user:ann"), Ok(false));
//! ```
//!
//! # Layout
//!
//! What is asked about:
//! * [`names`]: resources and subjects as plain strings
//! * [`world`]: a schema, warrants and metadata as plain data
//! * [`builder`]: worlds by hand
//! * [`bound`]: types whose resources are rows
//!
//! The evaluator:
//! * [`value`]: false, unknown, true
//! * [`strata`]: which relations depend on themselves through `none_of`
//! * [`oracle`]: checks, as a least fixpoint by brute force
//! * `policies`: the values of policies in one context
//! * `missing`: the keys that an unknown answer lacked
//! * [`query`]: both query forms
//! * `uniform`: whether `type:*` may stand for everybody
//! * `row_warrant`: which warrants a row may carry
//!
//! The generators:
//! * [`plan`]: a world as numbers
//! * `assemble`: from the numbers to a world
//! * `repair`: what makes it stratified
//! * [`expressions`]: policy expressions as numbers
//! * [`context`]: contexts as numbers
//! * [`generate`]: proptest strategies
//! * [`sample`]: worlds from a seed, without proptest
//!
//! For people:
//! * [`scenario_dump`]: a failing world as a readable file

// A test tool may say what must hold by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod assemble;
pub mod bound;
pub mod builder;
pub mod context;
pub mod expressions;
pub mod generate;
mod missing;
pub mod names;
pub mod oracle;
pub mod plan;
mod policies;
pub mod query;
mod repair;
mod row_warrant;
pub mod sample;
pub mod scenario_dump;
mod schema_serde;
pub mod strata;
mod uniform;
pub mod value;
pub mod world;

pub use bound::Bound;
pub use names::{Resource, Subject};
pub use oracle::Oracle;
pub use policies::Context;
pub use query::{Names, Row};
pub use sample::sample_context;
pub use strata::NotStratified;
pub use value::Value;
pub use world::{Warrant, World};
