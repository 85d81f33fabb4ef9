//! `POST /rowgate/v1/import`: the lines of an export, in pieces of bounded size.

use std::collections::HashSet;

use axum::extract::{Request, State};
use axum::response::Response;
use rowgate_environment::reserved::{ENVIRONMENT, SELF, in_use, is_reserved};
use rowgate_environment::{Error, ImportedWarrant, NewResource, Op, Write};
use rowgate_rbac::change::restore;
use rowgate_rbac::{Actor, Draft};
use rowgate_schema::Document;
use rowgate_schema::ast::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::actor::actor;
use super::schema::checked;
use super::write;
use crate::error::{ApiError, Result};
use crate::extract::{Caller, Payload, json, read, value};
use crate::state::App;
use crate::wire;
use crate::wire::names;
use crate::wire::resource::ResourceIn;
use crate::wire::text::{Object, Text, given};
use crate::wire::warrant::WarrantIn;

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Line<'a> {
    rowgate_export: Option<u64>,
    schema: Option<Document>,
    resource: Option<Object<ResourceIn<'a>>>,
    warrant: Option<Object<WarrantIn<'a>>>,
}

#[derive(Serialize)]
struct Imported {
    /// How many resources and warrants were not there before.
    created: usize,
    /// How many lines were read.
    lines: usize,
    warrant_token: String,
}

/// What a request brings, with the line that each warrant stands on.
#[derive(Default)]
struct Batch {
    lines: usize,
    schema: Option<(usize, Schema)>,
    resources: Vec<(NewResource, Option<i64>)>,
    warrants: Vec<ImportedWarrant>,
    places: Vec<usize>,
}

pub(crate) async fn import(State(app): State<App>, caller: Caller, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let actor = actor(&parts, &caller)?;
    let request = Request::from_parts(parts, body);
    let body = Payload(read(request, app.limits.import_body, &app).await?);
    let most = app.limits.import_lines;
    let (batch, body) = app
        .long(move || parse(&body, most).map(|batch| (batch, body)))
        .await??;
    let Batch {
        lines,
        schema,
        resources,
        warrants,
        places,
    } = batch;
    let audit = audit(&actor, &resources, &warrants);
    let (settings, resources) = settings_apart(&caller, resources);
    let (line, schema) = schema.map_or((0, None), |(line, schema)| (line, Some(schema)));
    let everything = Write::Import {
        schema,
        resources,
        warrants,
        audit,
    };
    let mut written = match write(&caller, everything).await {
        Ok(written) => written,
        // Only the schema can be refused as a whole.
        Err(error @ ApiError::Environment(Error::Refused { .. })) if line > 0 => {
            return Err(at_line(line, error));
        }
        Err(error) => return Err(app.long(move || name_line(error, &body, most, &places)).await?),
    };
    if let Some((meta, created_at)) = settings {
        let ready = move |draft: &mut Draft<'_>| restore::finish(draft, &meta, created_at);
        let (last, outcome) = rowgate_rbac::write(actor, ready);
        let finished = super::submitted(&caller, last).await;
        written.revision = finished.as_ref().map_or(0, |finished| finished.revision);
        outcome.of(finished)?;
        written.created += 1;
    }
    let warrant_token = caller.token(written.revision);
    Ok(wire::json(&Imported {
        created: written.created,
        lines,
        warrant_token,
    }))
}

type Resources = Vec<(NewResource, Option<i64>)>;
type Settings = (Map<String, Value>, Option<i64>);

/// The settings of the authorization API, with which an environment that it does not use yet becomes ready, and the other resources.
fn settings_apart(caller: &Caller, resources: Resources) -> (Option<Settings>, Resources) {
    if in_use(&caller.read().graph) {
        return (None, resources);
    }
    let is_settings = |new: &NewResource| {
        new.resource_type == ENVIRONMENT && new.resource_id.as_deref() == Some(SELF) && new.meta.is_some()
    };
    let (settings, rest): (Resources, Resources) =
        resources.into_iter().partition(|(new, _)| is_settings(new));
    let settings = settings.into_iter().next();
    (
        settings.and_then(|(new, created_at)| Some((new.meta?, created_at))),
        rest,
    )
}

/// What the audit log is to say of an import that brings things of the authorization API.
fn audit(
    actor: &Actor,
    resources: &[(NewResource, Option<i64>)],
    warrants: &[ImportedWarrant],
) -> Option<String> {
    let resources = resources
        .iter()
        .filter(|(new, _)| is_reserved(&new.resource_type));
    let warrants = warrants
        .iter()
        .filter(|entry| is_reserved(&entry.warrant.resource_type));
    let counts = [("resources", resources.count()), ("warrants", warrants.count())];
    if counts.iter().all(|(_, count)| *count == 0) {
        return None;
    }
    let counts = counts
        .into_iter()
        .map(|(what, count)| (what.to_owned(), count.into()));
    Some(actor.entry("environment.imported", counts.collect()))
}

fn parse(body: &Payload, most: usize) -> Result<Batch> {
    let mut batch = Batch::default();
    let mut known = HashSet::new();
    for (index, text) in body.text()?.lines().enumerate() {
        if text.trim().is_empty() {
            continue;
        }
        batch.lines += 1;
        if batch.lines > most {
            return Err(ApiError::BadRequest(format!(
                "more than {most} lines; send them in several requests"
            )));
        }
        let line = index + 1;
        batch
            .add(line, text, &mut known)
            .map_err(|error| at_line(line, error))?;
    }
    if batch.lines == 0 {
        return Err(ApiError::BadRequest("there are no lines".into()));
    }
    Ok(batch)
}

