//! What every request goes through: its id, its time limit, its log line, its place in the counters.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::extract::Caller;
use crate::leftover;
use crate::metrics::{InFlight, NOWHERE};
use crate::state::App;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id of a request that is taken over from the client.
const MAX_REQUEST_ID: usize = 128;

/// The id of a request, for those who write it down.
#[derive(Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// A request that is being answered.
pub(crate) struct Watch<'a> {
    app: &'a App,
    started: Instant,
    in_flight: InFlight<'a>,
    id: HeaderValue,
    method: Method,
}

impl<'a> Watch<'a> {
    pub(crate) fn begin(app: &'a App, method: &Method, headers: &HeaderMap) -> Self {
        Self {
            started: Instant::now(),
            in_flight: app.metrics.begin(),
            id: request_id(headers, app),
            method: method.clone(),
            app,
        }
    }

    /// Waits for the answer for as long as a request may take.
    pub(crate) async fn in_time<T>(&self, answering: impl Future<Output = T>) -> Result<T, ApiError> {
        let answer = tokio::time::timeout(self.app.limits.request_timeout, answering).await;
        answer.map_err(|_| ApiError::Timeout)
    }

    /// Counts the answer, and tells the log. The caller is the one whose key the request had, if it had one.
    pub(crate) fn end(self, route: &str, caller: Option<&Caller>, mut response: Response) -> Response {
        let Self {
            app,
            started,
            in_flight,
            id,
            method,
        } = self;
        drop(in_flight);
        let (took, status) = (started.elapsed(), response.status());
        app.metrics.answered(route, &method, status, took);
        tracing::info!(
            request_id = id.to_str().unwrap_or_default(),
            %method,
            route,
            status = status.as_u16(),
            micros = took.as_micros() as u64,
            environment = caller.map(|caller| caller.name()),
            "request"
        );
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }
}

/// What a request goes through that the router answers.
pub(crate) async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let watch = Watch::begin(&app, request.method(), request.headers());
    request.extensions_mut().insert(RequestId(watch.id.clone()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answer = watch.in_time(next.run(leftover::finish(request))).await;
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    let caller = response.extensions_mut().remove::<Caller>();
    let route = route.as_ref().map_or(NOWHERE, MatchedPath::as_str);
    watch.end(route, caller.as_ref(), response)
}

/// The client's own id if it can stand in a log, or a fresh one.
fn request_id(headers: &HeaderMap, app: &App) -> HeaderValue {
    let sane = |id: &&HeaderValue| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte))
    };
    match headers.get(REQUEST_ID).filter(sane) {
        Some(id) => id.clone(),
        None => HeaderValue::try_from(app.next_request_id()).unwrap_or(HeaderValue::from_static("req")),
    }
}

/// The answer to a request whose handler failed in a way nobody foresaw. The server stays up.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::Internal("a handler panicked".into()).into_response()
}
