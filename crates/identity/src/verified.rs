//! Who asks, and tokens that were verified before.

use std::fmt;
use std::sync::{Arc, OnceLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value;

use crate::verifier::Source;
use crate::{Algorithm, Claims};

/// How much memory the tokens that were verified before may take, in bytes, about.
const MEMORY: u64 = 16 << 20;

/// About how large a token with its claims is, in bytes.
const TYPICAL: u64 = 2048;

/// Who asks: what a verified token says.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(crate) issuer: Arc<str>,
    pub(crate) subject: String,
    pub(crate) roles: Arc<[String]>,
    pub(crate) claims: Claims,
    /// The claims as JSON, once somebody wanted them.
    pub(crate) text: Text,
    pub(crate) expires_at: Option<f64>,
    pub(crate) not_before: f64,
}

/// Claims as JSON, or not yet.
#[derive(Clone, Default)]
pub(crate) struct Text(OnceLock<Arc<str>>);

/// Without them: they are somebody's.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

impl Identity {
    /// The configured name of the issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The user, by the claim that names one: `sub`, as a rule.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The Postgres roles that this token may take.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Whether this token may take a Postgres role.
    pub fn may_take(&self, role: &str) -> bool {
        self.roles.iter().any(|allowed| allowed == role)
    }

    /// Everything the token says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Everything the token says, as a JSON object. Written once for a token, however often it comes.
    pub fn claims_text(&self) -> &Arc<str> {
        let write = || Value::Object(self.claims.as_map().clone()).to_string().into();
        self.text.0.get_or_init(write)
    }

    /// When the token expires, in seconds since the Unix epoch.
    pub fn expires_at(&self) -> Option<f64> {
        self.expires_at
    }

    /// Whether the token says that the user has the permission in the whole organization it is for.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.claims.permissions().any(|own| own == permission)
    }
}

/// A token that was verified, and what has to hold for that to stay true.
#[derive(Clone)]
pub(crate) struct Remembered {
    pub(crate) identity: Arc<Identity>,
    pub(crate) source: Arc<Source>,
    /// The key it was verified with.
    pub(crate) fingerprint: [u8; 32],
    pub(crate) algorithm: Algorithm,
    /// Bytes, about.
    weight: u32,
}

impl Remembered {
    pub(crate) fn new(
        identity: Arc<Identity>,
        source: Arc<Source>,
        fingerprint: [u8; 32],
        algorithm: Algorithm,
        token: &str,
    ) -> Self {
        // Claims take about twice their base64, and once more as text.
        let weight = u32::try_from(token.len() * 3 + 512).unwrap_or(u32::MAX);
        Self {
            identity,
            source,
            fingerprint,
            algorithm,
            weight,
        }
    }
}

/// Tokens that were verified, by the hash of the whole token. A part of one, such as its `jti`, says nothing about the rest.
pub(crate) struct Memory(Cache<[u8; 32], Remembered, ByWeight>);

#[derive(Clone)]
struct ByWeight;

impl Weighter<[u8; 32], Remembered> for ByWeight {
    fn weight(&self, _: &[u8; 32], remembered: &Remembered) -> u64 {
        u64::from(remembered.weight)
    }
}

impl Default for Memory {
    fn default() -> Self {
        let items = usize::try_from(MEMORY / TYPICAL).unwrap_or(1);
        Self(Cache::with_weighter(items, MEMORY, ByWeight))
    }
}

impl Memory {
    pub(crate) fn hash(token: &str) -> [u8; 32] {
        *blake3::hash(token.as_bytes()).as_bytes()
    }

    pub(crate) fn get(&self, hash: &[u8; 32]) -> Option<Remembered> {
        self.0.get(hash)
    }

    pub(crate) fn insert(&self, hash: [u8; 32], remembered: Remembered) {
        self.0.insert(hash, remembered);
    }

    pub(crate) fn remove(&self, hash: &[u8; 32]) {
        self.0.remove(hash);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
