//! `/fga/v1/schema` and `/fga/v1/schemas/convert`

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use rowgate_environment::Write;
use rowgate_schema::ast::Schema;
use rowgate_schema::{Diagnostic, format, from_json, resolve, to_json};
use serde_json::{Map, Value};

use super::write;
use crate::error::{ApiError, Result};
use crate::extract::{Caller, Payload};
use crate::state::App;
use crate::wire;
use crate::wire::schema::warnings;

pub(crate) async fn get(caller: Caller) -> Response {
    wire::json(&with_policies(to_json(caller.read().model.schema())))
}

/// Replaces the whole schema.
pub(crate) async fn replace(State(app): State<App>, caller: Caller, payload: Payload) -> Result<Response> {
    // Read and checked here, so that the thread that writes is not kept with a schema that is refused.
    let (schema, _) = app.long(move || checked(&payload.document()?)).await??;
    let answer = with_policies(to_json(&schema));
    let written = write(&caller, Write::Schema(Arc::new(move |_| Ok(schema.clone())))).await?;
    Ok(wire::json(&with_warnings(answer, &written.warnings, None)))
}

/// JSON to a schema that has no errors, and what is questionable in it.
pub(crate) fn checked(value: &Value) -> Result<(Schema, Vec<Diagnostic>)> {
    let parsed = from_json(value);
    let schema = parsed
        .schema
        .ok_or_else(|| ApiError::Schema(parsed.diagnostics.clone(), None))?;
    let (_, more) = resolve(schema.clone()).map_err(|errors| ApiError::Schema(errors, None))?;
    let mut found = parsed.diagnostics;
    found.extend(more);
    Ok((schema, found))
}

/// Text to JSON or JSON to text. Nothing is read or changed.
pub(crate) async fn convert(
    State(app): State<App>,
    _: Caller,
    headers: HeaderMap,
    payload: Payload,
) -> Result<Response> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("");
    let is_json = kind.contains("json");
    app.long(move || {
        if is_json {
            json_to_text(&payload)
        } else {
            text_to_json(payload.text()?)
        }
    })
    .await?
}

fn text_to_json(source: &str) -> Result<Response> {
    let (model, found) = rowgate_schema::compile(source)
        .map_err(|errors| ApiError::Schema(errors, Some(source.to_owned())))?;
    Ok(wire::json(&with_warnings(
        to_json(model.schema()),
        &found,
        Some(source),
    )))
}

fn json_to_text(payload: &Payload) -> Result<Response> {
    let (schema, found) = checked(&payload.document()?)?;
    let mut out = Map::new();
    out.insert("version".into(), schema.version.number().into());
    out.insert("schema".into(), format(&schema).into());
    Ok(wire::json(&with_warnings(out.into(), &found, None)))
}

/// The schema of an environment always says which policies it has.
fn with_policies(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.entry("policies").or_insert_with(|| Map::new().into());
    }
    schema
}

fn with_warnings(mut answer: Value, found: &[Diagnostic], source: Option<&str>) -> Value {
    if let (Some(fields), Some(warnings)) = (answer.as_object_mut(), warnings(found, source)) {
        fields.insert("warnings".into(), warnings);
    }
    answer
}
