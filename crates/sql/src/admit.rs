//! Who may come in, and as whom.

use crate::authenticate::Claims;
use crate::error::{DatabaseError, Error, Result};
use crate::gateway::Gateway;
use crate::head::Head;
use crate::session::{Affinity, Credentials};
use crate::wire::WireError;

/// How a request was let in.
pub(crate) struct Entry {
    pub(crate) credentials: Credentials,
    /// The sealed claims are made when the session is known.
    pub(crate) claims: Option<Claims>,
    /// The token whose session may be kept for its next request.
    pub(crate) token: Option<Affinity>,
    pub(crate) is_client: bool,
}

impl Gateway {
    /// Who may come in, and as whom.
    pub(crate) async fn admit(&self, head: &Head) -> Result<Entry> {
        if head.database != self.config.target.database {
            return Err(Error::Database(Box::new(DatabaseError {
                message: format!("database \"{}\" does not exist", head.database),
                code: Some("3D000".into()),
                severity: Some("FATAL".into()),
                ..Default::default()
            })));
        }
        match (&head.token, &head.password) {
            (Some(token), _) => self.admit_token(&head.role, token).await,
            (None, Some(password)) if self.config.takes_password_of(&head.role) => Ok(Entry {
                credentials: Credentials::Password(password.clone()),
                claims: None,
                token: None,
                is_client: false,
            }),
            (None, _) if head.role == "anonymous" && self.config.anonymous => {
                let credentials = self.client(&head.role).await?;
                Ok(Entry {
                    credentials,
                    claims: None,
                    token: None,
                    is_client: true,
                })
            }
            (None, None) if self.config.takes_password_of(&head.role) => Err(Error::refused(
                "missing authentication credentials: required password",
            )),
            (None, _) => Err(Error::refused(
                "missing authentication credentials: required authorization bearer token in JWT format",
            )),
        }
    }

    async fn admit_token(&self, role: &str, token: &str) -> Result<Entry> {
        // The token first: who has none learns nothing about the roles.
        let claims = self
            .authenticate
            .authenticate(token, role)
            .await
            .map_err(Error::Refused)?;
        let credentials = self.client(role).await?;
        let kept = credentials.takes_seals();
        Ok(Entry {
            token: kept.then(|| Affinity::of(role, token, &claims)).flatten(),
            credentials,
            claims: Some(claims),
            is_client: true,
        })
    }

    async fn client(&self, role: &str) -> Result<Credentials> {
        let known = self.directory.known().await.map_err(not_set_up)?;
        let credentials = known.roles.get(role).cloned();
        credentials.ok_or_else(|| {
            Error::refused(format!(
                "the role `{role}` is not for tokens; see `rowgate pg install --client-role`"
            ))
        })
    }
}

pub(crate) fn not_set_up(error: WireError) -> Error {
    tracing::error!(%error, "the keys of /sql cannot be read");
    Error::Unreachable("the database cannot be reached, or is not set up")
}
