//! What a token is to say.

use std::time::Duration;

use serde_json::{Map, Value};

/// Longest life of a token. A key that was replaced is served for that long.
pub const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest token that is issued, in bytes: proxies refuse headers that are longer.
pub(super) const MAX_ISSUED: usize = 7 * 1024;

/// Claims that the issuer gives, or that a field of [`Grant`] is for.
const RESERVED: [&str; 13] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "sid",
    "auth_time",
    "client_id",
    "org_id",
    "roles",
    "permissions",
];

/// What a token is to say.
#[derive(Debug, Clone)]
pub struct Grant {
    /// `sub`: the user.
    pub user: String,
    /// `org_id`: the organization that the session is for.
    pub organization: Option<String>,
    /// `roles`, and the first of them `role`.
    pub roles: Vec<String>,
    /// `permissions`: what the user may do in the whole organization.
    pub permissions: Vec<String>,
    /// `sid`: the session; a new one unless set.
    pub session: Option<String>,
    /// Until `exp`.
    pub lifetime: Duration,
    /// Further claims.
    pub claims: Map<String, Value>,
}

/// Why no token is issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// A field that cannot be said.
    #[error("{field}: {why}")]
    Field {
        /// The field of [`Grant`], or the claim.
        field: String,
        /// What it must be.
        why: &'static str,
    },
    /// So long that proxies would refuse it.
    #[error(
        "the token would be {0} bytes long; proxies refuse headers longer than about {MAX_ISSUED}, so leave claims out"
    )]
    TooLarge(usize),
    /// The key or the machine's randomness failed.
    #[error("the token cannot be signed")]
    Signing,
}

impl Grant {
    /// A token for a user, for an hour.
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            organization: None,
            roles: Vec::new(),
            permissions: Vec::new(),
            session: None,
            lifetime: Duration::from_secs(60 * 60),
            claims: Map::new(),
        }
    }

    pub(super) fn check(&self) -> Result<(), MintError> {
        let refuse = |field: &str, why| {
            Err(MintError::Field {
                field: field.to_owned(),
                why,
            })
        };
        if !is_id(&self.user) {
            return refuse(
                "user",
                "must be 1 to 256 characters without blanks or control characters",
            );
        }
        for (field, value) in [("organization", &self.organization), ("session", &self.session)] {
            if value.as_deref().is_some_and(|value| !is_id(value)) {
                return refuse(
                    field,
                    "must be 1 to 256 characters without blanks or control characters",
                );
            }
        }
        for (field, values) in [("roles", &self.roles), ("permissions", &self.permissions)] {
            if !values.iter().all(|value| is_id(value)) {
                return refuse(
                    field,
                    "each must be 1 to 256 characters without blanks or control characters",
                );
            }
        }
        if self.lifetime < Duration::from_secs(1) || self.lifetime > MAX_LIFETIME {
            return refuse("expires_in", "must be 1 to 86400 seconds: a day at most");
        }
        for claim in self.claims.keys() {
            if RESERVED.contains(&claim.as_str()) || (claim == "role" && !self.roles.is_empty()) {
                return refuse(claim, "is given by the issuer, or has a field of its own");
            }
        }
        Ok(())
    }
}

fn is_id(text: &str) -> bool {
    (1..=256).contains(&text.len()) && !text.chars().any(|char| char.is_control() || char.is_whitespace())
}
