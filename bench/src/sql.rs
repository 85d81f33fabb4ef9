//! SQL over HTTP beside a bare driver on the same database, in turns.
//!
//! Server, clients and Postgres share the machine, so with many connections work is measured, not waiting.

mod asker;
mod identity;
mod processors;
mod world;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Map, Value, json};

use crate::http::server::{self, Server};
use crate::measure::{Times, median};
use crate::{machine, report, section};
use asker::{Asker, WAYS, Way};
use processors::{Cost, Processes};
use world::{STATEMENTS, Statement, World};

/// How the load is made.
#[derive(Debug, Clone)]
pub struct Load {
    /// Rounds; each has a turn of every way to ask.
    pub rounds: usize,
    /// Length of a turn.
    pub turn: Duration,
    /// The server's binary; built from the workspace when absent.
    pub server: Option<PathBuf>,
    /// Only the statements whose name contains this.
    pub only: Option<String>,
}

/// Measures every statement with 1 and with 16 connections, and what the identity costs a statement.
pub fn run(load: &Load) -> Result<Value> {
    let binary = load.server.clone().map_or_else(server::build, Ok)?;
    let world = World::new()?;
    let server = Server::start_with(&binary, "off", &["--sql", world.database.url()])?;
    let world = world.with_tokens(server.address())?;
    let mut out = Map::new();
    let wanted = |statement: &&Statement| {
        let only = load.only.as_deref();
        only.is_none_or(|part| statement.name.contains(part))
    };
    for statement in STATEMENTS.iter().filter(wanted) {
        for connections in [1, 16] {
            let measured = measure(&world, &server, statement, connections, load)?;
            let name = format!("{}, {connections}", statement.name);
            eprintln!("sql, {name}: {measured}");
            out.insert(name, measured);
        }
    }
    // Its sessions end, so that a login is free.
    drop(server);
    out.insert("identity".into(), identity::measure(&world.database)?);
    Ok(Value::Object(out))
}

/// Puts it into `RESULTS.md`, and leaves the rest of the page.
pub fn write(measured: &Value) -> Result<()> {
    let mut text = String::new();
    report::sql(measured, &mut text);
    let date = machine::describe()["date"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    writeln!(text, "\n{date}, load average {} afterwards.", machine::load())?;
    section::SQL.write(&text)
}

fn measure(
    world: &World,
    server: &Server,
    statement: &Statement,
    connections: usize,
    load: &Load,
) -> Result<Value> {
    let mut rates: [Vec<f64>; WAYS.len()] = Default::default();
    let mut times: [Times; WAYS.len()] = Default::default();
    let mut costs: [Vec<Cost>; WAYS.len()] = Default::default();
    let processes = Processes::new(&world.database, server.process())?;
    // The first round warms up. Each begins with another one.
    for round in 0..=load.rounds {
        for at in 0..WAYS.len() {
            let number = (round + at) % WAYS.len();
            let (way, users, _) = WAYS[number];
            let askers = (0..connections)
                .map(|seed| Asker::new(world, server.address(), statement, way, users, seed))
                .collect::<Result<Vec<_>>>()?;
            let (took, rate, cost) = turn(askers, load.turn, &processes)?;
            if round > 0 {
                costs[number].push(cost);
                times[number].extend(&took);
                rates[number].push(rate);
            }
        }
    }
    let mut ways = Map::new();
    for (number, (way, users, name)) in WAYS.iter().enumerate() {
        let sql = WAYS
            .iter()
            .position(|(way, by, _)| *way == Way::Sql && by == users)
            .context("users whose way through /sql is not measured")?;
        let mut measured = json!({
            "per_s": median(&rates[number]),
            "median_us": times[number].quantile(0.5) / 1e3,
            "p99_us": times[number].quantile(0.99) / 1e3,
            "processor_us": Cost::median(&costs[number]),
        });
        if *way != Way::Sql {
            let ratios: Vec<f64> = rates[sql]
                .iter()
                .zip(&rates[number])
                .map(|(sql, bare)| sql / bare)
                .collect();
            measured["sql_ratio"] = json!(median(&ratios));
            let added = times[sql].quantile(0.5) - times[number].quantile(0.5);
            measured["sql_added_us"] = json!(added / 1e3);
        }
        ways.insert((*name).to_owned(), measured);
    }
    Ok(Value::Object(ways))
}

/// All connections at once, for a while: the times, answers per second, and what one cost.
fn turn(askers: Vec<Asker>, length: Duration, processes: &Processes) -> Result<(Times, f64, Cost)> {
    let before = processes.used()?;
    let started = Instant::now();
    let run = |mut asker: Asker| -> Result<(Times, u64, Asker)> {
        let mut times = Times::default();
        let mut before = Instant::now();
        for number in 0.. {
            asker.ask(number)?;
            let now = Instant::now();
            times.push(now - before);
            before = now;
            if now - started >= length {
                break;
            }
        }
        Ok((times, processors::own(), asker))
    };
    let run = &run;
    std::thread::scope(|scope| {
        let threads: Vec<_> = askers
            .into_iter()
            .map(|asker| scope.spawn(move || run(asker)))
            .collect();
        let mut all = Times::default();
        let mut client = 0;
        // A session that ends is counted no more.
        let mut open = Vec::new();
        for thread in threads {
            let (times, used, asker) = thread
                .join()
                .map_err(|_| anyhow!("a connection's thread panicked"))??;
            all.extend(&times);
            client += used;
            open.push(asker);
        }
        let rate = all.len() as f64 / started.elapsed().as_secs_f64();
        let cost = processes.used()?.since(before, client, all.len());
        Ok((all, rate, cost))
    })
}
