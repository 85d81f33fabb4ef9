//! API keys: random, shown once, stored as a hash.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rowgate_store::{ApiKeyRecord, EnvironmentId};
use subtle::ConstantTimeEq;

use crate::{Error, Result, writer};

/// Shortest key that is accepted when a person chooses it.
pub const MIN_KEY: usize = 16;

/// Longest key that is looked at.
pub const MAX_KEY: usize = 256;

/// An API key as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The id to delete it by.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The environment it opens.
    pub environment: String,
    /// The first characters of the secret.
    pub prefix: String,
    /// When it was created, microseconds since the Unix epoch.
    pub created_at: i64,
}

/// Which key a request was made with. Cloning it is cheap.
#[derive(Clone)]
pub struct KeyHandle(pub(crate) Arc<ApiKeyRecord>);

impl KeyHandle {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl std::fmt::Debug for KeyHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyHandle").field(&self.id()).finish()
    }
}

pub(crate) fn random(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| Error::Refused {
        code: "internal_error",
        message: format!("the operating system gives no randomness: {error}"),
    })?;
    Ok(URL_SAFE_NO_PAD.encode(random).replace(['-', '_'], "x"))
}

/// A fresh secret: 256 bits, recognisable by its prefix.
pub(crate) fn generate() -> Result<String> {
    Ok(format!("sk_{}", random(32)?))
}

/// What is stored of a secret. Keys are long and random, so a fast hash is enough.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    blake3::derive_key("rowgate 2026 api key v1", secret.as_bytes())
}

pub(crate) fn record(secret: &str, name: &str, environment: EnvironmentId) -> Result<ApiKeyRecord> {
    if secret.len() < MIN_KEY || secret.len() > MAX_KEY || !secret.bytes().all(|byte| byte.is_ascii_graphic())
    {
        let message = format!("an API key has {MIN_KEY} to {MAX_KEY} visible characters without spaces");
        return Err(Error::invalid("api_key", message));
    }
    // Never more than a quarter of a short secret is shown.
    let prefix = secret.chars().take((secret.len() / 4).min(8)).collect();
    Ok(ApiKeyRecord {
        id: format!("key_{}", random(12)?),
        environment,
        name: name.to_owned(),
        hash: hash(secret),
        prefix,
        created_at: writer::now(),
    })
}

/// Whether two hashes are the same, in time that does not depend on where they differ.
pub(crate) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}
