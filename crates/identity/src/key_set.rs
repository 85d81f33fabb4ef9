//! The public keys of one issuer.

use serde_json::Value;

use crate::{Algorithm, PublicKey, json};

/// Most keys in a set. Issuers publish two or three.
const MAX_KEYS: usize = 100;

/// Most keys that one token is tried with. More than one only where a set has a `kid` twice.
const MAX_TRIED: usize = 4;

/// The public keys of one issuer, of which at least one can verify something.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: Vec<PublicKey>,
    skipped: Vec<&'static str>,
}

/// Why a text is not a key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not the JSON of a key set.
    #[error("it is not a JSON object with a list `keys`, or says something twice")]
    Malformed,
    /// More keys than anybody needs.
    #[error("it has more than {MAX_KEYS} keys")]
    TooMany,
    /// No key at all, or none that can be used.
    #[error("it has no key that can verify a token{}", .skipped.first().map(|why| format!("; one {why}")).unwrap_or_default())]
    NoUsableKey {
        /// Why each of its keys cannot.
        skipped: Vec<&'static str>,
    },
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys that cannot be used are left out, and the reasons kept.
    ///
    /// # Errors
    /// [`KeySetError`] if nothing usable is left.
    pub fn parse(text: &[u8]) -> Result<Self, KeySetError> {
        let set = json::object(text).ok_or(KeySetError::Malformed)?;
        let Some(Value::Array(listed)) = set.get("keys") else {
            return Err(KeySetError::Malformed);
        };
        if listed.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let (mut keys, mut skipped) = (Vec::<PublicKey>::new(), Vec::new());
        for key in listed {
            let read = key
                .as_object()
                .ok_or("is not a JSON object")
                .and_then(PublicKey::from_jwk);
            match read {
                Ok(key) => keys.push(key),
                Err(why) => skipped.push(why),
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NoUsableKey { skipped });
        }
        Ok(Self { keys, skipped })
    }

    /// The keys that can be used.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Why each of the other keys cannot.
    pub fn skipped(&self) -> &[&'static str] {
        &self.skipped
    }

    pub(crate) fn from_keys(keys: Vec<PublicKey>) -> Self {
        Self {
            keys,
            skipped: Vec::new(),
        }
    }

    /// Whether some key has that name.
    pub(crate) fn names(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == Some(kid))
    }

    pub(crate) fn has(&self, fingerprint: &[u8; 32], algorithm: Algorithm) -> bool {
        let has = |key: &PublicKey| key.fingerprint() == *fingerprint && key.fits(algorithm);
        self.keys.iter().any(has)
    }

    /// The keys to verify a token with. Without a `kid` there must be exactly one that fits: trying all would make every other key of
    /// the issuer as good as the one meant.
    pub(crate) fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<&PublicKey>, &'static str> {
        let fits = |key: &&PublicKey| key.fits(algorithm) && (kid.is_none() || key.kid() == kid);
        let found: Vec<_> = self.keys.iter().filter(fits).take(MAX_TRIED).collect();
        match (kid, found.len()) {
            (_, 0) => Err("none of its keys fits the token's `kid` and `alg`"),
            (None, 2..) => Err("the token has no `kid`, and several of its keys fit"),
            _ => Ok(found),
        }
    }
}
