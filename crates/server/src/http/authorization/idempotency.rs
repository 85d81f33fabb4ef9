//! `Idempotency-Key`: a request that is sent again gets the answer that it got.
//!
//! Answers are kept in memory, for a day and up to a number, by environment, key, method and path. Checks change nothing and
//! come with a new key each, so theirs are not kept. After a restart a create that is sent again is a conflict.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use rowgate_rbac::Error;

use crate::extract::Caller;
use crate::wire::authorization::error::Failure;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How long an answer is kept.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// Most answers kept, and most bytes of one.
const MAX_ANSWERS: usize = 10_000;
const MAX_BYTES: usize = 64 * 1024;

/// Longest key that is looked at.
const MAX_KEY: usize = 255;

type Asked = (String, String, Method, String);

/// The answers that are kept.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// `None` while the first request of a key is being answered.
    answers: HashMap<Asked, Option<Kind>>,
    /// Oldest first.
    order: VecDeque<(Instant, Asked)>,
}

#[derive(Clone)]
struct Kind {
    status: StatusCode,
    headers: BTreeMap<String, HeaderValue>,
    body: Bytes,
}

/// What is found for a key.
enum Found {
    Nothing,
    InFlight,
    Answer(Kind),
}

impl Answers {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer of a key, or the place for it, which is the caller's to fill or to give back.
    fn begin(&self, asked: &Asked) -> Found {
        let mut kept = self.kept();
        kept.forget_old();
        match kept.answers.get(asked) {
            Some(Some(answer)) => Found::Answer(answer.clone()),
            Some(None) => Found::InFlight,
            None => {
                kept.answers.insert(asked.clone(), None);
                Found::Nothing
            }
        }
    }
}

impl Kept {
    fn forget_old(&mut self) {
        while let Some((at, _)) = self.order.front() {
            if at.elapsed() < KEEP && self.order.len() <= MAX_ANSWERS {
                return;
            }
            if let Some((_, asked)) = self.order.pop_front() {
                self.answers.remove(&asked);
            }
        }
    }
}

/// The place of a request that is being answered. It is given back unless it was filled.
struct Place {
    answers: Answers,
    asked: Option<Asked>,
}

impl Place {
    fn fill(mut self, answer: Kind) {
        if let Some(asked) = self.asked.take() {
            let mut kept = self.answers.kept();
            kept.order.push_back((Instant::now(), asked.clone()));
            kept.answers.insert(asked, Some(answer));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.answers.kept().answers.remove(&asked);
        }
    }
}

/// Answers a request that was answered before as it was then.
pub(crate) async fn replay(State(answers): State<Answers>, request: Request, next: Next) -> Response {
    let Some(asked) = asked(&request) else {
        return next.run(request).await;
    };
    match answers.begin(&asked) {
        Found::Answer(answer) => answer.again(),
        Found::InFlight => {
            let error = Error::Conflict {
                code: "concurrent_request",
                message: "A request with this Idempotency-Key is being answered.".into(),
            };
            Failure::from(error).into_response()
        }
        Found::Nothing => {
            let place = Place {
                answers: answers.clone(),
                asked: Some(asked),
            };
            keep(next.run(request).await, place).await
        }
    }
}

fn asked(request: &Request) -> Option<Asked> {
    let path = request.uri().path();
    if request.method() != Method::POST || path.ends_with("/check") || path.ends_with("/explain") {
        return None;
    }
    let key = request.headers().get(KEY)?.to_str().ok()?;
    let environment = request.extensions().get::<Caller>()?.uid().to_owned();
    let fits = (1..=MAX_KEY).contains(&key.len());
    fits.then(|| {
        (
            environment,
            key.to_owned(),
            request.method().clone(),
            path.to_owned(),
        )
    })
}

/// Keeps an answer, unless it says that trying again may help.
async fn keep(response: Response, place: Place) -> Response {
    let status = response.status();
    let passing = status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT;
    if passing {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if body.len() <= MAX_BYTES {
        place.fill(Kind {
            status,
            headers: kept_headers(&parts.headers),
            body: body.clone(),
        });
    }
    Response::from_parts(parts, Body::from(body))
}

fn kept_headers(headers: &HeaderMap) -> BTreeMap<String, HeaderValue> {
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.clone()));
    pairs.collect()
}

impl Kind {
    fn again(&self) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        for (name, value) in &self.headers {
            if let Ok(name) = HeaderName::try_from(name.as_str()) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
        response
    }
}
