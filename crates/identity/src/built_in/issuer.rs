//! Tokens for users whom somebody vouches for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::grant::MAX_ISSUED;
use super::{Grant, MintError, Ring};
use crate::compact::encode;
use crate::{Audiences, Issuer, Keys};

/// Issues tokens of one client id.
#[derive(Debug)]
pub struct BuiltIn {
    client_id: String,
    issuer: String,
    ring: Ring,
}

/// A token that was issued.
#[derive(Clone)]
pub struct Minted {
    /// The token. Whoever has it is the user, until it expires.
    pub token: String,
    /// Its claims.
    pub claims: Map<String, Value>,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// The key that signed it.
    pub kid: String,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted")
            .field("kid", &self.kid)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl BuiltIn {
    /// The issuer of a client id, with its keys.
    pub fn new(client_id: impl Into<String>, issuer: impl Into<String>, ring: Ring) -> Self {
        Self {
            client_id: client_id.into(),
            issuer: issuer.into(),
            ring,
        }
    }

    /// Whom its tokens are for: `aud` and `client_id`.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What stands in `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its keys.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The settings with which a [`crate::Verifier`] accepts its tokens. Keys are taken from memory, not over HTTP.
    pub fn as_issuer(&self, name: impl Into<String>) -> Issuer {
        let audiences = Audiences::OneOf(vec![self.client_id.clone()]);
        Issuer::new(
            name,
            self.issuer.clone(),
            Keys::Shared(self.ring.public()),
            audiences,
        )
    }

    /// Issues a token.
    ///
    /// # Errors
    /// [`MintError`].
    pub fn mint(&self, grant: &Grant, now: u64) -> Result<Minted, MintError> {
        grant.check()?;
        let expires_at = now + grant.lifetime.max(Duration::from_secs(1)).as_secs();
        let mut claims = Map::new();
        let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        say("iss", self.issuer.as_str().into());
        say("aud", self.client_id.as_str().into());
        say("client_id", self.client_id.as_str().into());
        say("sub", grant.user.as_str().into());
        let session = match &grant.session {
            Some(session) => session.clone(),
            None => random("session_")?,
        };
        say("sid", session.into());
        if let Some(organization) = &grant.organization {
            say("org_id", organization.as_str().into());
        }
        if let Some(first) = grant.roles.first() {
            say("role", first.as_str().into());
            say("roles", grant.roles.clone().into());
        }
        say("permissions", grant.permissions.clone().into());
        say("auth_time", now.into());
        say("iat", now.into());
        say("exp", expires_at.into());
        say("jti", random("jwt_")?.into());
        claims.extend(grant.claims.clone());

        let key: Arc<_> = self.ring.signing();
        let header = json!({"alg": key.algorithm().name(), "typ": "JWT", "kid": key.kid()});
        let payload = Value::Object(claims);
        let signed = format!("{}.{}", encode(header.to_string()), encode(payload.to_string()));
        let signature = key.sign(signed.as_bytes()).map_err(|_| MintError::Signing)?;
        let token = format!("{signed}.{}", encode(signature));
        if token.len() > MAX_ISSUED {
            return Err(MintError::TooLarge(token.len()));
        }
        let Value::Object(claims) = payload else {
            return Err(MintError::Signing);
        };
        Ok(Minted {
            token,
            claims,
            expires_at,
            kid: key.kid().to_owned(),
        })
    }
}

/// An id that nobody guesses.
fn random(prefix: &str) -> Result<String, MintError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| MintError::Signing)?;
    Ok(format!("{prefix}{}", encode(bytes)))
}
