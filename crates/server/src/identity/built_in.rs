//! The server's own issuer: keys for each environment, made when they are first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rowgate_environment::{Environment, Registry};
use rowgate_identity::built_in::{BuiltIn, KeyStore, KeyStoreError, Ring};
use rowgate_identity::{Algorithm, IssuerError, Verifier};

use crate::config::{BuiltInConfig, ConfigError};
use crate::error::{ApiError, Result};
use crate::server::ServeError;

/// Before the name of an environment, in the names of issuers.
const PREFIX: &str = "built_in.";

/// The issuers of all environments.
pub(crate) struct BuiltIns {
    store: Arc<dyn KeyStore>,
    verifier: Arc<Verifier>,
    pub(crate) algorithm: Algorithm,
    /// Before the client id, in `iss`.
    issuer: Option<String>,
    /// By the uid of the environment: one that is deleted and made again has other keys. Held while keys are made.
    issuers: Mutex<Issuers>,
    /// What was there when other servers were followed last: the fingerprint of the keys, and the uids of the environments.
    followed: Mutex<Option<(String, Vec<String>)>>,
}

/// With the names that the verifier knows them by.
type Issuers = HashMap<String, (String, Arc<BuiltIn>)>;

/// The client id of an environment: where its public keys are, and whom its tokens are for.
pub(crate) fn client_id(environment: &Environment) -> String {
    format!("client_{}", environment.name())
}

/// The name of the environment whose own issuer has that name.
pub(super) fn environment_of(issuer: &str) -> Option<&str> {
    issuer.strip_prefix(PREFIX)
}

impl BuiltIns {
    /// Reads the keys of all environments that have some, and makes those of the default environment. May block.
    pub(super) fn open(
        config: &BuiltInConfig,
        store: Arc<dyn KeyStore>,
        verifier: &Arc<Verifier>,
        registry: &Registry,
    ) -> Result<Self, ServeError> {
        if !matches!(
            config.algorithm,
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA
        ) {
            let message = "`built_in.algorithm` must be RS256, ES256 or EdDSA";
            return Err(ConfigError(message.into()).into());
        }
        let built_ins = Self {
            followed: Mutex::default(),
            store,
            verifier: Arc::clone(verifier),
            algorithm: config.algorithm,
            issuer: config.issuer.clone(),
            issuers: Mutex::default(),
        };
        for environment in registry.environments() {
            let has_some = || Ring::exists(&*built_ins.store, &ring_name(&environment));
            if environment.is_default() || has_some().map_err(unreadable)? {
                built_ins.open_or_make(&environment, &mut built_ins.lock())?;
            }
        }
        Ok(built_ins)
    }

    /// Whether other servers change the keys, too.
    pub(super) fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    /// Takes over what other servers did to the keys. May block.
    pub(super) fn follow(&self, registry: &Registry) -> Result<(), ServeError> {
        let environments = registry.environments();
        let uids: Vec<String> = environments.iter().map(|each| each.uid().to_owned()).collect();
        let there = (self.store.fingerprint().map_err(unreadable)?, uids);
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if followed.as_ref() == Some(&there) {
            return Ok(());
        }
        let mut issuers = self.lock();
        self.forget_deleted(&environments, &mut issuers);
        for environment in &environments {
            if let Some((_, issuer)) = issuers.get(environment.uid()) {
                let now = rowgate_identity::now() as u64;
                issuer.ring().refresh(now).map_err(unreadable)?;
            } else if Ring::exists(&*self.store, &ring_name(environment)).map_err(unreadable)? {
                self.open_or_make(environment, &mut issuers)?;
            }
        }
        *followed = Some(there);
        Ok(())
    }

    /// The issuers of environments that another server deleted. It deleted their keys, too.
    fn forget_deleted(&self, environments: &[Environment], issuers: &mut Issuers) {
        issuers.retain(|uid, (name, _)| {
            let is_there = environments.iter().any(|each| each.uid() == uid);
            if !is_there {
                self.verifier.remove(name);
            }
            is_there
        });
    }

    /// A new key signs for an issuer from now on. May block.
    pub(crate) fn rotate(
        &self,
        issuer: &BuiltIn,
        algorithm: Algorithm,
        revoke: bool,
    ) -> Result<String, KeyStoreError> {
        let now = rowgate_identity::now() as u64;
        match issuer.ring().rotate(algorithm, revoke, now) {
            // Another server was faster: its key is replaced as well.
            Err(KeyStoreError::Changed { .. }) if self.is_shared() => {
                issuer.ring().refresh(now)?;
                issuer.ring().rotate(algorithm, revoke, now)
            }
            rotated => rotated,
        }
    }

    /// The issuer of an environment. May block.
    pub(crate) fn of(&self, environment: &Environment, registry: &Registry) -> Result<Arc<BuiltIn>> {
        let mut issuers = self.lock();
        // A request that began before its environment was deleted must not make keys for it again.
        let there = registry.environment(environment.name());
        if there.is_none_or(|there| there.uid() != environment.uid()) {
            return Err(ApiError::NotFound("Environment", environment.name().to_owned()));
        }
        self.open_or_make(environment, &mut issuers)
            .map_err(|error| ApiError::Internal(error.to_string()))
    }

    /// Forgets the keys of an environment that was deleted. Its tokens are refused at once. May block.
    pub(crate) fn forget(&self, environment: &Environment) {
        let mut issuers = self.lock();
        self.verifier.remove(&name(environment));
        issuers.remove(environment.uid());
        if let Err(error) = self.store.delete(&ring_name(environment)) {
            // Nobody will use them: the uid does not come back.
            tracing::warn!(%error, "the signing keys of a deleted environment are still there");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Issuers> {
        self.issuers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_or_make(
        &self,
        environment: &Environment,
        issuers: &mut Issuers,
    ) -> Result<Arc<BuiltIn>, ServeError> {
        if let Some((_, issuer)) = issuers.get(environment.uid()) {
            return Ok(Arc::clone(issuer));
        }
        // An environment of that name that another server deleted.
        self.verifier.remove(&name(environment));
        let now = rowgate_identity::now() as u64;
        let ring = Ring::open(
            Arc::clone(&self.store),
            &ring_name(environment),
            self.algorithm,
            now,
        );
        let client_id = client_id(environment);
        let iss = match &self.issuer {
            Some(issuer) => format!("{}/{client_id}", issuer.trim_end_matches('/')),
            None => format!("urn:rowgate:{client_id}"),
        };
        let issuer = Arc::new(BuiltIn::new(client_id, iss, ring.map_err(unreadable)?));
        let wrong = |error: IssuerError| ConfigError(error.to_string());
        self.verifier
            .add(issuer.as_issuer(name(environment)))
            .map_err(wrong)?;
        let known = (name(environment), Arc::clone(&issuer));
        issuers.insert(environment.uid().to_owned(), known);
        Ok(issuer)
    }
}

fn name(environment: &Environment) -> String {
    format!("{PREFIX}{}", environment.name())
}

fn ring_name(environment: &Environment) -> String {
    // In hexadecimal: a file system may not tell `a` from `A`.
    environment
        .uid()
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn unreadable(error: KeyStoreError) -> ServeError {
    ServeError::Keys(error)
}
