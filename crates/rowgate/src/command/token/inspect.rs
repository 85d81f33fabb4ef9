//! `rowgate token inspect`

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rowgate_identity::jwks::{Authorities, Fetcher};
use rowgate_identity::{Algorithm, Audiences, Issuer, KeySet, Keys, Verifier, unverified};
use serde_json::{Value, json};

use super::PATH;
use crate::cli::Session;
use crate::client::Ask;
use crate::embedded;
use crate::failure::{Failure, Result, answer};
use crate::{input, output};

/// Show what a token says, and whether it is accepted. The server decides that, or a key set.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The token; without one, it is read from the standard input, where other users of the machine do not see it
    token: Option<String>,
    /// Verify with this key set, a file or a URL, and without a server; any audience will do
    #[arg(long, value_name = "FILE|URL")]
    jwks: Option<String>,
}

impl Inspect {
    pub(super) fn run(&self, session: &Session) -> Result {
        let text = match &self.token {
            Some(token) => token.clone(),
            None => input::read_text("-")?,
        };
        // As it is in a header, or as it is copied from one.
        let token = text.trim();
        let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
        let says = unverified(token).map_err(|error| Failure::new(error.to_string()))?;
        let verdict = match &self.jwks {
            Some(jwks) => with_keys(token, &says["claims"], jwks)?,
            None => with_server(token, session)?,
        };
        let valid = verdict.get("valid").and_then(Value::as_bool).unwrap_or(false);
        if session.json() {
            let mut all = verdict;
            all["header"] = says["header"].clone();
            all["claims"] = says["claims"].clone();
            output::json(&all)?;
        } else {
            print(&says, &verdict, valid)?;
        }
        Ok::<ExitCode, _>(answer(valid))
    }
}

fn with_server(token: &str, session: &Session) -> Result<Value> {
    let [a, b, c] = PATH;
    let body = json!({"token": token});
    Ok(session.client()?.post(&Ask {
        path: &[a, b, c, "inspect"],
        body: Some(&body),
        ..Ask::default()
    })?)
}

fn with_keys(token: &str, claims: &Value, jwks: &str) -> Result<Value> {
    let keys = if jwks.contains("://") {
        let url = jwks
            .parse()
            .map_err(|error| Failure::new(format!("{jwks}: {error}")))?;
        Keys::Url(url)
    } else {
        let set = KeySet::parse(input::read_text(jwks)?.as_bytes());
        Keys::Inline(Arc::new(
            set.map_err(|error| Failure::new(format!("{jwks}: {error}")))?,
        ))
    };
    let Some(iss) = claims.get("iss").and_then(Value::as_str) else {
        return Err(Failure::new(
            "the token has no `iss`, so no server would accept it",
        ));
    };
    let mut issuer = Issuer::new("jwks", iss, keys, Audiences::Any);
    issuer.algorithms = Algorithm::ALL.to_vec();
    let fetcher = Fetcher::new(Authorities::default()).map_err(Failure::new)?;
    let verifier = Verifier::new(fetcher);
    verifier
        .add(issuer)
        .map_err(|error| Failure::new(error.to_string()))?;
    Ok(match embedded::runtime()?.block_on(verifier.verify(token)) {
        Ok(identity) => json!({"valid": true, "subject": identity.subject()}),
        Err(error) => json!({"valid": false, "reason": error.code(), "message": error.to_string()}),
    })
}

fn print(says: &Value, verdict: &Value, valid: bool) -> Result<()> {
    let field = |name| output::tame(output::field(verdict, name));
    if valid {
        output::line(format!("✔ valid for {}", field("subject")))?;
        if verdict.get("issuer").is_some() {
            output::line(format!(
                "  of issuer {}, in environment {}",
                field("issuer"),
                field("environment")
            ))?;
        }
    } else {
        output::line(format!("✖ {}: {}", field("reason"), field("message")))?;
    }
    output::line("")?;
    for part in ["header", "claims"] {
        for (name, value) in says.get(part).and_then(Value::as_object).into_iter().flatten() {
            let when = value
                .as_f64()
                .filter(|_| matches!(name.as_str(), "exp" | "iat" | "nbf" | "auth_time"));
            let when = when.map_or(String::new(), |at| {
                format!("  ({})", relative(at - rowgate_identity::now()))
            });
            output::line(format!(
                "  {}: {}{when}",
                output::tame(name),
                output::tame(&value.to_string())
            ))?;
        }
    }
    Ok(())
}

/// `in 59 min`, `3 h ago`.
fn relative(seconds: f64) -> String {
    let (amount, unit) = match seconds.abs() {
        seconds if seconds < 120.0 => (seconds, "s"),
        seconds if seconds < 7200.0 => (seconds / 60.0, "min"),
        seconds if seconds < 172_800.0 => (seconds / 3600.0, "h"),
        seconds => (seconds / 86_400.0, "days"),
    };
    if seconds < 0.0 {
        format!("{amount:.0} {unit} ago")
    } else {
        format!("in {amount:.0} {unit}")
    }
}
