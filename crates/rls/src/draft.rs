//! A first draft of bindings and of a schema, from what a database says about itself.
//!
//! Foreign keys say which table refers to which; that is what relations are. What they do not say, a person has to: which relation guards
//! which command, and for which roles. So policies are drafted as comments: the draft binds tables and guards nothing.
//!
//! # Layout
//!
//! * `guess`: tables to types, foreign keys and join tables to relations; `person`: who the subjects are
//! * `name`: names of types and relations
//! * `bindings`: the guesses as TOML; `skeleton`: the guesses as a schema

mod bindings;
mod guess;
mod name;
mod person;
mod skeleton;

use postgres::{Client, IsolationLevel};

use crate::catalog::Catalog;
use crate::error::{Error, Problem};

/// Bindings and a schema that fit each other, and what was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The bindings: TOML with comments.
    pub bindings: String,
    /// The schema, in its text form.
    pub schema: String,
    /// How many tables were bound.
    pub tables: usize,
}

/// Drafts bindings for the tables of a schema of the database.
#[must_use]
pub fn draft(catalog: &Catalog, schema: &str) -> Draft {
    let guess = guess::guess(catalog, schema);
    Draft {
        bindings: bindings::write(&guess),
        schema: skeleton::write(&guess),
        tables: guess.tables.len(),
    }
}

/// Drafts bindings for a schema of the database that a connection leads to. Changes nothing in it.
///
/// # Errors
/// `missing_tables` when the schema has none, and whatever the database says.
pub fn draft_from(client: &mut Client, schema: &str) -> Result<Draft, Error> {
    let failed = || Error::database("reading the database");
    let builder = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true);
    let mut transaction = builder.start().map_err(failed())?;
    let catalog = Catalog::read(&mut transaction)?;
    transaction.rollback().map_err(failed())?;
    if !catalog.relations.keys().any(|name| name.schema == schema) {
        let message = format!("schema `{schema}` of the database has no tables");
        return Err(Problem::new("missing_tables", message, "name another one with --schema").into());
    }
    Ok(draft(&catalog, schema))
}
