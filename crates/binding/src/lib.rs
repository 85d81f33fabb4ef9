//! Bindings: which tables and columns of an application hold which relations of the schema.
//!
//! ```
//! let (model, _) = rowgate_schema::compile("version 0.3
//! type user
//! type ticket
//!     relation creator [user]
//!     relation viewer [user]
//!     inherit viewer if
//!         relation creator
//! ").unwrap();
//! let bindings = rowgate_binding::Bindings::parse_toml(r#"
//! roles = ["app"]
//! [subject]
//! type = "user"
//! [[table]]
//! name = "public.ticket"
//! type = "ticket"
//! id = "id"
//! relations.creator = { column = "creator_id", type = "user" }
//! policies.select = "viewer"
//! "#).unwrap();
//! let resolved = bindings.resolve(&model).unwrap();
//! assert!(resolved.is_bound("ticket", "creator"));
//! assert_eq!(resolved.table_of_type("ticket").unwrap().name.to_string(), "public.ticket");
//! ```
//!
//! There are two stages, as with schemas. [`Bindings`] have the right shape and nothing more. [`Bindings::resolve`] checks
//! them against a [`rowgate_schema::Model`] and gives [`Resolved`], which is what others ask. Nothing here does IO, so
//! whether the tables and columns exist is for those to say who have a database.
//!
//! # Layout
//!
//! * `document`: the bindings as written
//! * `condition`: `where`: which rows count
//! * `name`: qualified names of tables and functions
//! * [`text`]: TOML to JSON, with the place of every key and value, which other documents are read by, too
//! * `json`: JSON to bindings and back
//! * `permission`: tables that permissions guard, as relations
//! * `resolve`: every check that needs the schema
//! * `resolved`: the checked bindings and their lookups
//! * [`authz`]: what the authorization API calls things in the schema
//! * `depend`: what a guarded relation depends on
//! * `report`, [`codes`], `suggest`: what is said about bindings

pub mod authz;
pub mod codes;
mod condition;
mod depend;
mod document;
mod json;
mod name;
mod permission;
mod report;
mod resolve;
mod resolved;
mod suggest;
pub mod text;

pub use condition::{Condition, Literal, Test};
pub use depend::{Dependency, RelationRef, accepted_groups, relations_behind};
pub use document::{Bindings, Command, JoinTable, Parent, ParentKey, Source, Subject, Table};
pub use name::Qualified;
pub use resolved::Resolved;
