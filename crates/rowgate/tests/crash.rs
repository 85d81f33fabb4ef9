//! The story: a server is killed, without warning and again and again, while clients write. Whatever a client was
//! told is stored must be there after the next start, and a batch must be there whole or not at all.
//!
//! `ROWGATE_CRASH_ROUNDS=2000 cargo test -p rowgate --test crash` is the long run.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const KEY: &str = "sk_crash_test_0123456789";

/// Warrants in one batch.
const BATCH: usize = 3;

const SCHEMA: &str = r#"{"resource_types":[{"type":"user","relations":{}},{"type":"doc","relations":{"viewer":{"allowed_types":["user"]}}}]}"#;

fn rounds() -> usize {
    std::env::var("ROWGATE_CRASH_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(200)
}

struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts the real binary and waits until it is ready.
    fn start(store: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let process = Command::new(env!("CARGO_BIN_EXE_rowgate"))
            .args(["serve", "--listen", &address, "--store", store])
            .env("ROWGATE_API_KEY", KEY)
            .env("ROWGATE_LOG", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut server = Self { process, address };
        let deadline = Instant::now() + Duration::from_secs(30);
        while request(&server.address, "GET", "/readyz", "").is_none_or(|(status, _)| status != 200) {
            assert!(
                server.process.try_wait().unwrap().is_none(),
                "the server did not start"
            );
            assert!(Instant::now() < deadline, "the server is not ready after 30 s");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn kill(mut self) {
        // SIGKILL on Unix: no handler runs.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// One request on a connection of its own; `None` when the server went away before it answered.
fn request(address: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    exchange(&mut stream, address, method, path, body, true)
}

fn exchange(
    stream: &mut TcpStream,
    address: &str,
    method: &str,
    path: &str,
    body: &str,
    close: bool,
) -> Option<(u16, String)> {
    let connection = if close { "close" } else { "keep-alive" };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    if close {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.get(9..12)?.parse().ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        return Some((status, body.to_owned()));
    }
    let mut reader = BufReader::new(stream);
    let mut status = String::new();
    reader.read_line(&mut status).ok()?;
    let status = status.get(9..12)?.parse().ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((status, String::from_utf8(body).ok()?))
}

fn batch(name: &str) -> String {
    let warrant = |part: usize| {
        format!(
            r#"{{"op":"create","resource_type":"doc","resource_id":"{name}","relation":"viewer","subject":{{"resource_type":"user","resource_id":"u{part}"}}}}"#
        )
    };
    format!("[{}]", (0..BATCH).map(warrant).collect::<Vec<_>>().join(","))
}

/// Every stored document with the number of its warrants.
fn stored(server: &Server) -> HashMap<String, usize> {
    let (status, body) = request(&server.address, "GET", "/rowgate/v1/export", "").expect("export");
    assert_eq!(status, 200, "{body}");
    let mut found: HashMap<String, usize> = HashMap::new();
    for line in body.lines() {
        let Some(at) = line.find(r#"{"warrant":"#) else {
            continue;
        };
        let value: serde_json::Value = serde_json::from_str(&line[at..]).unwrap();
        let id = value["warrant"]["resource_id"].as_str().unwrap().to_owned();
        *found.entry(id).or_default() += 1;
    }
    found
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_stored_in_part() {
    let directory = tempfile::tempdir().unwrap();
    kill_again_and_again(&format!("file:{}", directory.path().display()), rounds());
}

#[test]
fn nor_on_postgres() {
    for version in rowgate_pgtest::versions() {
        let database = support::postgres::installed(version);
        kill_again_and_again(&database.url_as("rg_server"), rounds().div_ceil(8));
    }
}

fn kill_again_and_again(store: &str, rounds: usize) {
    let acknowledged: Arc<Mutex<HashSet<String>>> = Arc::default();
    let names = Arc::new(AtomicUsize::new(0));
    let mut server = Server::start(store);
    let (status, body) = request(&server.address, "POST", "/fga/v1/schema", SCHEMA).unwrap();
    assert_eq!(status, 200, "{body}");
    let (mut unacknowledged_but_there, mut killed_with_answers) = (0, 0);
    for round in 0..rounds {
        let stop = Arc::new(AtomicBool::new(false));
        let before = acknowledged.lock().unwrap().len();
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let (address, stop) = (server.address.clone(), Arc::clone(&stop));
                let (acknowledged, names) = (Arc::clone(&acknowledged), Arc::clone(&names));
                std::thread::spawn(move || {
                    let Ok(mut stream) = TcpStream::connect(&address) else {
                        return;
                    };
                    while !stop.load(Ordering::Relaxed) {
                        let name = format!("d{}", names.fetch_add(1, Ordering::Relaxed));
                        match exchange(
                            &mut stream,
                            &address,
                            "POST",
                            "/fga/v1/warrants",
                            &batch(&name),
                            false,
                        ) {
                            Some((200, _)) => acknowledged.lock().unwrap().insert(name),
                            Some((status, body)) => panic!("{status} {body}"),
                            None => return,
                        };
                    }
                })
            })
            .collect();
        // Some rounds are killed within the first writes, some later.
        std::thread::sleep(Duration::from_millis(
            [8, 45, 110, 25, 180][round % 5] + (round % 7) as u64,
        ));
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().unwrap();
        }
        killed_with_answers += usize::from(acknowledged.lock().unwrap().len() > before);
        server = Server::start(store);
        // Reading everything back costs more with every round, so most rounds look at it less often.
        if round % 10 == 0 || round + 1 == rounds {
            let found = stored(&server);
            let acknowledged = acknowledged.lock().unwrap();
            for name in acknowledged.iter() {
                assert_eq!(
                    found.get(name),
                    Some(&BATCH),
                    "round {round}: `{name}` was acknowledged"
                );
            }
            for (name, count) in &found {
                assert_eq!(*count, BATCH, "round {round}: `{name}` is there in part");
            }
            unacknowledged_but_there = found.len() - acknowledged.len();
        }
    }
    server.kill();
    let total = acknowledged.lock().unwrap().len();
    println!(
        "{rounds} kills, {total} acknowledged batches all there, {unacknowledged_but_there} unacknowledged ones whole"
    );
    assert!(
        killed_with_answers * 2 > rounds,
        "most kills came before anything was written: the test shows too little"
    );
}
