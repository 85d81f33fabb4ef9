//! Which database, how much of it, for whom.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// How SQL over HTTP is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database. Its login reads keys and logins of clients: a role that was granted `rowgate_server`.
    pub target: Target,
    /// Roles that may come with a password, which Postgres verifies; `*` for all. None by default.
    pub password_roles: Vec<String>,
    /// Whether the role `anonymous` needs no token.
    pub anonymous: bool,
    /// Bounds on requests.
    pub limits: Limits,
}

impl Config {
    /// The defaults, with a database.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            password_roles: Vec::new(),
            anonymous: false,
            limits: Limits::default(),
        }
    }

    pub(crate) fn takes_password_of(&self, role: &str) -> bool {
        self.password_roles
            .iter()
            .any(|allowed| allowed == role || allowed == "*")
    }
}

/// Bounds that keep one client from using up the server or the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most requests at a time that came whole, waiting ones included. All bodies that are in memory have room for so many of the largest.
    pub requests: usize,
    /// Largest body of a request, in bytes.
    pub request: usize,
    /// Largest body of an answer, in bytes.
    pub response: usize,
    /// How long a client may take for the body of a request.
    pub body_time: Duration,
    /// Most rows in an answer, over all queries of a batch.
    pub rows: usize,
    /// Most queries in a batch.
    pub queries: usize,
    /// How long the SQL of a request may take.
    pub time: Duration,
    /// How long a request may wait for a session.
    pub wait: Duration,
    /// Most sessions with passwords at a time. Sessions of client roles are as many as their logins.
    pub password_sessions: usize,
    /// How long a session is kept, unused, for the token that used it last, before it is reset: locks, settings and whatever else is left in it end
    /// then. And how long a statement is used there after it was parsed.
    pub kept: Duration,
    /// How long a session may be idle.
    pub idle: Duration,
    /// How long the logins and the key for claims are used before the database is asked for them again. At most half of the ten minutes for which a
    /// key that was replaced still holds.
    pub known: Duration,
    /// How long a session may be used again.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 200,
            request: 10 << 20,
            body_time: Duration::from_secs(30),
            response: 10 << 20,
            rows: 100_000,
            queries: 1_000,
            time: Duration::from_secs(15),
            wait: Duration::from_secs(5),
            password_sessions: 10,
            kept: Duration::from_secs(1),
            idle: Duration::from_secs(300),
            known: Duration::from_secs(60),
            age: Duration::from_secs(1800),
        }
    }
}

/// A database, and who the server is there: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=FILE`.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) tls: Tls,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Name(String),
    /// The directory of a Unix socket.
    Socket(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tls {
    Off,
    /// Certificates are verified, against a file of authorities or the well-known ones.
    Verified(Option<PathBuf>),
}

/// Without the password.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            port,
            database,
            user,
            password: _,
            tls,
        } = self;
        f.debug_struct("Target")
            .field("host", host)
            .field("port", port)
            .field("database", database)
            .field("user", user)
            .field("tls", tls)
            .finish_non_exhaustive()
    }
}

/// A text that is no [`Target`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the database URL {0}")]
pub struct TargetError(String);

impl TargetError {
    pub(crate) fn new(message: String) -> Self {
        Self(message)
    }
}

fn error<T>(message: impl Into<String>) -> Result<T, TargetError> {
    Err(TargetError(message.into()))
}

impl std::str::FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let Some((_, rest)) = text
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "postgres" | "postgresql"))
        else {
            return error("does not begin with `postgres://`");
        };
        let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let Some((authority, database)) = address.split_once('/') else {
            return error("names no database");
        };
        let Some((user, place)) = authority.rsplit_once('@') else {
            return error("names no user");
        };
        let (user, password) = user
            .split_once(':')
            .map_or((user, None), |(user, password)| (user, Some(password)));
        let (user, database) = (decoded(user)?, decoded(database)?);
        if user.is_empty() || database.is_empty() {
            return error("names no user or no database");
        }
        let (mut host, port) = place_of(place)?;
        let (mut mode, mut authorities) = (None, None);
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = decoded(value)?;
            match name {
                "host" => host = Host::from(value),
                "sslmode" => mode = Some(value),
                "sslrootcert" => authorities = Some(PathBuf::from(value)),
                "application_name" | "connect_timeout" => {}
                _ => return error(format!("has the parameter `{name}`, which is not known here")),
            }
        }
        let tls = tls(mode.as_deref(), authorities, &host)?;
        let password = password.map(decoded).transpose()?;
        Ok(Self {
            host,
            port,
            database,
            user,
            password,
            tls,
        })
    }
}

