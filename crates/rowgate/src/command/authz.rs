//! `rowgate authz`: the authorization API's types, people and audit log.

mod apply;
mod audit;
mod import;
mod people;
mod plan;

use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::Session;
use crate::client::Ask;
use crate::failure::Result;
use crate::output;

const TYPES: [&str; 4] = ["rowgate", "v1", "authorization", "types"];

/// Resource types, roles and people of `/authorization`, and who granted what.
#[derive(Debug, Subcommand)]
pub enum Authz {
    /// Make the environment have the types, permissions and roles of a file, and print what was changed
    Apply(apply::Apply),
    /// Print the types, permissions and roles, as JSON
    Show,
    /// Bring in the organizations, users and memberships of a file, and print what was changed
    Import(import::Import),
    /// Print who granted and revoked what, newest first
    Audit(Box<audit::Audit>),
}

impl Authz {
    pub(crate) fn run(&self, session: &Session) -> Result {
        match self {
            Self::Apply(apply) => apply.run(session),
            Self::Import(import) => import.run(session),
            Self::Audit(audit) => audit.run(session),
            Self::Show => {
                let ask = Ask {
                    path: &TYPES,
                    ..Ask::default()
                };
                output::json(&session.client()?.get(&ask)?)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
