//! Warrant tokens: which revision of which environment a client has seen.
//!
//! The text is opaque to clients: base64url of `1|<environment uid>|<revision>`, or of `2|<environment uid>|<transaction>` when it was
//! obtained in SQL, in a transaction that had no revision yet. It is not secret and grants nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Error, Result};

/// What a request says about freshness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing was said. Reads are always of the newest revision that this process has.
    Any,
    /// `latest`
    Latest,
    /// At least this revision.
    AtLeast(u64),
    /// At least the revision of the database transaction of this number.
    Transaction(u64),
}

/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 200;

pub(crate) fn write(uid: &str, revision: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("1|{uid}|{revision}"))
}

pub(crate) fn read(uid: &str, token: &str) -> Result<Freshness> {
    if token == "latest" {
        return Ok(Freshness::Latest);
    }
    let undecodable = || {
        Error::invalid(
            "Warrant-Token",
            "not a warrant token; send one that a write returned, or `latest`",
        )
    };
    if token.len() > MAX_TOKEN {
        return Err(undecodable());
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| undecodable())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| undecodable())?;
    let mut parts = text.split('|');
    let (Some(kind @ ("1" | "2")), Some(of), Some(number), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(undecodable());
    };
    let number: u64 = number.parse().map_err(|_| undecodable())?;
    // A number has one spelling: `+5` and `05` were never handed out.
    if text != format!("{kind}|{of}|{number}") {
        return Err(undecodable());
    }
    if of != uid {
        return Err(Error::invalid(
            "Warrant-Token",
            "the token belongs to another environment",
        ));
    }
    Ok(match kind {
        "1" => Freshness::AtLeast(number),
        _ => Freshness::Transaction(number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_and_refuses_the_rest() {
        assert_eq!(read("u1", &write("u1", 42)).unwrap(), Freshness::AtLeast(42));
        assert_eq!(read("u1", "latest").unwrap(), Freshness::Latest);
        let in_sql = URL_SAFE_NO_PAD.encode("2|u1|789");
        assert_eq!(read("u1", &in_sql).unwrap(), Freshness::Transaction(789));
        let other = read("u2", &write("u1", 42)).unwrap_err();
        assert_eq!(other.to_string(), "the token belongs to another environment");
        for revision in ["+5", "05", " 5", ""] {
            let token = URL_SAFE_NO_PAD.encode(format!("1|u1|{revision}"));
            assert_eq!(read("u1", &token).unwrap_err().code(), "invalid_parameter");
        }
        for bad in ["", "x", "!!!", "MXx1MXw", &"A".repeat(10_000), &write("u1|7", 1)] {
            assert_eq!(read("u1", bad).unwrap_err().code(), "invalid_parameter", "{bad}");
        }
    }
}
