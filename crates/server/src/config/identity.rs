//! Whose tokens a server accepts, and its own issuer: the tables `built_in` and `issuer` of the configuration file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rowgate_identity::jwks::Refresh;
use rowgate_identity::{Algorithm, Audiences, Issuer, KeySet, Keys};
use serde::Deserialize;

use super::ConfigError;

/// Whose tokens a server accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// The server's own issuer.
    pub built_in: BuiltInConfig,
    /// Other issuers.
    #[serde(rename = "issuer")]
    pub issuers: Vec<IssuerConfig>,
    /// Certificate authorities for the addresses of keys, in a PEM file, in the place of those that browsers believe.
    pub ca_file: Option<PathBuf>,
}

/// The server's own issuer, which `rowgate token mint` asks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BuiltInConfig {
    /// Whether there is one.
    pub enabled: bool,
    /// What new keys sign with: RS256, ES256 or EdDSA.
    pub algorithm: Algorithm,
    /// What stands in `iss` before the client id: `<issuer>/<client id>`. Without it, `urn:rowgate:<client id>`.
    pub issuer: Option<String>,
    /// Where its private keys are. Without it, the directory `identity` in that of the store.
    pub keys: Option<PathBuf>,
}

impl Default for BuiltInConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            algorithm: Algorithm::RS256,
            issuer: None,
            keys: None,
        }
    }
}

/// An issuer whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// What logs, counters and messages call it.
    pub name: String,
    /// What stands in `iss`, letter by letter.
    pub issuer: String,
    /// Where its keys are: `https`, or `http` on this machine.
    pub jwks_url: Option<String>,
    /// Its keys in a file, where there is no address.
    pub jwks_file: Option<PathBuf>,
    /// A list of which `aud` must have one, or `"any"`.
    pub audiences: AudiencesConfig,
    /// What it may sign with.
    #[serde(default = "usual")]
    pub algorithms: Vec<Algorithm>,
    /// The Postgres roles that its tokens may take.
    #[serde(default = "authenticated")]
    pub roles: Vec<String>,
    /// The claim that names the user.
    #[serde(default = "sub")]
    pub subject_claim: String,
    /// The type of the subject that a token stands for: `<subject_type>:<subject claim>`.
    #[serde(default = "user")]
    pub subject_type: String,
    /// The environment in which its tokens ask.
    #[serde(default = "default_environment")]
    pub environment: String,
    /// How far its clock may be off, in seconds.
    #[serde(default = "half_a_minute")]
    pub leeway: u64,
    /// Whether tokens must expire.
    #[serde(default = "yes")]
    pub require_exp: bool,
    /// When keys are fetched again.
    #[serde(default)]
    pub refresh: RefreshConfig,
}

/// The audiences of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum AudiencesConfig {
    /// `"any"`: `aud` is not looked at.
    Word(String),
    /// `aud` must have one of these.
    OneOf(Vec<String>),
}

/// When keys are fetched again, in seconds. What is not set keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RefreshConfig {
    /// From this age on, in the background.
    pub soft: Option<u64>,
    /// From this age on, tokens wait for it.
    pub hard: Option<u64>,
    /// From this age on, keys are not used.
    pub max_age: Option<u64>,
    /// Between two fetches because of an unknown `kid`.
    pub unknown_kid: Option<u64>,
}

fn usual() -> Vec<Algorithm> {
    Algorithm::USUAL.to_vec()
}

fn authenticated() -> Vec<String> {
    vec!["authenticated".into()]
}

fn sub() -> String {
    "sub".into()
}

fn user() -> String {
    "user".into()
}

fn default_environment() -> String {
    rowgate_environment::registry::DEFAULT.into()
}

fn half_a_minute() -> u64 {
    30
}

fn yes() -> bool {
    true
}

impl IdentityConfig {
    /// Reads a configuration file. Paths in it are relative to its directory.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let wrong = |error: &dyn std::fmt::Display| ConfigError(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| wrong(&error))?;
        let base = path.parent().unwrap_or(Path::new(""));
        let files = config
            .issuers
            .iter_mut()
            .filter_map(|issuer| issuer.jwks_file.as_mut());
        for file in files.chain(&mut config.ca_file).chain(&mut config.built_in.keys) {
            *file = base.join(&*file);
        }
        Ok(config)
    }
}

