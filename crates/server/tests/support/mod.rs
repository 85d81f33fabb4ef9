//! A real server on a free port with a store of its own, and a client.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests; each file uses a part"
)]

pub mod document;
mod postgres;
pub mod provider;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rowgate_pgtest::Database;
use rowgate_server::{Config, Limits, Log, LogFormat, Server, StoreLocation};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub const KEY: &str = "sk_test_key_of_the_default_environment";

/// Whether the tests of a file are run on Postgres: then they are in a module of this name, and so is this.
fn on_postgres() -> bool {
    module_path!().contains("::on_postgres::")
}

/// A server that runs until it is dropped.
pub struct Served {
    pub address: SocketAddr,
    pub generated_key: Option<String>,
    pub directory: Arc<TempDir>,
    /// Where the store is, if that is a database.
    database: Option<Arc<Database>>,
    pub key: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    agent: ureq::Agent,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Answer {
    /// Of an answer as it came over the connection.
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (
                ureq::http::HeaderName::try_from(name).unwrap(),
                value.parse().unwrap(),
            )
        });
        Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            text: body.to_owned(),
        }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        let kind = self
            .headers
            .get("content-type")
            .map(|kind| kind.to_str().unwrap());
        assert_eq!(kind, Some("application/json; charset=utf-8"), "{self:?}");
        serde_json::from_str(&self.text).unwrap()
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// A success without a body.
    #[track_caller]
    pub fn ok_empty(&self) {
        assert_eq!(
            (self.status, self.text.as_str(), self.header("content-type")),
            (200, "", ""),
            "{self:?}"
        );
    }

    /// Status, code and body of an error.
    #[track_caller]
    pub fn error(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!(
            (self.status, body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert!(body["message"].is_string(), "{body}");
        assert!(
            body.get("error").is_none() && body.get("error_description").is_none(),
            "{body}"
        );
        body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub fn config(directory: &Path) -> Config {
    let mut config = Config::new(StoreLocation::File(directory.to_owned()));
    config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.api_key = Some(KEY.into());
    // Made in no time, unlike those for RSA.
    config.identity.built_in.algorithm = rowgate_identity::Algorithm::EdDSA;
    config.log = Log {
        format: LogFormat::Off,
        ..Log::default()
    };
    config.limits = Limits {
        token_wait: Duration::from_millis(50),
        ..Limits::default()
    };
    config
}

impl Served {
    pub fn start() -> Self {
        if on_postgres() {
            return Self::start_on(Arc::new(postgres::installed()));
        }
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), |_| {})
    }

    /// On a database, with signing keys of its own.
    pub fn start_on(database: Arc<Database>) -> Self {
        Self::start_on_with(database, |_| {})
    }

    fn start_on_with(database: Arc<Database>, change: impl FnOnce(&mut Config)) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let keys = directory.path().to_owned();
        let store = StoreLocation::Postgres(database.url_as(postgres::SERVER).into());
        let mut served = Self::start_in(directory, |config| {
            config.store = store;
            config.identity.built_in.keys = Some(keys);
            change(config);
        });
        served.database = Some(database);
        served
    }

    /// The database that its store is in.
    pub fn database(&self) -> &Arc<Database> {
        self.database.as_ref().expect("its store is in a directory")
    }

    pub fn start_in(directory: Arc<TempDir>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(directory.path());
        change(&mut config);
        let (stop, stopped) = oneshot::channel();
        let (started, starting) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async move {
                let server = Server::bind(config).await.unwrap();
                let key = server.generated_key().map(str::to_owned);
                started.send((server.local_addr(), key)).unwrap();
                let shutdown = async {
                    let _ = stopped.await;
                };
                server.run(shutdown).await.unwrap();
            });
        });
        let (address, generated_key) = starting.recv().unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        let key = generated_key.clone().unwrap_or_else(|| KEY.into());
        Self {
            address,
            generated_key,
            directory,
            database: None,
            key,
            stop: Some(stop),
            thread: Some(thread),
            agent,
        }
    }

    /// Stops it and starts another one on the same store.
    pub fn restart(self) -> Self {
        self.start_again(|_| {})
    }

    /// The same, with another configuration.
    pub fn start_again(mut self, change: impl FnOnce(&mut Config)) -> Self {
        self.stop();
        match self.database.take() {
            Some(database) => Self::start_on_with(database, change),
            None => Self::start_in(Arc::clone(&self.directory), change),
        }
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(&mut self) {
        self.begin_stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Tells it to stop.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let uri = format!("http://{}{path}", self.address);
        let mut request = ureq::http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.body_mut().read_to_string().unwrap(),
        }
    }

    pub fn call_as(&self, key: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let key = format!("Bearer {key}");
        let bytes = body.map(|body| body.to_string().into_bytes());
        let headers = [
            ("Authorization", key.as_str()),
            ("Content-Type", "application/json"),
        ];
        self.send(method, path, &headers, bytes.as_deref())
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call_as(&self.key, "GET", path, None)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.call_as(&self.key, "DELETE", path, None)
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.key, "POST", path, Some(&body))
    }

    pub fn put(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.key, "PUT", path, Some(&body))
    }

    /// With a `Warrant-Token`.
    pub fn with_token(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let key = format!("Bearer {}", self.key);
        let bytes = body.map(|body| body.to_string().into_bytes());
        self.send(
            method,
            path,
            &[("Authorization", &key), ("Warrant-Token", token)],
            bytes.as_deref(),
        )
    }

    /// A body that need not be JSON.
    pub fn post_raw(&self, path: &str, kind: &str, body: &[u8]) -> Answer {
        let key = format!("Bearer {}", self.key);
        self.send(
            "POST",
            path,
            &[("Authorization", &key), ("Content-Type", kind)],
            Some(body),
        )
    }

    /// Replaces the schema by one in the schema language.
    #[track_caller]
    pub fn apply(&self, schema: &str) {
        let json = self
            .post_raw("/fga/v1/schemas/convert", "text/plain", schema.as_bytes())
            .ok();
        self.post("/fga/v1/schema", json).ok();
    }

    /// Creates a warrant written `type:id#relation@type:id[#relation]`, and gives the token.
    #[track_caller]
    pub fn grant(&self, warrant: &str) -> String {
        let answer = self.post("/fga/v1/warrants", parse(warrant)).ok();
        answer["warrant_token"].as_str().unwrap().to_owned()
    }

    /// Whether a check, written like a warrant, is authorized.
    #[track_caller]
    pub fn allows(&self, check: &str, context: Value) -> bool {
        let mut check = parse(check);
        check["context"] = context;
        let answer = self.post("/fga/v1/check", json!({"checks": [check]})).ok();
        answer["result"] == "authorized"
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.begin_stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// `type:id#relation@type:id[#relation]` as JSON.
pub fn parse(warrant: &str) -> Value {
    let (resource, subject) = warrant.split_once('@').unwrap();
    let (resource, relation) = resource.split_once('#').unwrap();
    let (resource_type, resource_id) = resource.split_once(':').unwrap();
    let (subject, subject_relation) = subject
        .split_once('#')
        .map_or((subject, None), |(s, r)| (s, Some(r)));
    let (subject_type, subject_id) = subject.split_once(':').unwrap();
    let mut subject = json!({"resource_type": subject_type, "resource_id": subject_id});
    if let Some(relation) = subject_relation {
        subject["relation"] = relation.into();
    }
    json!({"resource_type": resource_type, "resource_id": resource_id, "relation": relation, "subject": subject})
}

/// The ids of a list's rows.
pub fn ids(list: &Value) -> Vec<String> {
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["resource_id"].as_str().unwrap().to_owned())
        .collect()
}

/// A value as part of a URL.
pub fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

/// A schema for most tests.
pub const DOCUMENTS: &str = "version 0.3

type user

type group
    relation member [user, group#member]

type folder
    relation viewer [user]

type document
    relation parent [folder]
    relation owner [user]
    relation editor [user, group#member]
    relation viewer [user]
    relation approver []

    inherit editor if
        relation owner

    inherit viewer if
        any_of
            relation editor
            relation viewer on parent [folder]

    inherit approver if
        all_of
            relation editor
            policy small

policy small(amount integer) {
    amount <= 100
}
";
