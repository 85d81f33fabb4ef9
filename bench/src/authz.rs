//! The authorization API at scale: organizations with trees four levels deep.
//!
//! * `data`: the organizations, written into a store; `ask`: in process; `load`: over HTTP; `page`: the table of results.

mod ask;
mod data;
mod load;
mod page;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::child::{self, Scratch};
use crate::section;
use crate::{http, machine};

pub use ask::run as ask;
pub use data::build;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Request {
    /// How many organizations, each with 100 memberships, 1,000 resources and 500 role assignments.
    pub organizations: u32,
    /// The server's binary; built from the workspace when absent.
    pub server: Option<PathBuf>,
    /// Whether the table goes into `RESULTS.md`.
    pub write: bool,
}

/// Measures it, each part in a process of its own.
pub fn run(request: &Request) -> Result<Value> {
    let binary = request.server.clone().map_or_else(http::server::build, Ok)?;
    let store = Scratch::new("authz")?;
    let directory = store.path().to_str().context("a path that is not UTF-8")?;
    let organizations = request.organizations.to_string();
    let mut all = Map::new();
    all.insert("machine".into(), machine::describe());
    all.insert("load_before".into(), json!(machine::load()));
    let built = child::run(&["authz-build", directory, "--organizations", &organizations])?;
    all.insert("built".into(), built);
    all.insert("in process".into(), child::run(&["authz-ask", directory])?);
    all.insert("http".into(), load::run(&binary, store.path())?);
    all.insert("load_after".into(), json!(machine::load()));
    let all = Value::Object(all);
    if request.write {
        section::AUTHZ.write(&page::page(&all))?;
    }
    Ok(all)
}
