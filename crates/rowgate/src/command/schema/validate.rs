//! `rowgate schema validate`: what is wrong with a schema.

use clap::Args;
use serde_json::json;

use super::source::{Source, count};
use crate::cli::Session;
use crate::failure::{Result, answer};
use crate::output;

/// Say what is wrong with a schema. Exits with 1 if it is not valid.
#[derive(Debug, Args)]
pub struct Validate {
    /// The file; `-` is the standard input
    file: String,
    /// Let warnings count as errors
    #[arg(long)]
    strict: bool,
}

impl Validate {
    pub(super) fn run(&self, session: &Session) -> Result {
        let source = Source::read(&self.file)?;
        let (valid, found) = match source.compile() {
            Ok((_, warnings)) => (!self.strict || warnings.is_empty(), warnings),
            Err(found) => (false, found),
        };
        if session.json() {
            let diagnostics = source.as_found().as_json(&found);
            output::json(&json!({"valid": valid, "diagnostics": diagnostics}))?;
            return Ok(answer(valid));
        }
        source.say(&found);
        match (valid, found.is_empty()) {
            (true, true) => output::line("✔ no issues")?,
            (true, false) => output::line(format!("✔ valid, with {}", count(&found)))?,
            (false, _) => output::line(format!("✖ not valid: {}", count(&found)))?,
        }
        Ok(answer(valid))
    }
}
