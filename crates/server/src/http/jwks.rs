//! `GET /sso/jwks/{client_id}`: the public keys of an environment.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use axum::response::Response;

use crate::error::{ApiError, Result};
use crate::extract::Segments;
use crate::identity::client_id;
use crate::state::App;
use crate::wire;

/// The client id of no environment and a server without an issuer look the same.
pub(crate) async fn jwks(State(app): State<App>, Segments(id): Segments<String>) -> Result<Response> {
    let environments = app.registry.environments();
    let environment = environments
        .into_iter()
        .find(|environment| client_id(environment) == id);
    let Some(environment) = environment.filter(|_| app.identities.built_in.is_some()) else {
        return Err(ApiError::NotFound("Client", id));
    };
    let shared = app.clone();
    let issuer = app
        .long(move || shared.identities.own(&environment, &shared.registry))
        .await??;
    let mut response = wire::json(&issuer.ring().jwks(rowgate_identity::now() as u64));
    let headers = response.headers_mut();
    // Shorter than most verifiers keep keys on their own. A key that is new to them they ask for at once.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    // Public keys, without a credential: pages of all origins may read them.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}
