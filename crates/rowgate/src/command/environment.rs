//! `rowgate environment`: separate sets of schema, warrants and keys in one server.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use crate::cli::Session;
use crate::client::{Ask, pages};
use crate::failure::{Failure, Result};
use crate::output;

/// Create, list and delete environments. Takes a key of the environment `default`.
#[derive(Debug, Subcommand)]
pub enum Environment {
    /// Create an environment
    Create {
        /// Its name
        name: String,
    },
    /// List environments
    List,
    /// Delete an environment with everything in it
    Delete {
        /// Its name
        name: String,
        /// Yes, everything in it
        #[arg(long)]
        yes: bool,
    },
}

const PATH: [&str; 3] = ["rowgate", "v1", "environments"];

impl Environment {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let client = session.client()?;
        match self {
            Self::Create { name } => {
                let body = json!({"name": name});
                let created = client.post(&Ask {
                    path: &PATH,
                    body: Some(&body),
                    ..Ask::default()
                })?;
                if session.json() {
                    output::json(&created)?;
                } else {
                    output::line(format!("✔ created environment {name}"))?;
                    output::note(format!(
                        "Create a key for it with `rowgate key create NAME --environment {name}`."
                    ));
                }
            }
            Self::List => {
                let found = client.get(&Ask {
                    path: &PATH,
                    ..Ask::default()
                })?;
                if session.json() {
                    output::json(&found)?;
                } else {
                    let rows = pages::rows(&found).iter().map(|environment| {
                        let revision = environment
                            .get("revision")
                            .map(ToString::to_string)
                            .unwrap_or_default();
                        let field = |name| output::field(environment, name).to_owned();
                        [field("name"), revision, field("created_at")]
                    });
                    output::table(["Name", "Revision", "Created"], rows)?;
                }
            }
            Self::Delete { name, yes } => {
                if !yes {
                    let message =
                        format!("this deletes the schema, the warrants and the keys of environment {name}");
                    return Err(Failure::with_help(message, "add --yes if that is meant"));
                }
                let path = ["rowgate", "v1", "environments", name];
                client.delete(&Ask {
                    path: &path,
                    ..Ask::default()
                })?;
                if session.json() {
                    output::json(&json!({"name": name}))?;
                } else {
                    output::line(format!("✔ deleted environment {name}"))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
