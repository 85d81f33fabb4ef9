//! Starting, stopping, starting again; what is in the logs.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{DOCUMENTS, KEY, Served, parse};

#[test]
fn finishes_requests_in_flight_and_takes_no_new_ones() {
    let mut server = Served::start();
    server.apply(DOCUMENTS);
    let body = parse("document:d1#owner@user:ann").to_string();
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut idle = TcpStream::connect(server.address).unwrap();
    idle.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /fga/v1/warrants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    slow.write_all(&body.as_bytes()[..10]).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    server.begin_stop();
    // The idle connection is closed, new ones are refused.
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    let refused = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        TcpStream::connect(server.address).is_err()
    });
    assert!(refused);
    slow.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("warrant_token"),
        "{answer}"
    );
    server.stop();
    let server = server.restart();
    assert!(server.allows("document:d1#owner@user:ann", json!({})));
}

#[cfg(target_os = "linux")]
#[test]
fn ends_connections_whose_answers_nobody_reads() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let server = Served::start_in(directory, |config| {
        config.limits.write_timeout = Duration::from_secs(1)
    });
    let mut deaf = TcpStream::connect(server.address).unwrap();
    deaf.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
    // Asks until there is no more room on the way, and waits there. 100 MB of answers fit into no buffers.
    let ended = (0..1_000).find_map(|_| deaf.write_all(requests.as_bytes()).err());
    let kind = ended.unwrap().kind();
    assert!(
        matches!(
            kind,
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe
        ),
        "{kind}"
    );
}

#[test]
fn does_not_wait_for_ever_for_a_client() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let mut server = Served::start_in(directory, |config| {
        config.limits.shutdown_timeout = Duration::from_millis(300)
    });
    let mut stuck = TcpStream::connect(server.address).unwrap();
    stuck
        .write_all(b"POST /fga/v1/check HTTP/1.1\r\nHost: x\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn gives_up_on_bodies_that_do_not_come() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let server = Served::start_in(directory, |config| {
        config.limits.body_timeout = Duration::from_millis(100)
    });
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /fga/v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 9\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"),
        "{answer}"
    );
}

#[test]
fn keeps_everything_through_a_restart() {
    let server = Served::start();
    server.apply(DOCUMENTS);
    for at in 0..20 {
        server.grant(&format!("document:d{at}#owner@user:ann"));
    }
    server
        .post(
            "/fga/v1/resources",
            json!({"resource_type": "folder", "resource_id": "f", "meta": {"a": 1}}),
        )
        .ok();
    let schema = server.get("/fga/v1/schema").ok();
    let warrants = server.get("/fga/v1/warrants?limit=100").ok();
    let token = server.grant("document:last#owner@user:ann");
    let server = server.restart();
    assert_eq!(server.get("/fga/v1/schema").ok(), schema);
    let after = server
        .with_token("GET", "/fga/v1/warrants?limit=100", &token, None)
        .ok();
    assert_eq!(
        after["data"].as_array().unwrap()[1..],
        warrants["data"].as_array().unwrap()[..]
    );
    assert_eq!(
        server.get("/fga/v1/resources/folder/f").ok()["meta"],
        json!({"a": 1})
    );
}

#[test]
fn two_servers_do_not_share_a_store() {
    let server = Served::start();
    let config = support::config(server.directory.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime
        .block_on(rowgate_server::Server::bind(config))
        .unwrap_err();
    assert!(error.to_string().starts_with("store_locked: "), "{error}");
}

#[test]
fn says_when_the_address_is_taken_and_when_the_key_is_too_short() {
    let server = Served::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut config = support::config(directory.path());
    config.listen = server.address;
    let error = runtime
        .block_on(rowgate_server::Server::bind(config))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot listen on {}", server.address)),
        "{error}"
    );
    let mut config = support::config(directory.path());
    config.api_key = Some("short".into());
    let error = runtime
        .block_on(rowgate_server::Server::bind(config))
        .unwrap_err();
    assert!(
        error.to_string().starts_with("the API key: ") && !error.to_string().contains("short"),
        "{error}"
    );
}

/// Log lines, kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn logs_each_request_and_no_secrets() {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(move || writer.clone());
    subscriber.with_max_level(tracing::Level::TRACE).init();
    let server = Served::start();
    server.apply(DOCUMENTS);
    let created = server.post("/rowgate/v1/keys", json!({"name": "deploy"})).ok();
    let secret = created["key"].as_str().unwrap();
    let mut check = parse("document:d1#owner@user:ann");
    check["context"] = json!({"ssn": "078-05-1120"});
    let key = format!("Bearer {secret}");
    let headers = [("Authorization", key.as_str()), ("X-Request-ID", "trace-77")];
    server
        .send(
            "POST",
            "/fga/v1/check",
            &headers,
            Some(json!({"checks": [check]}).to_string().as_bytes()),
        )
        .ok();
    server
        .call_as("sk_wrong_but_still_secret", "GET", "/fga/v1/schema", None)
        .error(401, "unauthorized");
    drop(server);
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    for secret in [KEY, secret, "sk_wrong_but_still_secret", "078-05-1120"] {
        assert!(!text.contains(secret), "{text}");
    }
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = lines
        .iter()
        .find(|line| line["request_id"] == "trace-77")
        .unwrap();
    assert_eq!(
        (
            &line["method"],
            &line["route"],
            &line["status"],
            &line["environment"],
            &line["level"]
        ),
        (
            &json!("POST"),
            &json!("/fga/v1/check"),
            &json!(200),
            &json!("default"),
            &json!("INFO")
        )
    );
    assert!(line["micros"].is_u64());
    assert!(lines.iter().any(|line| line["status"] == 401));
}
