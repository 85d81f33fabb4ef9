//! `/rowgate/v1/tokens`: issuing tokens for users, rotating the keys that sign them, and saying what is wrong with one.
//!
//! The roles and permissions of a token are those that the user has in the organization, unless the request says.
//!
//! An API key allows everything in its environment, asking as any user included. So it may say who somebody is there, too, and nowhere else.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use rowgate_environment::Freshness;
use rowgate_identity::Algorithm;
use rowgate_identity::built_in::{Grant, MintError};
use rowgate_policy::Context;
use rowgate_rbac::ask::Asker;
use serde::Deserialize;
use serde_json::json;

use super::authorization::ask;
use crate::error::{ApiError, Result};
use crate::extract::{Caller, Fresh, Payload};
use crate::state::App;
use crate::wire::keyed::keyed;
use crate::wire::text::{AtMost, Text, given, owned};
use crate::wire::{self, time};

/// Most roles or permissions of one token.
const MAX_NAMES: usize = 200;

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct TokenIn<'a> {
    user: Option<Text<'a>>,
    organization: Option<Text<'a>>,
    roles: Option<AtMost<Text<'a>, MAX_NAMES>>,
    permissions: Option<AtMost<Text<'a>, MAX_NAMES>>,
    session: Option<Text<'a>>,
    /// Seconds.
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "keyed")]
    claims: Option<Context>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct RotateIn<'a> {
    algorithm: Option<Text<'a>>,
    revoke: Option<bool>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct InspectIn<'a> {
    token: Option<Text<'a>>,
}

/// What a token is to say, and which of that is still to be found out.
struct Wanted {
    grant: Grant,
    find_roles: bool,
    find_permissions: bool,
}

impl Wanted {
    /// Takes from the authorization API what the request does not give.
    fn fill(&mut self, asker: &Asker<'_>) -> rowgate_rbac::Result<()> {
        let grant = &mut self.grant;
        let Some(organization) = grant.organization.as_deref() else {
            return Ok(());
        };
        let Some(session) = asker.session(&grant.user, organization)? else {
            return Ok(());
        };
        if self.find_permissions {
            grant.permissions = if self.find_roles {
                session.permissions
            } else {
                asker.carried(organization, &grant.roles)
            };
        }
        if self.find_roles {
            grant.roles = session.roles;
        }
        Ok(())
    }
}

impl TokenIn<'_> {
    fn wanted(self) -> Result<Wanted> {
        let has_role = |claims: &Context| claims.contains_key("role");
        let find_roles = self.roles.is_none() && !self.claims.as_ref().is_some_and(has_role);
        let find_permissions = self.permissions.is_none();
        Ok(Wanted {
            grant: self.grant()?,
            find_roles,
            find_permissions,
        })
    }

    fn grant(self) -> Result<Grant> {
        let user = given(&self.user).ok_or_else(|| ApiError::missing("user"))?;
        let mut grant = Grant::new(user);
        grant.organization = owned(&self.organization);
        grant.session = owned(&self.session);
        grant.roles = names("roles", self.roles)?;
        grant.permissions = names("permissions", self.permissions)?;
        if let Some(seconds) = self.expires_in {
            grant.lifetime = Duration::from_secs(seconds);
        }
        grant.claims = self.claims.unwrap_or_default();
        Ok(grant)
    }
}

fn names(parameter: &'static str, names: Option<AtMost<Text<'_>, MAX_NAMES>>) -> Result<Vec<String>> {
    let Some(names) = names else {
        return Ok(Vec::new());
    };
    if names.total > MAX_NAMES {
        let message = format!("there are {}; at most {MAX_NAMES} are allowed", names.total);
        return Err(ApiError::invalid(parameter, message));
    }
    Ok(names.items.iter().map(|name| name.to_string()).collect())
}

fn now() -> u64 {
    rowgate_identity::now() as u64
}

