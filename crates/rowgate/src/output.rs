//! What is printed, and where: answers to the standard output, everything else to the standard error output.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

use crate::client::pages;
use crate::failure::{Failure, Result};

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();

/// Prints a line of an answer.
pub(crate) fn line(text: impl Display) -> Result<()> {
    text_block(&format!("{text}\n"))
}

/// Prints text as it is, with its marks in colour.
pub(crate) fn text_block(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(marked(text).as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Prints text exactly as it is.
pub(crate) fn plain(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Somebody else's text without what would disturb a terminal or a table.
pub(crate) fn tame(text: &str) -> String {
    let tamed = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char });
    tamed.collect::<String>().trim().to_owned()
}

/// Prints a JSON value for programs.
pub(crate) fn json(value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(error.to_string()))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Tells the person at the terminal something that is not part of the answer.
pub(crate) fn note(text: impl Display) {
    // Where nobody can read it, nothing is lost.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Says why a command failed.
pub(crate) fn complain(failure: &Failure, json: bool) {
    let mut message = failure.to_string();
    let help = failure.help();
    if json {
        let mut error = serde_json::json!({"message": message, "code": failure.code(), "help": help});
        if !failure.found().is_empty() {
            error["found"] = failure.found().into();
        }
        note(serde_json::json!({"error": error}));
        return;
    }
    let style = RED.bold();
    message = message.lines().map(tame_line).collect::<Vec<_>>().join("\n  ");
    note(format!("{style}error{style:#}: {message}"));
    if let Some(help) = help {
        note(format!("{BOLD}help{BOLD:#}: {help}"));
    }
}

/// One line of a message, with its indentation.
fn tame_line(line: &str) -> String {
    let indentation = line.len() - line.trim_start().len();
    format!("{}{}", " ".repeat(indentation), tame(line))
}

/// A warning.
pub(crate) fn warn(text: &str) {
    let style = YELLOW.bold();
    note(format!("{style}warning{style:#}: {}", tame(text)));
}

/// Whether a person watches the standard error output.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether errors of a schema are to be coloured.
pub(crate) fn colors_errors() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

pub(crate) fn bold(text: &str) -> String {
    format!("{BOLD}{text}{BOLD:#}")
}

/// The marks of a text in colour; a stream that wants none takes them out again.
pub(crate) fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        let style = match char {
            '✔' => GREEN,
            '✖' => RED,
            _ => {
                out.push(char);
                continue;
            }
        };
        out.push_str(&format!("{style}{char}{style:#}"));
    }
    out
}

/// A table for people.
pub(crate) fn table<const N: usize>(
    titles: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<()> {
    let rows: Vec<[String; N]> = rows.into_iter().collect();
    if rows.is_empty() {
        return line("nothing found");
    }
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(titles.map(|title| title.to_uppercase()));
    table.add_rows(rows.into_iter().map(|row| row.map(|cell| tame(&cell))));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text: Vec<String> = table
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    line(text.join("\n"))
}

/// The cursors below a table.
pub(crate) fn cursors(answer: &Value) -> Result<()> {
    for (name, option) in [("before", "--before"), ("after", "--after")] {
        if let Some(cursor) = pages::cursor(answer, name) {
            line(format!("{option} {cursor}"))?;
        }
    }
    Ok(())
}

/// A field of a JSON object as text; empty when it is not there.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
