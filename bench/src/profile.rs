//! One kind of operation over and over, for a profiler to look at.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::contender;
use crate::measure::Times;
use crate::question::{self, Sort};
use crate::world::World;

/// What is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Subject {
    /// Direct checks.
    Direct,
    /// Nested checks with the answer yes.
    Allowed,
    /// Nested checks with the answer no.
    Denied,
    /// Lists of about a thousand ids.
    List,
}

/// Repeats `subject` for that long.
pub fn run(subject: Subject, scale: u32, seconds: u64) -> Result<serde_json::Value> {
    let world = World::new(scale);
    let rowgate = contender::load("rowgate", &world)?;
    let sort = match subject {
        Subject::Direct => Some(Sort::Direct),
        Subject::Allowed => Some(Sort::NestedAllowed),
        Subject::Denied => Some(Sort::NestedDenied),
        Subject::List => None,
    };
    let questions = sort.map_or(Vec::new(), |sort| sort.questions(&world, 200_000, 0));
    let lists = if sort.is_none() {
        question::lists(&world, 20, 99)
    } else {
        Vec::new()
    };
    let mut times = Times::default();
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        if sort.is_some() {
            times.extend(&rowgate.checks(&questions)?.single);
        }
        for list in &lists {
            times.extend(&rowgate.list(list, 10)?.0);
        }
    }
    Ok(serde_json::json!({"median_us": times.quantile(0.5) / 1e3, "p99_us": times.quantile(0.99) / 1e3}))
}
