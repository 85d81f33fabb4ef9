//! Where other servers write to the store as well, what one of them has just created may not be known here yet. So before a 404 is given,
//! the store is asked for what is new, and if there is anything, the request is answered again, unless it has changed something: what it
//! created may be deleted by another request before it is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rowgate_environment::Freshness;

use crate::extract::{Caller, read};
use crate::state::App;

/// Whether a request has changed something.
#[derive(Debug, Clone, Default)]
pub(super) struct Changed(Arc<AtomicBool>);

impl Changed {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Answers a request, and once more if it is about something that only others know so far.
pub(crate) async fn look_again(State(app): State<App>, request: Request, next: Next) -> Response {
    let shared = request.extensions().get::<Caller>().cloned();
    let Some(caller) = shared.filter(|caller| caller.lag().is_some()) else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    let changed = Changed::default();
    parts.extensions.insert(changed.clone());
    let largest = app.limits.import_body.max(app.limits.body);
    let body = match read(Request::from_parts(parts.clone(), body), largest, &app).await {
        Ok(body) => body,
        Err(error) => return error.into_response(),
    };
    let again = Request::from_parts(parts.clone(), Body::from(body.clone()));
    let known = caller.read().revision();
    let answer = next
        .clone()
        .run(Request::from_parts(parts, Body::from(body)))
        .await;
    if answer.status() != StatusCode::NOT_FOUND || changed.0.load(Ordering::Relaxed) {
        return answer;
    }
    let environment = caller.0.clone();
    let asked = app.long(move || environment.ask_for(Freshness::Latest)).await;
    match asked {
        Ok(Ok(_)) if caller.read().revision() != known => next.run(again).await,
        // Nothing is new, or the store does not say so: then what was found stands.
        _ => answer,
    }
}
