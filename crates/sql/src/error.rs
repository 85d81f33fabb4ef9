//! Every answer that is not a success. The body always has the same 17 keys, those of an error of Postgres.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;
use serde::Serialize;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request has no rows to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Postgres says no.
    #[error("{}", .0.message)]
    Database(Box<DatabaseError>),
    /// What the request asks for cannot be done.
    #[error("{0}")]
    Refused(String),
    #[error("request is too large (max is {0} bytes)")]
    RequestTooLarge(usize),
    #[error("the body of the request did not arrive in time")]
    BodyTimeout,
    #[error("response is too large (max is {0} {1})")]
    ResponseTooLarge(usize, &'static str),
    #[error("the query was cancelled because it took longer than {} seconds", .0.as_secs_f64())]
    Timeout(Duration),
    #[error("COPY is not supported over HTTP")]
    Copy,
    /// All sessions are in use.
    #[error("{0}")]
    Busy(&'static str),
    /// The database is not there, or broke off. What exactly is for the log.
    #[error("{0}")]
    Unreachable(&'static str),
    #[error("could not parse postgres response: {0}")]
    Answer(&'static str),
}

impl Error {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }

    /// Status and SQLSTATE. Drivers read the body of a 400 only.
    fn status(&self) -> (StatusCode, &str) {
        match self {
            Self::Database(error) => (StatusCode::BAD_REQUEST, error.code.as_deref().unwrap_or_default()),
            Self::Refused(_) => (StatusCode::BAD_REQUEST, ""),
            Self::Timeout(_) => (StatusCode::BAD_REQUEST, "57014"),
            Self::Copy => (StatusCode::BAD_REQUEST, "0A000"),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, ""),
            Self::RequestTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, ""),
            Self::ResponseTooLarge(..) => (StatusCode::INSUFFICIENT_STORAGE, ""),
            Self::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "53300"),
            Self::Unreachable(_) => (StatusCode::INTERNAL_SERVER_ERROR, "08006"),
            Self::Answer(_) => (StatusCode::INTERNAL_SERVER_ERROR, ""),
        }
    }

    /// Whether the same request may succeed when it is made again at once.
    pub(crate) fn is_serialization_failure(&self) -> bool {
        matches!(self, Self::Database(error) if error.code.as_deref() == Some("40001"))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.status();
        let body = match &self {
            Self::Database(error) => serde_json::to_vec(error),
            other => serde_json::to_vec(&DatabaseError {
                message: other.to_string(),
                code: Some(code.to_owned()),
                severity: Some(String::new()),
                ..DatabaseError::default()
            }),
        };
        (status, body.unwrap_or_default()).into_response()
    }
}

/// The fields of an error of Postgres, by the names and in the order that drivers expect.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DatabaseError {
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) position: Option<String>,
    pub(crate) internal_position: Option<String>,
    pub(crate) internal_query: Option<String>,
    pub(crate) severity: Option<String>,
    #[serde(rename = "where")]
    pub(crate) context: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) data_type: Option<String>,
    pub(crate) constraint: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<String>,
    pub(crate) routine: Option<String>,
}

impl DatabaseError {
    pub(crate) fn read(body: &ErrorResponseBody) -> Self {
        let mut error = Self::default();
        let mut fields = body.fields();
        while let Ok(Some(field)) = fields.next() {
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            let place = match field.type_() {
                b'M' => {
                    error.message = value;
                    continue;
                }
                b'C' => &mut error.code,
                b'D' => &mut error.detail,
                b'H' => &mut error.hint,
                b'P' => &mut error.position,
                b'p' => &mut error.internal_position,
                b'q' => &mut error.internal_query,
                b'S' => &mut error.severity,
                b'W' => &mut error.context,
                b't' => &mut error.table,
                b'c' => &mut error.column,
                b's' => &mut error.schema,
                b'd' => &mut error.data_type,
                b'n' => &mut error.constraint,
                b'F' => &mut error.file,
                b'L' => &mut error.line,
                b'R' => &mut error.routine,
                _ => continue,
            };
            *place = Some(value);
        }
        error
    }

    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_seventeen_keys_in_order() {
        let json = serde_json::to_string(&DatabaseError::default()).unwrap();
        let keys: Vec<&str> = json
            .trim_matches(['{', '}'])
            .split(',')
            .map(|pair| pair.split(':').next().unwrap().trim_matches('"'))
            .collect();
        assert_eq!(
            keys,
            [
                "message",
                "code",
                "detail",
                "hint",
                "position",
                "internalPosition",
                "internalQuery",
                "severity",
                "where",
                "table",
                "column",
                "schema",
                "dataType",
                "constraint",
                "file",
                "line",
                "routine"
            ]
        );
    }
}
