//! `rowgate token rotate`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::PATH;
use crate::cli::Session;
use crate::client::Ask;
use crate::failure::Result;
use crate::output;

/// Have a new key sign tokens. The one before is served until its last token has expired: for a day.
#[derive(Debug, Args)]
pub struct Rotate {
    /// What the new key signs with: RS256, ES256 or EdDSA; as the server is configured unless given
    #[arg(long, value_name = "ALGORITHM")]
    algorithm: Option<String>,
    /// Serve no earlier key: every token that was issued is refused at once. For when a key has fallen into wrong hands
    #[arg(long)]
    revoke: bool,
}

impl Rotate {
    pub(super) fn run(&self, session: &Session) -> Result {
        let [a, b, c] = PATH;
        let body = json!({"algorithm": self.algorithm, "revoke": self.revoke});
        let rotated = session.client()?.post(&Ask {
            path: &[a, b, c, "rotate"],
            body: Some(&body),
            ..Ask::default()
        })?;
        if session.json() {
            output::json(&rotated)?;
            return Ok(ExitCode::SUCCESS);
        }
        let field = |name| output::field(&rotated, name);
        output::line(format!(
            "✔ {} signs tokens of {} with {}",
            field("key_id"),
            field("client_id"),
            field("algorithm")
        ))?;
        let served = rotated.get("keys").and_then(Value::as_array).map_or(0, Vec::len);
        output::line(match (self.revoke, served) {
            (true, _) => "  tokens of earlier keys are refused from now on".to_owned(),
            (false, served) => format!(
                "  {} served beside it, for tokens that have not expired",
                earlier(served)
            ),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn earlier(served: usize) -> String {
    match served.saturating_sub(1) {
        1 => "1 earlier key is".into(),
        more => format!("{more} earlier keys are"),
    }
}
