//! SQL over HTTP: the tokens of its clients, verified like any other.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use rowgate_environment::Registry;
use rowgate_identity::Identity;
use rowgate_sql::{Authenticate, Authenticated, Claims, Gateway};
pub use rowgate_sql::{Config, Limits, Target};

use crate::ServeError;
use crate::config::ConfigError;
use crate::identity::Identities;
use crate::state::App;

/// The path, for the counters.
pub(crate) const PATH: &str = "/sql";

/// The route of one database. A database that is not ready is no reason not to start: it may come later, and requests say what is missing.
/// Its environment may come later, too: until then all tokens are refused.
pub(crate) async fn router(
    app: &App,
    mut config: Config,
    environment: String,
) -> Result<Router<App>, ServeError> {
    if app.registry.environment(&environment).is_none() {
        tracing::warn!(environment, "the environment of /sql does not exist");
    }
    config.limits.body_time = app.limits.body_timeout;
    let tokens = Tokens {
        identities: Arc::clone(&app.identities),
        registry: Arc::clone(&app.registry),
        environment,
    };
    let gateway = Gateway::new(config, Arc::new(tokens)).map_err(|error| ConfigError(error.to_string()))?;
    if let Err(error) = gateway.check().await {
        tracing::warn!(%error, "SQL over HTTP does not work yet");
    }
    app.serve_sql(Arc::clone(&gateway));
    Ok(rowgate_sql::router(gateway))
}

struct Tokens {
    identities: Arc<Identities>,
    registry: Arc<Registry>,
    /// What `/sql` belongs to. A key of another environment makes tokens for users of that one.
    environment: String,
}

impl Tokens {
    /// Refuses tokens that are for another environment.
    fn in_environment(&self, identity: &Identity) -> Result<(), String> {
        let served = &self.environment;
        match self.identities.environment_of(identity) {
            Some(own) if own == served && self.registry.environment(own).is_some() => Ok(()),
            Some(own) if own == served => Err(format!(
                "/sql serves the environment `{served}`, which does not exist; create it with `rowgate environment create`"
            )),
            Some(own) => Err(format!(
                "the token is for the environment `{own}`, and /sql serves the environment `{served}`; send a token that is for `{served}`"
            )),
            None => Err("nothing is configured for the token's issuer".into()),
        }
    }
}

impl Authenticate for Tokens {
    fn authenticate<'a>(&'a self, token: &'a str, role: &'a str) -> Authenticated<'a> {
        Box::pin(async move {
            let verified = self.identities.verify(token, &self.registry).await;
            let identity = verified.map_err(|error| error.to_string())?;
            self.in_environment(&identity)?;
            if !identity.may_take(role) {
                return Err(format!(
                    "tokens of the issuer `{}` may not take the role `{role}`",
                    identity.issuer()
                ));
            }
            let subject = identity.claims().text("sub");
            let expires = identity
                .expires_at()
                .map(|seconds| UNIX_EPOCH + Duration::from_secs_f64(seconds));
            Ok(Claims {
                json: Arc::clone(identity.claims_text()),
                subject: subject.map(str::to_owned),
                expires,
            })
        })
    }
}
