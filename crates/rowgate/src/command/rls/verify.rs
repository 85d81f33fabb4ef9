//! `rowgate rls verify`: what undoes row-level security.

use std::path::Path;

use clap::Args;
use rowgate_rls::Bindings;
use rowgate_rls::verify::{Compared, Finding, Question, Remedy, Report, Severity, codes, run};
use rowgate_schema::{Diagnostic, Model};
use serde_json::{Value, json};

use super::documents::parse_bindings;
use super::{BINDINGS, Database};
use crate::cli::Session;
use crate::failure::{Failure, Result, answer};
use crate::found::Text;
use crate::{input, output};

/// Find what undoes row-level security in a database, and print the SQL that mends it.
#[derive(Debug, Args)]
#[command(
    after_help = "Works on any PostgreSQL 15 or newer, also where Rowgate is not installed. With bindings, or where `rowgate rls apply` ran, it also finds\nwhat differs from what apply makes. Changes nothing. Ends with 1 when there is an error, and with 2 when it could not compare; docs/rls-verify.md explains the codes."
)]
pub struct Verify {
    #[command(flatten)]
    database: Database,
    /// Compare with these bindings [default: rowgate.toml if it is here, or else those that were applied]
    #[arg(long, value_name = "FILE")]
    bindings: Option<String>,
    /// The schema of the bindings [default: the one in force in the database]
    #[arg(long, value_name = "FILE")]
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
        let file = self.bindings_file();
        if self.schema.is_some() && file.is_none() {
            let help = format!("name the file of the bindings with --bindings; there is no {BINDINGS} here");
            return Err(Failure::with_help(
                "--schema is the schema of bindings, and there are none",
                help,
            ));
        }
        let json = session.json();
        let bindings = file.map(|file| read_bindings(file, json)).transpose()?;
        let schema = self
            .schema
            .as_deref()
            .map(|file| read_schema(file, json))
            .transpose()?;
        let mut client = self.database.connect()?;
        let question = Question {
            bindings: bindings.as_ref(),
            schema: schema.as_ref(),
        };
        let mut report = run(&mut client, question).map_err(|error| Failure::new(error.to_string()))?;
        let ignored = |finding: &Finding| self.ignore.iter().any(|code| code == finding.code);
        report.findings.retain(|finding| !ignored(finding));
        if session.json() {
            output::json(&as_json(&report, file))?;
        } else {
            as_text(&report, file)?;
        }
        if let Compared::Unread(error) = report.compared {
            let help = "connect as a member of rowgate_owner, such as the owner of the tables";
            return Err(Failure::with_help(
                format!("what was applied is not compared: {error}"),
                help,
            ));
        }
        Ok(answer(count(&report.findings, Severity::Error) == 0))
    }

    fn bindings_file(&self) -> Option<&str> {
        let usual = || Path::new(BINDINGS).exists().then_some(BINDINGS);
        self.bindings.as_deref().or_else(usual)
    }
}

fn read_bindings(file: &str, json: bool) -> Result<Bindings> {
    parse_bindings(file, &input::read_text(file)?, json)
}

fn read_schema(file: &str, json: bool) -> Result<Model> {
    let text = input::read_text(file)?;
    let compiled = rowgate_schema::compile(&text);
    let refused = |found: Vec<Diagnostic>| {
        let text = Text { file, text: &text };
        text.refused(&found, json, format!("{file} is not a valid schema"))
    };
    compiled.map(|(model, _)| model).map_err(refused)
}

fn count(found: &[Finding], severity: Severity) -> usize {
    found
        .iter()
        .filter(|finding| finding.severity == severity)
        .count()
}

fn as_json(report: &Report, file: Option<&str>) -> Value {
    let found = &report.findings;
    json!({
        "errors": count(found, Severity::Error),
        "warnings": count(found, Severity::Warning),
        "notes": count(found, Severity::Note),
        "compared": match report.compared {
            Compared::Given => file,
            Compared::Applied => Some("applied"),
            Compared::Nothing | Compared::Unread(_) => None,
        },
        "findings": found.iter().map(Finding::to_json).collect::<Vec<_>>(),
    })
}

/// What the counts are worth.
fn compared(report: &Report, file: Option<&str>) -> String {
    match report.compared {
        Compared::Given => format!("compared with {}", output::tame(file.unwrap_or_default())),
        Compared::Applied => "compared with what was applied".to_owned(),
        Compared::Unread(_) => "what was applied could not be read, so nothing is compared".to_owned(),
        Compared::Nothing if !report.guarded => {
            "no table has row-level security, and nothing was applied: nothing is guarded".to_owned()
        }
        Compared::Nothing => {
            "nothing was applied, so nothing is compared; what is there was examined".to_owned()
        }
    }
}

fn as_text(report: &Report, file: Option<&str>) -> Result<()> {
    let found = &report.findings;
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
    // Without a comparison there is no yes.
    let mark = match report.compared {
        _ if count(found, Severity::Error) > 0 => "✖ ",
        Compared::Given | Compared::Applied => "✔ ",
        Compared::Nothing | Compared::Unread(_) => "",
    };
    output::line(format!("{mark}{counts}; {}", compared(report, file)))
}
