//! `rowgate token mint`

use std::process::ExitCode;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value, json};

use super::PATH;
use crate::cli::Session;
use crate::client::Ask;
use crate::failure::{Failure, Result};
use crate::output;

/// Issue a token for a user, with the server's own issuer. Whoever has it is the user, until it expires.
#[derive(Debug, Args)]
#[command(after_help = "Example: curl -H \"Authorization: Bearer $(rowgate token mint --user ann)\" …")]
pub struct Mint {
    /// The user: `sub`
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    user: String,
    /// The organization that the session is for: `org_id`
    #[arg(long, visible_alias = "organization", value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    org: Option<String>,
    /// A role in the organization; the first one is also `role` [default: those that the user has there]
    #[arg(long = "role", value_name = "SLUG")]
    roles: Vec<String>,
    /// A permission in the whole organization [default: those of the roles]
    #[arg(long = "permission", value_name = "SLUG")]
    permissions: Vec<String>,
    /// The session: `sid`; a new one unless given
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    session: Option<String>,
    /// How long it is valid: 90s, 15m, 1h; a day at most
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = seconds)]
    expires: u64,
    /// A further claim; the value is JSON, or text if it is not
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, Value)>,
}

impl Mint {
    pub(super) fn run(&self, session: &Session) -> Result {
        let mut claims = Map::new();
        for (name, value) in &self.claims {
            if claims.insert(name.clone(), value.clone()).is_some() {
                return Err(Failure::new(format!("the claim `{name}` is given twice")));
            }
        }
        // None is what the environment says; an empty list is none at all.
        let given = |names: &[String]| (!names.is_empty()).then(|| names.to_vec());
        let body = json!({
            "user": self.user,
            "organization": self.org,
            "roles": given(&self.roles),
            "permissions": given(&self.permissions),
            "session": self.session,
            "expires_in": self.expires,
            "claims": claims,
        });
        let minted = session.client()?.post(&Ask {
            path: &PATH,
            body: Some(&body),
            ..Ask::default()
        })?;
        if session.json() {
            output::json(&minted)?;
            return Ok(ExitCode::SUCCESS);
        }
        output::line(output::field(&minted, "token"))?;
        if output::is_watched() {
            let (user, until) = (output::tame(&self.user), output::field(&minted, "expires_at"));
            output::note(format!("Whoever has this token is {user}, until {until}."));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `90s`, `15m`, `1h`, `1d`, or seconds.
fn seconds(text: &str) -> std::result::Result<u64, String> {
    let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("" | "s") => Some(1),
        Some("m") => Some(60),
        Some("h") => Some(60 * 60),
        Some("d") => Some(24 * 60 * 60),
        _ => None,
    };
    let number = digits.parse::<u64>().ok();
    number
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit))
        .ok_or_else(|| "write a number and a unit: `90s`, `15m`, `1h`, `1d`".to_owned())
}

/// `plan=pro`, `seats=5`, `tags=["a","b"]`.
fn claim(text: &str) -> std::result::Result<(String, Value), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            Ok((name.to_owned(), value))
        }
        _ => Err("write a name and a value: `plan=pro`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_long() {
        for (text, expected) in [("90", 90), ("90s", 90), ("15m", 900), ("1h", 3600), ("1d", 86400)] {
            assert_eq!(seconds(text), Ok(expected));
        }
        for text in [
            "",
            "h",
            "1w",
            "-1h",
            "1.5h",
            "1 h",
            "99999999999999999999h",
            "9999999999999999d",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_claims() {
        assert_eq!(claim("plan=pro"), Ok(("plan".into(), json!("pro"))));
        assert_eq!(claim("seats=5"), Ok(("seats".into(), json!(5))));
        assert_eq!(claim("a=b=c"), Ok(("a".into(), json!("b=c"))));
        assert_eq!(claim("tags=[\"x\"]"), Ok(("tags".into(), json!(["x"]))));
        assert!(claim("plan").is_err() && claim("=x").is_err());
    }
}
