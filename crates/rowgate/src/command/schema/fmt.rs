//! `rowgate schema fmt`: the canonical form.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::source::Source;
use crate::cli::Session;
use crate::failure::{Failure, Result, answer};
use crate::output;

/// Put a schema into its canonical form, in place; from the standard input to the standard output. Relations and policies are
/// put in order by name; comments stay with what they are above or beside.
#[derive(Debug, Args)]
pub struct Fmt {
    /// The file; `-` is the standard input
    file: String,
    /// Change nothing; exit with 1 if something would change
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub(super) fn run(&self, session: &Session) -> Result {
        let source = Source::read(&self.file)?;
        if source.is_json() {
            let help = format!("rowgate schema convert {} --to schema", self.file);
            return Err(Failure::with_help(
                format!("{} is the JSON form, which is not formatted", source.file),
                help,
            ));
        }
        let parsed = rowgate_schema::parse(&source.text);
        let Some(schema) = parsed.schema else {
            let message = format!("{} cannot be read; nothing was changed", source.file);
            let found = &parsed.diagnostics;
            return Err(source.as_found().refused(found, session.json(), message));
        };
        source.say(&parsed.diagnostics);
        let text = rowgate_schema::format_source(&source.text, &schema);
        let same = text.trim_end() == source.text.trim_end();
        if session.json() && self.file != "-" {
            if !self.check && !same {
                write(&self.file, &text)?;
            }
            output::json(
                &json!({"file": self.file, "formatted": same || !self.check, "changed": !same && !self.check}),
            )?;
            return Ok(answer(same || !self.check));
        }
        if self.check {
            output::line(format!(
                "{} {}",
                if same {
                    "✔ formatted"
                } else {
                    "✖ not formatted"
                },
                source.file
            ))?;
            return Ok(answer(same));
        }
        if self.file == "-" {
            output::plain(&text)?;
        } else if !same {
            write(&self.file, &text)?;
            output::line(format!("✔ formatted {}", self.file))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes beside the file and renames, so that a crash leaves one or the other.
fn write(path: &str, text: &str) -> Result<()> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    let target = std::fs::canonicalize(path).map_err(failed)?;
    let directory = target.parent().unwrap_or(std::path::Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    let permissions = std::fs::metadata(&target).map_err(failed)?.permissions();
    file.as_file().set_permissions(permissions).map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}
