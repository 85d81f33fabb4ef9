//! The key that signs, and those that it replaced, which still verify.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::grant::MAX_LIFETIME;
use super::key::SigningKey;
use super::{Contents, KeyError, KeyStore, KeyStoreError};
use crate::compact::{decode, encode};
use crate::{Algorithm, KeySet, PublicKey};

/// How long after the last token of a replaced key has expired the key is still served: the leeway of clocks.
const LEEWAY: u64 = 300;

/// Most keys that are served, the one that signs included. Verifiers take a hundred at most, and may take fewer.
pub const MAX_KEYS: usize = 16;

/// The keys of one client id: one signs, and those that it replaced verify until their last token has expired.
pub struct Ring {
    name: String,
    store: Arc<dyn KeyStore>,
    keys: ArcSwap<Keys>,
    /// What verifies, shared with a [`crate::Verifier`].
    public: Arc<ArcSwap<KeySet>>,
    /// Held while keys change: what is in the store, to be replaced.
    kept: Mutex<Contents>,
}

struct Keys {
    signing: Arc<SigningKey>,
    replaced: Vec<Replaced>,
}

/// A key that signs no more. Its private part is gone.
#[derive(Clone)]
struct Replaced {
    jwk: Map<String, Value>,
    public: PublicKey,
    /// Until when it is served, in seconds since the Unix epoch.
    until: u64,
}

/// Names only.
impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys = self.keys.load();
        f.debug_struct("Ring")
            .field("name", &self.name)
            .field("signing", &keys.signing)
            .field("replaced", &keys.replaced.len())
            .finish_non_exhaustive()
    }
}

impl Ring {
    /// Opens the ring of a name, and makes its first key if there is none. May block.
    ///
    /// # Errors
    /// [`KeyStoreError`], and [`KeyError`] as [`KeyStoreError::Damaged`].
    pub fn open(
        store: Arc<dyn KeyStore>,
        name: &str,
        algorithm: Algorithm,
        now: u64,
    ) -> Result<Self, KeyStoreError> {
        let (keys, contents) = match Self::load(&*store, name, now)? {
            Some(loaded) => loaded,
            None => match Self::make(&*store, name, algorithm) {
                // Another process was faster.
                Err(KeyStoreError::Changed { .. }) => {
                    Self::load(&*store, name, now)?.ok_or_else(|| changed(name))?
                }
                made => made?,
            },
        };
        Ok(Self {
            name: name.to_owned(),
            store,
            public: Arc::new(ArcSwap::from_pointee(keys.set())),
            keys: ArcSwap::from_pointee(keys),
            kept: Mutex::new(contents),
        })
    }

    fn load(store: &dyn KeyStore, name: &str, now: u64) -> Result<Option<(Keys, Contents)>, KeyStoreError> {
        let Some(contents) = store.load(name)? else {
            return Ok(None);
        };
        let keys = Keys::read(contents.expose(), now).map_err(|why| damaged(name, why))?;
        Ok(Some((keys, contents)))
    }

    fn make(
        store: &dyn KeyStore,
        name: &str,
        algorithm: Algorithm,
    ) -> Result<(Keys, Contents), KeyStoreError> {
        let signing = SigningKey::generate(algorithm).map_err(|error| unusable(name, error))?;
        let keys = Keys {
            signing: Arc::new(signing),
            replaced: Vec::new(),
        };
        let contents = keys.write().map_err(|error| unusable(name, error))?;
        store.save(name, None, &contents)?;
        tracing::info!(ring = name, kid = keys.signing.kid(), "made a signing key");
        Ok((keys, contents))
    }

