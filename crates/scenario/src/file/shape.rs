//! The keys of a scenario file.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::entries::{ResourceEntry, SchemaErrorEntry, WarrantEntry};
use super::questions::{CheckEntry, QueryEntry, RefusedEntry};
use crate::ReadError;
use crate::notation::Object;
use crate::scenario::{JsonObject, Placed, Scenario, Stage};

/// A file, and a stage of one: the same keys, but for `name` and `then`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    about: Option<String>,
    schema: Option<Spanned<String>>,
    schema_errors: Option<Vec<SchemaErrorEntry>>,
    #[serde(default)]
    resources: Vec<Spanned<ResourceEntry>>,
    #[serde(default)]
    delete_resources: Vec<Spanned<Object>>,
    #[serde(default)]
    warrants: Vec<Spanned<WarrantEntry>>,
    #[serde(default)]
    delete_warrants: Vec<Spanned<WarrantEntry>>,
    #[serde(default)]
    refused: Vec<Spanned<RefusedEntry>>,
    #[serde(default)]
    context: JsonObject,
    #[serde(default)]
    checks: Vec<Spanned<CheckEntry>>,
    #[serde(default)]
    queries: Vec<Spanned<QueryEntry>>,
    #[serde(default)]
    then: Vec<Spanned<File>>,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Scenario, ReadError> {
    let mut first: File = super::from_yaml(file, text)?;
    let Some(name) = first.name.take() else {
        return Err(ReadError::new(
            file,
            Some(1),
            "a scenario has a `name`; add one, like `name: Ticketing`",
        ));
    };
    let about = first.about.take();
    let later = std::mem::take(&mut first.then);
    let mut stages = vec![stage(file, first)?];
    for Spanned {
        value: next,
        referenced,
        ..
    } in later
    {
        if next.name.is_some() || !next.then.is_empty() {
            let message = "a stage under `then` has no `name` and no `then`; put `about` on it, and further stages beside it";
            return Err(ReadError::new(file, Some(referenced.line()), message));
        }
        stages.push(stage(file, next)?);
    }
    let scenario = Scenario {
        file: file.to_owned(),
        name,
        about,
        stages,
    };
    if scenario.questions() == 0 {
        let message = "the scenario asks nothing; add `checks`, `queries`, `refused` or `schema_errors`";
        return Err(ReadError::new(file, Some(1), message));
    }
    Ok(scenario)
}

fn stage(file: &str, from: File) -> Result<Stage, ReadError> {
    let default = &from.context;
    Ok(Stage {
        about: from.about,
        schema: from.schema.map(|schema| placed(schema, |text| text)),
        schema_errors: from
            .schema_errors
            .map(|errors| errors.into_iter().map(SchemaErrorEntry::into_error).collect()),
        resources: all(from.resources, ResourceEntry::into_resource),
        delete_resources: all(from.delete_resources, |object| object),
        warrants: all(from.warrants, |warrant| warrant.0),
        delete_warrants: all(from.delete_warrants, |warrant| warrant.0),
        refused: cases(file, from.refused, RefusedEntry::into_refused)?,
        checks: cases(file, from.checks, |entry| entry.into_case(default))?,
        queries: cases(file, from.queries, |entry| entry.into_case(default))?,
    })
}

fn placed<T, U>(from: Spanned<T>, into: impl FnOnce(T) -> U) -> Placed<U> {
    Placed {
        line: from.referenced.line(),
        value: into(from.value),
    }
}

fn all<T, U>(from: Vec<Spanned<T>>, into: impl Fn(T) -> U) -> Vec<Placed<U>> {
    from.into_iter().map(|entry| placed(entry, &into)).collect()
}

fn cases<T, U>(
    file: &str,
    from: Vec<Spanned<T>>,
    into: impl Fn(T) -> Result<U, String>,
) -> Result<Vec<Placed<U>>, ReadError> {
    let one = |entry: Spanned<T>| {
        let line = entry.referenced.line();
        match into(entry.value) {
            Ok(value) => Ok(Placed { line, value }),
            Err(message) => Err(ReadError::new(file, Some(line), message)),
        }
    };
    from.into_iter().map(one).collect()
}
