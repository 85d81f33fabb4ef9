//! What a server is started with.

mod identity;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub use identity::{AudiencesConfig, BuiltInConfig, IdentityConfig, IssuerConfig, RefreshConfig};

/// The port of the default address.
pub const DEFAULT_PORT: u16 = 7480;

/// How long the audit log is kept unless told otherwise: 400 days, so that a year can be looked back on.
pub const AUDIT_RETENTION: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// How a server is set up.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; loopback unless chosen otherwise. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// Where warrants are durable.
    pub store: StoreLocation,
    /// A chosen key of the environment `default`. Without one, and with no key in the store, a key is generated.
    pub api_key: Option<String>,
    /// Bounds on requests and connections.
    pub limits: Limits,
    /// Origins whose pages may call `/fga/v1` from a browser; `*` for all. None by default.
    pub cors_origins: Vec<String>,
    /// Whose tokens are accepted, and the server's own issuer.
    pub identity: IdentityConfig,
    /// How long the audit log of the authorization API is kept.
    pub audit_retention: Duration,
    /// SQL over HTTP, if it is served.
    pub sql: Option<rowgate_sql::Config>,
    /// The environment that SQL over HTTP belongs to: tokens of the issuers of other environments are refused there.
    pub sql_environment: String,
    /// How logs are written.
    pub log: Log,
}

impl Config {
    /// The defaults, with a store.
    pub fn new(store: StoreLocation) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            store,
            api_key: None,
            limits: Limits::default(),
            cors_origins: Vec::new(),
            identity: IdentityConfig::default(),
            audit_retention: AUDIT_RETENTION,
            sql: None,
            sql_environment: rowgate_environment::registry::DEFAULT.into(),
            log: Log::default(),
        }
    }
}

/// Without the key: a configuration may end up in a log.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            listen,
            store,
            api_key,
            limits,
            cors_origins,
            identity,
            audit_retention,
            sql,
            sql_environment,
            log,
        } = self;
        f.debug_struct("Config")
            .field("listen", listen)
            .field("store", store)
            .field("api_key", &api_key.as_ref().map(|_| "(set)"))
            .field("limits", limits)
            .field("cors_origins", cors_origins)
            .field("identity", identity)
            .field("audit_retention", audit_retention)
            .field("sql", sql)
            .field("sql_environment", sql_environment)
            .field("log", log)
            .finish()
    }
}

/// Where warrants are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreLocation {
    /// The embedded store, in a directory of its own: `file:DIR`.
    File(PathBuf),
    /// The schema `rowgate` of a database: `postgres://USER@HOST/DATABASE`.
    Postgres(DatabaseUrl),
}

/// The connection string of a database. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The whole of it.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

/// Without the password, and without parameters, one of which may be a password, too.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.0.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = plain.split_once("://").unwrap_or(("postgres", plain));
        match rest.rsplit_once('@') {
            Some((login, place)) => {
                let user = login.split(':').next().unwrap_or_default();
                write!(f, "{scheme}://{user}@{place}")
            }
            None => write!(f, "{scheme}://{rest}"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no [`StoreLocation`], [`LogFormat`] or other setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);

impl FromStr for StoreLocation {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if let Some(directory) = text.strip_prefix("file:") {
            // `file:///var/lib/rowgate` is how a URL says it.
            let directory = directory.strip_prefix("//").unwrap_or(directory);
            if directory.is_empty() {
                return Err(ConfigError(
                    "`file:` needs a directory, as in `file:./rowgate-data`".into(),
                ));
            }
            return Ok(Self::File(PathBuf::from(directory)));
        }
        if rowgate_store::postgres::is_url(text) {
            return Ok(Self::Postgres(text.to_owned().into()));
        }
        Err(ConfigError(format!(
            "`{text}` is not a store; use `file:DIR`, as in `file:./rowgate-data`, or `postgres://USER@HOST/DATABASE`"
        )))
    }
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(directory) => write!(f, "file:{}", directory.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// Bounds that keep one client from using up the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest body, in bytes, of all requests but imports.
    pub body: usize,
    /// Largest body of an import, in bytes.
    pub import_body: usize,
    /// Most lines of an import.
    pub import_lines: usize,
    /// Most connections at a time; further ones wait to be accepted.
    pub connections: usize,
    /// How long a client may take for the head of a request, and how long an idle connection is kept.
    pub header_timeout: Duration,
    /// How long a client may take for the body of a request.
    pub body_timeout: Duration,
    /// How long a client may leave an answer unread before its connection is ended. Linux only.
    pub write_timeout: Duration,
    /// How long a request may take before it is answered with an error.
    pub request_timeout: Duration,
    /// How long requests in flight may take after the server was told to stop.
    pub shutdown_timeout: Duration,
    /// How long a read waits for the revision of its warrant token.
    pub token_wait: Duration,
    /// How often role assignments that are over are looked for.
    pub expiry: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 << 20,
            import_body: 8 << 20,
            import_lines: 20_000,
            connections: 10_000,
            header_timeout: Duration::from_secs(65),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(30),
            token_wait: Duration::from_secs(1),
            expiry: Duration::from_secs(30),
        }
    }
}

/// How logs are written, to the standard error output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// What is logged: a level, or directives such as `info,rowgate_server=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            level: "info".into(),
        }
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
    /// None at all; the embedding program sets up its own.
    Off,
}

impl FromStr for LogFormat {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "off" => Ok(Self::Off),
            _ => Err(ConfigError(format!(
                "`{text}` is not a log format; use `text`, `json` or `off`"
            ))),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Off => "off",
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_stores_and_says_what_is_not_one() {
        assert_eq!("file:./data".parse(), Ok(StoreLocation::File("./data".into())));
        assert_eq!(
            "file:///var/data".parse(),
            Ok(StoreLocation::File("/var/data".into()))
        );
        for (text, message) in [
            ("file:", "`file:` needs a directory, as in `file:./rowgate-data`"),
            (
                "data",
                "`data` is not a store; use `file:DIR`, as in `file:./rowgate-data`, or `postgres://USER@HOST/DATABASE`",
            ),
        ] {
            assert_eq!(text.parse::<StoreLocation>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn does_not_show_the_key() {
        let mut config = Config::new(StoreLocation::File("d".into()));
        config.api_key = Some("sk_very_secret_indeed".into());
        assert!(!format!("{config:?}").contains("secret"));
        let store: StoreLocation = "postgres://app:secret@db.example:5433/tickets?password=secret"
            .parse()
            .unwrap();
        assert_eq!(store.to_string(), "postgres://app@db.example:5433/tickets");
        assert!(!format!("{:?}", Config::new(store)).contains("secret"));
    }
}
