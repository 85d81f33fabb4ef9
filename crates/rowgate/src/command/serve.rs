//! `rowgate serve`: a server.

mod sql;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use rowgate_server::config::DEFAULT_PORT;
use rowgate_server::{Config, IdentityConfig, Log, LogFormat, Server, StoreLocation};

use crate::cli::Session;
use crate::embedded;
use crate::failure::{Failure, Result};
use crate::output;

/// Start a server. It stops on Ctrl-C and on SIGTERM, after the requests in flight.
#[derive(Debug, Args)]
#[command(
    after_help = "The key of --api-key (or ROWGATE_API_KEY) opens the environment `default`. Without one, the key of a new store is\nmade up and printed once, to the standard error output."
)]
pub struct Serve {
    /// Where to listen
    #[arg(long, env = "ROWGATE_LISTEN", value_name = "ADDRESS", value_parser = address, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)))]
    listen: SocketAddr,
    /// Where warrants are durable
    #[arg(
        long,
        env = "ROWGATE_STORE",
        hide_env_values = true,
        value_name = "STORE",
        default_value = "file:./rowgate-data"
    )]
    store: StoreLocation,
    /// A file with the issuers whose tokens are accepted; see docs/identity.md
    #[arg(long, env = "ROWGATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// An origin whose pages may call the API from a browser; `*` for all
    #[arg(
        long = "cors-origin",
        env = "ROWGATE_CORS_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    cors_origins: Vec<String>,
    /// How many days the audit log of the authorization API is kept
    #[arg(
        long,
        env = "ROWGATE_AUDIT_DAYS",
        value_name = "DAYS",
        default_value_t = 400,
        value_parser = clap::value_parser!(u32).range(1..=36_500)
    )]
    audit_days: u32,
    /// The form of log lines: text, json or off
    #[arg(long, env = "ROWGATE_LOG_FORMAT", value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
    /// What is logged: a level, or directives such as `info,rowgate_server=debug`
    #[arg(long, env = "ROWGATE_LOG", value_name = "LEVEL", default_value = "info")]
    log_level: String,
    // The last, because its heading goes on for what follows.
    #[command(flatten)]
    sql: sql::Sql,
}

impl Serve {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let identity = match &self.config {
            Some(file) => IdentityConfig::from_file(file).map_err(|error| Failure::new(error.to_string()))?,
            None => IdentityConfig::default(),
        };
        let config = Config {
            listen: self.listen,
            api_key: session.api_key().map(str::to_owned),
            cors_origins: self.cors_origins.clone(),
            identity,
            audit_retention: Duration::from_secs(u64::from(self.audit_days) * 24 * 60 * 60),
            sql: self.sql.config()?,
            sql_environment: self.sql.environment.clone(),
            log: Log {
                format: self.log_format,
                level: self.log_level.clone(),
            },
            ..Config::new(self.store.clone())
        };
        let address = self.listen;
        embedded::runtime()?.block_on(async move {
            let server = Server::bind(config)
                .await
                .map_err(|error| explained(&error, address))?;
            if let Some(key) = server.generated_key() {
                let style = anstyle::Style::new().bold();
                output::note("This store is new. Its API key, shown once:");
                output::note(format!("\n    {style}{key}{style:#}\n"));
                output::note("Keep it, for instance in ROWGATE_API_KEY.");
            }
            let stop = embedded::interrupted()?;
            server
                .run(stop)
                .await
                .map_err(|error| Failure::new(error.to_string()))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// An address to listen on; `localhost` stands for the loopback address.
fn address(text: &str) -> std::result::Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("{}:{port}", Ipv4Addr::LOCALHOST),
        None => text.to_owned(),
    };
    let wrong = |_| {
        format!(
            "write an IP address and a port, as in `{0}:{DEFAULT_PORT}`; with `0.0.0.0` it listens on every address of this machine",
            Ipv4Addr::LOCALHOST
        )
    };
    numeric.parse().map_err(wrong)
}

/// A server that does not start, with what to do about it.
fn explained(error: &rowgate_server::ServeError, address: SocketAddr) -> Failure {
    let message = error.to_string();
    match error {
        rowgate_server::ServeError::Listen { .. } => {
            let help = format!(
                "something else may be listening there; choose another address with --listen, like {}:0",
                address.ip()
            );
            Failure::with_help(message, help)
        }
        _ => Failure::new(message),
    }
}
