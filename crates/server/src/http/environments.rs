//! `/rowgate/v1/environments` and `/rowgate/v1/whoami`

use axum::extract::State;
use axum::response::Response;
use rowgate_environment::Environment;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::{ApiError, Result};
use crate::extract::{Caller, Payload, Segments};
use crate::state::App;
use crate::wire::list::{ListMetadata, ListOut};
use crate::wire::text::{Text, owned};
use crate::wire::{self, time};

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct EnvironmentIn<'a> {
    name: Option<Text<'a>>,
}

#[derive(Serialize)]
struct EnvironmentOut {
    name: String,
    created_at: String,
    revision: u64,
}

impl From<&Environment> for EnvironmentOut {
    fn from(environment: &Environment) -> Self {
        let revision = environment.read().revision();
        Self {
            name: environment.name().to_owned(),
            created_at: time(environment.created_at()),
            revision,
        }
    }
}

fn manager(caller: &Caller) -> Result<()> {
    if caller.is_default() {
        return Ok(());
    }
    Err(ApiError::Forbidden(
        "only a key of the environment `default` manages environments",
    ))
}

pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Response> {
    manager(&caller)?;
    let environments = app
        .registry
        .environments()
        .iter()
        .map(EnvironmentOut::from)
        .collect();
    Ok(wire::json(&ListOut::new(environments, ListMetadata::default())))
}

pub(crate) async fn create(State(app): State<App>, caller: Caller, payload: Payload) -> Result<Response> {
    manager(&caller)?;
    let name =
        owned(&payload.object::<EnvironmentIn<'_>>()?.name).ok_or_else(|| ApiError::missing("name"))?;
    let registry = app.registry.clone();
    let environment = app.long(move || registry.create_environment(&name)).await??;
    Ok(wire::json(&EnvironmentOut::from(&environment)))
}

pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Segments(name): Segments<String>,
) -> Result<Response> {
    manager(&caller)?;
    let shared = app.clone();
    let deleted = move || {
        let environment = shared.registry.environment(&name);
        shared.registry.delete_environment(&name)?;
        if let Some((environment, own)) = environment.zip(shared.identities.built_in.as_ref()) {
            own.forget(&environment);
        }
        Ok::<_, ApiError>(())
    };
    app.long(deleted).await??;
    Ok(wire::empty())
}

pub(crate) async fn whoami(caller: Caller) -> Response {
    wire::json(&json!({"environment": caller.name(), "version": crate::VERSION}))
}
