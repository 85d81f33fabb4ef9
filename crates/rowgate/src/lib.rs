//! The command line of Rowgate: the server, and everything one does to a server.
//!
//! # Layout
//!
//! * [`cli`]: the commands and options all commands share.
//! * [`command`]: one file per command.
//! * [`client`]: the HTTP client; [`surface`]: scenarios over HTTP.
//! * [`failure`]: why a command fails, what to do about it, and exit codes.
//! * `declared`: hints from the schema about names that it does not have.
//! * `input`: what an argument may be; `output`: what is printed, and where.
//! * `embedded`: a server in this process, for the demo and for tests.

pub mod cli;
pub mod client;
pub mod command;
mod declared;
pub mod embedded;
pub mod failure;
mod found;
mod input;
mod output;
pub mod surface;

use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use cli::{Cli, Session};
use failure::{EXIT_ERROR, Failure};

/// Reads the arguments, runs the command, and says how it went.
///
/// Exit codes: 0 for yes and done, 1 for no (a denied check, a scenario that differs, a schema that is not valid), 2 for errors.
pub fn main() -> ExitCode {
    let parsed = Cli::definition().try_get_matches().and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, Session::url_was_given(&matches)))
    });
    let (cli, url_given) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // A closed pipe is no reason to complain about not being able to complain.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(EXIT_ERROR),
            };
        }
    };
    cli.global.color.apply();
    let session = Session::new(cli.global, url_given);
    match command::run(cli.command, &session) {
        Ok(code) => code,
        Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure, session.json());
            ExitCode::from(EXIT_ERROR)
        }
    }
}
