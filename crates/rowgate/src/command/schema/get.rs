//! `rowgate schema get`: the environment's schema.

use std::process::ExitCode;

use clap::Args;

use crate::cli::Session;
use crate::client::Ask;
use crate::failure::{Failure, Result};
use crate::output;

/// Print the schema of the environment, as text or (with --json) as JSON.
#[derive(Debug, Args)]
pub struct Get {}

impl Get {
    pub(super) fn run(&self, session: &Session) -> Result {
        let json = session.client()?.get(&Ask {
            path: &["fga", "v1", "schema"],
            ..Ask::default()
        })?;
        if session.json() {
            output::json(&json)?;
            return Ok(ExitCode::SUCCESS);
        }
        let schema = rowgate_schema::from_json(&json).schema;
        let schema = schema.ok_or_else(|| {
            Failure::with_help(
                "the server's schema is newer than this command line",
                "use --json, or update rowgate",
            )
        })?;
        output::plain(&rowgate_schema::format(&schema))?;
        Ok(ExitCode::SUCCESS)
    }
}
