//! What the bare store can do: durable commits per second, by the number of changes that share a flush.
//!
//! `cargo run --release -p rowgate-store --example flush_rate [directory]`
//!
//! The directory decides which disk is measured; the system's temporary directory unless given.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rowgate_store::{
    Change, Commit, Embedded, EnvironmentId, NewEnvironment, Options, Revision, Store, Warrant, WarrantKey,
};

const LONG_ENOUGH: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn Error>> {
    let parent = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = parent.join(format!("rowgate-flush-rate-{}", std::process::id()));
    let measured = measure(&dir);
    std::fs::remove_dir_all(&dir)?;
    measured
}

fn measure(dir: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let store = Embedded::open(dir, Options::default())?;
    println!("a flush of a small append to a file takes {:?}", flush_time(dir)?);
    println!(
        "{:>32} {:>12} {:>12} {:>12}",
        "", "flushes/s", "commits/s", "changes/s"
    );
    for (commits, changes) in [(1, 1), (1, 10), (1, 100), (1, 1000), (10, 1), (100, 1), (1000, 1)] {
        let name = format!("{commits}x{changes}");
        let new = NewEnvironment {
            name: name.clone(),
            uid: name,
            created_at: 0,
        };
        let environment = store.create_environment(&new)?.id;
        let mut head = Revision::ZERO;
        let (mut flushes, started) = (0, Instant::now());
        while started.elapsed() < LONG_ENOUGH {
            let batch: Vec<Commit> = (0..commits)
                .map(|_| {
                    head = head.next();
                    commit(environment, head, changes)
                })
                .collect();
            store.append(&batch)?;
            flushes += 1;
        }
        let seconds = started.elapsed().as_secs_f64();
        let rate = |count: u64| (count as f64 / seconds).round();
        println!(
            "{:>4} commits of {:>4} changes each {:>12} {:>12} {:>12}",
            commits,
            changes,
            rate(flushes),
            rate(flushes * commits),
            rate(flushes * commits * changes)
        );
        // As a server does, so that the file stays at its usual size.
        store.write_snapshot(environment, head, &mut |_| Ok(()))?;
    }
    Ok(())
}

fn commit(environment: EnvironmentId, revision: Revision, changes: u64) -> Commit {
    let warrant = |n: u64| {
        let number = revision.get() * changes + n;
        let key = WarrantKey {
            resource_type: "document".into(),
            resource_id: format!("doc_{number:016x}"),
            relation: "viewer".into(),
            subject_type: "user".into(),
            subject_id: format!("user_{:016x}", number % 10_007),
            subject_relation: None,
            policy: None,
        };
        Change::CreateWarrant(Warrant {
            key,
            created_at: 1_700_000_000_000_000,
        })
    };
    Commit {
        environment,
        revision,
        at: 1_700_000_000_000_000,
        changes: (0..changes).map(warrant).collect(),
    }
}

/// The median of some flushes.
fn flush_time(dir: &std::path::Path) -> Result<Duration, Box<dyn Error>> {
    let mut file = std::fs::File::create(dir.join("probe"))?;
    let mut times = Vec::new();
    for _ in 0..101 {
        file.write_all(&[0; 100])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}
