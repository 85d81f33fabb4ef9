//! `rowgate rls`: row-level security from the schema and bindings.

mod documents;
pub mod init;
pub mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use rowgate_rls::{Error, Explanation, Plan, Step};
use serde_json::{Value, json};

use crate::cli::Session;
use crate::failure::{Failure, Result};
use crate::{input, output};
use documents::Documents;

/// The file that bindings are in, unless another one is named.
const BINDINGS: &str = "rowgate.toml";

/// Let the database show each row to those whom the schema lets see it.
#[derive(Debug, Subcommand)]
pub enum Rls {
    /// Print the SQL that `apply` would run and, in words, where each answer comes from
    Plan(Put),
    /// Put bindings, and perhaps a schema, into force, in one transaction
    Apply(Put),
    /// Remove what `apply` made
    Drop(Drop),
    /// Find what undoes row-level security in a database, and print the SQL that mends it
    Verify(verify::Verify),
    /// Draft bindings and a schema from the keys of a database
    Init(init::Init),
}

/// What to put into force, and where.
#[derive(Debug, Args)]
pub struct Put {
    #[command(flatten)]
    database: Database,
    /// The bindings
    #[arg(long, value_name = "FILE", default_value = BINDINGS)]
    bindings: String,
    /// A schema to put into force with them, instead of the one that is
    #[arg(long, value_name = "FILE")]
    schema: Option<String>,
    /// Leave policies that were made by hand, which let through what they let through
    #[arg(long)]
    keep_existing: bool,
}

/// Remove what `apply` made.
#[derive(Debug, Args)]
pub struct Drop {
    #[command(flatten)]
    database: Database,
    /// The environment whose bindings they are
    #[arg(long, value_name = "NAME", default_value = "default")]
    environment: String,
    /// Yes, show all rows to whoever may select
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
struct Database {
    /// The database: postgres://USER:PASSWORD@HOST/DATABASE, as the owner of the tables
    #[arg(long, env = "ROWGATE_PG_URL", hide_env_values = true, value_name = "URL")]
    database: Option<String>,
}

impl Database {
    fn connect(&self) -> Result<rowgate_rls::Client> {
        let url = input::database(self.database.as_ref())?;
        rowgate_store::postgres::connect(url).map_err(|error| Failure::new(error.to_string()))
    }
}

impl Rls {
    pub(crate) fn run(&self, session: &Session) -> Result {
        match self {
            Self::Plan(put) => put.plan(session),
            Self::Apply(put) => put.apply(session),
            Self::Drop(drop) => drop.run(session),
            Self::Verify(verify) => verify.run(session),
            Self::Init(init) => init.run(session),
        }
    }
}

impl Put {
    fn documents(&self, session: &Session) -> Result<Documents> {
        Documents::read(&self.bindings, self.schema.as_deref(), session.json())
    }

    fn plan(&self, session: &Session) -> Result {
        let documents = self.documents(session)?;
        let mut client = self.database.connect()?;
        let plan = rowgate_rls::plan(&mut client, &documents.request(self.keep_existing));
        let plan = plan.map_err(|error| refused(&error, &documents))?;
        if session.json() {
            output::json(&as_json(&plan, &documents, false, &[]))?;
            return Ok(ExitCode::SUCCESS);
        }
        for explanation in &plan.explanations {
            let commands = commands(explanation);
            output::line(format!(
                "-- {} guards {}: a row is let through when",
                explanation.relation,
                commands.join(", ")
            ))?;
            for way in &explanation.ways {
                output::line(format!("--   * {}", output::tame(way)))?;
            }
        }
        for step in &plan.steps {
            statement(step)?;
        }
        if plan.steps.is_empty() && plan.isolation.is_empty() {
            output::note("Nothing to do: the database is as these bindings ask for.");
        }
        for isolation in &plan.isolation {
            statement(&Step {
                role: None,
                sql: isolation.sql.clone(),
            })?;
        }
        remarks(&plan, &documents);
        Ok(ExitCode::SUCCESS)
    }

