//! `rowgate token`: tokens of users.

mod inspect;
mod mint;
mod rotate;

use clap::Subcommand;

use crate::cli::Session;
use crate::failure::Result;

/// Issue tokens for users, rotate the keys that sign them, and find out what is wrong with one.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Issue a token for a user, with the server's own issuer; prints the token alone
    Mint(mint::Mint),
    /// Have a new key sign tokens; those that were issued stay valid until they expire
    Rotate(rotate::Rotate),
    /// Show what a token says, and whether it is accepted; exit code 1 if it is not, 2 if it is no token at all
    Inspect(inspect::Inspect),
}

const PATH: [&str; 3] = ["rowgate", "v1", "tokens"];

impl Token {
    pub(crate) fn run(&self, session: &Session) -> Result {
        match self {
            Self::Mint(mint) => mint.run(session),
            Self::Rotate(rotate) => rotate.run(session),
            Self::Inspect(inspect) => inspect.run(session),
        }
    }
}
