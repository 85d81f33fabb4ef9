//! Verifies the token of each request, and tells the handlers who asks.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service};

use super::{Refusal, Requirement, Rowgate};
use crate::{Identity, Verifier};

/// Who asks, and with which token. Handlers take it as an argument; `Option<Caller>` where it may be nobody.
#[derive(Clone)]
pub struct Caller {
    identity: Arc<Identity>,
    pub(super) token: Arc<str>,
    pub(super) rowgate: Rowgate,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl std::ops::Deref for Caller {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl Caller {
    /// Begins to ask for a permission.
    pub fn require<'a>(&'a self, permission: &'a str) -> Requirement<'a> {
        Requirement::new(self, permission)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        // A route without the layer in front of it has no caller: nothing is let through by mistake.
        parts.extensions.get::<Self>().cloned().ok_or(Refusal::NoToken)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// Puts a [`Caller`] into each request that brings a token, and answers those whose token is refused.
#[derive(Debug, Clone)]
pub struct IdentityLayer {
    verifier: Arc<Verifier>,
    rowgate: Rowgate,
    required: bool,
}

impl IdentityLayer {
    /// Requests without a token are answered with 401.
    pub fn required(verifier: Arc<Verifier>, rowgate: Rowgate) -> Self {
        Self {
            verifier,
            rowgate,
            required: true,
        }
    }

    /// Requests without a token go on without a [`Caller`]. A token that is refused is still answered with 401.
    pub fn optional(verifier: Arc<Verifier>, rowgate: Rowgate) -> Self {
        Self {
            required: false,
            ..Self::required(verifier, rowgate)
        }
    }

    async fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, Refusal> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return if self.required {
                Err(Refusal::NoToken)
            } else {
                Ok(None)
            };
        };
        // Of two, which one counts is not the same for everybody who reads them.
        let token = match (
            value.to_str().ok().and_then(|value| value.split_once(' ')),
            values.next(),
        ) {
            (Some((scheme, token)), None) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(Refusal::NoToken),
        };
        Ok(Some(Caller {
            identity: self.verifier.verify(token).await?,
            token: token.into(),
            rowgate: self.rowgate.clone(),
        }))
    }
}

impl<S> Layer<S> for IdentityLayer {
    type Service = IdentityService<S>;

    fn layer(&self, inner: S) -> IdentityService<S> {
        IdentityService {
            inner,
            layer: self.clone(),
        }
    }
}

/// What [`IdentityLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct IdentityService<S> {
    inner: S,
    layer: IdentityLayer,
}

impl<S> Service<Request> for IdentityService<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        // The one that is ready is taken along; its copy waits for the next request.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let layer = self.layer.clone();
        Box::pin(async move {
            // Whatever is there was not put there by this layer.
            request.extensions_mut().remove::<Caller>();
            match layer.caller(request.headers()).await {
                Err(refusal) => return Ok(refusal.into_response()),
                Ok(None) => {}
                Ok(Some(caller)) => {
                    request.extensions_mut().insert(caller);
                }
            }
            inner.call(request).await
        })
    }
}
