//! The database killed under load, the writing process killed, the connection lost in the middle of a commit: what was answered is true.
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::proxy::{Cut, Proxy};
use common::*;
use rowgate_pgtest::{Cluster, Options, Version, versions};
use rowgate_store::postgres::{Postgres, PostgresOptions};
use rowgate_store::{Change, Commit, EnvironmentId, Result, Revision, Shared, Store};

/// A turn that appends commits with one warrant each, whose numbers are `first` and those after it.
fn append(store: &dyn Shared, environment: EnvironmentId, first: u64, count: u64) -> Result<Revision> {
    let known = Revision::from_u64(0);
    store.transact(environment, known, &mut |before| {
        let mut revision = before.last().map_or(Revision::ZERO, |last| last.revision);
        Ok((first..first + count)
            .map(|number| {
                revision = revision.next();
                Commit {
                    environment,
                    revision,
                    at: first as i64,
                    changes: vec![Change::CreateWarrant(warrant(number))],
                }
            })
            .collect())
    })
}

/// The numbers of the warrants in the log, each with how often it is there; and the same of the rows.
fn stored(store: &Postgres, environment: EnvironmentId) -> BTreeMap<u64, u64> {
    let mut log: BTreeMap<u64, u64> = BTreeMap::new();
    for commit in read_log(store, environment, 0).unwrap() {
        for change in commit.changes {
            if let Change::CreateWarrant(warrant) = change {
                *log.entry(warrant.created_at as u64).or_default() += 1;
            }
        }
    }
    let mut rows = BTreeSet::new();
    store
        .load(environment, &mut |change| {
            if let Change::CreateWarrant(warrant) = change {
                rows.insert(warrant.created_at as u64);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(
        rows,
        log.keys().copied().collect(),
        "the rows are what the log says"
    );
    log
}

#[test]
fn a_commit_whose_answer_was_lost_is_looked_up() {
    for version in versions() {
        let database = pg::installed(version, "lost");
        let environment = create_environment(&pg::store(&database), "default");
        let proxy = Proxy::to(Cluster::shared(version).port());
        let store =
            Postgres::connect(&proxy.url(&database, "rg_server"), PostgresOptions::default()).unwrap();
        let mut number = 1;
        for round in 0..30 {
            proxy.arm([Cut::Never, Cut::Before, Cut::After][round % 3]);
            append(&store, environment, number, 3).unwrap();
            number += 3;
            assert_eq!(store.head(environment).unwrap().get(), number - 1);
        }
        assert_eq!(proxy.cuts(), 20);
        let stored = stored(&store, environment);
        assert_eq!(
            stored,
            (1..number).map(|number| (number, 1)).collect(),
            "each once"
        );
    }
}

#[test]
fn an_outcome_that_cannot_be_found_out_is_called_unknown() {
    let database = pg::installed(Version::V15, "unknown");
    let environment = create_environment(&pg::store(&database), "default");
    let proxy = Proxy::to(Cluster::shared(Version::V15).port());
    let options = PostgresOptions {
        patience: Duration::from_millis(500),
        ..PostgresOptions::default()
    };
    let store = Postgres::connect(&proxy.url(&database, "rg_server"), options).unwrap();
    proxy.arm(Cut::AfterForGood);
    let error = append(&store, environment, 1, 2).unwrap_err();
    assert_eq!(error.code(), "store_outcome_unknown", "{error}");
    let error = append(&store, environment, 3, 2).unwrap_err();
    assert_eq!(error.code(), "store_unavailable", "{error}");
    proxy.arm(Cut::Never);
    let since = Instant::now();
    while let Err(error) = append(&store, environment, 5, 1) {
        assert_eq!(error.code(), "store_unavailable", "{error}");
        assert!(since.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(
        stored(&store, environment).keys().copied().collect::<Vec<_>>(),
        [1, 2, 5]
    );
}

/// The rest of the promise: what failed without "unknown" is not there, either.
#[test]
fn what_was_answered_is_true_while_the_database_is_killed() {
    for version in versions() {
        let options = Options {
            durable: true,
            ..Options::default()
        };
        let cluster = Cluster::start(version, options);
        let database = pg::installed_on(&cluster, "killed");
        let environment = create_environment(&pg::store(&database), "default");
        let (stored_numbers, absent, unknown) = (
            Mutex::new(BTreeSet::new()),
            Mutex::new(BTreeSet::new()),
            AtomicU64::new(0),
        );
        let (ended, next) = (AtomicBool::new(false), AtomicU64::new(1));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let store = pg::store(&database);
                    while !ended.load(Ordering::Relaxed) {
                        let first = next.fetch_add(2, Ordering::Relaxed);
                        match append(&store, environment, first, 2) {
                            Ok(_) => stored_numbers.lock().unwrap().insert(first),
                            Err(error) if error.code() == "store_outcome_unknown" => {
                                unknown.fetch_add(1, Ordering::Relaxed);
                                true
                            }
                            Err(error) => {
                                assert!(
                                    ["store_unavailable", "store_busy"].contains(&error.code()),
                                    "{} {error}",
                                    error.code()
                                );
                                std::thread::sleep(Duration::from_millis(5));
                                absent.lock().unwrap().insert(first)
                            }
                        };
                    }
                });
            }
            let mut state = u64::from(std::process::id()) << 7 | 1;
            for round in 0..8 {
                std::thread::sleep(Duration::from_millis(200 + random(&mut state) % 300));
                if round % 4 == 3 {
                    cluster.stop();
                } else {
                    cluster.kill();
                }
                cluster.run();
            }
            std::thread::sleep(Duration::from_millis(500));
            ended.store(true, Ordering::Relaxed);
        });
        let stored = stored(&pg::store(&database), environment);
        let (acknowledged, absent) = (stored_numbers.into_inner().unwrap(), absent.into_inner().unwrap());
        println!(
            "PostgreSQL {version}: {} acknowledged, {} refused, {} unknown",
            acknowledged.len(),
            absent.len(),
            unknown.load(Ordering::Relaxed)
        );
        assert!(acknowledged.len() > 50);
        for first in &acknowledged {
            assert!(
                stored.get(first) == Some(&1) && stored.get(&(first + 1)) == Some(&1),
                "{first} is lost or twice"
            );
        }
        for first in &absent {
            assert!(!stored.contains_key(first), "{first} was refused and is there");
        }
        for first in stored.keys().filter(|number| *number % 2 == 1) {
            assert!(stored.contains_key(&(first + 1)), "{first} is there in part");
        }
    }
}

