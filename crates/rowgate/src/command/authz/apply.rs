//! `rowgate authz apply`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use super::{TYPES, plan};
use crate::cli::Session;
use crate::client::Ask;
use crate::failure::{Failure, Result};
use crate::{input, output};

/// Lists of the file, and what the interface calls them.
const LISTS: [(&str, &str); 3] = [
    ("type", "types"),
    ("permission", "permissions"),
    ("role", "roles"),
];

/// Single values of the file.
const SETTINGS: [&str; 2] = ["default_role", "multiple_roles"];

/// Apply a file. What it does not mention stays, unless --prune is given. Nothing is changed if anything is refused.
#[derive(Debug, Args)]
pub struct Apply {
    /// The file, TOML; `-` is the standard input
    file: String,
    /// Print what would be changed, and change nothing
    #[arg(long, visible_alias = "dry-run")]
    plan: bool,
    /// Delete what the file does not mention; if something depends on any of it, nothing is changed
    #[arg(long)]
    prune: bool,
}

impl Apply {
    pub(super) fn run(&self, session: &Session) -> Result {
        let mut body = read(&self.file)?;
        body.insert("dry_run".into(), self.plan.into());
        body.insert("prune".into(), self.prune.into());
        let applied = session.client()?.put(&Ask {
            path: &TYPES,
            body: Some(&Value::Object(body)),
            ..Ask::default()
        })?;
        if session.json() {
            output::json(&applied)?;
            return Ok(ExitCode::SUCCESS);
        }
        let count = plan::print(&applied)?;
        plan::conclude(count, self.plan)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The file as a request.
fn read(file: &str) -> Result<Map<String, Value>> {
    let text = input::read_text(file)?;
    let table: Map<String, Value> =
        toml::from_str(&text).map_err(|error| Failure::new(format!("{file} is not TOML: {error}")))?;
    let mut body = Map::new();
    for (key, value) in table {
        let known = LISTS.iter().find(|(name, _)| *name == key).map(|(_, list)| *list);
        let known = known.or_else(|| SETTINGS.iter().copied().find(|name| *name == key));
        let Some(known) = known else {
            return Err(Failure::with_help(
                format!("{file} has `{key}`, which means nothing here"),
                "it can have [[type]], [[permission]], [[role]], default_role and multiple_roles",
            ));
        };
        body.insert(known.to_owned(), value);
    }
    Ok(body)
}
