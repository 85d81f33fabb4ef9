//! The options of SQL over HTTP.

use std::time::Duration;

use clap::Args;
use rowgate_server::sql::{Config, Limits, Target};

use crate::failure::{Failure, Result};

/// SQL over HTTP.
#[derive(Debug, Args)]
#[command(next_help_heading = "SQL over HTTP")]
pub struct Sql {
    /// Serve `POST /sql` for this database: postgres://USER:PASSWORD@HOST/DATABASE of a role that `rowgate pg install --server` names
    // The id `url` is that of the server to talk to, with its own environment variable.
    #[arg(
        id = "sql",
        long = "sql",
        env = "ROWGATE_SQL",
        hide_env_values = true,
        value_name = "URL"
    )]
    url: Option<String>,
    /// The environment whose users may ask: tokens of the issuers of other environments are refused
    #[arg(
        long = "sql-environment",
        env = "ROWGATE_SQL_ENVIRONMENT",
        value_name = "NAME",
        default_value = "default"
    )]
    pub(super) environment: String,
    /// Let the role `anonymous` in without a token
    #[arg(long = "sql-anonymous", env = "ROWGATE_SQL_ANONYMOUS", requires = "sql")]
    anonymous: bool,
    /// A role that may come with its password, which Postgres verifies; `*` for all
    #[arg(
        long = "sql-password-role",
        env = "ROWGATE_SQL_PASSWORD_ROLES",
        value_delimiter = ',',
        value_name = "ROLE",
        requires = "sql"
    )]
    password_roles: Vec<String>,
    /// How long the SQL of a request may take
    #[arg(
        long = "sql-timeout",
        env = "ROWGATE_SQL_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(1..=50)
    )]
    timeout: u64,
}

impl Sql {
    pub(super) fn config(&self) -> Result<Option<Config>> {
        let Some(url) = self.url.as_deref().filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let target: Target = url
            .parse()
            .map_err(|error| Failure::new(format!("--sql: {error}")))?;
        let limits = Limits {
            time: Duration::from_secs(self.timeout),
            ..Limits::default()
        };
        let config = Config {
            password_roles: self.password_roles.clone(),
            anonymous: self.anonymous,
            limits,
            ..Config::new(target)
        };
        Ok(Some(config))
    }
}
