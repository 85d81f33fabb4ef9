//! `rowgate authz apply`

use std::process::ExitCode;

use clap::Args;
use rowgate_binding::text::{Part, Places};
use rowgate_schema::{Diagnostic, Severity};
use serde_json::{Map, Value};

use super::{TYPES, plan};
use crate::cli::Session;
use crate::client::error::Blamed;
use crate::client::{Ask, ClientError};
use crate::failure::{Failure, Result};
use crate::found::Text;
use crate::{input, output};

/// Lists of the file, and what the interface calls them.
const LISTS: [(&str, &str); 3] = [
    ("type", "types"),
    ("permission", "permissions"),
    ("role", "roles"),
];

/// The codes of wrong fields.
const CODES: [&str; 4] = ["required", "invalid", "too_long", "too_many"];

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
        let document = Document::read(&self.file, session.json())?;
        let mut body = document.body.clone();
        body.insert("dry_run".into(), self.plan.into());
        body.insert("prune".into(), self.prune.into());
        let applied = session.client()?.put(&Ask {
            path: &TYPES,
            body: Some(&Value::Object(body)),
            ..Ask::default()
        });
        let applied = applied.map_err(|error| document.refused(error))?;
        if session.json() {
            output::json(&applied)?;
            return Ok(ExitCode::SUCCESS);
        }
        let count = plan::print(&applied)?;
        plan::conclude(count, self.plan)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The file as a request, with the places of what is in it.
struct Document {
    file: String,
    text: String,
    places: Places,
    body: Map<String, Value>,
    json: bool,
}

impl Document {
    fn read(path: &str, json: bool) -> Result<Self> {
        let text = input::read_text(path)?;
        let file = if path == "-" { "standard input" } else { path };
        let wrong = |found: Vec<Diagnostic>| {
            let source = Text { file, text: &text };
            source.refused(
                &found,
                json,
                format!("{file} cannot be used; nothing was changed"),
            )
        };
        let (value, places) = rowgate_binding::text::read(&text).map_err(wrong)?;
        let Value::Object(table) = value else {
            return Err(Failure::new(format!("{file} is not a table")));
        };
        let mut body = Map::new();
        let mut unknown = Vec::new();
        for (key, value) in table {
            let list = LISTS.iter().find(|(name, _)| *name == key).map(|(_, list)| *list);
            match list.or_else(|| SETTINGS.iter().copied().find(|name| *name == key)) {
                Some(known) => {
                    body.insert(known.to_owned(), value);
                }
                None => {
                    let known = LISTS.iter().map(|(name, _)| *name).chain(SETTINGS);
                    let near = rowgate_schema::did_you_mean(&key, known);
                    let help = near.unwrap_or_else(|| {
                        "a file can have [[type]], [[permission]], [[role]], default_role and multiple_roles".to_owned()
                    });
                    let message = format!("`{key}` means nothing here");
                    unknown.push(located(&places, "invalid", &key, message, Some(help)));
                }
            }
        }
        if !unknown.is_empty() {
            return Err(wrong(unknown));
        }
        Ok(Self {
            file: file.to_owned(),
            text,
            places,
            body,
            json,
        })
    }

    /// What the server says of fields, with the lines that they stand on.
    fn refused(&self, error: ClientError) -> Failure {
        let fields = match &error {
            ClientError::Refused(refused) => refused.fields.as_slice(),
            _ => &[],
        };
        if fields.is_empty() {
            return error.into();
        }
        let found: Vec<Diagnostic> = fields.iter().map(|field| self.diagnostic(field)).collect();
        let source = Text {
            file: &self.file,
            text: &self.text,
        };
        let message = match found.len() {
            1 => format!("{} has an error; nothing was changed", self.file),
            many => format!("{} has {many} errors; nothing was changed", self.file),
        };
        source.refused(&found, self.json, message)
    }

    fn diagnostic(&self, blamed: &Blamed) -> Diagnostic {
        let own = LISTS.iter().find_map(|(name, list)| {
            let rest = blamed.field.strip_prefix(list)?;
            rest.starts_with('[').then(|| format!("{name}{rest}"))
        });
        let path = own.unwrap_or_else(|| blamed.field.clone());
        let code = CODES.into_iter().find(|code| *code == blamed.code);
        located(
            &self.places,
            code.unwrap_or("invalid"),
            &path,
            blamed.message.clone(),
            None,
        )
    }
}

/// An error with its place: that of a key, or of an entry of a list.
fn located(
    places: &Places,
    code: &'static str,
    path: &str,
    message: String,
    help: Option<String>,
) -> Diagnostic {
    let part = if path.ends_with(']') {
        Part::Value
    } else {
        Part::Key
    };
    let diagnostic = Diagnostic {
        severity: Severity::Error,
        code,
        message,
        span: None,
        path: Some(path.to_owned()),
        help,
        notes: Vec::new(),
    };
    places.locate(diagnostic, part)
}
