//! Errors in the shapes that every version of the client libraries turns into its own exception.
//!
//! A 400 is recognised as such by some only when it has `code` and `errors`, and messages of a 422 are put together from `errors[].code`. So
//! both carry all of it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rowgate_rbac::{Error, FieldError};
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::wire;

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What every part of the server says.
    Api(ApiError),
    /// What this API says.
    Rbac(Error),
}

pub(crate) type Answer<T = Response> = Result<T, Failure>;

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Rbac(error)
    }
}

impl Failure {
    /// The stable code, and what is wrong.
    pub(crate) fn said(self) -> (&'static str, String) {
        match self {
            Self::Rbac(Error::Environment(error)) => ApiError::from(error).said(),
            Self::Rbac(error) => (error.code(), error.to_string()),
            Self::Api(error) => error.said(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Api(error) => error.with_errors(),
            Self::Rbac(Error::Environment(error)) => ApiError::from(error).with_errors(),
            Self::Rbac(Error::Internal(what)) => ApiError::Internal(what).into_response(),
            Self::Rbac(error) => {
                let mut response = wire::json(&body(&error));
                *response.status_mut() = status(&error);
                response
            }
        }
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Fields(_) | Error::Unprocessable { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Bad { .. } => StatusCode::BAD_REQUEST,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::Conflict { .. } => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn body(error: &Error) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("message".into(), error.to_string().into());
    body.insert("code".into(), error.code().into());
    match error {
        Error::NotFound { id, .. } => {
            body.insert("entity_id".into(), id.as_str().into());
        }
        Error::Fields(fields) => {
            body.insert("errors".into(), fields.iter().map(field).collect());
        }
        Error::Unprocessable { role_slug, .. } => {
            if let Some(slug) = role_slug {
                body.insert("role_slug".into(), slug.as_str().into());
            }
            body.insert("errors".into(), itself(error));
        }
        Error::Bad { .. } => {
            body.insert("errors".into(), itself(error));
        }
        _ => {}
    }
    body
}

fn field(error: &FieldError) -> Value {
    json!({"field": error.field, "code": error.code, "message": error.message})
}

fn itself(error: &Error) -> Value {
    json!([{"code": error.code(), "message": error.to_string()}])
}