impl IssuerConfig {
    /// What the verifier is told.
    pub(crate) fn issuer(&self) -> Result<Issuer, ConfigError> {
        let wrong = |message: String| ConfigError(format!("issuer `{}`: {message}", self.name));
        let keys = match (&self.jwks_url, &self.jwks_file) {
            (Some(url), None) => {
                let url = url
                    .parse()
                    .map_err(|error| wrong(format!("`jwks_url` {error}")))?;
                Keys::Url(url)
            }
            (None, Some(file)) => {
                let in_file = |error: &dyn std::fmt::Display| wrong(format!("{}: {error}", file.display()));
                let text = std::fs::read(file).map_err(|error| in_file(&error))?;
                Keys::Inline(Arc::new(KeySet::parse(&text).map_err(|error| in_file(&error))?))
            }
            _ => {
                return Err(wrong(
                    "say where its keys are: either `jwks_url` or `jwks_file`".into(),
                ));
            }
        };
        let audiences = match &self.audiences {
            AudiencesConfig::OneOf(audiences) => Audiences::OneOf(audiences.clone()),
            AudiencesConfig::Word(word) if word == "any" => Audiences::Any,
            AudiencesConfig::Word(_) => {
                let message = "`audiences` is a list, or \"any\" where the issuer's keys sign for you alone";
                return Err(wrong(message.into()));
            }
        };
        if !rowgate_engine::names::is_name(&self.subject_type) {
            return Err(wrong("`subject_type` must be the name of a type".into()));
        }
        let mut issuer = Issuer::new(&self.name, &self.issuer, keys, audiences);
        issuer.algorithms.clone_from(&self.algorithms);
        issuer.roles.clone_from(&self.roles);
        issuer.subject_claim.clone_from(&self.subject_claim);
        issuer.leeway = Duration::from_secs(self.leeway);
        issuer.require_exp = self.require_exp;
        let usual = Refresh::default();
        let or = |set: Option<u64>, usual| set.map_or(usual, Duration::from_secs);
        issuer.refresh = Refresh {
            soft: or(self.refresh.soft, usual.soft),
            hard: or(self.refresh.hard, usual.hard),
            max_age: or(self.refresh.max_age, usual.max_age),
            unknown_kid: or(self.refresh.unknown_kid, usual.unknown_kid),
            ..usual
        };
        Ok(issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rowgate.toml");
        let text = r#"
            ca_file = "ca.pem"
            [built_in]
            algorithm = "ES256"
            [[issuer]]
            name = "idp"
            issuer = "https://idp.example.com/"
            jwks_url = "https://idp.example.com/jwks"
            audiences = ["app"]
            algorithms = ["RS256", "PS512"]
            refresh.soft = 60
        "#;
        std::fs::write(&path, text).unwrap();
        let config = IdentityConfig::from_file(&path).unwrap();
        assert_eq!(config.ca_file, Some(directory.path().join("ca.pem")));
        assert_eq!(
            (config.built_in.enabled, config.built_in.algorithm),
            (true, Algorithm::ES256)
        );
        let issuer = config.issuers[0].issuer().unwrap();
        assert_eq!(issuer.algorithms, [Algorithm::RS256, Algorithm::PS512]);
        assert_eq!(issuer.refresh.soft, Duration::from_secs(60));
        assert_eq!(issuer.refresh.hard, Refresh::default().hard);
        assert_eq!(config.issuers[0].environment, "default");
    }

    #[test]
    fn says_what_is_wrong() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rowgate.toml");
        let idp = "[[issuer]]\nname = \"idp\"\nissuer = \"https://idp.example.com/\"\n";
        for (text, expected) in [
            ("[built_in]\nalgoritm = \"RS256\"", "unknown field `algoritm`"),
            ("[built_in]\nalgorithm = \"HS256\"", "unknown variant `HS256`"),
            ("[[issuer]]\nname = \"idp\"", "missing field `issuer`"),
            (
                &*format!("{idp}jwks_url = \"https://x/\""),
                "missing field `audiences`",
            ),
            (
                &*format!("{idp}audiences = \"any\""),
                "either `jwks_url` or `jwks_file`",
            ),
            (
                &*format!("{idp}audiences = \"app\"\njwks_url = \"https://x/\""),
                "`audiences` is a list, or \"any\"",
            ),
            (
                &*format!("{idp}audiences = [\"app\"]\njwks_url = \"http://x/\""),
                "must begin with `https://`",
            ),
            (
                &*format!("{idp}audiences = [\"app\"]\njwks_file = \"none.json\""),
                "none.json",
            ),
            (
                &*format!("{idp}audiences = [\"app\"]\nalgorithms = [\"none\"]"),
                "unknown variant `none`",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let read = IdentityConfig::from_file(&path).and_then(|config| config.issuers[0].issuer());
            let message = read.unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
