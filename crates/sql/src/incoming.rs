//! Bodies of requests, as they come.

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::config::Limits;
use crate::error::{Error, Result};

/// Room for bodies, in bytes, over all requests.
pub(crate) struct Bodies(Semaphore);

/// A body that came whole. It takes its room until it is dropped.
pub(crate) struct Incoming<'a> {
    pub(crate) bytes: Bytes,
    _room: Option<SemaphorePermit<'a>>,
}

impl Bodies {
    /// Room for as many of the largest bodies as there may be requests.
    pub(crate) fn new(limits: &Limits) -> Self {
        let bytes = limits.requests.saturating_mul(limits.request);
        Self(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)))
    }

    /// Reads a body, in the time and up to the size that the limits give it. It takes room as it comes, so one that does not come takes none.
    pub(crate) async fn read(&self, body: Body, limits: &Limits) -> Result<Incoming<'_>> {
        timeout(limits.body_time, self.collect(body, limits.request))
            .await
            .map_err(|_| Error::BodyTimeout)?
    }

    async fn collect(&self, mut body: Body, limit: usize) -> Result<Incoming<'_>> {
        // Of one that announces to be too large nothing is read.
        if body.size_hint().lower() > limit as u64 {
            return Err(Error::RequestTooLarge(limit));
        }
        let (mut bytes, mut room) = (BytesMut::new(), None);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Error::refused("could not read the HTTP request body"))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if bytes.len() + data.len() > limit {
                return Err(Error::RequestTooLarge(limit));
            }
            take(&mut room, self.more(data.len())?);
            bytes.extend_from_slice(&data);
        }
        Ok(Incoming {
            bytes: bytes.freeze(),
            _room: room,
        })
    }

    fn more(&self, bytes: usize) -> Result<SemaphorePermit<'_>> {
        let room = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| self.0.try_acquire_many(bytes).ok());
        room.ok_or(Error::Busy("too much is being sent at a time; try again"))
    }
}

fn take<'a>(room: &mut Option<SemaphorePermit<'a>>, more: SemaphorePermit<'a>) {
    match room {
        Some(room) => room.merge(more),
        None => *room = Some(more),
    }
}
