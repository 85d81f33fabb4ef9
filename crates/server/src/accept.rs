//! Connections: accepting them, bounding them, and letting them finish on shutdown.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::config::Limits;
use crate::http::Entry;
use crate::state::App;

/// Largest head of a request, in bytes: a query's text and context travel in the URL.
const MAX_HEAD: usize = 128 * 1024;

/// After accepting failed (no file descriptors left, for one): how long until the next try.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Accepts connections until `shutdown` is ready, then waits for requests in flight, up to the limit.
pub(crate) async fn serve(
    listener: TcpListener,
    entry: Entry,
    app: &App,
    shutdown: impl Future<Output = ()>,
) {
    let limits = app.limits.clone();
    let places = Arc::new(Semaphore::new(limits.connections));
    let (stop, stopping) = watch::channel(false);
    let mut shutdown = pin!(shutdown);
    loop {
        let place = tokio::select! {
            biased;
            () = &mut shutdown => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = serve_connection(stream, entry.clone(), limits.clone(), stopping.clone());
                tokio::spawn(async move {
                    // A body that is read wakes the task that reads it, which is this one.
                    rowgate_wake::settled(connection).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    // No more connections; those that wait to be accepted are refused.
    drop(listener);
    app.stop();
    let _ = stop.send(true);
    tracing::info!("stopping: finishing requests in flight");
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    if tokio::time::timeout(limits.shutdown_timeout, places.acquire_many(all))
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in time and are dropped");
    }
}

async fn serve_connection(
    stream: TcpStream,
    entry: Entry,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are small and written at once: waiting to fill a packet only adds latency.
    let _ = stream.set_nodelay(true);
    end_when_unread(&stream, limits.write_timeout);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(MAX_HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), entry));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A client that went away or sent something that is not HTTP.
        tracing::debug!(%error, "connection ended");
    }
}

/// Has the kernel end the connection when what was written is not taken for so long: a client that asks and never reads keeps no place.
#[cfg(target_os = "linux")]
fn end_when_unread(stream: &TcpStream, after: Duration) {
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(after)) {
        tracing::debug!(%error, "a connection has no limit for unread answers");
    }
}

#[cfg(not(target_os = "linux"))]
fn end_when_unread(_: &TcpStream, _: Duration) {}
