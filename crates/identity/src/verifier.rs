//! A token in, an identity or the reason against it out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use crate::compact::Compact;
use crate::counters::{FetchCounters, TokenCounters};
use crate::jwks::{Cache, Fetcher, State};
use crate::verified::{Memory, Remembered, Text};
use crate::{Audiences, Claims, Identity, Issuer, IssuerError, KeySet, Keys, PublicKey, TokenError};

/// Verifies tokens of several issuers. An issuer whose keys cannot be had delays nobody but those who bring its tokens.
pub struct Verifier {
    sources: ArcSwap<Vec<Arc<Source>>>,
    /// Held while the issuers change.
    changing: Mutex<()>,
    fetcher: Fetcher,
    memory: Memory,
    counters: TokenCounters,
}

/// An issuer, and where its keys come from.
pub(crate) struct Source {
    issuer: Issuer,
    name: Arc<str>,
    roles: Arc<[String]>,
    keys: Keeping,
    /// No longer believed; tokens that were verified before are not, either.
    removed: AtomicBool,
}

enum Keeping {
    Fetched(Arc<Cache>),
    Fixed(Arc<KeySet>),
    Shared(Arc<ArcSwap<KeySet>>),
}

/// The time in seconds since the Unix epoch.
pub fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sources = self.sources.load();
        let names = sources.iter().map(|source| &source.name);
        f.debug_list().entries(names).finish()
    }
}

impl Verifier {
    /// One that believes nobody yet.
    pub fn new(fetcher: Fetcher) -> Self {
        Self {
            sources: ArcSwap::default(),
            changing: Mutex::default(),
            fetcher,
            memory: Memory::default(),
            counters: TokenCounters::default(),
        }
    }

    /// Believes an issuer from now on.
    ///
    /// # Errors
    /// [`IssuerError`] for settings that make no sense, and for an issuer that cannot be told from another one.
    pub fn add(&self, issuer: Issuer) -> Result<(), IssuerError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        issuer.check()?;
        let mut sources = self.sources.load().to_vec();
        for other in &sources {
            issuer.check_beside(&other.issuer)?;
        }
        sources.push(Arc::new(Source::new(issuer, &self.fetcher)));
        self.sources.store(Arc::new(sources));
        Ok(())
    }

    /// Believes the issuer of that name no longer. Its tokens are refused at once.
    pub fn remove(&self, name: &str) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (removed, left): (Vec<_>, Vec<_>) = self
            .sources
            .load()
            .iter()
            .cloned()
            .partition(|source| &*source.name == name);
        self.sources.store(Arc::new(left));
        for source in removed {
            source.removed.store(true, Ordering::Release);
        }
    }

    /// Verifies a token at this moment.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn verify(&self, token: &str) -> Result<Arc<Identity>, TokenError> {
        self.verify_at(token, now()).await
    }

    /// Verifies a token as of a moment, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn verify_at(&self, token: &str, now: f64) -> Result<Arc<Identity>, TokenError> {
        let verified = self.look(token, now).await;
        if let Err(error) = &verified {
            self.counters.refuse(error);
        }
        verified
    }

    /// What happened to tokens.
    pub fn counters(&self) -> &TokenCounters {
        &self.counters
    }

    /// How many tokens are remembered.
    pub fn remembered(&self) -> usize {
        self.memory.len()
    }

    /// Shows the counters of fetches and the state of the keys of each issuer whose keys are fetched.
    pub fn each_fetched(&self, mut show: impl FnMut(&str, &FetchCounters, State)) {
        for source in self.sources.load().iter() {
            if let Keeping::Fetched(cache) = &source.keys {
                show(&source.name, &cache.counters, cache.state());
            }
        }
    }

    async fn look(&self, token: &str, now: f64) -> Result<Arc<Identity>, TokenError> {
        let hash = Memory::hash(token);
        if let Some(remembered) = self.memory.get(&hash) {
            if let Some(outcome) = remembered.still(now).await {
                match &outcome {
                    Ok(_) => self.counters.remember(),
                    Err(TokenError::Expired) => self.memory.remove(&hash),
                    Err(_) => {}
                }
                return outcome;
            }
            self.memory.remove(&hash);
        }
        let remembered = self.verify_anew(token, now).await?;
        self.counters.verify();
        let identity = Arc::clone(&remembered.identity);
        self.memory.insert(hash, remembered);
        Ok(identity)
    }

    async fn verify_anew(&self, token: &str, now: f64) -> Result<Remembered, TokenError> {
        let compact = Compact::parse(token)?;
        let claims = Claims::new(compact.claims);
        let source = self.source(&claims)?;
        let issuer = &source.issuer;
        if !issuer.algorithms.contains(&compact.algorithm) {
            return Err(TokenError::Algorithm(
                "its issuer is not configured to sign with it; see `algorithms`",
            ));
        }
        // Before the signature: what is too old anyway costs no key and no arithmetic.
        let times = Times::of(&claims, issuer)?;
        times.check(now, issuer)?;
        let keys = source.keys_for(compact.kid.as_deref()).await?;
        let candidates = keys
            .candidates(compact.kid.as_deref(), compact.algorithm)
            .map_err(|why| source.unknown_key(why))?;
        let verifies =
            |key: &&&PublicKey| key.verifies(compact.algorithm, compact.signed, &compact.signature);
        let key = candidates.iter().find(verifies).ok_or(TokenError::Signature)?;
        let identity = Identity {
            issuer: Arc::clone(&source.name),
            subject: subject(&claims, &issuer.subject_claim)?.to_owned(),
            roles: Arc::clone(&source.roles),
            claims,
            text: Text::default(),
            expires_at: times.expires_at,
            not_before: times.not_before,
        };
        let fingerprint = key.fingerprint();
        Ok(Remembered::new(
            Arc::new(identity),
            source,
            fingerprint,
            compact.algorithm,
            token,
        ))
    }

    /// The issuer that a token says it is from, and whose audience it is for. Nothing of that is proven yet.
    fn source(&self, claims: &Claims) -> Result<Arc<Source>, TokenError> {
        let iss = match claims.get("iss") {
            None => {
                return Err(TokenError::claim(
                    "iss",
                    "is missing, so nobody knows who issued it",
                ));
            }
            Some(iss) => iss.as_str().ok_or(TokenError::claim("iss", "is not a string"))?,
        };
        let sources = self.sources.load();
        let (mut found, mut accepted) = (None, Vec::new());
        for source in sources.iter().filter(|source| source.issuer.issuer == iss) {
            let is_for = match &source.issuer.audiences {
                Audiences::Any => true,
                Audiences::OneOf(audiences) => {
                    accepted.extend(audiences.iter().cloned());
                    claims.is_for(audiences)?
                }
            };
            if is_for && found.replace(source).is_some() {
                return Err(TokenError::claim(
                    "aud",
                    "has audiences of several configured issuers",
                ));
            }
        }
        match found {
            Some(source) => Ok(Arc::clone(source)),
            None if accepted.is_empty() => Err(TokenError::UnknownIssuer),
            None => Err(TokenError::Audience { accepted }),
        }
    }
}

