//! `rowgate schema convert`: text to JSON and back, without a server.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::source::Source;
use crate::cli::Session;
use crate::failure::Result;
use crate::output;

/// Convert between the text form and JSON; warnings go to the standard error output.
#[derive(Debug, Args)]
pub struct Convert {
    /// The file; `-` is the standard input
    file: String,
    /// Into what
    #[arg(long, value_enum, default_value_t)]
    to: Form,
    /// How JSON is laid out
    #[arg(long, value_enum, default_value_t)]
    output: Layout,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// JSON.
    #[default]
    Json,
    /// The schema language.
    Schema,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Layout {
    /// For people.
    #[default]
    Pretty,
    /// On one line.
    Raw,
}

impl Convert {
    pub(super) fn run(&self, session: &Session) -> Result {
        let source = Source::read(&self.file)?;
        let (model, warnings) = source.compile().map_err(|found| {
            let message = format!("{} is not a valid schema", source.file);
            source.as_found().refused(&found, session.json(), message)
        })?;
        source.say(&warnings);
        match (self.to, self.output) {
            (Form::Schema, _) => output::plain(&rowgate_schema::format(model.schema()))?,
            (Form::Json, Layout::Pretty) => output::json(&rowgate_schema::to_json(model.schema()))?,
            (Form::Json, Layout::Raw) => {
                output::plain(&format!("{}\n", rowgate_schema::to_json(model.schema())))?
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
