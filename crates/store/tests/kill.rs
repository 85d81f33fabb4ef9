//! A process killed at any moment loses nothing it answered and leaves nothing in part.
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::*;
use rowgate_store::{Commit, EnvironmentId, Store};

const DIR: &str = "ROWGATE_STORE_TEST_KILL";
const ROUNDS: u32 = 120;

/// Says in `at` where its batch ends, so that a torn batch is seen.
fn batch(env: EnvironmentId, after: u64, count: u64) -> Vec<Commit> {
    (after + 1..=after + count)
        .map(|number| Commit {
            at: (after + count) as i64,
            ..commit(env, number)
        })
        .collect()
}

/// Does nothing unless the test below runs it in a process of its own: then it appends until it is killed,
/// and says what the store answered.
#[test]
fn the_process_to_be_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let store = open(dir.as_ref());
    let env = store.environments().unwrap()[0].id;
    let mut head = store.head(env).unwrap().get();
    let mut state = u64::from(std::process::id()) << 20 | 1;
    let mut out = std::io::stdout();
    loop {
        let count = 1 + random(&mut state) % 12;
        store.append(&batch(env, head, count)).unwrap();
        head += count;
        writeln!(out, "\nanswered {head}").unwrap();
        out.flush().unwrap();
        if random(&mut state).is_multiple_of(4) {
            let at = head - random(&mut state) % count;
            let all = payload(at, 1_500_000);
            writeln!(out, "\nwriting {at}").unwrap();
            out.flush().unwrap();
            write_snapshot(&store, env, at, &all).unwrap();
            writeln!(out, "\nsnapshot {at}").unwrap();
            out.flush().unwrap();
        }
    }
}

#[test]
fn nothing_answered_is_lost_and_nothing_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let env = create_environment(&open(dir.path()), "a");
    let mut state = Instant::now().elapsed().subsec_nanos().into();
    state = state ^ u64::from(std::process::id()) << 32 | 1;
    let started = Instant::now();
    let (mut head, mut snapshots, mut unfinished) = (0, 0, 0);
    for round in 0..ROUNDS {
        let (lines, moment) = (random(&mut state) % 12, random(&mut state) % 20_000);
        let (answered, snapshot) = run_and_kill(dir.path(), lines, Duration::from_micros(moment));
        unfinished += names(dir.path())
            .iter()
            .filter(|name| name.ends_with(".tmp"))
            .count();
        let store = open(dir.path());
        let found = store.head(env).unwrap().get();
        let least = answered.unwrap_or(head);
        assert!(
            (least..=least + 12).contains(&found),
            "round {round}: answered {least}, found {found}"
        );
        let (base, bytes) = read_snapshot(&store, env).unwrap_or_default();
        assert!(
            base >= snapshot.unwrap_or(0),
            "round {round}: answered snapshot {snapshot:?}, found {base}"
        );
        assert_eq!(bytes, payload(base, bytes.len()), "round {round}");
        let log = read_log(&store, env, base).unwrap();
        assert_eq!(log.len() as u64, found - base, "round {round}");
        for (number, read) in (base + 1..).zip(&log) {
            assert_eq!(
                *read,
                Commit {
                    at: read.at,
                    ..commit(env, number)
                },
                "round {round}"
            );
        }
        assert!(
            log.last().is_none_or(|last| last.at as u64 == found),
            "round {round}: a torn batch"
        );
        assert!(
            names(dir.path()).len() <= 3,
            "round {round}: {:?}",
            names(dir.path())
        );
        head = found;
        snapshots += u32::from(snapshot.is_some());
    }
    println!(
        "{ROUNDS} kills in {:?}: {head} commits, {snapshots} rounds with a snapshot, {unfinished} cut short",
        started.elapsed()
    );
    assert!(head > u64::from(ROUNDS) && snapshots > ROUNDS / 10);
}

/// Kills the process a moment after it said so many lines, however fast this machine is; or while it starts.
/// Returns the last revision and the last snapshot it said.
fn run_and_kill(dir: &Path, lines: u64, moment: Duration) -> (Option<u64>, Option<u64>) {
    let mut process = child("the_process_to_be_killed", DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    let (said, heard) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let (mut answered, mut snapshot) = (None, None);
        let mut line = String::new();
        while out.read_line(&mut line).unwrap_or(0) > 0 {
            // A line that the kill cut short lacks its end and was not said.
            let words: Vec<&str> = line.split_whitespace().filter(|_| line.ends_with('\n')).collect();
            let known = match words.as_slice() {
                ["answered", _] => &mut answered,
                ["snapshot", _] => &mut snapshot,
                _ => &mut None,
            };
            if let [_, number] = words.as_slice()
                && let Ok(number) = number.parse::<u64>()
            {
                *known = Some(number);
                let _ = said.send(());
            }
            line.clear();
        }
        (answered, snapshot)
    });
    for _ in 0..lines {
        heard.recv_timeout(Duration::from_secs(30)).unwrap();
    }
    std::thread::sleep(moment);
    process.kill().unwrap();
    let status = process.wait().unwrap();
    assert_eq!(status.code(), None, "it ended by itself: {status}");
    reader.join().unwrap()
}
