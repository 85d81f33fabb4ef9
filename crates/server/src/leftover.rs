//! Bodies that an answer did not wait for.
//!
//! A request that is refused early, for want of a key for one, leaves its body unread. Left there, the connection could not
//! be used again, and a client that keeps it finds that out with its next request. So the rest is read and thrown away.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// Most of a body that is read for nothing.
const DISCARD_BYTES: usize = 32 << 20;

/// How long that may take.
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// Makes sure that the body is read, by whoever answers or after them.
pub(crate) fn finish(request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let (parts, body) = request.into_parts();
    let body = Body::new(Lent::new(&parts.headers, body));
    Request::from_parts(parts, body)
}

/// A body that is read to its end when it is dropped before.
pub(crate) struct Lent<B: Whole> {
    body: Option<B>,
    /// A client that waits to be told to send its body has not sent it.
    is_sent: bool,
}

/// A body that can be read by a task of its own.
pub(crate) trait Whole: HttpBody<Data = Bytes> + Send + Unpin + 'static {}

impl<B: HttpBody<Data = Bytes> + Send + Unpin + 'static> Whole for B {}

impl<B: Whole> Lent<B> {
    pub(crate) fn new(headers: &HeaderMap, body: B) -> Self {
        Self {
            body: Some(body),
            is_sent: !headers.contains_key(header::EXPECT),
        }
    }
}

impl<B: Whole> HttpBody for Lent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: Whole> Drop for Lent<B> {
    fn drop(&mut self) {
        let rest = self
            .body
            .take()
            .filter(|body| self.is_sent && !body.is_end_stream());
        // Outside the runtime the server is gone, and the connection with it.
        if let (Some(body), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            runtime.spawn(discard(body));
        }
    }
}

/// Reads on for a while without keeping anything: most clients look at the answer only after they have sent everything.
async fn discard(mut body: impl Whole) {
    let mut left = DISCARD_BYTES;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let read = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(read) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIME, reading).await;
}
