//! One request for a key set, bounded in time and size. Redirects are not followed: the library underneath knows none.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::JwksUrl;
use crate::{KeySet, KeySetError};

/// For the connection, of [`TIMEOUT`].
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// For the whole request, the second try included.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Largest key set, in bytes. The largest in the wild have certificates in them and about a tenth of this.
const MAX_BODY: usize = 256 * 1024;

/// Why a key set could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Nobody answered, or not in HTTP.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// It took too long.
    #[error("no answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// The answer is not a success. A redirect is not, either: give the address it leads to.
    #[error("the answer has status {0}{hint}", hint = if (300..400).contains(.0) { "; redirects are not followed, configure the address it leads to" } else { "" })]
    Status(u16),
    /// More than anybody needs.
    #[error("the answer is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// The answer is not a key set.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
    /// Nothing was fetched yet.
    #[error("they were not fetched yet")]
    NotYet,
}

impl FetchError {
    /// What to count it under.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Connection(_) => "connection",
            Self::Timeout => "timeout",
            Self::Status(_) => "status",
            Self::TooLarge => "too_large",
            Self::KeySet(_) => "malformed",
            Self::NotYet => "not_yet",
        }
    }
}

/// Whose certificates are believed.
#[derive(Debug, Clone)]
pub struct Authorities(RootCertStore);

impl Default for Authorities {
    /// Those that browsers believe, as of the build.
    fn default() -> Self {
        Self(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        })
    }
}

impl Authorities {
    /// Those of a PEM file, and no others.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn from_pem_file(path: &Path) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        if roots.is_empty() {
            return Err("there is no certificate in it".into());
        }
        Ok(Self(roots))
    }
}

/// Fetches key sets. Cloning it is cheap.
#[derive(Clone)]
pub struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").finish_non_exhaustive()
    }
}

impl Fetcher {
    /// One that believes these authorities.
    ///
    /// # Errors
    /// Never for those of this crate; what the TLS library says about its own defaults.
    pub fn new(authorities: Authorities) -> Result<Self, String> {
        // A connection serves one request in minutes; keeping it would only mean finding it closed.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector(authorities, CONNECT_TIMEOUT)?);
        Ok(Self { client })
    }

    /// Fetches the key set at an address.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, url: &JwksUrl) -> Result<KeySet, FetchError> {
        let body = tokio::time::timeout(TIMEOUT, self.body(url)).await;
        Ok(KeySet::parse(&body.map_err(|_| FetchError::Timeout)??)?)
    }

    /// A second time at once if the connection broke: a server that restarts does that.
    async fn body(&self, url: &JwksUrl) -> Result<Bytes, FetchError> {
        match self.once(url).await {
            Err(FetchError::Connection(_)) => self.once(url).await,
            answered => answered,
        }
    }

    async fn once(&self, url: &JwksUrl) -> Result<Bytes, FetchError> {
        let request = Request::get(url.as_str())
            .header(header::ACCEPT, "application/json, application/jwk-set+json")
            .header(header::USER_AGENT, concat!("rowgate/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|error| FetchError::Connection(error.to_string()))?;
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| FetchError::Connection(innermost(&error)))?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        match Limited::new(answer.into_body(), MAX_BODY).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(FetchError::TooLarge),
            Err(error) => Err(FetchError::Connection(innermost(&*error))),
        }
    }
}

pub(crate) fn connector(
    authorities: Authorities,
    timeout: Duration,
) -> Result<HttpsConnector<HttpConnector>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(authorities.0)
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.set_connect_timeout(Some(timeout));
    http.enforce_http(false);
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    Ok(https.enable_http1().wrap_connector(http))
}

/// What went wrong first. The layers above say "client error" and the like.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
