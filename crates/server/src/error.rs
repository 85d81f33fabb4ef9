//! Every answer that is not a success: one enum, one match to status, code and body.

use std::borrow::Cow;

use axum::http::StatusCode;
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use rowgate_engine::EngineError;
use rowgate_environment::Error as EnvironmentError;
use rowgate_identity::TokenError;
use rowgate_rows::Error as RowsError;
use rowgate_schema::Diagnostic;
use serde_json::{Map, Value};

use crate::wire::json;
use crate::wire::schema::{diagnostic_json, diagnostic_line};

pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// 400 `invalid_request`: the body or the request as a whole makes no sense.
    BadRequest(String),
    /// 400 `missing_required_parameter`
    Missing(Cow<'static, str>),
    /// 400 `invalid_parameter`
    Invalid(Cow<'static, str>, String),
    /// 400 `invalid_request` with every error of a schema, and the text that their places are in.
    Schema(Vec<Diagnostic>, Option<String>),
    /// 401 `unauthorized`
    Unauthorized(&'static str),
    /// 401 `unauthorized` or `token_expired` with the reason; 503 when the issuer's keys cannot be had.
    Token(TokenError),
    /// 403 `forbidden`
    Forbidden(&'static str),
    /// 404 `not_found` for a path that leads nowhere.
    NoSuchPath(String),
    /// 404 `not_found` for a thing.
    NotFound(&'static str, String),
    /// 405 `method_not_allowed`
    MethodNotAllowed(String),
    /// 408 `request_timeout`: the body did not come.
    BodyTimeout,
    /// 409 `too_many_keys`: signing keys were rotated too often.
    TooManyKeys(String),
    /// 413 `request_too_large`
    TooLarge(usize),
    /// 500 `internal_error`; what happened is in the log.
    Internal(String),
    /// Rows of the application's tables cannot be read, each kind with a status of its own.
    Rows(RowsError),
    /// 503 `stopping`
    Stopping,
    /// 504 `timeout`
    Timeout,
    /// What the environment says, each kind with a status of its own.
    Environment(EnvironmentError),
}

impl ApiError {
    pub(crate) fn invalid(parameter: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::Invalid(parameter.into(), message.into())
    }

    pub(crate) fn missing(parameter: impl Into<Cow<'static, str>>) -> Self {
        Self::Missing(parameter.into())
    }

    /// The stable code, and what is wrong.
    pub(crate) fn said(self) -> (&'static str, String) {
        let (_, code, message, _) = self.parts();
        (code, message)
    }

    /// Status, code, message and further fields.
    fn parts(self) -> (StatusCode, &'static str, String, Map<String, Value>) {
        let mut extra = Map::new();
        let mut with = |key: &str, value: &str| {
            extra.insert(key.to_owned(), value.into());
        };
        let (status, code, message) = match self {
            Self::BadRequest(message) => (StatusCode::BAD_REQUEST, "invalid_request", message),
            Self::Missing(parameter) => {
                with("parameter", &parameter);
                (
                    StatusCode::BAD_REQUEST,
                    "missing_required_parameter",
                    format!("Missing required parameter {parameter}"),
                )
            }
            Self::Invalid(parameter, message) => {
                with("parameter", &parameter);
                (StatusCode::BAD_REQUEST, "invalid_parameter", message)
            }
            Self::Schema(diagnostics, source) => {
                let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
                let lines: Vec<Value> = errors
                    .map(|error| diagnostic_line(error, source.as_deref()).into())
                    .collect();
                let message = match lines.as_slice() {
                    [Value::String(line)] => line.clone(),
                    lines => format!("the schema has {} errors", lines.len()),
                };
                let all = diagnostics
                    .iter()
                    .map(|diagnostic| diagnostic_json(diagnostic, source.as_deref()));
                extra.insert("errors".into(), lines.into());
                extra.insert("diagnostics".into(), all.collect::<Vec<Value>>().into());
                (StatusCode::BAD_REQUEST, "invalid_request", message)
            }
            Self::Unauthorized(message) => (StatusCode::UNAUTHORIZED, "unauthorized", message.to_owned()),
            Self::Token(error) => {
                with("reason", error.code());
                match &error {
                    // Where the keys are and what happened there is for the operator, and stands in the log.
                    TokenError::KeysUnavailable { .. } => (
                        StatusCode::SERVICE_UNAVAILABLE,
                        "token_keys_unavailable",
                        "the keys of the token's issuer cannot be had at the moment; try again".into(),
                    ),
                    TokenError::Expired => (StatusCode::UNAUTHORIZED, "token_expired", error.to_string()),
                    _ => (StatusCode::UNAUTHORIZED, "unauthorized", error.to_string()),
                }
            }
            Self::Forbidden(message) => (StatusCode::FORBIDDEN, "forbidden", message.to_owned()),
            Self::NoSuchPath(path) => (
                StatusCode::NOT_FOUND,
                "not_found",
                format!("there is nothing at {path}"),
            ),
            Self::NotFound(kind, key) => {
                with("type", kind);
                with("key", &key);
                (
                    StatusCode::NOT_FOUND,
                    "not_found",
                    format!("{kind} {key} not found"),
                )
            }
            Self::MethodNotAllowed(method) => {
                let message = format!("this path does not answer {method}");
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
            }
            Self::BodyTimeout => (
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "the body did not arrive in time".into(),
            ),
            Self::TooManyKeys(message) => (StatusCode::CONFLICT, "too_many_keys", message),
            Self::TooLarge(limit) => {
                let message = format!("the body is larger than {limit} bytes");
                (StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
            }
            Self::Internal(what) => {
                tracing::error!(error = what, "a request failed");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal_error",
                    "the server failed; its log says why".into(),
                )
            }
            Self::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                "the server is stopping".into(),
            ),
            Self::Timeout => (
                StatusCode::GATEWAY_TIMEOUT,
                "timeout",
                "the request took too long".into(),
            ),
            Self::Rows(error) => return rows(error),
            Self::Environment(error) => return environment(error),
        };
        (status, code, message, extra)
    }
}

fn environment(error: EnvironmentError) -> (StatusCode, &'static str, String, Map<String, Value>) {
    let code = error.code();
    let plain = |status, message| (status, code, message, Map::new());
    match error {
        EnvironmentError::NotFound { kind, key } => ApiError::NotFound(kind, key).parts(),
        EnvironmentError::Engine(EngineError::UnknownType(name)) => {
            ApiError::NotFound("ResourceType", name).parts()
        }
        EnvironmentError::Engine(error) => ApiError::BadRequest(error.to_string()).parts(),
        EnvironmentError::Missing { parameter } => ApiError::Missing(parameter.into()).parts(),
        EnvironmentError::Invalid { parameter, message } => {
            ApiError::Invalid(parameter.into(), message).parts()
        }
        EnvironmentError::Schema { errors } => ApiError::Schema(errors, None).parts(),
        EnvironmentError::Exists { kind, key } => {
            let message = format!("{kind} {key} exists already");
            let extra = [("type".to_owned(), kind.into()), ("key".to_owned(), key.into())]
                .into_iter()
                .collect();
            (StatusCode::CONFLICT, code, message, extra)
        }
        EnvironmentError::Stopping => ApiError::Stopping.parts(),
        EnvironmentError::Refused {
            code: "internal_error",
            message,
        } => ApiError::Internal(message).parts(),
        EnvironmentError::Refused { message, .. } => plain(StatusCode::BAD_REQUEST, message),
        EnvironmentError::Store(error) => {
            // The text names files of the server: it is for the operator.
            tracing::error!(code, %error, "the store failed");
            match code {
                "store_full" => {
                    let message = "the store has no room left; nothing was changed".to_owned();
                    plain(StatusCode::INSUFFICIENT_STORAGE, message)
                }
                "store_closed" => ApiError::Stopping.parts(),
                "store_unavailable" => {
                    let message = "the database cannot be reached; nothing was changed".to_owned();
                    plain(StatusCode::SERVICE_UNAVAILABLE, message)
                }
                "store_busy" => {
                    let message =
                        "others are writing the same for too long; nothing was changed, try again".to_owned();
                    plain(StatusCode::SERVICE_UNAVAILABLE, message)
                }
                "store_outcome_unknown" => {
                    let message = "the connection to the database was lost while the write was being committed; it is stored \
                                   whole or not at all, and writing it again does no harm"
                        .to_owned();
                    plain(StatusCode::SERVICE_UNAVAILABLE, message)
                }
                _ => plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the store failed; nothing was changed".to_owned(),
                ),
            }
        }
        EnvironmentError::Graph(error) => {
            tracing::error!(%error, "the graph cannot hold more");
            plain(StatusCode::INSUFFICIENT_STORAGE, error.to_string())
        }
        other => ApiError::Internal(other.to_string()).parts(),
    }
}

fn rows(error: RowsError) -> (StatusCode, &'static str, String, Map<String, Value>) {
    let code = error.code();
    let plain = |status, message: &str| (status, code, message.to_owned(), Map::new());
    match error {
        RowsError::Engine(error) => ApiError::from(error).parts(),
        RowsError::Environment(error) => environment(error),
        RowsError::Unavailable(_) | RowsError::Database(_) | RowsError::NotUnique(_) => {
            // What the database says is for the operator.
            tracing::error!(code, %error, "rows cannot be read");
            let message = "the application's tables cannot be read at the moment; the server's log says why";
            plain(StatusCode::SERVICE_UNAVAILABLE, message)
        }
        RowsError::Refused(_) | RowsError::Unsupported(_) | RowsError::TooMany { .. } => {
            plain(StatusCode::BAD_REQUEST, &error.to_string())
        }
        other => ApiError::Internal(other.to_string()).parts(),
    }
}

impl From<RowsError> for ApiError {
    fn from(error: RowsError) -> Self {
        Self::Rows(error)
    }
}

impl From<EnvironmentError> for ApiError {
    fn from(error: EnvironmentError) -> Self {
        Self::Environment(error)
    }
}

/// Of a question that was put to the authorization API by another part of the server: only the limits of a decision can be in its way.
impl From<rowgate_rbac::Error> for ApiError {
    fn from(error: rowgate_rbac::Error) -> Self {
        match error {
            rowgate_rbac::Error::Environment(error) => error.into(),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        Self::Environment(error.into())
    }
}

impl ApiError {
    /// The same answer, where clients recognise a 400 only if it says its code and message as one of `errors` too.
    pub(crate) fn with_errors(self) -> Response {
        let (status, code, message, mut extra) = self.parts();
        if status == StatusCode::BAD_REQUEST && !extra.contains_key("errors") {
            let itself = serde_json::json!([{"code": code, "message": message}]);
            extra.insert("errors".into(), itself);
        }
        answer((status, code, message, extra))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        answer(self.parts())
    }
}

fn answer(
    (status, code, message, extra): (StatusCode, &'static str, String, Map<String, Value>),
) -> Response {
    let mut body = Map::new();
    body.insert("code".into(), code.into());
    body.insert("message".into(), message.into());
    body.extend(extra);
    let mut response = json(&body);
    *response.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
