//! `/healthz`, `/readyz`: is it alive, and can it answer?

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use crate::error::{ApiError, Result};
use crate::state::App;
use crate::wire;

pub(crate) async fn alive() -> Response {
    wire::json(&json!({"status": "ok"}))
}

/// Ready means: the store is open, and each environment has a revision that can be read.
pub(crate) async fn ready(State(app): State<App>) -> Result<Response> {
    if app.is_stopping() {
        return Err(ApiError::Stopping);
    }
    let environments = app.registry.environments();
    let revisions: Vec<Value> = environments
        .iter()
        .map(|environment| json!({"name": environment.name(), "revision": environment.read().revision()}))
        .collect();
    Ok(wire::json(&json!({"status": "ready", "environments": revisions})))
}
