//! Everything, each part in a process of its own, and the page of results.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::child;
use crate::machine;
use crate::report;
use crate::rows::section;

/// Runs every part and writes `RESULTS.md` beside this program's manifest. `quick` leaves the largest data out.
pub fn run(quick: bool, server: Option<&Path>) -> Result<Value> {
    let mut all = Map::new();
    all.insert("machine".into(), machine::describe());
    all.insert("load_before".into(), json!(machine::load()));
    let mut part = |name: &str, args: &[&str]| -> Result<()> {
        all.insert(name.to_owned(), child::run(args)?);
        Ok(())
    };
    part("peer 1", &["peer", "--scale", "1"])?;
    part("peer 29", &["peer", "--scale", "29"])?;
    let mut http = vec!["http"];
    if let Some(server) = server {
        http.extend(["--server", server.to_str().context("a path that is not UTF-8")?]);
    }
    part("http", &http)?;
    part("writes", &["writes"])?;
    let mut sql = vec!["sql"];
    sql.extend(&http[1..]);
    part("sql", &sql)?;
    if !quick {
        part("engine 290", &["engine", "--scale", "290", "--rounds", "3"])?;
        part("start 290", &["start", "--scale", "290"])?;
    }
    all.insert("load_after".into(), json!(machine::load()));
    let all = Value::Object(all);
    let mut page = report::page(&all);
    // Rows are measured by a command of their own.
    let before = std::fs::read_to_string(results()).unwrap_or_default();
    write!(page, "\n{}", section::of(&before))?;
    let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("NOTES.md");
    // What the numbers mean is written by hand and stays beside them.
    if let Ok(notes) = std::fs::read_to_string(notes) {
        write!(page, "\n{notes}")?;
    }
    std::fs::write(results(), page)?;
    Ok(all)
}

/// Puts what SQL over HTTP was measured with into `RESULTS.md`, and leaves the rest of the page.
pub fn write_sql(measured: &Value) -> Result<()> {
    let mut section = String::new();
    report::sql(measured, &mut section);
    let machine = machine::describe();
    let text = |field: &str| machine[field].as_str().unwrap_or_default().to_owned();
    let load = machine::load();
    writeln!(
        section,
        "\nMeasured by itself: {}, load average {load} afterwards.",
        text("date")
    )?;
    let page = std::fs::read_to_string(results())?;
    std::fs::write(results(), report::with_section(&page, &section))?;
    Ok(())
}

fn results() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md")
}
