//! Everything in one call: for a command that has a connection and perhaps files.

use postgres::{Client, IsolationLevel, Transaction};
use rowgate_binding::{Bindings, Qualified};
use rowgate_schema::Model;

use super::inspection::is_own;
use super::{Expected, Finding, Stored, drift, verify};
use crate::catalog::Catalog;
use crate::error::Error;

/// What to compare with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question<'a> {
    /// The bindings; those that were applied when there are none here.
    pub bindings: Option<&'a Bindings>,
    /// The schema of the bindings; the one in force when there is none here.
    pub schema: Option<&'a Model>,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Everything that is wrong, errors first.
    pub findings: Vec<Finding>,
    /// What the database was compared with.
    pub compared: Compared,
    /// Whether a table outside of Rowgate's own schemas has row-level security.
    pub guarded: bool,
}

/// What a database was compared with.
#[derive(Debug)]
pub enum Compared {
    /// The bindings of the question.
    Given,
    /// The bindings that were applied.
    Applied,
    /// Nothing: no bindings were applied, and the question has none.
    Nothing,
    /// Nothing, because the bindings that were applied could not be read. Everything else was examined.
    Unread(Error),
}

/// Examines a database. Changes nothing.
///
/// # Errors
/// Bindings that do not agree with the schema, and whatever the database says, also about a schema in force that may not be read.
pub fn run(client: &mut Client, question: Question<'_>) -> Result<Report, Error> {
    let failed = || Error::database("examining the database");
    let builder = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead);
    let mut transaction = builder.start().map_err(failed())?;
    let catalog = Catalog::read(&mut transaction)?;
    let (expected, compared) = match question.bindings {
        Some(bindings) => {
            let model = match question.schema {
                Some(model) => Some(model.clone()),
                None => Stored::read(&mut transaction, Some(&bindings.environment))?
                    .and_then(|stored| stored.schema),
            };
            let read = |model: Model| Expected::read(&mut transaction, &catalog, &model, bindings);
            (model.map(read).transpose()?, Compared::Given)
        }
        None => applied(&mut transaction, &catalog)?,
    };
    transaction.rollback().map_err(failed())?;
    let mut findings = verify(&catalog, expected.as_ref());
    if expected.is_none() && matches!(compared, Compared::Given) {
        let message = "the database holds no schema for these bindings, so nothing of what they ask for is in it and they guard nothing";
        findings.insert(0, drift::not_applied(message));
    }
    let guarded = catalog
        .relations
        .values()
        .any(|table| table.rls && !is_own(&table.name));
    Ok(Report {
        findings,
        compared,
        guarded,
    })
}

/// What comes of the bindings that were applied.
fn applied(
    transaction: &mut Transaction<'_>,
    catalog: &Catalog,
) -> Result<(Option<Expected>, Compared), Error> {
    let stored = match Stored::read(transaction, None) {
        Ok(stored) => stored,
        Err(_) if is_untouched(catalog) => return Ok((None, Compared::Nothing)),
        Err(error) => return Ok((None, Compared::Unread(error))),
    };
    let Some((bindings, model)) = stored.and_then(|stored| Some((stored.bindings?, stored.schema?))) else {
        return Ok((None, Compared::Nothing));
    };
    let expected = Expected::read(transaction, catalog, &model, &bindings)?;
    Ok((Some(expected), Compared::Applied))
}

/// Whether a hook says what it says where no bindings are, which everybody may read.
fn is_untouched(catalog: &Catalog) -> bool {
    let hook = Qualified::new("rowgate", "bound_to");
    let mut hooks = catalog.functions_named(&hook).peekable();
    hooks.peek().is_some() && hooks.all(|hook| hook.body.trim() == "RETURN NULL::text")
}
