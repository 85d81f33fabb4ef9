//! The list of ids that the tutorial's pre-filter needs: Rowgate's `query`, page by page over HTTP.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::compare::Asker;
use crate::http::client::{Connection, get_with_key};

/// Asks for all ids that a subject may see, for `patience` at most. An id that is not one of them ends the run.
pub fn run(address: SocketAddr, asker: &Asker, patience: Duration) -> Result<Value> {
    let mut connection = Connection::open(address)?;
    let query = format!(
        "/fga/v1/query?q=select%20ticket%20where%20user%3A{}%20is%20viewer&limit=100",
        asker.subject.id()
    );
    let expected: BTreeSet<i64> = asker.list.iter().copied().collect();
    let mut found = BTreeSet::new();
    let mut path = query.clone();
    let mut first = None;
    let mut pages = 0;
    let started = Instant::now();
    let complete = loop {
        let page: Value = serde_json::from_slice(connection.exchange(&get_with_key(&path))?)?;
        pages += 1;
        first.get_or_insert(started.elapsed());
        for row in page["data"].as_array().into_iter().flatten() {
            let id = row["resource_id"].as_str().unwrap_or_default().parse::<i64>()?;
            ensure!(
                expected.contains(&id),
                "ticket {id} is not for {}",
                asker.subject.id()
            );
            ensure!(found.insert(id), "ticket {id} is listed twice");
        }
        let Some(after) = page["list_metadata"]["after"].as_str() else {
            break true;
        };
        if started.elapsed() > patience {
            break false;
        }
        path = format!("{query}&after={after}");
    };
    let took = started.elapsed();
    ensure!(
        !complete || found.len() == expected.len(),
        "the list is not complete"
    );
    Ok(json!({
        "subject": asker.subject.id(),
        "ids": expected.len(),
        "found": found.len(),
        "pages": pages,
        "took_s": took.as_secs_f64(),
        "first_page_ms": first.unwrap_or_default().as_secs_f64() * 1e3,
    }))
}