    /// Takes over what another process changed. May block.
    ///
    /// # Errors
    /// [`KeyStoreError`]; then everything is as it was. [`KeyStoreError::Changed`] if the keys are gone.
    pub fn refresh(&self, now: u64) -> Result<(), KeyStoreError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (keys, contents) =
            Self::load(&*self.store, &self.name, now)?.ok_or_else(|| changed(&self.name))?;
        if contents.expose() != kept.expose() {
            *kept = contents;
            tracing::info!(
                ring = self.name,
                kid = keys.signing.kid(),
                "another process rotated the signing keys"
            );
            self.put_in_force(keys);
        }
        Ok(())
    }

    fn put_in_force(&self, keys: Keys) {
        // Verified with before signed with: nobody sees a token of a key that is not there yet.
        self.public.store(Arc::new(keys.set()));
        self.keys.store(Arc::new(keys));
    }

    /// Whether there is something in the store under that name.
    ///
    /// # Errors
    /// [`KeyStoreError`].
    pub fn exists(store: &dyn KeyStore, name: &str) -> Result<bool, KeyStoreError> {
        Ok(store.load(name)?.is_some())
    }

    /// A new key signs from now on. The one before verifies until its last token has expired; with `revoke`, no other key verifies any
    /// more, for when one has fallen into wrong hands. May block.
    ///
    /// # Errors
    /// [`KeyStoreError`], [`KeyStoreError::TooMany`] among it; then everything is as it was. After [`KeyStoreError::Changed`], [`Ring::refresh`] shows what another process did.
    pub fn rotate(&self, algorithm: Algorithm, revoke: bool, now: u64) -> Result<String, KeyStoreError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.keys.load_full();
        let mut replaced: Vec<Replaced> = Vec::new();
        if !revoke {
            replaced.extend(old.replaced.iter().filter(|key| key.until > now).cloned());
            // The one that signs now, and the new one, come on top.
            if let Some(free) = replaced.iter().map(|key| key.until).min()
                && replaced.len() + 2 > MAX_KEYS
            {
                return Err(KeyStoreError::TooMany { after: free - now });
            }
            replaced.push(Replaced {
                jwk: old.signing.jwk().clone(),
                public: old.signing.public().clone(),
                until: now + MAX_LIFETIME.as_secs() + LEEWAY,
            });
        }
        let signing = SigningKey::generate(algorithm).map_err(|error| unusable(&self.name, error))?;
        let keys = Keys {
            signing: Arc::new(signing),
            replaced,
        };
        let contents = keys.write().map_err(|error| unusable(&self.name, error))?;
        self.store.save(&self.name, Some(&kept), &contents)?;
        *kept = contents;
        let kid = keys.signing.kid().to_owned();
        self.put_in_force(keys);
        tracing::info!(ring = self.name, kid, revoke, "rotated the signing keys");
        Ok(kid)
    }

    /// The public keys that are served, as a JSON Web Key Set: the one that signs first.
    pub fn jwks(&self, now: u64) -> Value {
        let keys = self.keys.load();
        let replaced = keys
            .replaced
            .iter()
            .filter(|key| key.until > now)
            .map(|key| &key.jwk);
        let all: Vec<_> = std::iter::once(keys.signing.jwk()).chain(replaced).collect();
        json!({ "keys": all })
    }

    /// The public keys, to verify with; always the newest.
    pub fn public(&self) -> Arc<ArcSwap<KeySet>> {
        Arc::clone(&self.public)
    }

    pub(super) fn signing(&self) -> Arc<SigningKey> {
        Arc::clone(&self.keys.load().signing)
    }
}

fn changed(name: &str) -> KeyStoreError {
    KeyStoreError::Changed {
        name: name.to_owned(),
    }
}

fn damaged(name: &str, why: &'static str) -> KeyStoreError {
    KeyStoreError::Damaged {
        name: name.to_owned(),
        why,
    }
}

fn unusable(name: &str, error: KeyError) -> KeyStoreError {
    let why = match error {
        KeyError::Algorithm => "the built-in issuer signs with RS256, ES256 or EdDSA",
        KeyError::Unusable => "a key cannot be made",
    };
    damaged(name, why)
}

/// What is kept, as it is read.
#[derive(Deserialize)]
struct Document {
    version: u32,
    signing: SigningEntry,
    replaced: Vec<ReplacedEntry>,
}

#[derive(Deserialize)]
struct SigningEntry {
    algorithm: Algorithm,
    /// PKCS #8 in base64url.
    private: String,
}

#[derive(Deserialize)]
struct ReplacedEntry {
    until: u64,
    jwk: Map<String, Value>,
}

impl Keys {
    fn set(&self) -> KeySet {
        let replaced = self.replaced.iter().map(|key| key.public.clone());
        KeySet::from_keys(
            std::iter::once(self.signing.public().clone())
                .chain(replaced)
                .collect(),
        )
    }

    fn read(bytes: &[u8], now: u64) -> Result<Self, &'static str> {
        let document: Document = serde_json::from_slice(bytes).map_err(|_| "it is not what was written")?;
        if document.version != 1 {
            return Err("a newer version wrote it");
        }
        let private = Zeroizing::new(document.signing.private);
        let pkcs8 = Zeroizing::new(decode(&private).ok_or("the private key is not base64url")?);
        let signing = SigningKey::from_pkcs8(document.signing.algorithm, &pkcs8)
            .map_err(|_| "the private key is not one of its algorithm")?;
        let mut replaced = Vec::new();
        for ReplacedEntry { until, jwk } in document.replaced {
            if until > now {
                let public = PublicKey::from_jwk(&jwk).map_err(|_| "a replaced key is not a public key")?;
                replaced.push(Replaced { jwk, public, until });
            }
        }
        Ok(Self {
            signing: Arc::new(signing),
            replaced,
        })
    }

    /// By hand, into memory that is wiped: a serializer leaves copies of the private key behind.
    fn write(&self) -> Result<Contents, KeyError> {
        let pkcs8 = self.signing.pkcs8()?;
        let private = Zeroizing::new(encode(&*pkcs8));
        // Large enough that it does not grow, which would leave a copy.
        let mut out = String::with_capacity(private.len() + 4096 * (1 + self.replaced.len()));
        let algorithm = self.signing.algorithm();
        let replaced: Vec<Value> = self
            .replaced
            .iter()
            .map(|key| json!({"until": key.until, "jwk": key.jwk}))
            .collect();
        // Writing to a string does not fail.
        let _ = write!(
            out,
            r#"{{"version":1,"signing":{{"algorithm":"{algorithm}","private":"{}"}},"replaced":{}}}"#,
            *private,
            Value::Array(replaced)
        );
        Ok(Contents::new(out.into_bytes()))
    }
}
