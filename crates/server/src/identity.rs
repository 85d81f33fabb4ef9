//! Who asks with a token: issuers, the environments they are for, and the issuer of the server itself.

mod built_in;
mod follow;
mod store;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use rowgate_environment::Environment;
use rowgate_environment::Registry;
use rowgate_identity::built_in::{BuiltIn, KeyStore, KeyStoreError};
use rowgate_identity::jwks::{Authorities, Fetcher};
use rowgate_identity::{Algorithm, Identity, TokenError, Verifier};

pub(crate) use self::built_in::{BuiltIns, client_id};
pub(crate) use self::follow::keep_following;
pub(crate) use self::store::StoredKeys;
use crate::config::{ConfigError, IdentityConfig};
use crate::error::{ApiError, Result};
use crate::server::ServeError;

const NO_ISSUER: ApiError =
    ApiError::Forbidden("this server issues no tokens: `built_in.enabled` is false in its configuration");

/// Issuers, and what their tokens are good for.
pub(crate) struct Identities {
    verifier: Arc<Verifier>,
    /// The server's own issuer, unless it is switched off.
    pub(crate) built_in: Option<Arc<BuiltIns>>,
    /// When other servers' keys were looked at last. Held meanwhile.
    followed: tokio::sync::Mutex<Option<Instant>>,
    /// By name of the issuer.
    places: HashMap<String, Place>,
}

/// Where the tokens of an issuer ask, and as what.
#[derive(Debug, Clone)]
struct Place {
    environment: String,
    subject_type: Arc<str>,
}

/// A user who asks with a token.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) identity: Arc<Identity>,
    pub(crate) subject_type: Arc<str>,
}

impl Identities {
    /// Reads keys, and makes those that are missing. May block.
    pub(crate) fn open(
        config: &IdentityConfig,
        keys: Arc<dyn KeyStore>,
        registry: &Registry,
    ) -> Result<Self, ServeError> {
        let authorities = match &config.ca_file {
            None => Authorities::default(),
            Some(file) => Authorities::from_pem_file(file)
                .map_err(|error| ConfigError(format!("`ca_file` {}: {error}", file.display())))?,
        };
        let verifier = Arc::new(Verifier::new(Fetcher::new(authorities).map_err(ConfigError)?));
        let mut places = HashMap::new();
        for issuer in &config.issuers {
            let wrong = |error: rowgate_identity::IssuerError| ConfigError(error.to_string());
            verifier.add(issuer.issuer()?).map_err(wrong)?;
            if registry.environment(&issuer.environment).is_none() {
                tracing::warn!(
                    issuer = issuer.name,
                    environment = issuer.environment,
                    "the environment of an issuer does not exist"
                );
            }
            let place = Place {
                environment: issuer.environment.clone(),
                subject_type: issuer.subject_type.as_str().into(),
            };
            places.insert(issuer.name.clone(), place);
        }
        let built_in = match &config.built_in {
            own if own.enabled => Some(BuiltIns::open(own, keys, &verifier, registry)?),
            _ => None,
        };
        Ok(Self {
            verifier,
            built_in: built_in.map(Arc::new),
            followed: tokio::sync::Mutex::default(),
            places,
        })
    }

    /// What a token says, wherever its issuer's tokens ask. One that no key fits may be of a key that another server has just made.
    pub(crate) async fn verify(
        &self,
        token: &str,
        registry: &Arc<Registry>,
    ) -> Result<Arc<Identity>, TokenError> {
        match self.verifier.verify(token).await {
            Err(TokenError::UnknownKey { .. } | TokenError::UnknownIssuer) if self.follow(registry).await => {
                self.verifier.verify(token).await
            }
            verified => verified,
        }
    }

    /// The name of the environment in which the tokens of an identity's issuer ask. `None` if nothing is configured for the issuer.
    pub(crate) fn environment_of<'a>(&'a self, identity: &'a Identity) -> Option<&'a str> {
        match self.places.get(identity.issuer()) {
            Some(place) => Some(&place.environment),
            None => built_in::environment_of(identity.issuer()),
        }
    }