impl Source {
    fn new(issuer: Issuer, fetcher: &Fetcher) -> Self {
        let keys = match &issuer.keys {
            Keys::Url(url) => {
                let refresh = issuer.refresh.clone();
                Keeping::Fetched(Cache::new(&issuer.name, url.clone(), fetcher.clone(), refresh))
            }
            Keys::Inline(keys) => Keeping::Fixed(Arc::clone(keys)),
            Keys::Shared(keys) => Keeping::Shared(Arc::clone(keys)),
        };
        Self {
            name: issuer.name.as_str().into(),
            roles: issuer.roles.clone().into(),
            issuer,
            keys,
            removed: AtomicBool::new(false),
        }
    }

    async fn keys(&self) -> Result<Arc<KeySet>, TokenError> {
        match &self.keys {
            Keeping::Fixed(keys) => Ok(Arc::clone(keys)),
            Keeping::Shared(keys) => Ok(keys.load_full()),
            Keeping::Fetched(cache) => cache.keys().await.map_err(|error| TokenError::KeysUnavailable {
                issuer: self.issuer.name.clone(),
                error,
            }),
        }
    }

    /// The keys, and newer ones if those do not have the one that is named.
    async fn keys_for(&self, kid: Option<&str>) -> Result<Arc<KeySet>, TokenError> {
        let keys = self.keys().await?;
        match (&self.keys, kid) {
            (Keeping::Fetched(cache), Some(kid)) if !keys.names(kid) => {
                Ok(cache.newer_than(&keys).await.unwrap_or(keys))
            }
            _ => Ok(keys),
        }
    }

    fn unknown_key(&self, why: &'static str) -> TokenError {
        TokenError::UnknownKey {
            issuer: self.issuer.name.clone(),
            why,
        }
    }
}

impl Remembered {
    /// Whether what was verified is still true; `None` if it has to be verified again.
    async fn still(&self, now: f64) -> Option<Result<Arc<Identity>, TokenError>> {
        if self.source.removed.load(Ordering::Acquire) {
            return None;
        }
        // As a token that was not seen before would: it may be time to fetch the keys again.
        let keys = match self.source.keys().await {
            Ok(keys) => keys,
            Err(error) => return Some(Err(error)),
        };
        if !keys.has(&self.fingerprint, self.algorithm) {
            return None;
        }
        let times = Times {
            expires_at: self.identity.expires_at,
            not_before: self.identity.not_before,
        };
        let current = times.check(now, &self.source.issuer);
        Some(current.map(|()| Arc::clone(&self.identity)))
    }
}

/// From when until when a token is valid, by its own word.
struct Times {
    expires_at: Option<f64>,
    /// The later one of `nbf` and `iat`.
    not_before: f64,
}

impl Times {
    fn of(claims: &Claims, issuer: &Issuer) -> Result<Self, TokenError> {
        let expires_at = claims.seconds("exp")?;
        if expires_at.is_none() && issuer.require_exp {
            return Err(TokenError::claim(
                "exp",
                "is missing; tokens of this issuer must expire",
            ));
        }
        let issued_at = claims.seconds("iat")?.unwrap_or(0.0);
        if expires_at.is_some_and(|expires_at| expires_at < issued_at) {
            return Err(TokenError::claim("exp", "lies before `iat`"));
        }
        Ok(Self {
            expires_at,
            not_before: claims.seconds("nbf")?.unwrap_or(0.0).max(issued_at),
        })
    }

    fn check(&self, now: f64, issuer: &Issuer) -> Result<(), TokenError> {
        let leeway = issuer.leeway.as_secs_f64();
        if self
            .expires_at
            .is_some_and(|expires_at| now >= expires_at + leeway)
        {
            return Err(TokenError::Expired);
        }
        if self.not_before > now + leeway {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}

fn subject<'c>(claims: &'c Claims, name: &str) -> Result<&'c str, TokenError> {
    match claims.get(name) {
        None => Err(TokenError::claim(name, "is missing, so nobody knows who asks")),
        Some(value) => match value.as_str() {
            Some(subject) if !subject.is_empty() => Ok(subject),
            _ => Err(TokenError::claim(
                name,
                "is not a string, or is empty, and must name who asks",
            )),
        },
    }
}
