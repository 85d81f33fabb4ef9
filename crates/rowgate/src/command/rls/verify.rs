//! `rowgate rls verify`: what undoes row-level security.

use clap::Args;
use rowgate_rls::Bindings;
use rowgate_rls::verify::{Finding, Question, Remedy, Report, Severity, codes, run};
use rowgate_schema::{Diagnostic, Model};
use serde_json::{Value, json};

use super::Database;
use crate::cli::Session;
use crate::failure::{Failure, Result, answer};
use crate::{input, output};

/// Find what undoes row-level security in a database, and print the SQL that mends it.
#[derive(Debug, Args)]
#[command(
    after_help = "Works on any PostgreSQL 15 or newer, also where Rowgate is not installed. With bindings, or where `rowgate rls apply` ran, it also finds\nwhat differs from what apply makes. Changes nothing. Ends with 1 when there is an error; docs/rls-verify.md explains the codes."
)]
pub struct Verify {
    #[command(flatten)]
    database: Database,
    /// Compare with these bindings [default: those that were applied, if some were]
    #[arg(long, value_name = "FILE")]
    bindings: Option<String>,
    /// The schema of the bindings [default: the one in force in the database]
    #[arg(long, value_name = "FILE", requires = "bindings")]
    schema: Option<String>,
    /// Leave out findings with this code
    #[arg(long, value_name = "CODE", value_parser = known_code)]
    ignore: Vec<String>,
}

fn known_code(text: &str) -> std::result::Result<String, String> {
    if codes::ALL.iter().any(|(code, ..)| *code == text) {
        return Ok(text.to_owned());
    }
    let known = codes::ALL.iter().map(|(code, ..)| *code);
    let meant = rowgate_schema::did_you_mean(text, known);
    Err(format!(
        "there is no such code{}",
        meant.map_or_else(String::new, |meant| format!("; {meant}"))
    ))
}

impl Verify {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let bindings = self.bindings.as_deref().map(read_bindings).transpose()?;
        let schema = self.schema.as_deref().map(read_schema).transpose()?;
        let mut client = self.database.connect()?;
        let question = Question {
            bindings: bindings.as_ref(),
            schema: schema.as_ref(),
        };
        let Report {
            findings: mut found,
            compared,
            unread,
        } = run(&mut client, question).map_err(|error| Failure::new(error.to_string()))?;
        if let Some(error) = unread {
            output::warn(&format!("what was applied is not compared: {error}"));
        }
        found.retain(|finding| !self.ignore.iter().any(|code| code == finding.code));
        if session.json() {
            output::json(&as_json(&found))?;
        } else {
            as_text(&found, compared)?;
        }
        Ok(answer(count(&found, Severity::Error) == 0))
    }
}

fn read_bindings(path: &str) -> Result<Bindings> {
    let text = input::read_text(path)?;
    Bindings::parse_toml(&text).map_err(|found| wrong(&found, &text, path))
}

fn read_schema(path: &str) -> Result<Model> {
    let text = input::read_text(path)?;
    let compiled = rowgate_schema::compile(&text);
    compiled
        .map(|(model, _)| model)
        .map_err(|found| wrong(&found, &text, path))
}

/// A file that says something wrong, with the places underlined.
fn wrong(found: &[Diagnostic], text: &str, path: &str) -> Failure {
    for diagnostic in found {
        output::note(rowgate_schema::render(
            diagnostic,
            text,
            path,
            output::colors_errors(),
        ));
    }
    Failure::new(format!("{path} cannot be used"))
}

fn count(found: &[Finding], severity: Severity) -> usize {
    found
        .iter()
        .filter(|finding| finding.severity == severity)
        .count()
}

fn as_json(found: &[Finding]) -> Value {
    json!({
        "errors": count(found, Severity::Error),
        "warnings": count(found, Severity::Warning),
        "notes": count(found, Severity::Note),
        "findings": found.iter().map(Finding::to_json).collect::<Vec<_>>(),
    })
}

fn as_text(found: &[Finding], compared: bool) -> Result<()> {
    for finding in found {
        let mark = if finding.severity == Severity::Error {
            "✖ "
        } else {
            ""
        };
        let head = format!("{mark}{}[{}]", finding.severity.name(), finding.code);
        output::line(format!(
            "{} {}",
            output::bold(&head),
            output::tame(&finding.object)
        ))?;
        output::line(format!("  {}", output::tame(&finding.message)))?;
        match &finding.remedy {
            Remedy::Sql(statements) => {
                for statement in statements {
                    output::line(format!("    {}", output::tame(statement)))?;
                }
            }
            Remedy::Command(command) => output::line(format!("    $ {command}"))?,
            Remedy::Advice(advice) => output::line(format!("  remedy: {}", output::tame(advice)))?,
        }
        output::line("")?;
    }
    let number = |severity: Severity| {
        let many = count(found, severity);
        format!("{many} {}{}", severity.name(), if many == 1 { "" } else { "s" })
    };
    let counts = [Severity::Error, Severity::Warning, Severity::Note]
        .map(number)
        .join(", ");
    let mark = if count(found, Severity::Error) == 0 {
        "✔"
    } else {
        "✖"
    };
    output::line(format!("{mark} {counts}"))?;
    if !compared {
        output::note("There are no bindings to compare with, so only what is there was examined.");
    }
    Ok(())
}
