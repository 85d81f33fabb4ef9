//! The route.

use std::sync::Arc;

use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use crate::answer::Shape;
use crate::body::{Body, Query};
use crate::error::{Error, Result};
use crate::execute::Work;
use crate::gateway::Gateway;
use crate::head::{Batch, Head, Isolation};

const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, \
    Neon-Pool-Opt-In, Neon-Batch-Read-Only, Neon-Batch-Deferrable, Neon-Batch-Isolation-Level";

/// `POST /sql`, and what browsers ask before.
pub fn router<S: Clone + Send + Sync + 'static>(gateway: Arc<Gateway>) -> Router<S> {
    let route = post(sql).options(allowed).fallback(not_supported);
    Router::new().route("/sql", route).with_state(gateway)
}

async fn allowed() -> Response {
    let headers = [
        (header::ALLOW, "OPTIONS, POST"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (headers, ()).into_response()
}

async fn not_supported() -> Response {
    finished((StatusCode::BAD_REQUEST, "\"query is not supported\"").into_response())
}

async fn sql(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let pending = gateway.counters.begin();
    let result = answer(&gateway, request).await;
    pending.done(&result);
    finished(result.unwrap_or_else(IntoResponse::into_response))
}

/// What every answer has.
fn finished(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let id = uuid::Uuid::now_v7().to_string();
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(HeaderName::from_static("neon-request-id"), id);
    }
    response
}

async fn answer(gateway: &Arc<Gateway>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let mut head = Head::read(&parts.headers)?;
    let entry = gateway.admit(&head).await?;
    if entry.is_client {
        head.batch = safe(head.batch);
    }
    let limits = gateway.limits();
    // Nobody is kept out by those who were let in and then send nothing: a place is for what came whole.
    let incoming = gateway.bodies.read(body, limits).await?;
    let Ok(_place) = gateway.requests.try_acquire() else {
        return Err(Error::Busy("too many requests at a time; try again"));
    };
    let body = Body::read(&incoming.bytes)?;
    let (queries, batch) = match body {
        Body::Single(query) => (vec![query], None),
        Body::Batch(queries) => (queries, Some(head.batch)),
    };
    if queries.len() > limits.queries {
        return Err(Error::refused(format!(
            "a batch has at most {} queries",
            limits.queries
        )));
    }
    let array_mode = |query: &Query| query.array_mode.unwrap_or(head.array_mode);
    let shape = Shape {
        raw_text: head.raw_text,
        array_modes: queries.iter().map(array_mode).collect(),
        is_batch: batch.is_some(),
        limit: limits.response,
    };
    let work = Work { batch, queries };
    let json = gateway.run(&head, entry, work, shape).await?;
    let mut response = Response::new(HttpBody::from(json));
    if let Some(batch) = batch {
        echo(response.headers_mut(), batch);
    }
    Ok(response)
}

/// Below this level a client could read a row as it became after the right to read it was gone, by waiting for the row's lock.
/// Postgres, too, may give more isolation than is asked for.
fn safe(batch: Batch) -> Batch {
    let isolation = match batch.isolation {
        Some(Isolation::Serializable) => Isolation::Serializable,
        _ => Isolation::RepeatableRead,
    };
    Batch {
        isolation: batch.isolation.map(|_| isolation),
        ..batch
    }
}

/// Says how the batch ran.
fn echo(headers: &mut HeaderMap, batch: Batch) {
    if batch.read_only {
        headers.insert("neon-batch-read-only", HeaderValue::from_static("true"));
    }
    if batch.deferrable {
        headers.insert("neon-batch-deferrable", HeaderValue::from_static("true"));
    }
    if let Some(isolation) = batch.isolation {
        headers.insert(
            "neon-batch-isolation-level",
            HeaderValue::from_static(isolation.name()),
        );
    }
}
