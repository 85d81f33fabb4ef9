//! A failing world as a readable file: what proptest shrank, ready to become a scenario.

use crate::policies::Context;
use crate::world::World;
use std::fmt::Write as _;

/// A question, written as in a request, and what it should have been answered.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// `doc:d#viewer@user:ann`, or a query.
    pub question: String,
    /// What the page says.
    pub expected: String,
    /// What was answered.
    pub actual: String,
}

/// The world, the context and the questions, as YAML.
pub fn dump(world: &World, context: &Context, now: i64, expectations: &[Expectation]) -> String {
    let mut out = String::new();
    write(world, context, now, expectations, &mut out).expect("writing to a string does not fail");
    out
}

fn write(
    world: &World,
    context: &Context,
    now: i64,
    expectations: &[Expectation],
    out: &mut String,
) -> std::fmt::Result {
    writeln!(out, "schema: |")?;
    for line in rowgate_schema::format(&world.schema).lines() {
        writeln!(out, "{}", format!("  {line}").trim_end())?;
    }
    list(
        out,
        "resources",
        world.resources.iter(),
        |(resource, meta)| match meta {
            Some(meta) => format!("{resource} {meta}"),
            None => resource.to_string(),
        },
    )?;
    list(out, "warrants", &world.warrants, ToString::to_string)?;
    writeln!(out, "context: {}", serde_json::Value::Object(context.clone()))?;
    writeln!(out, "now: {now}")?;
    writeln!(out, "expect:{}", if expectations.is_empty() { " []" } else { "" })?;
    for Expectation {
        question,
        expected,
        actual,
    } in expectations
    {
        writeln!(out, "  - question: {}", quoted(question))?;
        writeln!(out, "    expected: {}", quoted(expected))?;
        writeln!(out, "    actual: {}", quoted(actual))?;
    }
    Ok(())
}

fn list<T>(
    out: &mut String,
    title: &str,
    items: impl IntoIterator<Item = T>,
    text: impl Fn(T) -> String,
) -> std::fmt::Result {
    let lines: Vec<String> = items.into_iter().map(text).collect();
    writeln!(out, "{title}:{}", if lines.is_empty() { " []" } else { "" })?;
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "  - {}", quoted(line)))
}

/// In single quotes: names and policies are full of `:`, `#` and `"`.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
