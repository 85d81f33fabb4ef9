//! A disk that fills up under a real server: writes are refused with a code, reads go on, nothing stored is lost, and what was
//! refused does not appear later.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KEY: &str = "sk_full_disk_0123456789";

const SCHEMA: &str = r#"{"resource_types":[{"type":"user","relations":{}},{"type":"doc","relations":{"viewer":{"allowed_types":["user"]}}}]}"#;

struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// `limit`: no file may grow beyond this many KiB, as if the disk were full.
    fn start(store: &std::path::Path, limit: Option<u32>) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let limit = limit.map_or(String::new(), |limit| {
            format!("trap '' XFSZ; ulimit -f {limit}; ")
        });
        let process = Command::new("bash")
            .args([
                "-c",
                &format!("{limit}exec \"$@\""),
                "serve",
                env!("CARGO_BIN_EXE_rowgate"),
                "serve",
            ])
            .args([
                "--listen",
                &address,
                "--store",
                &format!("file:{}", store.display()),
            ])
            .env("ROWGATE_API_KEY", KEY)
            .env("ROWGATE_LOG", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, address };
        let deadline = Instant::now() + Duration::from_secs(30);
        while server.get("/readyz").0 != 200 {
            assert!(Instant::now() < deadline, "the server is not ready after 30 s");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn send(
        &self,
        request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        body: &str,
    ) -> (u16, serde_json::Value) {
        let request = request.config().http_status_as_error(false).build();
        let answer = request
            .header("Authorization", format!("Bearer {KEY}"))
            .content_type("application/json")
            .send(body);
        read(answer)
    }

    fn post(&self, path: &str, body: &str) -> (u16, serde_json::Value) {
        self.send(ureq::post(format!("http://{}{path}", self.address)), body)
    }

    fn get(&self, path: &str) -> (u16, serde_json::Value) {
        let request = ureq::get(format!("http://{}{path}", self.address))
            .config()
            .http_status_as_error(false)
            .build();
        read(request.header("Authorization", format!("Bearer {KEY}")).call())
    }

    fn sees(&self, name: &str) -> bool {
        let check = format!(
            r#"{{"checks":[{{"resource_type":"doc","resource_id":"{name}","relation":"viewer","subject":{{"resource_type":"user","resource_id":"u"}}}}]}}"#
        );
        let (status, body) = self.post("/fga/v1/check", &check);
        assert_eq!(status, 200, "{body}");
        body["result"] == "authorized"
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, serde_json::Value) {
    match answer {
        Ok(mut answer) => {
            let status = answer.status().as_u16();
            (
                status,
                answer.body_mut().read_json().unwrap_or(serde_json::Value::Null),
            )
        }
        Err(_) => (0, serde_json::Value::Null),
    }
}

/// A hundred warrants with long ids, so that the disk fills soon.
fn batch(round: usize) -> (String, Vec<String>) {
    let names: Vec<String> = (0..100)
        .map(|at| format!("{}-{round}-{at}", "x".repeat(200)))
        .collect();
    let warrant = |name: &String| {
        format!(
            r#"{{"resource_type":"doc","resource_id":"{name}","relation":"viewer","subject":{{"resource_type":"user","resource_id":"u"}}}}"#
        )
    };
    (
        format!("[{}]", names.iter().map(warrant).collect::<Vec<_>>().join(",")),
        names,
    )
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), Some(4096));
    assert_eq!(server.post("/fga/v1/schema", SCHEMA).0, 200);
    let mut stored = Vec::new();
    let mut refused = None;
    for round in 0..2_000 {
        let (body, names) = batch(round);
        match server.post("/fga/v1/warrants", &body) {
            (200, _) => stored.push(names),
            (status, body) => {
                assert_eq!(
                    (status, body["code"].as_str()),
                    (507, Some("store_full")),
                    "{body}"
                );
                refused = Some(names);
                break;
            }
        }
    }
    let refused = refused.expect("the disk never filled");
    assert!(stored.len() > 3, "the disk was full too soon to show anything");
    assert_eq!(server.get("/healthz").0, 200);
    assert!(
        server.sees(&stored[0][0]) && server.sees(&stored.last().unwrap()[99]) && !server.sees(&refused[0])
    );
    // Still refused, still alive.
    assert_eq!(server.post("/fga/v1/warrants", &batch(9_999).0).0, 507);
    drop(server);

    let server = Server::start(directory.path(), None);
    for names in &stored {
        assert!(server.sees(&names[0]) && server.sees(&names[99]));
    }
    assert!(!server.sees(&refused[0]) && !server.sees(&refused[99]));
    assert_eq!(
        server.post("/fga/v1/warrants", &batch(10_000).0).0,
        200,
        "there is room again"
    );
}

#[test]
fn a_corrupt_store_is_refused_with_its_place_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    drop(Server::start(directory.path(), None));
    let file = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "redb"))
        .expect("the store's file");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..64].fill(0xAA);
    std::fs::write(&file, &bytes).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rowgate"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--store",
            &format!("file:{}", directory.path().display()),
        ])
        .env("ROWGATE_API_KEY", KEY)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("store_corrupt") && message.contains("store.redb"),
        "{message}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}
