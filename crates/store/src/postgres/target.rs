//! Connection strings.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};

use super::tls::Trust;
use crate::{ErrorKind, Result, StoreError};

/// Whether a text is meant as a connection string.
#[must_use]
pub fn is_url(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// Where to connect, and how the connection is encrypted.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) trust: Trust,
}

impl Target {
    /// Reads a connection string as libpq does, with `sslmode` and `sslrootcert`. It may hold a password, so no error repeats it.
    pub(super) fn parse(url: &str) -> Result<Target> {
        let refused = |what: String| StoreError::new(ErrorKind::Unsupported, what);
        if !is_url(url) {
            let what =
                "a connection string begins with `postgres://`, as in `postgres://rowgate@localhost/app`";
            return Err(refused(what.into()));
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root, mut kept) = ("prefer".to_owned(), None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => value.clone_into(&mut mode),
                Some(("sslrootcert", value)) => root = Some(decode(value)),
                _ => kept.push(pair),
            }
        }
        let plain = format!("{base}?{}", kept.join("&"));
        let mut config = Config::from_str(&plain)
            .map_err(|error| refused(format!("the connection string cannot be read: {error}")))?;
        let root = match root.as_deref() {
            None | Some("system") => None,
            Some(path) => Some(PathBuf::from(path)),
        };
        let (ssl, trust) = match (mode.as_str(), root) {
            ("disable", _) => (SslMode::Disable, Trust::Anyone),
            ("allow" | "prefer", _) => (SslMode::Prefer, Trust::Anyone),
            ("require", None) => (SslMode::Require, Trust::Anyone),
            // As libpq: with a root certificate, `require` checks it.
            ("require" | "verify-ca", root) => (SslMode::Require, Trust::Authority(root)),
            ("verify-full", root) => (SslMode::Require, Trust::Host(root)),
            _ => {
                return Err(refused(
                    "sslmode must be `disable`, `prefer`, `require`, `verify-ca` or `verify-full`".into(),
                ));
            }
        };
        config.ssl_mode(ssl);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(30));
        }
        if config.get_application_name().is_none() {
            config.application_name("rowgate");
        }
        if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Ok(Target { config, trust })
    }

    /// The hosts with their ports, as a message names them.
    pub(super) fn address(&self) -> String {
        let ports = self.config.get_ports();
        let host = |(at, host): (usize, &Host)| {
            // One port stands for all hosts.
            let port = ports.get(at).or(ports.first()).unwrap_or(&5432);
            match host {
                Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(directory) => format!("{}/.s.PGSQL.{port}", directory.display()),
            }
        };
        let hosts: Vec<String> = self.config.get_hosts().iter().enumerate().map(host).collect();
        hosts.join(", ")
    }
}

/// Without the password.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("user", &self.config.get_user())
            .field("hosts", &self.config.get_hosts())
            .field("database", &self.config.get_dbname())
            .field("trust", &self.trust)
            .finish()
    }
}

/// Undoes percent-encoding; what is not encoded well stays as it is.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let encoded = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        (rest, _) = match (first, encoded) {
            (b'%', Some(byte)) => (after.get(2..).unwrap_or_default(), out.push(byte)),
            _ => (after, out.push(first)),
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]
mod tests {
    use super::*;

    #[test]
    fn reads_how_a_connection_is_encrypted() {
        let trust = |query: &str| {
            let target = Target::parse(&format!("postgres://u:p@h/d{query}")).unwrap();
            (target.config.get_ssl_mode(), target.trust)
        };
        assert_eq!(trust(""), (SslMode::Prefer, Trust::Anyone));
        assert_eq!(trust("?sslmode=disable"), (SslMode::Disable, Trust::Anyone));
        assert_eq!(trust("?sslmode=require"), (SslMode::Require, Trust::Anyone));
        let root = Some(PathBuf::from("/etc/my ca.pem"));
        assert_eq!(
            trust("?sslrootcert=/etc/my%20ca.pem&sslmode=require"),
            (SslMode::Require, Trust::Authority(root.clone()))
        );
        assert_eq!(
            trust("?sslmode=verify-full&sslrootcert=%2Fetc%2Fmy%20ca.pem&application_name=x"),
            (SslMode::Require, Trust::Host(root))
        );
        assert_eq!(
            trust("?sslmode=verify-full&sslrootcert=system"),
            (SslMode::Require, Trust::Host(None))
        );
    }

    #[test]
    fn names_every_host_with_its_port() {
        let address = |url: &str| Target::parse(url).unwrap().address();
        assert_eq!(address("postgres://u:secret@h/d"), "h:5432");
        assert_eq!(address("postgres://u@h:7/d"), "h:7");
        assert_eq!(address("postgres://u@[::1]:7/d"), "[::1]:7");
        assert_eq!(address("postgres://u@a:1,b:2/d"), "a:1, b:2");
        assert_eq!(address("postgres://u@a,b/d"), "a:5432, b:5432");
        assert_eq!(
            address("postgres://u@/d?host=/run/pg&port=6"),
            "/run/pg/.s.PGSQL.6"
        );
    }

    #[test]
    fn never_repeats_a_password() {
        for bad in [
            "postgres://u:secret@h/d?sslmode=maybe",
            "postgres://u:secret@h/d?port=secret",
            "postgres://u:secret@h/d?secret=1",
            "host=h password=secret",
        ] {
            let error = Target::parse(bad).unwrap_err();
            assert_eq!(error.code(), "store_unsupported");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let target = Target::parse("postgres://u:secret@h/d").unwrap();
        assert!(!format!("{target:?}").contains("secret"));
    }
}
