//! Checks over HTTP, against what the same server does for `/healthz` under the same load.

pub mod client;
pub mod server;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use serde_json::{Map, Value, json};

use crate::measure::{Times, median};
use crate::question::{Question, Sort};
use crate::world::World;
use client::{Connection, get, post};
use server::Server;

/// Different checks that a connection goes through over and over.
const CHECKS: usize = 2_000;

/// How the load is made.
#[derive(Debug, Clone)]
pub struct Load {
    /// Rounds; each has one turn of `/healthz` and one of checks.
    pub rounds: usize,
    /// Length of a turn.
    pub turn: Duration,
    /// The server's binary; built from the workspace when absent.
    pub server: Option<PathBuf>,
}

/// Measures both with 1 and with 16 connections, with the log off and on.
pub fn run(load: &Load) -> Result<Value> {
    let binary = load.server.clone().map_or_else(server::build, Ok)?;
    let world = World::new(1);
    let mut out = Map::new();
    for (name, log) in [("log off", "off"), ("log as by default, to /dev/null", "text")] {
        let server = Server::start(&binary, log)?;
        server.fill(&world)?;
        verify(server.address(), &world)?;
        for connections in [1, 16] {
            let measured = measure(server.address(), &world, connections, load)?;
            eprintln!("http, {name}, {connections}: {measured}");
            out.insert(
                format!(
                    "{name}, {connections} connection{}",
                    if connections == 1 { "" } else { "s" }
                ),
                measured,
            );
        }
    }
    Ok(Value::Object(out))
}

fn measure(address: SocketAddr, world: &World, connections: usize, load: &Load) -> Result<Value> {
    let health = vec![vec![get("/healthz")]; connections];
    let checks: Vec<Vec<Vec<u8>>> = (0..connections)
        .map(|seed| requests(world, seed as u64))
        .collect();
    let (mut ratios, mut of_health, mut of_checks) = (Vec::new(), Vec::new(), Vec::new());
    let mut latencies = Times::default();
    for number in 0..load.rounds {
        let turn = |requests: &[Vec<Vec<u8>>], times: &mut Times| turn(address, requests, load.turn, times);
        // In each round another one goes first.
        let (healthz, check) = if number % 2 == 0 {
            let healthz = turn(&health, &mut Times::default())?;
            (healthz, turn(&checks, &mut latencies)?)
        } else {
            let check = turn(&checks, &mut latencies)?;
            (turn(&health, &mut Times::default())?, check)
        };
        ratios.push(check / healthz);
        of_health.push(healthz);
        of_checks.push(check);
    }
    Ok(json!({
        "healthz_per_s": median(&of_health),
        "checks_per_s": median(&of_checks),
        "ratio": median(&ratios),
        "check_median_us": latencies.quantile(0.5) / 1e3,
        "check_p99_us": latencies.quantile(0.99) / 1e3,
    }))
}

/// Half direct, a quarter nested with the answer yes, a quarter nested with the answer no.
fn questions(world: &World, seed: u64) -> Vec<Question> {
    let some = |sort: Sort, count: usize| sort.questions(world, count, 1_000 + seed);
    let nested = some(Sort::NestedAllowed, CHECKS / 4)
        .into_iter()
        .zip(some(Sort::NestedDenied, CHECKS / 4));
    let nested = nested.flat_map(|(yes, no)| [yes, no]);
    some(Sort::Direct, CHECKS / 2)
        .into_iter()
        .zip(nested)
        .flat_map(|(direct, nested)| [direct, nested])
        .collect()
}

fn requests(world: &World, seed: u64) -> Vec<Vec<u8>> {
    questions(world, seed).iter().map(request).collect()
}

fn request(question: &Question) -> Vec<u8> {
    let body = json!({"checks": [{
        "resource_type": "document",
        "resource_id": question.document,
        "relation": question.relation,
        "subject": {"resource_type": "user", "resource_id": question.user},
    }]});
    post("/fga/v1/check", "application/json", body.to_string().as_bytes())
}

/// The server answers what is right.
fn verify(address: SocketAddr, world: &World) -> Result<()> {
    let mut connection = Connection::open(address)?;
    for question in questions(world, 77) {
        let body = connection.exchange(&request(&question))?;
        let answer: Value = serde_json::from_slice(body)?;
        let expected = if question.allowed {
            "authorized"
        } else {
            "not_authorized"
        };
        ensure!(
            answer["result"] == expected,
            "{question:?} is answered with {answer}"
        );
    }
    Ok(())
}

/// Sends each connection's requests over and over for a while: answers per second.
fn turn(address: SocketAddr, requests: &[Vec<Vec<u8>>], length: Duration, times: &mut Times) -> Result<f64> {
    let barrier = Barrier::new(requests.len());
    let run = |requests: &[Vec<u8>]| -> Result<(Times, f64)> {
        let connection = Connection::open(address);
        barrier.wait();
        let mut connection = connection?;
        let mut times = Times::default();
        let started = Instant::now();
        let mut before = started;
        for request in requests.iter().cycle() {
            connection.exchange(request)?;
            let now = Instant::now();
            times.push(now - before);
            before = now;
            if now - started >= length {
                break;
            }
        }
        let rate = times.len() as f64 / (before - started).as_secs_f64();
        Ok((times, rate))
    };
    let run = &run;
    std::thread::scope(|scope| {
        let threads: Vec<_> = requests
            .iter()
            .map(|requests| scope.spawn(move || run(requests)))
            .collect();
        let mut total = 0.0;
        for thread in threads {
            let (took, rate) = thread
                .join()
                .map_err(|_| anyhow!("a connection's thread panicked"))??;
            times.extend(&took);
            total += rate;
        }
        Ok(total)
    })
}