const URL: &str = "ROWGATE_STORE_TEST_PG_KILL";

/// Does nothing unless the test below runs it in a process of its own: then it writes until it is killed, and says what was answered.
#[test]
fn the_process_to_be_killed() {
    let Some(url) = std::env::var_os(URL) else { return };
    let store = Postgres::connect(url.to_str().unwrap(), PostgresOptions::default()).unwrap();
    let environment = store.environments().unwrap()[0].id;
    let mut head = store.head(environment).unwrap().get();
    let mut state = u64::from(std::process::id()) << 20 | 1;
    let mut out = std::io::stdout();
    loop {
        let count = 1 + random(&mut state) % 8;
        store
            .transact(environment, Revision::from_u64(head), &mut |_| {
                let batch = head + 1..=head + count;
                Ok(batch
                    .map(|number| Commit {
                        at: (head + count) as i64,
                        ..commit(environment, number)
                    })
                    .collect())
            })
            .unwrap();
        head += count;
        writeln!(out, "\nanswered {head}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_killed_writer_loses_nothing_it_answered_and_leaves_nothing_in_part() {
    let database = pg::installed(Version::V18, "writer");
    let store = pg::store(&database);
    let environment = create_environment(&store, "default");
    let mut state = u64::from(std::process::id()) << 9 | 1;
    let mut head = 0;
    for round in 0..25 {
        let mut process = child(
            "the_process_to_be_killed",
            URL,
            database.url_as("rg_server").as_ref(),
        )
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let (mut answered, mut lines) = (head, random(&mut state) % 12 + 1);
        let mut line = String::new();
        while lines > 0 && out.read_line(&mut line).unwrap() > 0 {
            if let Some(number) = line.strip_prefix("answered ") {
                answered = number.trim().parse().unwrap();
                lines -= 1;
            }
            line.clear();
        }
        std::thread::sleep(Duration::from_micros(random(&mut state) % 8_000));
        process.kill().unwrap();
        process.wait().unwrap();
        while out.read_line(&mut line).unwrap() > 0 {
            if let Some(number) = line
                .strip_suffix('\n')
                .and_then(|line| line.strip_prefix("answered "))
            {
                answered = number.parse().unwrap();
            }
            line.clear();
        }
        // Its last transaction may still be on its way; whoever takes the lock of the log waits for its end.
        store
            .transact(environment, store.head(environment).unwrap(), &mut |_| {
                Ok(Vec::new())
            })
            .unwrap();
        let log = read_log(&store, environment, 0).unwrap();
        let found = log.len() as u64;
        assert!(
            found >= answered,
            "round {round}: answered {answered}, found {found}"
        );
        assert!(
            log.last().is_none_or(|last| last.at as u64 == found),
            "round {round}: a torn batch"
        );
        for (number, read) in (1..).zip(&log) {
            let expected = Commit {
                at: read.at,
                ..commit(environment, number)
            };
            assert_eq!(*read, expected, "round {round}");
        }
        head = found;
    }
    println!("25 kills, {head} commits");
    assert!(head > 50);
}

#[test]
fn a_restarted_database_is_found_again_by_those_who_read() {
    let cluster = Cluster::start(Version::V15, Options::default());
    let database = pg::installed_on(&cluster, "restart");
    let store = pg::store(&database);
    let environment = create_environment(&store, "default");
    append(&store, environment, 1, 5).unwrap();
    store.wait(Duration::from_millis(1)).unwrap();
    for restart in [Cluster::stop, Cluster::kill] {
        restart(&cluster);
        assert_eq!(store.head(environment).unwrap_err().code(), "store_unavailable");
        assert_eq!(
            store.wait(Duration::from_millis(100)).unwrap_err().code(),
            "store_unavailable"
        );
        let since = Instant::now();
        assert_eq!(store.head(environment).unwrap_err().code(), "store_unavailable");
        assert!(since.elapsed() < Duration::from_secs(5), "nobody waits for long");
        cluster.run();
        let since = Instant::now();
        while store.head(environment).is_err() || store.wait(Duration::from_millis(1)).is_err() {
            assert!(since.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(store.head(environment).unwrap(), rev(5));
    }
}
