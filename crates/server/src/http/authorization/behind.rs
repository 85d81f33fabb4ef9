//! Where other servers write to the store as well, what one of them has just created may not be known here yet. So before a 404 is given,
//! the store is asked for what is new, and if there is anything, the request is answered again. Nothing was changed by the first answer.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rowgate_environment::Freshness;

use crate::extract::{Caller, read};
use crate::state::App;

/// Answers a request, and once more if it is about something that only others know so far.
pub(crate) async fn look_again(State(app): State<App>, request: Request, next: Next) -> Response {
    let shared = request.extensions().get::<Caller>().cloned();
    let Some(caller) = shared.filter(|caller| caller.lag().is_some()) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
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
    if answer.status() != StatusCode::NOT_FOUND {
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
