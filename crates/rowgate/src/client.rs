//! The HTTP client: requests with the key, answers as JSON, errors with a remedy.
//!
//! # Layout
//!
//! * [`error`]: what a server refuses and when it cannot be asked.
//! * [`pages`]: lists, page by page.

pub mod error;
pub mod pages;

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};
use url::{Host, Url};

pub use error::ClientError;

use crate::failure::Failure;

/// Largest answer that is read into memory, in bytes.
const MAX_ANSWER: u64 = 256 << 20;

/// Talks to one environment of one server.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: Url,
    key: String,
}

/// What to ask.
#[derive(Debug, Default)]
pub struct Ask<'a> {
    /// Segments of the path; they are escaped.
    pub path: &'a [&'a str],
    /// The query string; empty values are left out.
    pub query: &'a [(&'a str, &'a str)],
    /// A JSON body.
    pub body: Option<&'a Value>,
    /// The `Warrant-Token` header.
    pub token: Option<&'a str>,
}

impl Client {
    /// A client for a server.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn new(url: &str, key: &str) -> Result<Self, Failure> {
        let base = address(url)?;
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::with_help(
                "the API key has blanks or other odd characters",
                "copy it again",
            ));
        }
        let mut config = Agent::config_builder();
        if is_loopback(&base) {
            // A proxy for the network would look for the server on its own machine.
            config = config.proxy(None);
        }
        let config = config
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(Duration::from_secs(120)))
            .user_agent(concat!("rowgate/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: Agent::new_with_config(config),
            base,
            key: key.to_owned(),
        })
    }

    /// The same server with another credential: a user's token, which is for checks.
    #[must_use]
    pub fn with_credential(&self, credential: &str) -> Self {
        Self {
            key: credential.to_owned(),
            ..self.clone()
        }
    }

    /// The server's address, without a trailing slash.
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// GET.
    ///
    /// # Errors
    /// Refusals, and a server that cannot be asked.
    pub fn get(&self, ask: &Ask<'_>) -> Result<Value, ClientError> {
        self.json(Method::GET, ask)
    }

    /// POST.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn post(&self, ask: &Ask<'_>) -> Result<Value, ClientError> {
        self.json(Method::POST, ask)
    }

    /// PUT.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn put(&self, ask: &Ask<'_>) -> Result<Value, ClientError> {
        self.json(Method::PUT, ask)
    }

    /// DELETE.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn delete(&self, ask: &Ask<'_>) -> Result<Value, ClientError> {
        self.json(Method::DELETE, ask)
    }

    /// GET of an answer that is read as it comes.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn stream(&self, ask: &Ask<'_>) -> Result<impl Read + use<>, ClientError> {
        let response = self.send(Method::GET, ask, None)?;
        Ok(response.into_body().into_with_config().limit(u64::MAX).reader())
    }

    /// POST of a text.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn post_text(&self, ask: &Ask<'_>, content_type: &str, text: Vec<u8>) -> Result<Value, ClientError> {
        let response = self.send(Method::POST, ask, Some((content_type, text)))?;
        self.read(response)
    }

    fn json(&self, method: Method, ask: &Ask<'_>) -> Result<Value, ClientError> {
        let body = ask
            .body
            .map(|body| ("application/json", body.to_string().into_bytes()));
        let response = self.send(method, ask, body)?;
        self.read(response)
    }

    fn url(&self, ask: &Ask<'_>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(ask.path);
        }
        let given: Vec<_> = ask.query.iter().filter(|(_, value)| !value.is_empty()).collect();
        if !given.is_empty() {
            url.query_pairs_mut().extend_pairs(given);
        }
        url
    }

    fn send(
        &self,
        method: Method,
        ask: &Ask<'_>,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Response<Body>, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.url(ask).as_str())
            .header("authorization", format!("Bearer {}", self.key));
        if let Some(token) = ask.token {
            request = request.header("warrant-token", token);
        }
        let unreachable = |error: &dyn std::fmt::Display| ClientError::Unreachable {
            url: self.base().to_owned(),
            message: error.to_string(),
        };
        let outcome = match body {
            Some((content_type, bytes)) => {
                let request = request.header("content-type", content_type).body(bytes);
                self.agent.run(request.map_err(|error| unreachable(&error))?)
            }
            None => self
                .agent
                .run(request.body(()).map_err(|error| unreachable(&error))?),
        };
        let response = outcome.map_err(|error| unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let text = response
            .into_body()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_string()
            .unwrap_or_default();
        Err(ClientError::refused(status, &text, self.base()))
    }

    fn read(&self, response: Response<Body>) -> Result<Value, ClientError> {
        let strange = |error: &dyn std::fmt::Display| ClientError::Strange {
            url: self.base().to_owned(),
            message: error.to_string(),
        };
        let text = response
            .into_body()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_string();
        let text = text.map_err(|error| strange(&error))?;
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| strange(&error))
    }
}

/// The address of a server. On this machine it may lack its scheme.
fn address(text: &str) -> Result<Url, Failure> {
    if !text.contains("://") {
        return match Url::parse(&format!("http://{text}")) {
            Ok(url) if is_loopback(&url) && url.port().is_some() => Ok(url),
            Ok(url) if is_loopback(&url) => Err(Failure::with_help(
                format!("`{text}` is not a URL: it has no port"),
                format!("write it like `{}`", crate::cli::default_url()),
            )),
            _ => Err(Failure::with_help(
                format!("`{text}` has no scheme"),
                format!("write `https://{text}`, or `http://{text}` if nobody else can read what goes there"),
            )),
        };
    }
    let help = format!("write it like `{}`", crate::cli::default_url());
    let url = Url::parse(text)
        .map_err(|error| Failure::with_help(format!("`{text}` is not a URL: {error}"), help.as_str()))?;
    if matches!(url.scheme(), "http" | "https") {
        return Ok(url);
    }
    Err(Failure::with_help(
        format!("`{text}` is not an http or https URL"),
        help,
    ))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Without the key.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}
