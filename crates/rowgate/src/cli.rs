//! The commands, and the options that all of them share.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, Parser, ValueEnum};

use crate::client::Client;
use crate::command::Command;
use crate::failure::{Failure, Result};

/// Self-hosted fine-grained authorization.
#[derive(Debug, Parser)]
#[command(
    name = "rowgate",
    version,
    about,
    arg_required_else_help = true,
    infer_subcommands = false,
    after_help = "Start with `rowgate demo`. Exit codes: 0 yes, 1 no (a denied check, a scenario that differs), 2 error."
)]
pub struct Cli {
    /// What all commands share.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of all commands.
#[derive(Debug, Clone, Args)]
pub struct Global {
    #[arg(
        long,
        global = true,
        env = "ROWGATE_URL",
        hide_env_values = true,
        value_name = "URL",
        help = format!("The server to talk to [default: {}]", default_url()),
        help_heading = "Global options"
    )]
    url: Option<String>,
    /// The key that opens an environment of the server
    #[arg(
        long,
        global = true,
        env = "ROWGATE_API_KEY",
        hide_env_values = true,
        value_name = "KEY",
        help_heading = "Global options"
    )]
    api_key: Option<String>,
    /// Print JSON, for programs
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Colours; NO_COLOR in the environment turns them off, too
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub color: Color,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

impl Cli {
    /// The definition of the command line, for parsing and for completions.
    pub fn definition() -> clap::Command {
        Self::command()
    }
}

/// One run of a command: what was said globally.
#[derive(Debug)]
pub struct Session {
    global: Global,
    url_given: bool,
}

impl Session {
    pub(crate) fn new(global: Global, url_given: bool) -> Self {
        Self { global, url_given }
    }

    /// Whether `--url` stands on the command line; the environment variable does not count.
    pub(crate) fn url_was_given(matches: &ArgMatches) -> bool {
        let mut at = Some(matches);
        while let Some(matches) = at {
            if matches.value_source("url") == Some(ValueSource::CommandLine) {
                return true;
            }
            at = matches.subcommand().map(|(_, below)| below);
        }
        false
    }

    /// Whether a server was named on the command line.
    pub fn url_given(&self) -> bool {
        self.url_given
    }

    /// Whether to print JSON.
    pub fn json(&self) -> bool {
        self.global.json
    }

    /// The key, if there is one.
    pub fn api_key(&self) -> Option<&str> {
        self.global.api_key.as_deref().filter(|key| !key.is_empty())
    }

    /// The client for the server.
    ///
    /// # Errors
    /// A URL that is none, and a missing key.
    pub fn client(&self) -> Result<Client> {
        let default = default_url();
        let url = self
            .global
            .url
            .as_deref()
            .filter(|url| !url.is_empty())
            .unwrap_or(&default);
        let key = self.api_key().ok_or_else(|| {
            Failure::with_help(
                "no API key",
                "give one with --api-key or in ROWGATE_API_KEY; `rowgate serve` prints the key of a new store",
            )
        })?;
        Client::new(url, key)
    }
}

/// Where `rowgate serve` listens unless told otherwise.
pub(crate) fn default_url() -> String {
    format!("http://127.0.0.1:{}", rowgate_server::config::DEFAULT_PORT)
}
