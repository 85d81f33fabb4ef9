//! The server as it ships, in a process of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use super::client::{Connection, get, post};
use crate::child::Scratch;
use crate::measure::memory;
use crate::world::{Kind, SCHEMA, World};

/// The key of the server that is measured.
pub const KEY: &str = "sk_bench_2f6d0c3b9a814e57b0f1c8d4";

/// Lines of one import.
const CHUNK: usize = 15_000;

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Builds the server's binary as it ships.
pub fn build() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own
        .ancestors()
        .nth(2)
        .context("this program does not lie in a target directory")?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let status = Command::new("cargo")
        .args([
            "build",
            "--profile",
            "dist",
            "--package",
            "rowgate",
            "--manifest-path",
        ])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "the server does not build");
    Ok(target.join("dist/rowgate"))
}

/// A running server. It ends with this, and so does a store of its own.
#[derive(Debug)]
pub struct Server {
    process: Child,
    address: SocketAddr,
    _store: Option<Scratch>,
}

impl Server {
    /// Starts it with an embedded store of its own, and waits until it can answer.
    pub fn start(binary: &Path, log_format: &str) -> Result<Self> {
        Self::start_with(binary, log_format, &[])
    }

    /// The same, with further arguments.
    pub fn start_with(binary: &Path, log_format: &str, more: &[&str]) -> Result<Self> {
        let store = Scratch::new("server")?;
        let url = format!("file:{}", store.path().display());
        let mut server = Self::run(binary, log_format, &url, more)?;
        server._store = Some(store);
        Ok(server)
    }

    /// Starts it on a store that is there, and waits until it can answer.
    pub fn on(binary: &Path, log_format: &str, store: &str) -> Result<Self> {
        Self::run(binary, log_format, store, &[])
    }

    fn run(binary: &Path, log_format: &str, store: &str, more: &[&str]) -> Result<Self> {
        // The port is free again when the server asks for it, unless somebody was very quick.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let process = Command::new(binary)
            .args([
                "serve",
                "--listen",
                &address.to_string(),
                "--log-format",
                log_format,
            ])
            .args(["--store", store])
            .args(more)
            .env("ROWGATE_API_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut server = Self {
            process,
            address,
            _store: None,
        };
        let started = Instant::now();
        while Connection::open(address)
            .and_then(|mut connection| connection.exchange(&get("/readyz")).map(drop))
            .is_err()
        {
            if let Some(status) = server.process.try_wait()? {
                bail!("the server ended: {status}");
            }
            ensure!(started.elapsed() < PATIENCE, "the server does not become ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Bytes of memory that it has.
    pub fn memory(&self) -> u64 {
        memory(&self.process.id().to_string(), "VmRSS:")
    }

    /// Sets the schema and imports the data.
    pub fn fill(&self, world: &World) -> Result<()> {
        let (model, _) = rowgate_schema::compile(SCHEMA).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
        let mut lines = vec![json!({"schema": rowgate_schema::to_json(model.schema())}).to_string()];
        world.facts(|fact| {
            let name = |(kind, number): (Kind, u32)| json!({"resource_type": kind.name(), "resource_id": kind.id(number)});
            let (mut warrant, mut subject) = (name(fact.resource), name(fact.subject));
            if let Some(relation) = fact.subject_relation {
                subject["relation"] = relation.into();
            }
            warrant["relation"] = fact.relation.into();
            warrant["subject"] = subject;
            lines.push(json!({"warrant": warrant}).to_string());
        });
        let mut connection = Connection::open(self.address)?;
        for chunk in lines.chunks(CHUNK) {
            connection.exchange(&post(
                "/rowgate/v1/import",
                "application/x-ndjson",
                chunk.join("\n").as_bytes(),
            ))?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
