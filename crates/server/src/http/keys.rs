//! `/rowgate/v1/keys`

use axum::extract::State;
use axum::response::Response;
use rowgate_environment::{ApiKey, Environment};
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, Result};
use crate::extract::{Caller, Params, Payload, Segments};
use crate::state::App;
use crate::wire::list::{ListMetadata, ListOut};
use crate::wire::text::{Text, owned};
use crate::wire::{self, time};

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct KeyIn<'a> {
    name: Option<Text<'a>>,
    /// As the parameter of the query string; a key of `default` must not come of overlooking it.
    environment: Option<Text<'a>>,
}

#[derive(Serialize)]
struct KeyOut {
    id: String,
    name: String,
    environment: String,
    prefix: String,
    created_at: String,
    /// The secret: in the answer to its creation and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl KeyOut {
    fn new(key: ApiKey, secret: Option<String>) -> Self {
        let ApiKey {
            id,
            name,
            environment,
            prefix,
            created_at,
        } = key;
        Self {
            id,
            name,
            environment,
            prefix,
            created_at: time(created_at),
            key: secret,
        }
    }
}

/// The caller's environment, or the one that a key of the default environment asks for.
fn environment(app: &App, caller: Caller, asked: Option<&str>) -> Result<Environment> {
    match asked {
        None => Ok(caller.0),
        // Most likely a variable that was not set, and not a wish for the most powerful keys of all.
        Some("") => Err(ApiError::invalid(
            "environment",
            "must be the name of an environment",
        )),
        Some(name) if name == caller.name() => Ok(caller.0),
        Some(name) if caller.is_default() => {
            let found = app.registry.environment(name);
            found.ok_or_else(|| ApiError::NotFound("Environment", name.to_owned()))
        }
        Some(_) => Err(ApiError::Forbidden(
            "only a key of the environment `default` manages the keys of others",
        )),
    }
}

pub(crate) async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response> {
    let environment = environment(&app, caller, params.present("environment"))?;
    let keys = app
        .registry
        .keys(&environment)
        .into_iter()
        .map(|key| KeyOut::new(key, None))
        .collect();
    Ok(wire::json(&ListOut::new(keys, ListMetadata::default())))
}

pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    payload: Payload,
) -> Result<Response> {
    let asked = payload.object::<KeyIn<'_>>()?;
    let (in_query, in_body) = (params.present("environment"), asked.environment.as_deref());
    if in_query.zip(in_body).is_some_and(|(query, body)| query != body) {
        return Err(ApiError::invalid(
            "environment",
            "the query string and the body name different environments",
        ));
    }
    let environment = environment(&app, caller, in_query.or(in_body))?;
    let name = owned(&asked.name).ok_or_else(|| ApiError::missing("name"))?;
    let registry = app.registry.clone();
    let (key, secret) = app
        .long(move || registry.create_key(&environment, &name))
        .await??;
    Ok(wire::json(&KeyOut::new(key, Some(secret))))
}

pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    Segments(id): Segments<String>,
) -> Result<Response> {
    let environment = environment(&app, caller, params.present("environment"))?;
    let registry = app.registry.clone();
    app.long(move || registry.delete_key(&environment, &id)).await??;
    Ok(wire::empty())
}
