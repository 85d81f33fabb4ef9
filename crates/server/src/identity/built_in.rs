//! The server's own issuer: keys for each environment, made when they are first needed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rowgate_environment::{Environment, Registry};
use rowgate_identity::built_in::{BuiltIn, KeyFiles, KeyStore, KeyStoreError, Ring};
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
}

type Issuers = HashMap<String, Arc<BuiltIn>>;

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
        keys: &Path,
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
        let directory = config.keys.as_deref().unwrap_or(keys);
        let built_ins = Self {
            store: Arc::new(KeyFiles::new(directory)),
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
        if let Some(issuer) = issuers.get(environment.uid()) {
            return Ok(Arc::clone(issuer));
        }
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
        issuers.insert(environment.uid().to_owned(), Arc::clone(&issuer));
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