/// `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`, or nothing.
fn place_of(text: &str) -> Result<(Host, u16), TargetError> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None => text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let host = if host.is_empty() {
        "localhost".to_owned()
    } else {
        decoded(host)?
    };
    match port.unwrap_or("5432").parse() {
        Ok(port) => Ok((Host::from(host), port)),
        Err(_) => error("has a port that is no number"),
    }
}

impl From<String> for Host {
    fn from(text: String) -> Self {
        if text.starts_with('/') {
            Self::Socket(PathBuf::from(text))
        } else {
            Self::Name(text)
        }
    }
}

/// What may be read on the way is verified: a mode that encrypts without asking who is there gives a false sense of safety.
fn tls(mode: Option<&str>, authorities: Option<PathBuf>, host: &Host) -> Result<Tls, TargetError> {
    let local = match host {
        Host::Socket(_) => true,
        Host::Name(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
    };
    match mode {
        Some("disable") => Ok(Tls::Off),
        Some("require" | "verify-ca" | "verify-full") => match host {
            Host::Name(_) => Ok(Tls::Verified(authorities)),
            Host::Socket(_) => error("asks for TLS on a Unix socket"),
        },
        None if local && authorities.is_none() => Ok(Tls::Off),
        None => Ok(Tls::Verified(authorities)),
        Some(other) => error(format!(
            "has sslmode `{other}`; use `verify-full`, or `disable` for a network that you trust"
        )),
    }
}

fn decoded(text: &str) -> Result<String, TargetError> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => error("has escapes that are no UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls() {
        let target: Target = "postgres://rowgate:p%40ss@db.example.com:6432/app"
            .parse()
            .unwrap();
        assert_eq!(target.host, Host::Name("db.example.com".into()));
        assert_eq!(
            (target.port, &*target.database, &*target.user),
            (6432, "app", "rowgate")
        );
        assert_eq!(target.password.as_deref(), Some("p@ss"));
        assert_eq!(target.tls, Tls::Verified(None));
        assert!(!format!("{target:?}").contains("p@ss"));
        let local: Target = "postgres://rowgate@localhost/app".parse().unwrap();
        assert_eq!((local.port, local.tls), (5432, Tls::Off));
        let socket: Target = "postgres://rowgate@/app?host=/run/postgresql".parse().unwrap();
        assert_eq!(socket.host, Host::Socket("/run/postgresql".into()));
        let v6: Target = "postgres://rowgate@[::1]/app".parse().unwrap();
        assert_eq!(v6.host, Host::Name("::1".into()));
    }

    #[test]
    fn says_what_is_wrong_with_a_url() {
        for (text, message) in [
            (
                "mysql://a@b/c",
                "the database URL does not begin with `postgres://`",
            ),
            ("postgres://h/app", "the database URL names no user"),
            ("postgres://a@h", "the database URL names no database"),
            ("postgres://a@h/", "the database URL names no user or no database"),
            (
                "postgres://a@h:x/d",
                "the database URL has a port that is no number",
            ),
            (
                "postgres://a@h/app?sslmode=prefer",
                "the database URL has sslmode `prefer`; use `verify-full`, or `disable` for a network that you trust",
            ),
            (
                "postgres://a@h/app?x=1",
                "the database URL has the parameter `x`, which is not known here",
            ),
        ] {
            assert_eq!(text.parse::<Target>().unwrap_err().to_string(), message);
        }
    }
}
