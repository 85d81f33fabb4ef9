//! A large store: built through the ordinary way to write, closed, and opened again by a process of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use rowgate_environment::{Environment, ImportedWarrant, Registry, Warrant, Write};
use serde_json::{Value, json};

use crate::child;
use crate::machine::cpu_seconds;
use crate::measure::memory;
use crate::question::Sort;
use crate::world::{Fact, SCHEMA, World};

/// Warrants in one import, as the HTTP API allows.
const CHUNK: usize = 20_000;

/// Builds a store, then opens it in a fresh process several times.
pub fn run(scale: u32, rounds: usize) -> Result<Value> {
    let dir = child::Scratch::new("start")?;
    let scale = scale.to_string();
    let path = dir.path().to_str().context("a path that is not UTF-8")?;
    let built = child::run(&["build-store", path, "--scale", &scale])?;
    let mut opened = Vec::new();
    for _ in 0..rounds {
        let one = child::run(&["open-store", path, "--scale", &scale])?;
        eprintln!("opened: {one}");
        opened.push(one);
    }
    Ok(json!({"built": built, "opened": opened}))
}

/// Writes the data into a new store.
pub fn build(dir: &Path, scale: u32) -> Result<Value> {
    let world = World::new(scale);
    let registry = Registry::open(dir)?;
    let environment = registry
        .environment("default")
        .context("there is no default environment")?;
    let started = Instant::now();
    fill(&environment, &world)?;
    let (imported, cpu) = (started.elapsed(), cpu_seconds());
    let warrants = environment.read().graph.warrant_count();
    let started = Instant::now();
    registry.close()?;
    Ok(json!({
        "warrants": warrants,
        "import_s": imported.as_secs_f64(),
        "import_cpu_s": cpu,
        "close_s": started.elapsed().as_secs_f64(),
        "store_bytes": size(dir)?,
    }))
}

/// Sets the schema and imports all warrants.
pub fn fill(environment: &Environment, world: &World) -> Result<()> {
    let schema = rowgate_schema::parse(SCHEMA)
        .schema
        .context("the schema has errors")?;
    environment.write(Write::Schema(Arc::new(move |_| Ok(schema.clone()))))?;
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut failed = None;
    let mut flush = |chunk: &mut Vec<ImportedWarrant>| {
        let warrants = std::mem::replace(chunk, Vec::with_capacity(CHUNK));
        let written = environment.write(Write::Import {
            schema: None,
            resources: Vec::new(),
            warrants,
            audit: None,
        });
        failed = written.err().or(failed.take());
    };
    world.facts(|fact| {
        chunk.push(ImportedWarrant {
            warrant: warrant(fact),
            created_at: None,
            leftover: false,
        });
        if chunk.len() == CHUNK {
            flush(&mut chunk);
        }
    });
    flush(&mut chunk);
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// A fact as a warrant to write.
pub fn warrant(fact: Fact) -> Warrant {
    Warrant {
        resource_type: fact.resource.0.name().to_owned(),
        resource_id: fact.resource.0.id(fact.resource.1),
        relation: fact.relation.to_owned(),
        subject_type: fact.subject.0.name().to_owned(),
        subject_id: fact.subject.0.id(fact.subject.1),
        subject_relation: fact.subject_relation.map(str::to_owned),
        policy: None,
    }
}

/// Opens a store: how long it takes until a check can be answered, and how much memory it takes.
pub fn open(dir: &Path, scale: u32) -> Result<Value> {
    let before = memory("self", "VmRSS:");
    let started = Instant::now();
    let registry = Registry::open(dir)?;
    let environment = registry
        .environment("default")
        .context("there is no default environment")?;
    let published = environment.read();
    let ready = started.elapsed();
    let cpu = cpu_seconds();
    let (resident, most) = (memory("self", "VmRSS:"), memory("self", "VmHWM:"));
    let (warrants, resources) = (published.graph.warrant_count(), published.graph.resource_count());
    // What was opened is what was written. The reference data is made only now, so that it does not count.
    let world = World::new(scale);
    let ambient = rowgate_engine::Ambient {
        context: &rowgate_policy::Context::new(),
        claims: None,
        now: rowgate_policy::Timestamp(0),
    };
    for sort in Sort::ALL {
        for question in sort.questions(&world, 1_000, 7) {
            let check = crate::contender::check_of(&question);
            let answer = published.view().check(&check, &ambient)?.value.grants();
            ensure!(answer == question.allowed, "wrong answer to {question:?}");
        }
    }
    Ok(json!({
        "warrants": warrants,
        "resources": resources,
        "ready_s": ready.as_secs_f64(),
        "cpu_s": cpu,
        "resident_bytes": resident,
        "most_resident_bytes": most,
        "bytes_per_warrant": resident.saturating_sub(before) as f64 / warrants.max(1) as f64,
    }))
}

fn size(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() {
            size(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(bytes)
}
