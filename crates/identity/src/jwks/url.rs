//! Addresses that keys may come from.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// The address of a key set: `https`, or `http` on this machine. Whoever can change the answer can sign tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksUrl(Url);

/// Why a text is no address of a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Not a URL with a host.
    #[error("not a URL with a host, as in `https://idp.example.com/.well-known/jwks.json`")]
    NotAUrl,
    /// Keys would come over the network in the clear.
    #[error(
        "must begin with `https://`; `http://` is for loopback addresses only, because whoever changes the keys on their way can sign tokens"
    )]
    Insecure,
    /// A password in a URL ends up in logs.
    #[error("must not have a user or password in it")]
    Credentials,
}

impl JwksUrl {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JwksUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let mut url = Url::parse(text).map_err(|_| UrlError::NotAUrl)?;
        url.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        match (url.scheme(), url.host()) {
            ("https", Some(_)) => Ok(Self(url)),
            ("http", Some(host)) if is_loopback(&host) => Ok(Self(url)),
            ("http", Some(_)) => Err(UrlError::Insecure),
            _ => Err(UrlError::NotAUrl),
        }
    }
}

pub(crate) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_https_and_this_machine() {
        for text in [
            "https://idp.example.com/jwks",
            "https://idp.example.com:8443/jwks?p=policy",
            "http://localhost:7480/sso/jwks/client_default",
            "http://127.0.0.1/jwks",
            "http://127.8.9.1/jwks",
            "http://[::1]:80/jwks",
        ] {
            assert!(text.parse::<JwksUrl>().is_ok(), "{text}");
        }
        assert_eq!(
            "https://a/b#c".parse::<JwksUrl>().unwrap().as_str(),
            "https://a/b"
        );
    }

    #[test]
    fn refuses_everything_else() {
        for (text, why) in [
            ("http://idp.example.com/jwks", UrlError::Insecure),
            ("http://localhost.example.com/jwks", UrlError::Insecure),
            ("http://10.0.0.1/jwks", UrlError::Insecure),
            ("http://127.0.0.1.example.com/jwks", UrlError::Insecure),
            (
                "https://user:password@idp.example.com/jwks",
                UrlError::Credentials,
            ),
            ("https://user@idp.example.com/jwks", UrlError::Credentials),
            ("file:///etc/passwd", UrlError::NotAUrl),
            ("ftp://idp.example.com/", UrlError::NotAUrl),
            ("/jwks", UrlError::NotAUrl),
            ("", UrlError::NotAUrl),
        ] {
            assert_eq!(text.parse::<JwksUrl>(), Err(why), "{text}");
        }
    }
}
