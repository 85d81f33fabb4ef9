//! The application's own tables: Rowgate's policies against a `WHERE` written by hand, and against the ways that people take otherwise.
//!
//! # Layout
//!
//! * `data`: tickets, projects and who may see what, as numbers
//! * `load`: a database with the data in it, and its policies
//! * `way`: the ways, and their statements
//! * `session`: connections that run them
//! * `compare`: who is how fast; `least`: the best policies by hand
//! * `prefilter`: the list of ids by `query`
//! * `check`, `endpoint`: a check on a row over HTTP, and the thinnest server that reads a row; `place`: on which cores
//! * `grant`: a grant in the application's transaction
//! * `page`: the tables

mod check;
mod compare;
mod data;
mod endpoint;
mod grant;
mod least;
mod load;
mod page;
mod place;
mod prefilter;
mod session;
mod way;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rowgate_pgtest::{Cluster, Database, Options, Version};
use serde_json::{Value, json};

use crate::http::server::{self, Server};
use crate::{machine, section};
use compare::{Asker, Effort};
use data::{Subject, Tickets};
use place::Place;
use session::Sessions;
use way::{Operation, Shape, Way};

/// What is measured, and where the tables go.
#[derive(Debug, Clone)]
pub struct Request {
    /// The numbers of tickets.
    pub rows: Vec<i64>,
    /// The major version of Postgres.
    pub postgres: u32,
    /// Most turns of each way.
    pub rounds: usize,
    /// Only some of the parts; all without any.
    pub only: Vec<Part>,
    /// The server's binary; built from the workspace when absent.
    pub server: Option<PathBuf>,
    /// Puts the tables into RESULTS.md.
    pub write: bool,
}

/// A part of what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Who is how fast.
    Cells,
    /// Lists by `query`.
    Lists,
    /// Checks on a row.
    Check,
    /// Grants in a transaction.
    Grant,
    /// Who is how fast where memberships are in the application's tables.
    Bound,
}

impl Request {
    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// One way's turns in one cell, and the longest statement.
const TIME: Duration = Duration::from_millis(1_500);
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a list of ids may take.
const LIST_PATIENCE: Duration = Duration::from_secs(10);

/// What differs from the settings of a new server. One core for each statement: figures are of work, not of idle cores, and other work
/// on the machine disturbs all ways alike.
const SETTINGS: [(&str, &str); 13] = [
    ("shared_buffers", "4GB"),
    ("effective_cache_size", "8GB"),
    ("work_mem", "64MB"),
    ("random_page_cost", "1.1"),
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
    ("autovacuum", "off"),
    // For loading alone.
    ("maintenance_work_mem", "1GB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "1h"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("log_min_messages", "fatal"),
];

/// Measures everything, on a cluster that ends with this process and takes its data along.
pub fn run(request: &Request) -> Result<Value> {
    let version = match request.postgres {
        15 => Version::V15,
        18 => Version::V18,
        other => bail!("there is no PostgreSQL {other} here: 15 and 18"),
    };
    let binary = request.server.clone().map_or_else(server::build, Ok)?;
    let mut found = json!({"machine": machine::describe(), "load_before": machine::load()});
    let cluster = Cluster::start(
        version,
        Options {
            durable: true,
            settings: SETTINGS.map(|(name, value)| (name, value.to_owned())).to_vec(),
            ..Options::default()
        },
    );
    let said: String = cluster
        .database("about")
        .client()
        .query_one("show server_version", &[])?
        .get(0);
    found["postgres"] = said.into();
    found["settings"] = SETTINGS[..7]
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let mut sizes = Vec::new();
    for rows in &request.rows {
        sizes.push(size(&cluster, &binary, Tickets::new(*rows)?, request)?);
    }
    found["sizes"] = sizes.into();
    found["load_after"] = machine::load().into();
    if request.write {
        section::ROWS.write(&page::section(&found))?;
    }
    Ok(found)
}

pub use endpoint::library::serve as row_endpoint;

/// Everything about one number of tickets.
fn size(cluster: &Cluster, binary: &Path, tickets: Tickets, request: &Request) -> Result<Value> {
    eprintln!("-- {} tickets", tickets.rows());
    let (database, load_s) = load::timed(cluster, tickets)?;
    eprintln!("loaded in {load_s:.0} s");
    let askers = Subject::ALL.map(|subject| Asker::new(tickets, subject));
    let mut subjects = Vec::new();
    for asker in &askers {
        let grants = asker.subject.grants();
        subjects.push(json!({
            "subject": asker.subject.id(),
            "sees": asker.subject.sees(),
            "tickets": asker.list.len(),
            "projects": grants.visible().len(),
            "granted_projects": grants.projects.len(),
            "granted_organizations": grants.organizations.len(),
        }));
    }
    let mut cells = Vec::new();
    if request.has(Part::Cells) {
        let ways: Vec<Way> = Way::all(Shape::Array).into_iter().chain(Way::LEAST).collect();
        cells = measure_cells(&database, &ways, &askers, request.rounds)?;
    }
    let server = Server::on(binary, "off", &database.url_as("bench_server"))?;
    let mut lists = Vec::new();
    if request.has(Part::Lists) {
        for asker in &askers[..Subject::SHARES.len()] {
            let list = prefilter::run(server.address(), asker, LIST_PATIENCE)?;
            eprintln!("list: {list}");
            lists.push(list);
        }
    }
    let mut check = Value::Null;
    if request.has(Part::Check) {
        check = check::run(server.address(), &database, tickets, request.rounds)?;
        eprintln!("check: {check}");
    }
    let mut grant = Value::Null;
    if request.has(Part::Grant) {
        grant = grant::run(&database, 200)?;
        eprintln!("grant: {grant}");
    }
    drop(server);
    let mut bound = Vec::new();
    if request.has(Part::Bound) {
        load::bind_memberships(&database)?;
        let ways: Vec<Way> = [Way::Hand(Shape::Array), Way::Rowgate]
            .into_iter()
            .chain(Way::LEAST)
            .collect();
        bound = measure_cells(&database, &ways, &askers[..Subject::SHARES.len()], request.rounds)?;
    }
    Ok(json!({
        "rows": tickets.rows(),
        "others": tickets.others(),
        "load_s": load_s,
        "subjects": subjects,
        "cells": cells,
        "bound": bound,
        "lists": lists,
        "check": check,
        "grant": grant,
    }))
}

/// Every subject and operation; for the one whose rows are always as many, only reading. All on one core: each way has a process of its own, which the kernel
/// puts where it finds room, for a while; a statement of a tenth of a millisecond took twice as long for the way that had a core to wake up than for
/// the next.
fn measure_cells(database: &Database, ways: &[Way], askers: &[Asker], rounds: usize) -> Result<Vec<Value>> {
    let effort = Effort {
        rounds,
        time: TIME,
        patience: PATIENCE,
    };
    let mut sessions = Sessions::open(database, ways, PATIENCE)?;
    let _place = Place::one_core().context("statements are compared on one core")?;
    let mut cells = Vec::new();
    for operation in Operation::ALL {
        for asker in askers {
            let writes = operation == Operation::Update || operation.inserts();
            if asker.subject == Subject::Steady && writes {
                continue;
            }
            let cell = compare::run(&mut sessions, ways, asker, operation, &effort)?;
            eprintln!("{cell}");
            cells.push(cell);
        }
    }
    Ok(cells)
}
