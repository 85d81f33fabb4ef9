//! Answers that are not a success, in the shape of the server's own.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::ClientError;
use crate::TokenError;

/// Why a request is not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 401 `unauthorized`: there is no token.
    #[error("no token: send `Authorization: Bearer …`")]
    NoToken,
    /// 401 `unauthorized` or `token_expired`; 503 `token_keys_unavailable` when nobody can tell.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// 403 `forbidden`: the answer is no.
    #[error("this is not allowed")]
    Forbidden,
    /// 503 `check_unavailable`: there is no answer, which is not a yes.
    #[error("whether this is allowed cannot be found out at the moment")]
    Unavailable(#[from] ClientError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Token(error) if error.is_temporary() => (StatusCode::SERVICE_UNAVAILABLE, error.code()),
            Self::Token(TokenError::Expired) => (StatusCode::UNAUTHORIZED, "token_expired"),
            Self::NoToken | Self::Token(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Unavailable(error) => {
                tracing::error!(%error, "a check has no answer");
                (StatusCode::SERVICE_UNAVAILABLE, "check_unavailable")
            }
        };
        let mut body = json!({"code": code, "message": self.to_string()});
        if let (Self::Token(error), Some(body)) = (&self, body.as_object_mut()) {
            body.insert("reason".into(), error.code().into());
        }
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