pub(crate) async fn mint(State(app): State<App>, caller: Caller, payload: Payload) -> Result<Response> {
    let mut wanted = payload.object::<TokenIn<'_>>()?.wanted()?;
    if wanted.grant.organization.is_some() && (wanted.find_roles || wanted.find_permissions) {
        // A role that was revoked on another server is not in a token of this one.
        let published = Fresh(Freshness::Latest).read(&app, &caller).await?;
        wanted = app
            .long(move || {
                let filled = ask(&published, &Context::new(), |asker| wanted.fill(&asker));
                filled.map(|()| wanted).map_err(ApiError::from)
            })
            .await??;
    }
    let grant = wanted.grant;
    let shared = app.clone();
    // Signing takes about a millisecond with RSA, and the key may have to be made first.
    let minted = app
        .long(move || {
            let issuer = shared.identities.own(&caller, &shared.registry)?;
            let minted = issuer.mint(&grant, now()).map_err(refused)?;
            Ok::<_, ApiError>((issuer.client_id().to_owned(), minted))
        })
        .await??;
    let (client_id, minted) = minted;
    let expires_at = i64::try_from(minted.expires_at).unwrap_or(i64::MAX / 1_000_000);
    Ok(wire::json(&json!({
        "object": "token",
        "token": minted.token,
        "client_id": client_id,
        "key_id": minted.kid,
        "expires_at": time(expires_at.saturating_mul(1_000_000)),
        "claims": minted.claims,
    })))
}

fn refused(error: MintError) -> ApiError {
    match error {
        MintError::Field { field, why } => ApiError::invalid(field, why),
        MintError::TooLarge(_) => ApiError::invalid("claims", error.to_string()),
        _ => ApiError::Internal(error.to_string()),
    }
}

pub(crate) async fn rotate(State(app): State<App>, caller: Caller, payload: Payload) -> Result<Response> {
    let asked = payload.object::<RotateIn<'_>>()?;
    let algorithm = match given(&asked.algorithm) {
        None => None,
        Some(name) => Some(match name.parse() {
            Ok(algorithm @ (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA)) => algorithm,
            _ => {
                return Err(ApiError::invalid(
                    "algorithm",
                    "must be `RS256`, `ES256` or `EdDSA`",
                ));
            }
        }),
    };
    let revoke = asked.revoke.unwrap_or(false);
    let shared = app.clone();
    let rotated = app
        .long(move || {
            let issuer = shared.identities.own(&caller, &shared.registry)?;
            let (kid, algorithm) = shared.identities.rotate(&issuer, algorithm, revoke)?;
            Ok::<_, ApiError>(json!({
                "object": "key_rotation",
                "client_id": issuer.client_id(),
                "key_id": kid,
                "algorithm": algorithm.name(),
                "keys": issuer.ring().jwks(now())["keys"],
            }))
        })
        .await??;
    Ok(wire::json(&rotated))
}

/// What the server thinks of a token. The token is not in the answer.
pub(crate) async fn inspect(State(app): State<App>, caller: Caller, payload: Payload) -> Result<Response> {
    let asked = payload.object::<InspectIn<'_>>()?;
    let token = given(&asked.token).ok_or_else(|| ApiError::missing("token"))?;
    let no = |reason: &str, message: String| json!({"valid": false, "reason": reason, "message": message});
    let answer = match app.identities.authenticate(token, &app.registry).await {
        Ok((environment, _)) if environment.uid() != caller.uid() => {
            let message = "it asks in another environment than the one of this API key";
            no("token_other_environment", message.to_owned())
        }
        Ok((environment, user)) => {
            let identity = &user.identity;
            json!({
                "valid": true,
                "environment": environment.name(),
                "issuer": identity.issuer(),
                "subject": format!("{}:{}", user.subject_type, identity.subject()),
                "roles": identity.roles(),
            })
        }
        // Whoever has a key of the environment may know what the issuer's server says.
        Err(ApiError::Token(error)) => no(error.code(), error.to_string()),
        Err(ApiError::Forbidden(why)) => no("token_other_environment", why.to_owned()),
        Err(other) => return Err(other),
    };
    Ok(wire::json(&answer))
}
