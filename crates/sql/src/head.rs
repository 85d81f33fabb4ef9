//! What the headers of a request say.

use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::error::{Error, Result};

/// The headers, read.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) role: String,
    pub(crate) password: Option<String>,
    pub(crate) database: String,
    pub(crate) token: Option<String>,
    pub(crate) raw_text: bool,
    pub(crate) array_mode: bool,
    pub(crate) batch: Batch,
}

/// How the transaction of a batch runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) isolation: Option<Isolation>,
    pub(crate) read_only: bool,
    pub(crate) deferrable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl Isolation {
    /// As the header names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "ReadUncommitted",
            Self::ReadCommitted => "ReadCommitted",
            Self::RepeatableRead => "RepeatableRead",
            Self::Serializable => "Serializable",
        }
    }

    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [
            Self::ReadUncommitted,
            Self::ReadCommitted,
            Self::RepeatableRead,
            Self::Serializable,
        ]
        .into_iter()
        .find(|isolation| isolation.name() == text)
    }
}

impl Head {
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self> {
        let connection = text(headers, "neon-connection-string")?
            .ok_or_else(|| Error::refused("missing header `Neon-Connection-String`"))?;
        let (role, password, database) = connection_string(connection)?;
        let isolation = match text(headers, "neon-batch-isolation-level")? {
            None => None,
            Some(name) => {
                Some(Isolation::read(name).ok_or_else(|| Error::refused("invalid isolation level"))?)
            }
        };
        let is_true = |name| headers.get(name).is_some_and(|value| value == "true");
        Ok(Self {
            role,
            password,
            database,
            token: token(headers)?,
            raw_text: is_true("neon-raw-text-output"),
            array_mode: is_true("neon-array-mode"),
            batch: Batch {
                isolation,
                read_only: is_true("neon-batch-read-only"),
                deferrable: is_true("neon-batch-deferrable"),
            },
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    // Of two, which one counts is not the same for everybody who reads them.
    if values.next().is_some() {
        return Err(Error::refused(format!("the header `{name}` is there twice")));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Error::refused(format!(
            "the header `{name}` has bytes that are no text"
        ))),
    }
}

fn token(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = text(headers, "authorization")? else {
        return Ok(None);
    };
    match value.strip_prefix("Bearer ") {
        Some(token) if !token.is_empty() => Ok(Some(token.to_owned())),
        _ => Err(Error::refused(
            "the header `Authorization` does not have the form `Bearer TOKEN`",
        )),
    }
}

/// Role, password and database. The host is the client's idea of where we are, and no more than that.
fn connection_string(text: &str) -> Result<(String, Option<String>, String)> {
    let invalid = |what: &str| Error::refused(format!("invalid connection string: {what}"));
    // Not by a library for URLs: it would take other characters of a password for separators than Postgres does.
    let rest = text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"))
        .ok_or_else(|| invalid("it does not begin with `postgres://`"))?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, database) = rest
        .split_once('/')
        .ok_or_else(|| invalid("missing database name"))?;
    let (user, host) = authority
        .rsplit_once('@')
        .ok_or_else(|| invalid("missing username"))?;
    if host.is_empty() {
        return Err(invalid("missing hostname"));
    }
    let (role, password) = match user.split_once(':') {
        Some((role, password)) => (role, Some(password)),
        None => (user, None),
    };
    let decoded = |part: &str| match percent_decode_str(part).decode_utf8() {
        Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
        _ => Err(invalid("it has escapes that are no text")),
    };
    let (role, database) = (decoded(role)?, decoded(database)?);
    if role.is_empty() {
        return Err(invalid("missing username"));
    }
    if database.is_empty() {
        return Err(invalid("missing database name"));
    }
    let password = password
        .filter(|password| !password.is_empty())
        .map(decoded)
        .transpose()?;
    Ok((role, password, database))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn read(headers: &[(&'static str, &str)]) -> Result<Head> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        Head::read(&all)
    }

    #[test]
    fn reads_connection_strings() {
        let parts = |text| connection_string(text).unwrap();
        assert_eq!(
            parts("postgres://owner:p%40ss@db.example.com:5432/app?application_name=x%2Fy"),
            ("owner".into(), Some("p@ss".into()), "app".into())
        );
        assert_eq!(
            parts("postgresql://authenticated@127.0.0.1/app"),
            ("authenticated".into(), None, "app".into())
        );
        assert_eq!(parts("postgres://a:@h/d"), ("a".into(), None, "d".into()));
    }

    #[test]
    fn says_what_is_wrong_with_a_connection_string() {
        for (text, message) in [
            (
                "mysql://a@h/d",
                "invalid connection string: it does not begin with `postgres://`",
            ),
            ("postgres://h/d", "invalid connection string: missing username"),
            ("postgres://:p@h/d", "invalid connection string: missing username"),
            (
                "postgres://a@h",
                "invalid connection string: missing database name",
            ),
            (
                "postgres://a@h/",
                "invalid connection string: missing database name",
            ),
            ("postgres://a@/d", "invalid connection string: missing hostname"),
            (
                "postgres://a%00@h/d",
                "invalid connection string: it has escapes that are no text",
            ),
        ] {
            assert_eq!(
                connection_string(text).unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }

    #[test]
    fn takes_only_the_word_true() {
        let connection = ("neon-connection-string", "postgres://a@h/d");
        let head = read(&[
            connection,
            ("neon-array-mode", "true"),
            ("neon-raw-text-output", "True"),
        ])
        .unwrap();
        assert!(head.array_mode && !head.raw_text);
        let head = read(&[
            connection,
            ("neon-batch-isolation-level", "Serializable"),
            ("neon-batch-deferrable", "true"),
        ])
        .unwrap();
        assert_eq!(
            head.batch,
            Batch {
                isolation: Some(Isolation::Serializable),
                read_only: false,
                deferrable: true
            }
        );
    }

    #[test]
    fn refuses_other_levels_and_other_schemes() {
        let connection = ("neon-connection-string", "postgres://a@h/d");
        let message = |header| read(&[connection, header]).unwrap_err().to_string();
        assert_eq!(
            message(("neon-batch-isolation-level", "serializable")),
            "invalid isolation level"
        );
        let wrong = "the header `Authorization` does not have the form `Bearer TOKEN`";
        assert_eq!(message(("authorization", "bearer x")), wrong);
        assert_eq!(message(("authorization", "Bearer ")), wrong);
        let token = ("authorization", "Bearer x");
        assert_eq!(
            read(&[connection, token, token]).unwrap_err().to_string(),
            "the header `authorization` is there twice"
        );
        assert_eq!(
            read(&[connection, connection]).unwrap_err().to_string(),
            "the header `neon-connection-string` is there twice"
        );
        assert_eq!(
            read(&[]).unwrap_err().to_string(),
            "missing header `Neon-Connection-String`"
        );
    }
}
