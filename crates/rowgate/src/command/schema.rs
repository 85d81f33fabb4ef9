//! `rowgate schema`: the model of an environment.
//!
//! Converting, formatting and validating need no server.

mod apply;
mod convert;
mod fmt;
mod get;
mod source;
mod validate;

use clap::Subcommand;

use crate::cli::Session;
use crate::failure::Result;

/// Apply, read, convert, format and validate schemas.
#[derive(Debug, Subcommand)]
pub enum Schema {
    /// Replace the schema of the environment
    Apply(apply::Apply),
    /// Print the schema of the environment
    Get(get::Get),
    /// Convert between the text form and JSON
    Convert(convert::Convert),
    /// Put a schema into its canonical form, in place
    Fmt(fmt::Fmt),
    /// Say what is wrong with a schema
    Validate(validate::Validate),
}

impl Schema {
    pub(crate) fn run(&self, session: &Session) -> Result {
        match self {
            Self::Apply(apply) => apply.run(session),
            Self::Get(get) => get.run(session),
            Self::Convert(convert) => convert.run(session),
            Self::Fmt(fmt) => fmt.run(session),
            Self::Validate(validate) => validate.run(session),
        }
    }
}
