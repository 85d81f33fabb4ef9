//! Everything in one call: for a command that has a connection and perhaps files.

use postgres::{Client, IsolationLevel, Transaction};
use rowgate_binding::Bindings;
use rowgate_schema::Model;

use super::{Expected, Finding, Stored, verify};
use crate::catalog::Catalog;
use crate::error::{Error, Problem};

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
    /// Whether there were bindings to compare with.
    pub compared: bool,
    /// Why the bindings that were applied could not be read. Everything else was examined.
    pub unread: Option<Error>,
}

/// Examines a database. Changes nothing.
///
/// # Errors
/// Bindings that do not agree with the schema, a schema that is not there, and whatever the database says.
pub fn run(client: &mut Client, question: Question<'_>) -> Result<Report, Error> {
    let failed = || Error::database("examining the database");
    let builder = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead);
    let mut transaction = builder.start().map_err(failed())?;
    let catalog = Catalog::read(&mut transaction)?;
    let mut unread = None;
    let expected = match question.bindings {
        Some(bindings) => {
            let model = match question.schema {
                Some(model) => model.clone(),
                None => schema_in_force(&mut transaction, &bindings.environment)?,
            };
            Some(Expected::read(&mut transaction, &catalog, &model, bindings)?)
        }
        None => {
            let stored = Stored::read(&mut transaction, None).unwrap_or_else(|error| {
                unread = Some(error);
                None
            });
            let applied = stored.and_then(|stored| Some((stored.bindings?, stored.schema?)));
            let read = |(bindings, model): (Bindings, Model)| {
                Expected::read(&mut transaction, &catalog, &model, &bindings)
            };
            applied.map(read).transpose()?
        }
    };
    transaction.rollback().map_err(failed())?;
    let findings = verify(&catalog, expected.as_ref());
    Ok(Report {
        findings,
        compared: expected.is_some(),
        unread,
    })
}

fn schema_in_force(transaction: &mut Transaction<'_>, environment: &str) -> Result<Model, Error> {
    let stored = Stored::read(transaction, Some(environment))?;
    stored.and_then(|stored| stored.schema).ok_or_else(|| {
        let message = format!("the database holds no schema of environment `{environment}`");
        Problem::new(
            "missing_schema",
            message,
            "give the file of the schema with --schema",
        )
        .into()
    })
}
