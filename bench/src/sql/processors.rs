//! Processor time: what bounds throughput where all cores are busy, and what other work on the machine changes little.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use rowgate_pgtest::Database;
use serde_json::{Value, json};

use crate::measure::median;

/// Whose time is counted.
pub struct Processes {
    postmaster: String,
    server: String,
}

/// Nanoseconds on a processor since each process began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    postgres: u64,
    server: u64,
}

/// Microseconds on a processor for each answer.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    postgres: f64,
    server: f64,
    client: f64,
}

impl Processes {
    /// Postgres with all its sessions, and a server.
    pub fn new(database: &Database, server: u32) -> Result<Self> {
        // Open until its process was looked at.
        let mut client = database.client();
        let session: i32 = client.query_one("select pg_backend_pid()", &[])?.get(0);
        let postmaster = parent(&session.to_string()).context("a session of Postgres has no parent")?;
        Ok(Self {
            postmaster,
            server: server.to_string(),
        })
    }

    /// So far. Processes that ended are not in it, so sessions have to last from one call to the next.
    pub fn used(&self) -> Result<Used> {
        let mut used = Used {
            server: of_process(&self.server),
            ..Used::default()
        };
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if parent(&name).as_ref() == Some(&self.postmaster) {
                used.postgres += of_process(&name);
            }
        }
        Ok(used)
    }
}

impl Used {
    /// What `answers` cost since `before`. `client`: nanoseconds of the threads that asked.
    pub fn since(self, before: Self, client: u64, answers: usize) -> Cost {
        let each = |used: u64| used as f64 / 1e3 / answers as f64;
        Cost {
            postgres: each(self.postgres.saturating_sub(before.postgres)),
            server: each(self.server.saturating_sub(before.server)),
            client: each(client),
        }
    }
}

impl Cost {
    /// The median of each part, and of all together.
    pub fn median(costs: &[Self]) -> Value {
        let of = |part: fn(&Self) -> f64| median(&costs.iter().map(part).collect::<Vec<_>>());
        json!({
            "postgres": of(|cost| cost.postgres),
            "server": of(|cost| cost.server),
            "client": of(|cost| cost.client),
            "together": of(|cost| cost.postgres + cost.server + cost.client),
        })
    }
}

/// Of the thread that asks.
pub fn own() -> u64 {
    of_thread(Path::new("/proc/thread-self"))
}

/// The process that started another one.
fn parent(process: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program comes before, in parentheses, and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1).map(str::to_owned)
}

fn of_process(process: &str) -> u64 {
    let threads = fs::read_dir(Path::new("/proc").join(process).join("task"));
    let threads = threads.into_iter().flatten().flatten();
    threads.map(|thread| of_thread(&thread.path())).sum()
}

fn of_thread(thread: &Path) -> u64 {
    let text = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|time| time.parse().ok()).unwrap_or(0)
}
