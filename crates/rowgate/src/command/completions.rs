//! `rowgate completions`: scripts for shells.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Result;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "For example: rowgate completions bash > /etc/bash_completion.d/rowgate")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::definition(), "rowgate", &mut script);
        std::io::stdout().lock().write_all(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
