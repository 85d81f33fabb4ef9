//! `/healthz`, `/readyz`: is it alive, and can it answer?

use axum::extract::State;
use axum::response::Response;
use rowgate_environment::Environment;
use serde_json::{Value, json};

use crate::error::{ApiError, Result};
use crate::state::App;
use crate::wire;

pub(crate) async fn alive() -> Response {
    wire::json(&json!({"status": "ok"}))
}

/// Ready means: each environment has a revision that can be read. With a store that others write to, it also says how far behind it each is
/// and since when, and whether it answers. Decisions go on without it, at the last revision.
pub(crate) async fn ready(State(app): State<App>) -> Result<Response> {
    if app.is_stopping() {
        return Err(ApiError::Stopping);
    }
    let environments = app.registry.environments();
    let standings: Vec<Value> = environments.iter().map(standing).collect();
    let mut answer = json!({"status": "ready", "environments": standings});
    if let Some(following) = app.registry.following() {
        answer["store"] = json!({"reachable": following.failing.is_none(), "answered_at": wire::time(following.answered_at)});
        if let Some(failing) = following.failing {
            // The text may name hosts and roles: it is for the log.
            answer["store"]["code"] = failing.code.into();
            answer["store"]["since"] = wire::time(failing.since).into();
        }
    }
    Ok(wire::json(&answer))
}

fn standing(environment: &Environment) -> Value {
    let revision = environment.read().revision();
    let mut standing = json!({"name": environment.name(), "revision": revision});
    if let Some(lag) = environment.lag() {
        standing["behind"] = lag.head.saturating_sub(revision).into();
        if let Some(since) = lag.since {
            standing["behind_since"] = wire::time(since).into();
        }
    }
    standing
}
