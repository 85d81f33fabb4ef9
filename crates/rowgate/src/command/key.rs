//! `rowgate key`: API keys.

use std::process::ExitCode;

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Value, json};

use crate::cli::Session;
use crate::client::{Ask, pages};
use crate::failure::Result;
use crate::output;

/// Create, list and delete API keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Create a key and print it; it cannot be read again
    Create {
        /// What people call it
        name: String,
        /// Of this environment, with a key of the environment `default`
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        environment: Option<String>,
    },
    /// List keys, without their secrets
    List {
        /// Of this environment, with a key of the environment `default`
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        environment: Option<String>,
    },
    /// Delete a key; it stops working at once
    Delete {
        /// The id, as `key list` prints it
        id: String,
        /// Of this environment, with a key of the environment `default`
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        environment: Option<String>,
    },
}

const PATH: [&str; 3] = ["rowgate", "v1", "keys"];

impl Key {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let client = session.client()?;
        let (Self::Create { environment, .. }
        | Self::List { environment }
        | Self::Delete { environment, .. }) = self;
        let query = [("environment", environment.as_deref().unwrap_or_default())];
        match self {
            Self::Create { name, .. } => {
                let body = json!({"name": name});
                let key = client.post(&Ask {
                    path: &PATH,
                    query: &query,
                    body: Some(&body),
                    ..Ask::default()
                })?;
                if session.json() {
                    output::json(&key)?;
                } else {
                    let (id, environment) = (output::field(&key, "id"), output::field(&key, "environment"));
                    output::line(format!("✔ created key {id} of environment {environment}"))?;
                    output::line(format!("  {}", output::field(&key, "key")))?;
                    output::note("Keep it: it is not shown again.");
                }
            }
            Self::List { .. } => {
                let found = client.get(&Ask {
                    path: &PATH,
                    query: &query,
                    ..Ask::default()
                })?;
                if session.json() {
                    output::json(&found)?;
                } else {
                    let cells = |key: &Value| {
                        ["id", "name", "environment", "prefix", "created_at"]
                            .map(|name| output::field(key, name).to_owned())
                    };
                    let rows = pages::rows(&found).iter().map(cells);
                    output::table(["ID", "Name", "Environment", "Begins with", "Created"], rows)?;
                }
            }
            Self::Delete { id, .. } => {
                let path = ["rowgate", "v1", "keys", id];
                client.delete(&Ask {
                    path: &path,
                    query: &query,
                    ..Ask::default()
                })?;
                if session.json() {
                    output::json(&json!({"id": id}))?;
                } else {
                    output::line(format!("✔ deleted key {id}"))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
