//! `rowgate pg`: what Rowgate keeps in Postgres.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use rowgate_store::postgres::install::{self, ClientRole, Grants};
use rowgate_store::postgres::uninstall;
use serde_json::json;

use crate::cli::Session;
use crate::failure::{Failure, Result};
use crate::{input, output};

/// Install, bring up to date and uninstall what Rowgate keeps in Postgres.
#[derive(Debug, Subcommand)]
pub enum Pg {
    /// Create the schemas `rowgate` and `auth`, or bring them up to date, and let roles use them
    Install(Install),
    /// Drop what `install` made, with all warrants
    Uninstall(Uninstall),
}

/// Which database, and whether to change it.
#[derive(Debug, Args)]
struct Database {
    /// The database: postgres://USER:PASSWORD@HOST/DATABASE, as a role that may create roles and schemas
    #[arg(long, env = "ROWGATE_PG_URL", hide_env_values = true, value_name = "URL")]
    database: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long, visible_alias = "plan")]
    dry_run: bool,
}

/// Create the schemas `rowgate` and `auth`, or bring them up to date, and let roles use them.
#[derive(Debug, Args)]
#[command(
    after_help = "Client roles are for people who send SQL with a token, through `rowgate serve --sql`. Each gets a login for each session that it\ncan have at a time, with a password that only Rowgate's servers read. `--with-roles` makes `authenticated` and `anonymous`."
)]
pub struct Install {
    #[command(flatten)]
    database: Database,
    /// A role that servers connect as
    #[arg(long = "server", value_name = "ROLE")]
    servers: Vec<String>,
    /// A role that the application connects as. It may write warrants, and say whom it acts for
    #[arg(long = "app", value_name = "ROLE")]
    apps: Vec<String>,
    /// Make the client roles `authenticated` and `anonymous`
    #[arg(long)]
    with_roles: bool,
    /// Make another client role
    #[arg(long = "client-role", value_name = "ROLE")]
    clients: Vec<String>,
    /// How many sessions each client role can have at a time, over all servers
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=200))]
    sessions: i32,
    /// A schema whose tables client roles may read and write, as far as row-level security lets them; `none` for no schema
    #[arg(long = "schema", value_name = "SCHEMA", default_value = "public")]
    schemas: Vec<String>,
}

/// Drop what `install` made, with all warrants.
#[derive(Debug, Args)]
pub struct Uninstall {
    #[command(flatten)]
    database: Database,
    /// Yes, drop all warrants
    #[arg(long)]
    yes: bool,
}

impl Pg {
    pub(crate) fn run(&self, session: &Session) -> Result {
        match self {
            Self::Install(install) => install.run(session),
            Self::Uninstall(uninstall) => uninstall.run(session),
        }
    }
}

impl Install {
    fn run(&self, session: &Session) -> Result {
        let dry_run = &self.database.dry_run;
        let database = input::database(self.database.database.as_ref())?;
        let grants = self.grants();
        let steps = if *dry_run {
            install::plan(database, &grants)
        } else {
            install::install(database, &grants)
        };
        let steps = steps.map_err(|error| Failure::new(error.to_string()))?;
        // What was done is said even if what is left cannot be found out.
        if !session.json() {
            told(&steps, *dry_run);
        }
        let left = install::left_to_grant(database).map_err(|error| Failure::new(error.to_string()))?;
        if session.json() {
            return told_as_json(&steps, *dry_run, &left);
        }
        if !left.is_empty() {
            output::note("So that the owners of the tables can run `rowgate rls apply`:");
            left.iter()
                .for_each(|statement| output::note(format!("  {statement};")));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn grants(&self) -> Grants {
        let usual: &[&str] = if self.with_roles {
            &["authenticated", "anonymous"]
        } else {
            &[]
        };
        let names = usual
            .iter()
            .map(|name| (*name).to_owned())
            .chain(self.clients.iter().cloned());
        let schemas: Vec<String> = self
            .schemas
            .iter()
            .filter(|schema| *schema != "none")
            .cloned()
            .collect();
        let client = |name| ClientRole {
            name,
            sessions: self.sessions,
            schemas: schemas.clone(),
        };
        Grants {
            servers: self.servers.clone(),
            apps: self.apps.clone(),
            clients: names.map(client).collect(),
        }
    }
}

impl Uninstall {
    fn run(&self, session: &Session) -> Result {
        let dry_run = &self.database.dry_run;
        let database = input::database(self.database.database.as_ref())?;
        if !dry_run && !self.yes {
            return Err(Failure::with_help(
                "this drops all warrants",
                "look with --dry-run, and say --yes to do it",
            ));
        }
        let steps = if *dry_run {
            uninstall::plan(database)
        } else {
            uninstall::uninstall(database)
        };
        let steps = steps.map_err(|error| Failure::new(error.to_string()))?;
        if session.json() {
            return told_as_json(&steps, *dry_run, &[]);
        }
        told(&steps, *dry_run);
        Ok(ExitCode::SUCCESS)
    }
}

/// The steps, and the statements that are left to the owners of tables or somebody else.
fn told_as_json<S: std::fmt::Display>(steps: &[S], dry_run: bool, left_to_do: &[String]) -> Result {
    let steps: Vec<String> = steps.iter().map(S::to_string).collect();
    output::json(&json!({"applied": !dry_run, "steps": steps, "left_to_do": left_to_do}))?;
    Ok(ExitCode::SUCCESS)
}

/// One line for each step.
fn told<S: std::fmt::Display>(steps: &[S], dry_run: bool) {
    if steps.is_empty() {
        output::note("Nothing to do.");
    }
    for step in steps {
        output::note(if dry_run {
            format!("would {step}")
        } else {
            step.to_string()
        });
    }
}
