//! Servers on a database.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rowgate::client::Client;
use rowgate_pgtest::{Cluster, Database, Version};
use rowgate_store::postgres::install::{Grants, install};

use super::binary;

/// The key of the default environment.
pub const KEY: &str = "sk_postgres_test_0123456789";

/// A database with the tables, and the roles `rg_server` and `rg_app`.
pub fn installed(version: Version) -> Database {
    installed_on(Cluster::shared(version))
}

pub fn installed_on(cluster: &Cluster) -> Database {
    let database = cluster.database("binary");
    for role in ["rg_server", "rg_app"] {
        let sql = format!(
            "do $$ begin create role {role} login; exception when duplicate_object or unique_violation then null; end $$"
        );
        database.client().batch_execute(&sql).unwrap();
    }
    let grants = Grants {
        servers: vec!["rg_server".into()],
        apps: vec!["rg_app".into()],
        ..Grants::default()
    };
    install(database.url(), &grants).unwrap();
    database
}

/// `rowgate rls apply`, as somebody would run it beside a `rowgate.toml` and a schema, where there is one.
pub fn apply_bindings(database: &Database, bindings: &str, schema: Option<&str>) {
    let here = tempfile::tempdir().unwrap();
    std::fs::write(here.path().join("rowgate.toml"), bindings).unwrap();
    let mut apply = binary();
    apply.args(["rls", "apply", "--database", database.url()]);
    if let Some(schema) = schema {
        std::fs::write(here.path().join("schema.txt"), schema).unwrap();
        apply.args(["--schema", "schema.txt"]);
    }
    let applied = apply.current_dir(here.path()).output().unwrap();
    let said = String::from_utf8_lossy(&applied.stderr);
    assert!(applied.status.success(), "{said}");
}

/// The real binary, serving.
pub struct Serving {
    process: Child,
    pub url: String,
}

impl Serving {
    pub fn start(database: &Database) -> Self {
        Self::start_with(database, None)
    }

    /// With a configuration file.
    pub fn start_with(database: &Database, config: Option<&Path>) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let listen = format!("127.0.0.1:{port}");
        let mut command = binary();
        command
            .args([
                "serve",
                "--listen",
                &listen,
                "--store",
                &database.url_as("rg_server"),
            ])
            .env("ROWGATE_API_KEY", KEY)
            .env("ROWGATE_LOG", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some(config) = config {
            command.env("ROWGATE_CONFIG", config);
        }
        let mut serving = Self {
            process: command.spawn().unwrap(),
            url: format!("http://{listen}"),
        };
        let since = Instant::now();
        while serving.ready().is_none() {
            assert!(
                serving.process.try_wait().unwrap().is_none(),
                "the server did not start"
            );
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "the server is not ready"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        serving
    }

    pub fn client(&self) -> Client {
        Client::new(&self.url, KEY).unwrap()
    }

    /// What `/readyz` says, if it is ready.
    pub fn ready(&self) -> Option<serde_json::Value> {
        let answer = ureq::get(format!("{}/readyz", self.url)).call().ok()?;
        answer.into_body().read_json().ok()
    }

    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
