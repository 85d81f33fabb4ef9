//! A check on a row over HTTP, against reading that row and nothing else.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, ensure};
use rowgate_pgtest::Database;
use serde_json::{Value, json};

use super::data::{Subject, Tickets};
use super::endpoint;
use super::place::Place;
use crate::http::client::{Connection, get, post};
use crate::measure::{Times, median};

/// What is measured. The row over HTTP is read by as little as can be, and by what the product is made of.
pub const WAYS: [&str; 5] = [
    "row, driver",
    "row, over HTTP",
    "row, over HTTP by libraries",
    "check",
    "check without a row",
];

/// What is found in other places than where the kernel puts the processes.
pub const ONE_CORE: &str = "on one core";
/// The same, with the database on a core of its own.
pub const DATABASE_APART: &str = "database apart";

/// Questions of one turn.
const QUESTIONS: usize = 400;

/// Measures all of it three times: with all processes where the kernel puts them, with all of them on one core, and with the database on a core of its
/// own.
pub fn run(address: SocketAddr, database: &Database, tickets: Tickets, rounds: usize) -> Result<Value> {
    let mut found = measure(address, database, tickets, rounds)?;
    for (name, place) in [
        (ONE_CORE, Place::one_core as fn() -> Result<Place>),
        (DATABASE_APART, Place::database_apart),
    ] {
        found[name] = match place() {
            Ok(_place) => measure(address, database, tickets, rounds)?,
            Err(error) => {
                eprintln!("not measured {name}: {error:#}");
                Value::Null
            }
        };
    }
    Ok(found)
}

/// In turns: the row by a driver, the row over HTTP in two ways, a check of the row over HTTP, and one that needs no row.
fn measure(address: SocketAddr, database: &Database, tickets: Tickets, rounds: usize) -> Result<Value> {
    let mut driver = database.client_as("bench_plain");
    let statement = driver.prepare(endpoint::ROW)?;
    let mut row_over_http = Connection::open(endpoint::serve(database.client_as("bench_plain"))?)?;
    let library = endpoint::library::Server::start(&database.url_as("bench_plain"))?;
    let mut row_by_library = Connection::open(library.address())?;
    let mut rowgate = Connection::open(address)?;
    let questions = questions(tickets);
    let organization = organization_check();
    let mut figures: [Vec<f64>; WAYS.len()] = Default::default();
    let mut all: [Times; WAYS.len()] = Default::default();
    for round in 0..=rounds {
        let mut turn = |kind: usize| -> Result<()> {
            let mut times = Times::default();
            for (ticket, subject, allowed) in &questions {
                // Requests are made before the clock runs.
                let row = get(&format!("/{ticket}"));
                let check = check(*ticket, *subject);
                let started = Instant::now();
                match kind {
                    0 => {
                        let row = driver.query_one(&statement, &[ticket])?;
                        ensure!(row.get::<_, i64>(0) == *ticket, "another row");
                    }
                    1 => {
                        row_over_http.exchange(&row)?;
                    }
                    2 => {
                        row_by_library.exchange(&row)?;
                    }
                    3 => {
                        let answer = rowgate.exchange(&check)?;
                        let authorized = answer.windows(15).any(|part| part == br#""result":"autho"#);
                        ensure!(authorized == *allowed, "ticket {ticket} for {subject:?}");
                    }
                    _ => {
                        rowgate.exchange(&organization)?;
                    }
                }
                times.push(started.elapsed());
            }
            // The first round warms up.
            if round > 0 {
                figures[kind].push(times.quantile(0.5));
                all[kind].extend(&times);
            }
            Ok(())
        };
        // In each round another one goes first.
        for at in 0..WAYS.len() {
            turn((at + round) % WAYS.len())?;
        }
    }
    let figure = |kind: usize| {
        json!({
            "median_us": median(&figures[kind]) / 1e3,
            "p95_us": all[kind].quantile(0.95) / 1e3,
        })
    };
    let ratio = |to: usize| {
        let ratios: Vec<f64> = figures[3]
            .iter()
            .zip(&figures[to])
            .map(|(check, row)| check / row)
            .collect();
        median(&ratios)
    };
    let mut found = json!({
        "per row over HTTP": ratio(1),
        "per row by libraries": ratio(2),
        "per row of the driver": ratio(0),
    });
    for (kind, name) in WAYS.into_iter().enumerate() {
        found[name] = figure(kind);
    }
    Ok(found)
}

/// Tickets, who asks about them, and the right answer: half of them yes.
fn questions(tickets: Tickets) -> Vec<(i64, Subject, bool)> {
    let mut questions = Vec::new();
    let each = QUESTIONS / 6;
    for subject in Subject::SHARES {
        let visible = subject.grants().visible();
        for allowed in [true, false] {
            let some = tickets.some(&visible, allowed, each);
            questions.extend(some.into_iter().map(|ticket| (ticket, subject, allowed)));
        }
    }
    // Subjects by turns.
    let mut rng = crate::rng::Rng::new(3);
    questions.sort_by_cached_key(|_| rng.next());
    questions
}

fn check(ticket: i64, subject: Subject) -> Vec<u8> {
    of("ticket", &ticket.to_string(), "viewer", subject)
}

/// Organizations are in no table: what a check costs that finds all it needs in memory.
fn organization_check() -> Vec<u8> {
    of("organization", "2", "member", Subject::Half)
}

fn of(resource_type: &str, id: &str, relation: &str, subject: Subject) -> Vec<u8> {
    let body = json!({"checks": [{
        "resource_type": resource_type,
        "resource_id": id,
        "relation": relation,
        "subject": {"resource_type": "user", "resource_id": subject.id()},
    }]});
    post("/fga/v1/check", "application/json", body.to_string().as_bytes())
}
