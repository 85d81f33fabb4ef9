//! `rowgate authz`: resource types, permissions and roles of the authorization API as a file.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use crate::cli::Session;
use crate::client::Ask;
use crate::failure::{Failure, Result};
use crate::{input, output};

const PATH: [&str; 4] = ["rowgate", "v1", "authorization", "types"];

/// Lists of the file, and what the interface calls them.
const LISTS: [(&str, &str); 3] = [
    ("type", "types"),
    ("permission", "permissions"),
    ("role", "roles"),
];

/// Single values of the file.
const SETTINGS: [&str; 2] = ["default_role", "multiple_roles"];

/// Resource types, permissions and roles of `/authorization`.
#[derive(Debug, Subcommand)]
pub enum Authz {
    /// Make the environment have what a file says, and print what was changed
    Apply(Apply),
    /// Print what the environment has, as JSON
    Show,
}

/// Apply a file. What it does not mention stays, unless --prune is given. Nothing is changed if anything is refused.
#[derive(Debug, Args)]
pub struct Apply {
    /// The file, TOML; `-` is the standard input
    file: String,
    /// Print what would be changed, and change nothing
    #[arg(long)]
    plan: bool,
    /// Delete what the file does not mention, unless something depends on it
    #[arg(long)]
    prune: bool,
}

impl Authz {
    pub(crate) fn run(&self, session: &Session) -> Result {
        match self {
            Self::Apply(apply) => apply.run(session),
            Self::Show => {
                let ask = Ask {
                    path: &PATH,
                    ..Ask::default()
                };
                output::json(&session.client()?.get(&ask)?)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Apply {
    fn run(&self, session: &Session) -> Result {
        let mut body = read(&self.file)?;
        body.insert("dry_run".into(), self.plan.into());
        body.insert("prune".into(), self.prune.into());
        let applied = session.client()?.put(&Ask {
            path: &PATH,
            body: Some(&Value::Object(body)),
            ..Ask::default()
        })?;
        if session.json() {
            output::json(&applied)?;
            return Ok(ExitCode::SUCCESS);
        }
        let steps: Vec<&Value> = applied
            .get("plan")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        for step in &steps {
            let field = |name| output::field(step, name);
            let sign = match field("action") {
                "create" => '+',
                "delete" => '-',
                "update" => '~',
                _ => ' ',
            };
            output::line(format!(
                "{sign} {} {}  {}",
                field("kind"),
                field("slug"),
                field("detail")
            ))?;
        }
        let count = steps
            .iter()
            .filter(|step| output::field(step, "action") != "keep")
            .count();
        let changes = if count == 1 { "change" } else { "changes" };
        if self.plan {
            output::line(format!("{count} {changes} planned; nothing was changed"))?;
        } else {
            output::line(format!("✔ {count} {changes} applied"))?;
        }
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
