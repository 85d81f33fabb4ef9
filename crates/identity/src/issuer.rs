//! Whom to believe, and how far.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::jwks::{JwksUrl, Refresh};
use crate::{Algorithm, KeySet};

/// Longest leeway for clocks that differ. More would keep tokens alive that are meant to be dead.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// An issuer whose tokens are accepted.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// What the configuration, the log and the counters call it.
    pub name: String,
    /// What stands in `iss`, letter by letter.
    pub issuer: String,
    /// Where its keys are.
    pub keys: Keys,
    /// Whom its tokens must be for.
    pub audiences: Audiences,
    /// What it may sign with. [`Algorithm::USUAL`] unless set.
    pub algorithms: Vec<Algorithm>,
    /// The Postgres roles that its tokens may take. `authenticated` unless set.
    pub roles: Vec<String>,
    /// The claim that names the user. `sub` unless set.
    pub subject_claim: String,
    /// How far its clock may be off. 30 seconds unless set, 5 minutes at most.
    pub leeway: Duration,
    /// Whether a token must say when it expires. It must unless set otherwise.
    pub require_exp: bool,
    /// When its keys are fetched again.
    pub refresh: Refresh,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Keys {
    /// Published at an address.
    Url(JwksUrl),
    /// Known from the configuration.
    Inline(Arc<KeySet>),
    /// Known to this process, which may exchange them; `None` while there are none.
    Shared(Arc<ArcSwap<KeySet>>),
}

/// Whom tokens must be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audiences {
    /// `aud` is not looked at. Only right where the issuer's keys sign for nobody else.
    Any,
    /// `aud` has at least one of these.
    OneOf(Vec<String>),
}

/// Why an issuer cannot be configured like that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("issuer `{name}`: {message}")]
pub struct IssuerError {
    name: String,
    message: String,
}

impl Issuer {
    /// An issuer with the defaults.
    pub fn new(name: impl Into<String>, issuer: impl Into<String>, keys: Keys, audiences: Audiences) -> Self {
        Self {
            name: name.into(),
            issuer: issuer.into(),
            keys,
            audiences,
            algorithms: Algorithm::USUAL.to_vec(),
            roles: vec!["authenticated".into()],
            subject_claim: "sub".into(),
            leeway: Duration::from_secs(30),
            require_exp: true,
            refresh: Refresh::default(),
        }
    }

    /// Refuses what would accept nothing, or more than was meant.
    pub(crate) fn check(&self) -> Result<(), IssuerError> {
        let refuse = |message: &str| {
            Err(IssuerError {
                name: self.name.clone(),
                message: message.to_owned(),
            })
        };
        if self.name.is_empty() || self.name.len() > 64 || self.name.chars().any(|char| !is_name_char(char)) {
            return refuse("a name has 1 to 64 letters, digits, `-`, `_` and `.`");
        }
        if self.issuer.is_empty() {
            return refuse("`issuer` must be what stands in the claim `iss` of its tokens");
        }
        if matches!(&self.audiences, Audiences::OneOf(audiences) if audiences.is_empty() || audiences.iter().any(String::is_empty))
        {
            return refuse("`audiences` must list at least one, and none that is empty");
        }
        if self.algorithms.is_empty() {
            return refuse("`algorithms` must list at least one");
        }
        if self.subject_claim.is_empty() {
            return refuse("`subject_claim` must be the name of a claim");
        }
        if self.leeway > MAX_LEEWAY {
            return refuse("`leeway` is at most 300 seconds");
        }
        let Refresh {
            soft, hard, max_age, ..
        } = self.refresh;
        if soft.is_zero() || soft > hard || hard > max_age {
            return refuse("keys are refreshed softly before hard, and hard before they are too old");
        }
        Ok(())
    }

    /// Refuses two issuers that cannot be told apart by `iss` and `aud`.
    pub(crate) fn check_beside(&self, other: &Self) -> Result<(), IssuerError> {
        let refuse = |message: String| {
            Err(IssuerError {
                name: self.name.clone(),
                message,
            })
        };
        if self.name == other.name {
            return refuse("there are two of this name".into());
        }
        if self.issuer != other.issuer {
            return Ok(());
        }
        match (&self.audiences, &other.audiences) {
            (Audiences::OneOf(own), Audiences::OneOf(others))
                if !own.iter().any(|audience| others.contains(audience)) =>
            {
                Ok(())
            }
            _ => refuse(format!(
                "it has the same `issuer` as `{}`; give each audiences that the other does not have",
                other.name
            )),
        }
    }
}

fn is_name_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.')
}
