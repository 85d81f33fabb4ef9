//! `rowgate demo`: a server with two models in it, and a walk through some decisions.

mod next;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Args;
use rowgate_scenario::scenario::{CheckCase, Scenario, Value};
use rowgate_scenario::{Surface, SurfaceError};
use rowgate_server::config::DEFAULT_PORT;
use serde_json::json;

use crate::cli::Session;
use crate::embedded::{self, Embedded};
use crate::failure::{Failure, Result, answer};
use crate::output;
use crate::surface::HttpSurface;

/// The models and the decisions. It is one of the scenarios that every surface is tested with.
const DEMO: &str = include_str!("../../../../scenarios/demo.scenario.yaml");

/// Start a server with the ticketing and the expenses model on a store that goes away, walk through some decisions, and keep serving.
#[derive(Debug, Args)]
pub struct Demo {
    /// Walk, check the answers, and exit with 0 or 1
    #[arg(long)]
    once: bool,
    /// Where to listen [default: the port of `rowgate serve`, or any free one if that is taken]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Demo {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let broken = |error: &dyn std::fmt::Display| Failure::new(format!("the demo does not work: {error}"));
        let scenario = rowgate_scenario::parse("demo.scenario.yaml", DEMO).map_err(|error| broken(&error))?;
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let server = match self.listen {
            Some(address) => Embedded::start(&[address])?,
            None => Embedded::start(&[at(DEFAULT_PORT), at(0)])?,
        };
        // Heard from here on, so that Ctrl-C during the walk cleans up, too.
        let runtime = embedded::runtime()?;
        let stop = {
            let _inside = runtime.enter();
            embedded::interrupted()?
        };
        let mut surface = HttpSurface::new(server.client()?);
        let report = rowgate_scenario::run(&scenario, &mut surface);
        if session.json() {
            let (url, key) = (server.url(), server.key());
            let (passed, right, asked) = (report.passed(), report.right, report.questions);
            output::json(
                &json!({"url": url, "api_key": key, "passed": passed, "right": right, "questions": asked}),
            )?;
        } else {
            output::line(format!(
                "{} at {}, on a store that goes away when it stops.",
                output::bold("A Rowgate server"),
                server.url()
            ))?;
            walk(&scenario, &mut surface).map_err(|error| broken(&error))??;
            if !report.passed() {
                output::text_block(&format!("\nSome of these answers are wrong:\n{report}"))?;
            }
            if !self.once {
                next::print(server.url(), server.key())?;
            }
        }
        if self.once {
            return Ok(answer(report.passed()));
        }
        output::note("Serving until Ctrl-C.");
        runtime.block_on(stop);
        Ok(ExitCode::SUCCESS)
    }
}

/// Asks every question for people to see.
fn walk(scenario: &Scenario, surface: &mut dyn Surface) -> std::result::Result<Result<()>, SurfaceError> {
    let mut out = String::new();
    for stage in &scenario.stages {
        let Some(about) = &stage.about else { continue };
        out.push_str(&format!("\n{}\n\n", output::bold(about)));
        for case in &stage.checks {
            show(&case.value, surface, &mut out)?;
        }
        if !stage.queries.is_empty() {
            out.push('\n');
        }
        for case in &stage.queries {
            let rows = surface.query(&case.value.query)?.rows;
            let rows: Vec<String> = rows.iter().map(|row| row.object.to_string()).collect();
            out.push_str(&format!(
                "  {}\n      {}\n",
                case.value.query.text,
                rows.join(", ")
            ));
        }
    }
    Ok(output::text_block(&out))
}

fn show(
    case: &CheckCase,
    surface: &mut dyn Surface,
    out: &mut String,
) -> std::result::Result<(), SurfaceError> {
    let answer = surface.check(&case.check)?;
    let mark = match answer.value {
        Value::True => '✔',
        Value::Unknown => '?',
        Value::False => '✖',
    };
    let name = case.name.as_deref().unwrap_or_default();
    out.push_str(&format!("  {mark} {name:<42} {}\n", case.check.tuple));
    if !answer.missing.is_empty() {
        out.push_str(&format!("      missing context: {}\n", answer.missing.join(", ")));
    }
    if !case.because.is_empty()
        && let Some(tree) = surface.explain(&case.check)?
    {
        for line in tree.to_string().lines() {
            out.push_str(&format!("      {line}\n"));
        }
    }
    Ok(())
}
