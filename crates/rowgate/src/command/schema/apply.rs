//! `rowgate schema apply`: a schema becomes the environment's.

use std::process::ExitCode;

use clap::Args;

use super::source::{Source, count};
use crate::cli::Session;
use crate::client::Ask;
use crate::failure::{Failure, Result};
use crate::output;

/// Replace the schema of the environment. Types and policies that are not in the file are deleted; warrants stay.
#[derive(Debug, Args)]
pub struct Apply {
    /// The file, text or JSON; `-` is the standard input
    file: String,
    /// Apply nothing if there are warnings
    #[arg(long)]
    strict: bool,
    /// List what the schema has
    #[arg(short, long)]
    verbose: bool,
}

impl Apply {
    pub(super) fn run(&self, session: &Session) -> Result {
        let source = Source::read(&self.file)?;
        let (model, warnings) = source.compile().map_err(|found| {
            let message = format!(
                "{} is not a valid schema ({}); nothing was applied",
                source.file,
                count(&found)
            );
            source.as_found().refused(&found, session.json(), message)
        })?;
        source.say(&warnings);
        if self.strict && !warnings.is_empty() {
            let message = format!("{} with --strict; nothing was applied", count(&warnings));
            return Err(Failure::with_help(
                message,
                "mend the schema, or leave out --strict",
            ));
        }
        let schema = model.schema();
        let body = rowgate_schema::to_json(schema);
        let path: &[&str] = &["fga", "v1", "schema"];
        let applied = session.client()?.post(&Ask {
            path,
            body: Some(&body),
            ..Ask::default()
        })?;
        if session.json() {
            output::json(&applied)?;
            return Ok(ExitCode::SUCCESS);
        }
        let some = |number: usize, one: &str, many: &str| {
            format!("{number} {}", if number == 1 { one } else { many })
        };
        let (types, policies) = (schema.types.len(), schema.policies.len());
        let what = format!(
            "{}, {}",
            some(types, "type", "types"),
            some(policies, "policy", "policies")
        );
        output::line(format!("✔ applied {}: {what}", source.file))?;
        if self.verbose {
            for def in &schema.types {
                let relations: Vec<&str> = def
                    .relations
                    .iter()
                    .map(|relation| relation.name.text.as_str())
                    .collect();
                output::line(format!("  type {}: {}", def.name.text, relations.join(", ")))?;
            }
            for policy in &schema.policies {
                output::line(format!("  policy {}", policy.name.text))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
