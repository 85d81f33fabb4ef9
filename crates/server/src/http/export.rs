//! `GET /rowgate/v1/export`: everything of one revision, a JSON object a line.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use hyper::body::Frame;
use rowgate_environment::Published;
use rowgate_environment::reserved::{ENVIRONMENT, SELF, in_use};
use rowgate_graph::WarrantRef;
use rowgate_schema::to_json;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;

use crate::error::{ApiError, Result};
use crate::extract::Caller;
use crate::state::App;
use crate::wire::resource::ResourceOut;
use crate::wire::time;
use crate::wire::warrant::WarrantOut;

/// How much is written at once.
const CHUNK: usize = 64 * 1024;

/// How long a client may not read before the export is given up.
const STALL: Duration = Duration::from_secs(60);

pub(crate) async fn export(State(app): State<App>, caller: Caller) -> Result<Response> {
    let place = Arc::clone(&app.exports)
        .acquire_owned()
        .await
        .map_err(|_| ApiError::Stopping)?;
    let published = caller.read();
    let (chunks, body) = mpsc::channel(2);
    let runtime = tokio::runtime::Handle::current();
    // The client sets the pace, so the lines are written by a thread that may wait.
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut out = Out {
            chunks,
            runtime,
            buffer: Vec::with_capacity(CHUNK + 4096),
        };
        if write(&published, &mut out).is_ok() {
            let _ = out.flush().and_then(|()| out.send(Part::End));
        }
    });
    let mut response = Response::new(Body::new(Lines { chunks: body }));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

#[derive(Serialize)]
struct ResourceLine<'a> {
    resource: ResourceOut<'a>,
}

#[derive(Serialize)]
struct WarrantLine<'a> {
    warrant: DatedWarrant<'a>,
}

#[derive(Serialize)]
struct DatedWarrant<'a> {
    #[serde(flatten)]
    warrant: WarrantOut<'a>,
    created_at: String,
    /// The schema would refuse it now; an import keeps it because of this.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    leftover: bool,
}

/// Whether a stored warrant is one that the schema would refuse now.
fn is_leftover(published: &Published, row: &WarrantRef) -> bool {
    let (graph, model) = (&published.graph, &published.model);
    let group = (!row.subject_relation.is_none()).then(|| graph.name(row.subject_relation));
    !model.accepts(
        graph.name(graph.type_of(row.resource)),
        graph.name(row.relation),
        graph.name(graph.type_of(row.subject)),
        group,
        graph.is_wildcard(row.subject),
    )
}

/// Oldest first, so that an import creates in the same order.
fn write(published: &Published, out: &mut Out) -> Result<(), Gone> {
    let graph = &published.graph;
    out.line(&json!({
        "rowgate_export": 1,
        "revision": published.revision(),
        "resources": graph.resource_count(),
        "warrants": graph.warrant_count(),
    }))?;
    out.line(&json!({"schema": to_json(published.model.schema())}))?;
    // With its settings the authorization API is in use, so they come when everything else is there.
    let settings = in_use(graph)
        .then(|| graph.symbol(ENVIRONMENT))
        .flatten()
        .map(|of| graph.find(of, SELF));
    let others = graph
        .all_resources()
        .filter(|resource| Some(resource.object) != settings);
    for resource in others {
        out.line(&ResourceLine {
            resource: ResourceOut::stored(graph, &resource),
        })?;
    }
    for (_, row) in graph.warrants_oldest_first(None) {
        let warrant = DatedWarrant {
            warrant: WarrantOut::stored(graph, row),
            created_at: time(row.created_at),
            leftover: is_leftover(published, row),
        };
        out.line(&WarrantLine { warrant })?;
    }
    if let Some(resource) = settings.and_then(|object| graph.resource(object)) {
        out.line(&ResourceLine {
            resource: ResourceOut::stored(graph, &resource),
        })?;
    }
    Ok(())
}

enum Part {
    Chunk(Bytes),
    End,
}

/// The client has gone, or does not read.
struct Gone;

struct Out {
    chunks: mpsc::Sender<Part>,
    runtime: tokio::runtime::Handle,
    buffer: Vec<u8>,
}

impl Out {
    fn line(&mut self, line: &impl Serialize) -> Result<(), Gone> {
        serde_json::to_writer(&mut self.buffer, line).map_err(|_| Gone)?;
        self.buffer.push(b'\n');
        if self.buffer.len() < CHUNK {
            Ok(())
        } else {
            self.flush()
        }
    }

    fn flush(&mut self) -> Result<(), Gone> {
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK + 4096));
        self.send(Part::Chunk(full.into()))
    }

    fn send(&self, part: Part) -> Result<(), Gone> {
        let sending = async { tokio::time::timeout(STALL, self.chunks.send(part)).await };
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

/// The body: it ends well only when the last line was written, so that a client can tell.
struct Lines {
    chunks: mpsc::Receiver<Part>,
}

#[derive(Debug, thiserror::Error)]
#[error("the export was given up")]
struct GivenUp;

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = GivenUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        self.chunks.poll_recv(cx).map(|part| match part {
            Some(Part::Chunk(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Part::End) => None,
            None => Some(Err(GivenUp)),
        })
    }
}
