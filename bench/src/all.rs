//! Everything, each part in a process of its own, and the page of results.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::section::{self, results};
use crate::{child, machine, report};

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
    if !quick {
        part("engine 290", &["engine", "--scale", "290", "--rounds", "3"])?;
        part("start 290", &["start", "--scale", "290"])?;
    }
    all.insert("load_after".into(), json!(machine::load()));
    let all = Value::Object(all);
    let mut page = report::page(&all);
    // What commands of their own measure stays as it is.
    write!(page, "\n{}", section::all())?;
    let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("NOTES.md");
    // What the numbers mean is written by hand and stays beside them.
    if let Ok(notes) = std::fs::read_to_string(notes) {
        write!(page, "\n{notes}")?;
    }
    std::fs::write(results(), page)?;
    Ok(all)
}
