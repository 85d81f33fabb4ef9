//! `rowgate resource`: what warrants are about, with its metadata.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::Session;
use crate::client::Ask;
use crate::client::pages::{self, Page};
use crate::failure::Result;
use crate::{input, output};

const PATH: [&str; 3] = ["fga", "v1", "resources"];

/// Create, read, list, update and delete resources.
#[derive(Debug, Subcommand)]
pub enum Resource {
    /// Create a resource; without an id it is given one
    Create {
        /// `type:id`, or `type`
        #[arg(value_name = "TYPE[:ID]")]
        resource: String,
        /// Its metadata: a JSON object or @file
        #[arg(value_name = "META")]
        meta: Option<String>,
    },
    /// Read a resource
    Get {
        /// `type:id`
        #[arg(value_name = "TYPE:ID")]
        resource: String,
    },
    /// List resources, newest first
    List(List),
    /// Replace the metadata of a resource
    Update {
        /// `type:id`
        #[arg(value_name = "TYPE:ID")]
        resource: String,
        /// Its metadata: a JSON object or @file
        #[arg(value_name = "META")]
        meta: String,
    },
    /// Delete a resource, and with it every warrant that names it
    Delete {
        /// `type:id`
        #[arg(value_name = "TYPE:ID")]
        resource: String,
    },
}

/// Which resources.
#[derive(Debug, Args)]
pub struct List {
    /// Of this type
    #[arg(long = "type", value_name = "TYPE")]
    resource_type: Option<String>,
    /// With this text in the type or the id
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    page: Page,
}

impl Resource {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let client = session.client()?;
        let (answer, done) = match self {
            Self::List(list) => return list.run(session),
            Self::Create { resource, meta } => {
                let (resource_type, id) = resource.split_once(':').unwrap_or((resource, ""));
                let mut body = json!({"resource_type": resource_type, "resource_id": id});
                if let Some(meta) = meta {
                    body["meta"] = input::json_object("metadata", meta)?.into();
                }
                (
                    client.post(&Ask {
                        path: &PATH,
                        body: Some(&body),
                        ..Ask::default()
                    })?,
                    "created ",
                )
            }
            Self::Get { resource } => {
                let object = input::object(resource)?;
                let path = ["fga", "v1", "resources", &object.resource_type, &object.id];
                (
                    client.get(&Ask {
                        path: &path,
                        ..Ask::default()
                    })?,
                    "",
                )
            }
            Self::Update { resource, meta } => {
                let object = input::object(resource)?;
                let path = ["fga", "v1", "resources", &object.resource_type, &object.id];
                let body = json!({"meta": input::json_object("metadata", meta)?});
                (
                    client.put(&Ask {
                        path: &path,
                        body: Some(&body),
                        ..Ask::default()
                    })?,
                    "updated ",
                )
            }
            Self::Delete { resource } => {
                let object = input::object(resource)?;
                let path = ["fga", "v1", "resources", &object.resource_type, &object.id];
                client.delete(&Ask {
                    path: &path,
                    ..Ask::default()
                })?;
                (
                    json!({"resource_type": object.resource_type, "resource_id": object.id}),
                    "deleted ",
                )
            }
        };
        if session.json() {
            output::json(&answer)?;
        } else {
            let mark = if done.is_empty() { "" } else { "✔ " };
            output::line(format!("{mark}{done}{}", described(&answer)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn described(resource: &Value) -> String {
    let meta = resource
        .get("meta")
        .map_or(String::new(), |meta| format!(" {meta}"));
    format!(
        "{}:{}{meta}",
        output::field(resource, "resource_type"),
        output::field(resource, "resource_id")
    )
}

impl List {
    fn run(&self, session: &Session) -> Result {
        let resource_type = self.resource_type.as_deref().unwrap_or_default();
        let search = self.search.as_deref().unwrap_or_default();
        let query = [("resource_type", resource_type), ("search", search)];
        let found = session.client()?.list(
            &Ask {
                path: &PATH,
                query: &query,
                ..Ask::default()
            },
            &self.page,
        )?;
        if session.json() {
            output::json(&found)?;
            return Ok(ExitCode::SUCCESS);
        }
        output::table(
            ["Resource type", "Resource ID", "Meta"],
            pages::rows(&found).iter().map(|row| {
                [
                    output::field(row, "resource_type").to_owned(),
                    output::field(row, "resource_id").to_owned(),
                    row.get("meta").map(ToString::to_string).unwrap_or_default(),
                ]
            }),
        )?;
        output::cursors(&found)?;
        Ok(ExitCode::SUCCESS)
    }
}