    fn apply(&self, session: &Session) -> Result {
        let documents = self.documents(session)?;
        let mut client = self.database.connect()?;
        let applied = rowgate_rls::apply(&mut client, &documents.request(self.keep_existing));
        let applied = applied.map_err(|error| refused(&error, &documents))?;
        if session.json() {
            output::json(&as_json(&applied.plan, &documents, true, &applied.left_to_do))?;
            return Ok(ExitCode::SUCCESS);
        }
        remarks(&applied.plan, &documents);
        for explanation in &applied.plan.explanations {
            let commands = commands(explanation);
            output::note(format!("{} guards {}", explanation.relation, commands.join(", ")));
        }
        if applied.plan.steps.is_empty() && applied.plan.isolation.is_empty() {
            output::note("Nothing to do: the database was as these bindings ask for.");
        }
        left(&applied.left_to_do);
        Ok(ExitCode::SUCCESS)
    }
}

impl Drop {
    fn run(&self, session: &Session) -> Result {
        if !self.yes {
            return Err(Failure::with_help(
                "this shows every row to every role that may select from its table",
                "say --yes to do it",
            ));
        }
        let mut client = self.database.connect()?;
        let dropped = rowgate_rls::drop(&mut client, &self.environment).map_err(|error| undropped(&error))?;
        if session.json() {
            let steps: Vec<Value> = dropped.steps.iter().map(step_as_json).collect();
            output::json(&json!({"applied": true, "steps": steps, "left_to_do": dropped.left_to_do}))?;
            return Ok(ExitCode::SUCCESS);
        }
        for step in &dropped.steps {
            output::note(step.sql.lines().next().unwrap_or_default());
        }
        if dropped.steps.is_empty() {
            output::note("Nothing to do: there is nothing here that `apply` made.");
        }
        left(&dropped.left_to_do);
        Ok(ExitCode::SUCCESS)
    }
}

/// The commands that a relation guards, as keywords.
fn commands(explanation: &Explanation) -> Vec<&'static str> {
    let commands = explanation.commands.iter();
    commands.map(|command| command.keyword()).collect()
}

/// What was done, or would be: what guards which commands, and the statements.
fn as_json(plan: &Plan, documents: &Documents, applied: bool, left_to_do: &[String]) -> Value {
    let guards = plan.explanations.iter().map(|explanation| {
        json!({
            "relation": explanation.relation,
            "commands": commands(explanation),
            "holds_when": explanation.ways,
        })
    });
    json!({
        "applied": applied,
        "guards": guards.collect::<Vec<_>>(),
        "steps": plan.steps.iter().map(step_as_json).collect::<Vec<_>>(),
        "roles_to_isolate": plan.isolation.iter().map(|isolation| &isolation.role).collect::<Vec<_>>(),
        "owners_held": plan.owners,
        "warnings": documents.bindings_as_json(&plan.warnings),
        "left_to_do": left_to_do,
    })
}

fn step_as_json(step: &Step) -> Value {
    json!({"sql": step.sql, "role": step.role})
}

/// What somebody else has to do.
fn left(statements: &[String]) {
    for statement in statements {
        output::warn(&format!(
            "this role may not do it; let an administrator run: {statement};"
        ));
    }
}

/// A step as SQL that can be run by hand.
fn statement(step: &Step) -> Result<()> {
    match step.role {
        None => output::text_block(&format!("{};\n", step.sql)),
        Some(role) => output::text_block(&format!(
            "set local role {role};\n{};\nset local role none;\n",
            step.sql
        )),
    }
}

/// What people should know of a plan beside its statements.
fn remarks(plan: &Plan, documents: &Documents) {
    documents.say_bindings(&plan.warnings);
    for owner in &plan.owners {
        output::warn(&format!(
            "policies hold for the owner of tables too: what {owner} itself updates and deletes there are no rows. \
             See `The owner of the tables` in docs/rls.md, for migrations that change rows"
        ));
    }
}

/// Says what is wrong, with the lines it is about.
fn refused(error: &Error, documents: &Documents) -> Failure {
    match error {
        Error::Bindings(found) => documents.unfit(found),
        Error::Refused(found) => documents.uncompiled(found),
        Error::Problems(found) => documents.in_the_way(found),
        Error::Database { .. } => unchanged(error),
    }
}

/// Why nothing was dropped.
fn undropped(error: &Error) -> Failure {
    match error {
        Error::Problems(found) if found.len() == 1 => Failure::Found {
            message: found[0].message.clone(),
            code: found[0].code,
            help: Some(found[0].help.clone()),
            found: Vec::new(),
        },
        _ => unchanged(error),
    }
}

fn unchanged(error: &Error) -> Failure {
    Failure::Found {
        message: format!("{error}; nothing was changed"),
        code: error.code(),
        help: None,
        found: Vec::new(),
    }
}
