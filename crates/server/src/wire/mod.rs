//! The JSON shapes of requests and answers.

pub(crate) mod authorization;
pub(crate) mod check;
pub(crate) mod keyed;
pub(crate) mod list;
pub(crate) mod names;
pub(crate) mod query;
pub(crate) mod resource;
pub(crate) mod schema;
pub(crate) mod text;
pub(crate) mod tree;
pub(crate) mod warrant;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::ApiError;

/// Clients parse a body only if it says that it is JSON.
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Most answers have fewer bytes.
const USUAL: usize = 512;

/// A success with a body.
pub(crate) fn json(body: &impl Serialize) -> Response {
    let mut bytes = Vec::with_capacity(USUAL);
    match serde_json::to_writer(&mut bytes, body) {
        Ok(()) => {
            let mut response = Response::new(Body::from(bytes));
            response.headers_mut().insert(CONTENT_TYPE, JSON);
            response
        }
        Err(error) => ApiError::Internal(format!("cannot write an answer: {error}")).into_response(),
    }
}

/// A success without a body.
pub(crate) fn empty() -> Response {
    Response::new(Body::empty())
}

/// Microseconds since the Unix epoch as RFC 3339.
pub(crate) fn time(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |time| time.to_string())
}
