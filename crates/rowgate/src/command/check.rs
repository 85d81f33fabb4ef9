//! `rowgate check`: one decision, and why.

use std::process::ExitCode;

use clap::Args;
use rowgate_scenario::tree::Node;
use serde_json::{Value, json};

use crate::cli::Session;
use crate::client::Ask;
use crate::declared::{Declared, explained};
use crate::failure::{Result, answer};
use crate::{input, output};

/// May this subject do this?
#[derive(Debug, Args)]
#[command(
    override_usage = "rowgate check [OPTIONS] SUBJECT RELATION RESOURCE [CONTEXT]\n       rowgate check [OPTIONS] RESOURCE#RELATION@SUBJECT [CONTEXT]",
    after_help = "CONTEXT is a JSON object or @file.\n\nExamples:\n  rowgate check user:ann viewer ticket:7\n  rowgate check 'ticket:7#viewer@user:ann' -d\n  rowgate check user:ann approve expense:1 '{\"amount\": 1200}'"
)]
pub struct Check {
    /// Subject, relation, resource, and a context
    #[arg(required = true, num_args = 1..=4, value_name = "SUBJECT RELATION RESOURCE")]
    question: Vec<String>,
    /// Answer with data at least as fresh as this token, or `latest`
    #[arg(short = 'w', long, value_name = "TOKEN", alias = "warrantToken")]
    warrant_token: Option<String>,
    /// Exit with 0 if the answer is this one, with 1 if it is not
    #[arg(long, value_name = "true|false")]
    assert: Option<bool>,
    /// Print the decision tree, with the reason for each no
    #[arg(short, long, visible_alias = "explain")]
    debug: bool,
}

impl Check {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let (tuple, context) = input::tuple(&self.question)?;
        let mut check = input::tuple_json(&tuple);
        if let Some(context) = context {
            check.insert("context".into(), input::json_object("context", context)?.into());
        }
        let body = json!({"checks": [check], "debug": self.debug});
        let ask = Ask {
            path: &["fga", "v1", "check"],
            body: Some(&body),
            token: self.warrant_token.as_deref(),
            ..Ask::default()
        };
        let client = session.client()?;
        let hints = || Declared::by(&client).about_tuple(&tuple);
        let decision = client.post(&ask).map_err(|error| explained(error, hints))?;
        let authorized = output::field(&decision, "result") == "authorized";
        let holds = self.assert.map(|wanted| wanted == authorized);
        let hints = if authorized { Vec::new() } else { hints() };
        if session.json() {
            // What programs read is the server's answer, and nothing else.
            output::json(&decision)?;
            hints.iter().for_each(|hint| output::warn(hint));
        } else {
            print(&tuple.to_string(), authorized, self.assert, &hints, &decision)?;
        }
        Ok::<ExitCode, _>(answer(holds.unwrap_or(authorized)))
    }
}

fn print(
    question: &str,
    authorized: bool,
    assert: Option<bool>,
    hints: &[String],
    decision: &Value,
) -> Result<()> {
    let words = if authorized {
        "✔ authorized"
    } else {
        "✖ not authorized"
    };
    match assert {
        None => output::line(format!("{words} {question}"))?,
        Some(wanted) => {
            let mark = if wanted == authorized { "✔" } else { "✖" };
            output::line(format!("{mark} assert {wanted} {question}"))?;
        }
    }
    for hint in hints {
        output::line(format!("  {}", output::tame(hint)))?;
    }
    let warnings = decision
        .get("warnings")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for warning in warnings {
        output::line(format!("  {}", output::tame(&warning_text(warning))))?;
    }
    let Some(debug) = decision.get("debug_info") else {
        return Ok(());
    };
    if let Some(time) = debug.get("processing_time").and_then(Value::as_u64) {
        output::line(format!("  decided in {:.3} ms", time as f64 / 1e6))?;
    }
    let explanation = debug.get("explanation");
    if let Some(tree) = explanation.and_then(|explanation| Node::from_json(explanation.get("root")?)) {
        output::line("")?;
        output::text_block(&tree.to_string())?;
    }
    if explanation.and_then(|explanation| explanation.get("truncated")?.as_bool()) == Some(true) {
        output::line("(the tree is larger than this; part of it was left out)")?;
    }
    Ok(())
}

/// A warning of an answer for people.
pub(crate) fn warning_text(warning: &Value) -> String {
    let keys: Vec<&str> = warning
        .get("keys")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let message = output::field(warning, "message");
    match (output::field(warning, "code"), keys.is_empty()) {
        ("missing_context_keys", false) => {
            let problems = message
                .split_once(" (")
                .map_or(String::new(), |(_, rest)| format!(" ({rest}"));
            format!("missing context: {}{problems}", keys.join(", "))
        }
        _ => message.to_owned(),
    }
}
