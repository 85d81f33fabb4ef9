//! `/metrics`

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;

use crate::state::App;

pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let mut text = app.metrics.render(&app.registry);
    // Writing to a string does not fail.
    let _ = app.identities.write_metrics(&mut text);
    if let Some(sql) = app.sql() {
        let _ = sql.write_metrics(&mut text);
    }
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
