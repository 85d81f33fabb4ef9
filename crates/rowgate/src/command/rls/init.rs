//! `rowgate rls init`: a first draft of bindings and of a schema.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use rowgate_rls::draft::draft_from;
use serde_json::json;

use super::Database;
use crate::cli::Session;
use crate::failure::{Failure, Result};
use crate::output;

/// Draft bindings and a schema from the keys of a database.
#[derive(Debug, Args)]
#[command(
    after_help = "The draft binds tables and guards nothing: the roles and the policies are left for you to decide. Reads the database, and changes nothing in it."
)]
pub struct Init {
    #[command(flatten)]
    database: Database,
    /// The schema of the database that has the tables
    #[arg(long, value_name = "NAME", default_value = "public")]
    schema: String,
    /// Where to write the bindings; `-` prints them
    #[arg(long, value_name = "FILE", default_value = "rowgate.toml")]
    output: String,
    /// Where to write a schema that fits the bindings; `-` prints it
    #[arg(long, value_name = "FILE")]
    schema_output: Option<String>,
    /// Overwrite files
    #[arg(long)]
    force: bool,
}

impl Init {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let files: Vec<&str> = std::iter::once(self.output.as_str())
            .chain(self.schema_output.as_deref())
            .collect();
        for file in &files {
            self.may_write(file)?;
        }
        if let [bindings, schema] = files.as_slice()
            && bindings == schema
            && *bindings != "-"
        {
            return Err(Failure::new("--output and --schema-output are the same file"));
        }
        let mut client = self.database.connect()?;
        let draft = draft_from(&mut client, &self.schema).map_err(|error| Failure::new(error.to_string()))?;
        self.write(&self.output, &draft.bindings)?;
        if let Some(file) = &self.schema_output {
            self.write(file, &draft.schema)?;
        }
        let written: Vec<&&str> = files.iter().filter(|file| **file != "-").collect();
        if session.json() && !written.is_empty() {
            output::json(&json!({"files": written, "tables": draft.tables}))?;
        } else {
            for file in written {
                output::note(format!("wrote {file}"));
            }
            let tables = if draft.tables == 1 {
                "1 table is".to_owned()
            } else {
                format!("{} tables are", draft.tables)
            };
            output::note(format!(
                "{tables} bound. Decide what the comments with DECIDE ask, then run `rowgate rls plan`."
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Says no before anything is written.
    fn may_write(&self, file: &str) -> Result<()> {
        if file == "-" || self.force || !Path::new(file).exists() {
            Ok(())
        } else {
            Err(exists(file))
        }
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        if file == "-" {
            return output::plain(text);
        }
        let mut options = OpenOptions::new();
        options.write(true);
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::AlreadyExists => exists(file),
            _ => Failure::file(file, &error),
        };
        let mut target = options.open(file).map_err(failed)?;
        target.write_all(text.as_bytes()).map_err(failed)
    }
}

fn exists(file: &str) -> Failure {
    Failure::with_help(
        format!("{file} exists already"),
        "name another file with --output or --schema-output, or overwrite it with --force",
    )
}