    /// The environment and the user of a token.
    pub(crate) async fn authenticate(
        &self,
        token: &str,
        registry: &Arc<Registry>,
    ) -> Result<(Environment, User)> {
        let identity = self.verify(token, registry).await.map_err(ApiError::Token)?;
        let name = self.environment_of(&identity).ok_or(ApiError::Forbidden(
            "nothing is configured for the token's issuer",
        ))?;
        let subject_type = match self.places.get(identity.issuer()) {
            Some(place) => Arc::clone(&place.subject_type),
            None => "user".into(),
        };
        let environment = registry.environment(name).ok_or(ApiError::Forbidden(
            "the environment that the token's issuer is configured for does not exist",
        ))?;
        let user = User {
            identity,
            subject_type,
        };
        Ok((environment, user))
    }

    /// The server's own issuer for an environment. May block.
    pub(crate) fn own(&self, environment: &Environment, registry: &Registry) -> Result<Arc<BuiltIn>> {
        let own = self.built_in.as_ref().ok_or(NO_ISSUER)?;
        own.of(environment, registry)
    }

    /// A new key signs for the server's own issuer of an environment. Its id and algorithm. May block.
    pub(crate) fn rotate(
        &self,
        issuer: &BuiltIn,
        algorithm: Option<Algorithm>,
        revoke: bool,
    ) -> Result<(String, Algorithm)> {
        let own = self.built_in.as_ref().ok_or(NO_ISSUER)?;
        let algorithm = algorithm.unwrap_or(own.algorithm);
        let rotated = own.rotate(issuer, algorithm, revoke);
        let kid = rotated.map_err(|error| match error {
            KeyStoreError::TooMany { .. } => ApiError::TooManyKeys(error.to_string()),
            error => ApiError::Internal(error.to_string()),
        })?;
        Ok((kid, algorithm))
    }

    /// What happened to tokens and keys, in the Prometheus text format.
    pub(crate) fn write_metrics(&self, out: &mut String) -> std::fmt::Result {
        let counters = self.verifier.counters();
        let metric = "rowgate_tokens_total";
        writeln!(
            out,
            "# HELP {metric} Tokens of users, by what became of them.\n# TYPE {metric} counter"
        )?;
        let accepted = [
            ("verified", counters.verified()),
            ("remembered", counters.remembered()),
        ];
        for (outcome, count) in accepted.into_iter().chain(counters.refused()) {
            writeln!(out, "{metric}{{outcome=\"{outcome}\"}} {count}")?;
        }
        let (mut fetches, mut keys, mut ages) = (String::new(), String::new(), String::new());
        self.verifier.each_fetched(|name, counters, state| {
            for (outcome, count) in counters.outcomes() {
                // Writing to a string does not fail.
                let _ = writeln!(
                    fetches,
                    "rowgate_jwks_fetches_total{{issuer=\"{name}\",outcome=\"{outcome}\"}} {count}"
                );
            }
            let _ = writeln!(keys, "rowgate_jwks_keys{{issuer=\"{name}\"}} {}", state.keys);
            if let Some(age) = state.age {
                let _ = writeln!(
                    ages,
                    "rowgate_jwks_age_seconds{{issuer=\"{name}\"}} {:.0}",
                    age.as_secs_f64()
                );
            }
        });
        for (name, kind, help, lines) in [
            (
                "rowgate_jwks_fetches_total",
                "counter",
                "Fetches of an issuer's keys, by outcome.",
                fetches,
            ),
            (
                "rowgate_jwks_keys",
                "gauge",
                "Keys of an issuer that can be used.",
                keys,
            ),
            (
                "rowgate_jwks_age_seconds",
                "gauge",
                "Time since an issuer's keys were fetched.",
                ages,
            ),
        ] {
            if !lines.is_empty() {
                write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{lines}")?;
            }
        }
        Ok(())
    }
}
