//! Row-level security: predicates compiled from a schema and bindings, and their SQL.
//!
//! # Layout
//!
//! * `check`: whether tables and columns are there and fit; `unique`: whether an id names one row
//! * `generate`: everything that goes into the database, and the statements of the server
//! * `predicate`: what a relation means for a row, as a small tree
//! * `lower`: schema policies as SQL expressions
//! * `sql`: predicates and sets as SQL text
//! * `words`: predicates in words
//! * `shape`: the types of the bound columns
//! * `database`: plan, apply and drop
//! * [`catalog`]: what a database says about itself; [`verify`]: what is wrong with it; [`draft`]: bindings to begin with
//! * `error`, [`codes`]: why something cannot be done

pub mod catalog;
mod check;
pub mod codes;
mod database;
pub mod draft;
mod error;
mod generate;
mod lower;
mod predicate;
mod shape;
mod sql;
mod unique;
pub mod verify;
mod words;

pub use check::check;
pub use database::{Applied, Dropped, Isolation, Plan, Request, Step, apply, drop, plan, read_shapes};
pub use error::{Error, Problem, Refusal};
pub use generate::{
    Begin, Compiler, Explanation, Function, Generated, GuardedTable, Ids, MAX_EDGES, Order, QueryStatement,
    ReadEdge, ReadRow, RowsStatement, TablePolicy,
};
pub use postgres::Client;
pub use rowgate_binding::Bindings;
pub use shape::{Column, ColumnType, Columns, KeyType, Shapes, UniqueIndex};
