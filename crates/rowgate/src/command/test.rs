//! `rowgate test`: scenario files, and what differs.

mod server;

use std::path::PathBuf;

use clap::Args;
use rowgate_scenario::scenario::{Placed, Stage};
use rowgate_scenario::{EngineSurface, Report, Scenario, Surface, find, read, run};
use serde_json::{Value, json};

use crate::cli::Session;
use crate::failure::{Failure, Result, answer};
use crate::{input, output};

/// Run scenario files and print what differs. Each runs on a fresh engine in this process; with --url, on that server, which must be
/// empty.
#[derive(Debug, Args)]
#[command(
    after_help = "Files: *.scenario.yaml, and the *.test.yaml files of the WorkOS command line (or .yml, .json)."
)]
pub struct Test {
    /// Files, and directories of files
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// The schema for files that bring none
    #[arg(long, value_name = "FILE")]
    schema: Option<String>,
    /// On a server: delete every resource and warrant the run created, and put the schema back; with several files, always
    #[arg(long)]
    cleanup: bool,
    /// On a server: replace a schema that is not that of a new environment
    #[arg(long)]
    replace_schema: bool,
}

impl Test {
    pub(crate) fn run(&self, session: &Session) -> Result {
        if (self.cleanup || self.replace_schema) && !session.url_given() {
            let option = if self.cleanup {
                "--cleanup"
            } else {
                "--replace-schema"
            };
            return Err(Failure::with_help(
                format!("{option} is about a server, and the files run in this process"),
                "name the server with --url",
            ));
        }
        let scenarios = self.scenarios()?;
        let mut reports = Vec::new();
        if session.url_given() {
            let client = session.client()?;
            for scenario in &scenarios {
                let report = server::run(
                    &client,
                    scenario,
                    self.cleanup || scenarios.len() > 1,
                    self.replace_schema,
                )?;
                show(session, &report)?;
                reports.push(report);
            }
        } else {
            for scenario in &scenarios {
                let mut engine = EngineSurface::new().map_err(|error| Failure::new(error.to_string()))?;
                let report = run(scenario, &mut engine as &mut dyn Surface);
                show(session, &report)?;
                reports.push(report);
            }
        }
        let passed = reports.iter().all(Report::passed);
        let (right, asked) = reports
            .iter()
            .fold((0, 0), |sum, one| (sum.0 + one.right, sum.1 + one.questions));
        if session.json() {
            let scenarios: Vec<Value> = reports.iter().map(report_json).collect();
            output::json(
                &json!({"passed": passed, "right": right, "questions": asked, "scenarios": scenarios}),
            )?;
        } else if passed {
            output::line(format!("All tests passed ({right}/{asked})"))?;
        } else {
            output::line(format!(
                "{} of {asked} answers are not as expected",
                asked - right
            ))?;
        }
        Ok(answer(passed))
    }

    fn scenarios(&self) -> Result<Vec<Scenario>> {
        let schema = self.schema.as_deref().map(input::read_text).transpose()?;
        let unreadable = |error: rowgate_scenario::ReadError| Failure::new(error.to_string());
        let mut scenarios = Vec::new();
        for path in &self.paths {
            for file in find(path).map_err(unreadable)? {
                let mut scenario = read(&file).map_err(unreadable)?;
                if let (false, Some(text)) = (scenario.has_schema(), &schema) {
                    let schema = Some(Placed {
                        line: 1,
                        value: text.clone(),
                    });
                    scenario.stages.insert(
                        0,
                        Stage {
                            schema,
                            ..Stage::default()
                        },
                    );
                }
                scenarios.push(scenario);
            }
        }
        Ok(scenarios)
    }
}

fn show(session: &Session, report: &Report) -> Result<()> {
    if session.json() {
        Ok(())
    } else {
        output::text_block(&report.to_string())
    }
}

fn report_json(report: &Report) -> Value {
    let problems: Vec<Value> = report
        .problems
        .iter()
        .map(|problem| {
            json!({
                "line": problem.line,
                "question": problem.question,
                "expected": problem.expected,
                "came": problem.came,
                "reasons": problem.tree.as_ref().map(|tree| tree.reasons()),
            })
        })
        .collect();
    json!({
        "file": report.file,
        "name": report.name,
        "passed": report.passed(),
        "right": report.right,
        "questions": report.questions,
        "problems": problems,
    })
}
