//! Checks over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::{Map, Value, json};
use url::Url;

use super::Caller;
use crate::jwks::{self, Authorities};

/// For a whole check.
const TIMEOUT: Duration = Duration::from_secs(5);

/// For the connection, of [`TIMEOUT`].
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Largest answer, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// What to ask about a resource. Who asks is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    resource_type: String,
    resource_id: String,
    relation: String,
    context: Option<Map<String, Value>>,
}

impl Check {
    /// Does the caller have this relation on this resource?
    pub fn new(
        resource_type: impl Into<String>,
        resource_id: impl Into<String>,
        relation: impl Into<String>,
    ) -> Self {
        Self {
            resource_type: resource_type.into(),
            resource_id: resource_id.into(),
            relation: relation.into(),
            context: None,
        }
    }

    /// With a context for policies.
    #[must_use]
    pub fn context(mut self, context: Map<String, Value>) -> Self {
        self.context = Some(context);
        self
    }

    /// Without a subject the server takes that of the token.
    fn body(&self, subject: Option<(&str, &str)>) -> String {
        let mut check = json!({
            "resource_type": self.resource_type,
            "resource_id": self.resource_id,
            "relation": self.relation,
        });
        if let Some(check) = check.as_object_mut() {
            if let Some((kind, id)) = subject {
                check.insert(
                    "subject".into(),
                    json!({"resource_type": kind, "resource_id": id}),
                );
            }
            if let Some(context) = &self.context {
                check.insert("context".into(), context.clone().into());
            }
        }
        json!({"checks": [check]}).to_string()
    }
}

/// Why a check has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address of the server is none, or the key cannot stand in a header.
    #[error("{0}")]
    Settings(&'static str),
    /// Nobody answered.
    #[error("the server cannot be reached: {0}")]
    Connection(String),
    /// It took too long.
    #[error("the server did not answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// The server refused.
    #[error("the server answered with status {status} and code `{code}`")]
    Refused {
        /// The status.
        status: u16,
        /// The stable code, if the answer had one.
        code: String,
    },
    /// The server answered something else.
    #[error("the answer is not that of a check")]
    Answer,
}

/// A server that answers checks. Cloning it is cheap; copies share their connections.
#[derive(Clone)]
pub struct Rowgate(Arc<Inner>);

struct Inner {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    /// Without one, the caller's own token is the credential.
    key: Option<HeaderValue>,
    subject_type: String,
}

impl std::fmt::Debug for Rowgate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rowgate")
            .field("url", &self.0.url)
            .finish_non_exhaustive()
    }
}

impl Rowgate {
    /// Checks with an API key: about `user:<subject>`, whoever issued the token.
    ///
    /// # Errors
    /// [`ClientError::Settings`].
    pub fn with_api_key(url: &str, key: &str) -> Result<Self, ClientError> {
        let mut value = HeaderValue::try_from(format!("Bearer {key}"))
            .map_err(|_| ClientError::Settings("the API key has characters that a header cannot have"))?;
        value.set_sensitive(true);
        Self::new(url, Some(value))
    }

    /// Checks with the caller's own token: no key is needed, but the server must be configured to accept tokens of the issuer.
    ///
    /// # Errors
    /// [`ClientError::Settings`].
    pub fn with_token_of_caller(url: &str) -> Result<Self, ClientError> {
        Self::new(url, None)
    }

    fn new(url: &str, key: Option<HeaderValue>) -> Result<Self, ClientError> {
        let not_a_url = ClientError::Settings("the server's address is not an `http` or `https` URL");
        let base = Url::parse(url).map_err(|_| not_a_url.clone())?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(not_a_url);
        }
        let connector = jwks::connector(Authorities::default(), CONNECT_TIMEOUT);
        let connector =
            connector.map_err(|_| ClientError::Settings("the TLS library refuses its defaults"))?;
        let client = Client::builder(TokioExecutor::new())
            // Shorter than the server keeps idle connections, so that it does not close one that is just being used.
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self(Arc::new(Inner {
            client,
            url: format!("{}/fga/v1/check", url.trim_end_matches('/')),
            key,
            subject_type: "user".into(),
        })))
    }

    /// Whether the caller has the relation. Only `authorized` is a yes.
    ///
    /// # Errors
    /// [`ClientError`] if there is no answer.
    pub async fn check(&self, caller: &Caller, check: &Check) -> Result<bool, ClientError> {
        let (credential, subject) = match &self.0.key {
            Some(key) => (
                key.clone(),
                Some((self.0.subject_type.as_str(), caller.subject())),
            ),
            None => {
                let mut token = HeaderValue::try_from(format!("Bearer {}", caller.token)).map_err(|_| {
                    ClientError::Settings("the token has characters that a header cannot have")
                })?;
                token.set_sensitive(true);
                (token, None)
            }
        };
        let request = Request::post(&self.0.url)
            .header(header::AUTHORIZATION, credential)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(check.body(subject)))
            .map_err(|_| ClientError::Settings("the server's address cannot be asked"))?;
        let asked = tokio::time::timeout(TIMEOUT, self.ask(request)).await;
        asked.map_err(|_| ClientError::Timeout)?
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<bool, ClientError> {
        let answer = self.0.client.request(request).await;
        let answer = answer.map_err(|error| ClientError::Connection(jwks::innermost(&error)))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_BODY).collect().await;
        let body = body.map_err(|error| ClientError::Connection(jwks::innermost(&*error)))?;
        let answer: Value = serde_json::from_slice(&body.to_bytes()).map_err(|_| ClientError::Answer)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        if status != StatusCode::OK {
            let code = text("code").unwrap_or("none").to_owned();
            return Err(ClientError::Refused {
                status: status.as_u16(),
                code,
            });
        }
        match text("result") {
            Some("authorized") => Ok(true),
            Some("not_authorized") => Ok(false),
            _ => Err(ClientError::Answer),
        }
    }
}