impl Batch {
    fn add(&mut self, line: usize, text: &str, known: &mut HashSet<(String, String)>) -> Result<()> {
        match json::<Object<Line<'_>>>(text)?.0 {
            Line {
                rowgate_export: Some(1),
                ..
            } => Ok(()),
            Line {
                rowgate_export: Some(version),
                ..
            } => Err(ApiError::BadRequest(format!(
                "version {version} of an export is not known to this server"
            ))),
            Line { schema: Some(_), .. } if self.schema.is_some() => {
                Err(ApiError::BadRequest("a second schema".into()))
            }
            Line {
                schema: Some(schema), ..
            } => {
                self.schema = Some((line, checked(&value(schema)?)?.0));
                Ok(())
            }
            Line {
                resource: Some(Object(resource)),
                ..
            } => self.resource(resource, known),
            Line {
                warrant: Some(Object(warrant)),
                ..
            } => self.warrant(line, &warrant),
            _ => Err(ApiError::BadRequest(
                "expected `schema`, `resource` or `warrant`".into(),
            )),
        }
    }

    fn resource(&mut self, resource: ResourceIn<'_>, known: &mut HashSet<(String, String)>) -> Result<()> {
        let created_at = moment(&resource.created_at)?;
        let (resource_type, id) = resource.name("resource.")?;
        names::name(&resource_type, || "resource.resource_type".into())?;
        names::id(&id, || "resource.resource_id".into())?;
        let new = resource.create("resource.")?;
        if let Some(meta) = &new.meta {
            let size = serde_json::to_string(meta).map_or(0, |text| text.len());
            if size > rowgate_environment::write::MAX_META {
                let most = rowgate_environment::write::MAX_META;
                let message = format!("the metadata is {size} bytes of JSON; at most {most} are allowed");
                return Err(ApiError::invalid("resource.meta", message));
            }
        }
        if known.insert((resource_type, id)) {
            self.resources.push((new, created_at));
            return Ok(());
        }
        Err(ApiError::invalid(
            "resource",
            "the same resource stands on an earlier line",
        ))
    }

    fn warrant(&mut self, line: usize, warrant: &WarrantIn<'_>) -> Result<()> {
        let leftover = warrant.leftover.unwrap_or(false);
        let created_at = moment(&warrant.created_at)?;
        let (op, warrant) = warrant.read("warrant.")?;
        if op == Op::Delete {
            return Err(ApiError::invalid("warrant.op", "an import only creates"));
        }
        names::name(&warrant.resource_type, || "warrant.resource_type".into())?;
        names::id(&warrant.resource_id, || "warrant.resource_id".into())?;
        names::name(&warrant.relation, || "warrant.relation".into())?;
        names::name(&warrant.subject_type, || "warrant.subject.resource_type".into())?;
        names::subject_id(&warrant.subject_id, || "warrant.subject.resource_id".into())?;
        if let Some(relation) = &warrant.subject_relation {
            names::name(relation, || "warrant.subject.relation".into())?;
        }
        self.warrants.push(ImportedWarrant {
            warrant,
            created_at,
            leftover,
        });
        self.places.push(line);
        Ok(())
    }
}

fn moment(text: &Option<Text<'_>>) -> Result<Option<i64>> {
    let Some(text) = given(text) else { return Ok(None) };
    let time: Result<jiff::Timestamp, _> = text.parse();
    let time =
        time.map_err(|_| ApiError::invalid("created_at", "must be a time such as 2026-01-31T12:00:00Z"))?;
    Ok(Some(time.as_microsecond()))
}

/// Says on which line something is wrong.
fn at_line(line: usize, error: ApiError) -> ApiError {
    let at = |message: String| format!("line {line}: {message}");
    match error {
        ApiError::BadRequest(message) => ApiError::BadRequest(at(message)),
        ApiError::Missing(parameter) => {
            let message = at(format!("Missing required parameter {parameter}"));
            ApiError::Invalid(parameter, message)
        }
        ApiError::Invalid(parameter, message) => ApiError::Invalid(parameter, at(message)),
        ApiError::Environment(Error::Invalid { parameter, message }) => {
            ApiError::Invalid(parameter.into(), at(message))
        }
        ApiError::Environment(Error::Refused {
            code: "invalid_request",
            message,
        }) => ApiError::BadRequest(at(message)),
        ApiError::Schema(mut diagnostics, source) => {
            for diagnostic in &mut diagnostics {
                let path = diagnostic.path.take().unwrap_or_default();
                diagnostic.path = Some(at(path));
            }
            ApiError::Schema(diagnostics, source)
        }
        other => other,
    }
}

/// The writer says which warrant it refused; here is on which line that one stands.
fn name_line(error: ApiError, body: &Payload, most: usize, places: &[usize]) -> ApiError {
    let ApiError::Environment(Error::Invalid { message, .. }) = &error else {
        return error;
    };
    let Ok(batch) = parse(body, most) else {
        return error;
    };
    let refused = batch
        .warrants
        .iter()
        .position(|ImportedWarrant { warrant, .. }| message.starts_with(&format!("{warrant}: ")));
    match refused.and_then(|at| places.get(at)) {
        Some(line) => at_line(*line, error),
        None => error,
    }
}
