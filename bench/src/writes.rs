//! Durable writes: what an environment manages, and what the bare store does with the very same flushes.
//!
//! A store that counts stands between the environment and the disk. The bare store then appends commits of the same size,
//! as many to a flush, in the same order; the difference is what checking, applying and publishing cost.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rowgate_environment::{Op, Registry, Warrant, Write};
use rowgate_store::{
    ApiKeyRecord, AuditEntry, AuditRange, Change, Commit, Embedded, EnvironmentId, EnvironmentRecord,
    LogSize, NewEnvironment, Options, Result as StoreResult, Revision, Store, WarrantKey,
};
use serde_json::{Value, json};

use crate::child::Scratch;
use crate::measure::median;
use crate::world::SCHEMA;

/// One way to write.
#[derive(Debug, Clone, Copy)]
struct Shape {
    name: &'static str,
    writers: usize,
    batch: usize,
    batches_each: usize,
}

const SHAPES: [Shape; 4] = [
    Shape {
        name: "batches of 100, 1 writer",
        writers: 1,
        batch: 100,
        batches_each: 400,
    },
    Shape {
        name: "batches of 100, 8 writers",
        writers: 8,
        batch: 100,
        batches_each: 200,
    },
    Shape {
        name: "single, 1 writer",
        writers: 1,
        batch: 1,
        batches_each: 1_000,
    },
    Shape {
        name: "single, 64 writers",
        writers: 64,
        batch: 1,
        batches_each: 200,
    },
];

/// Measures every shape, environment and bare store in turn.
pub fn run(rounds: usize) -> Result<Value> {
    let mut out = serde_json::Map::new();
    for shape in SHAPES {
        let (mut through, mut bare, mut flushes, mut ratios) = (vec![], vec![], vec![], vec![]);
        for _ in 0..rounds {
            let (took, appends) = environment(shape)?;
            let warrants: usize = appends.iter().sum::<usize>() * shape.batch;
            let took_bare = store(&appends, shape.batch)?;
            through.push(warrants as f64 / took.as_secs_f64());
            flushes.push(appends.len() as f64 / took.as_secs_f64());
            bare.push(warrants as f64 / took_bare.as_secs_f64());
            ratios.push(took_bare.as_secs_f64() / took.as_secs_f64());
        }
        let of = json!({
            "warrants_per_s": median(&through),
            "bare_per_s": median(&bare),
            "flushes_per_s": median(&flushes),
            // Of runs right after one another: how long the disk takes to flush drifts.
            "ratio": median(&ratios),
        });
        eprintln!("writes, {}: {of}", shape.name);
        out.insert(shape.name.to_owned(), of);
    }
    Ok(Value::Object(out))
}

/// Writes through an environment: how long it took, and how many commits each flush had.
fn environment(shape: Shape) -> Result<(Duration, Vec<usize>)> {
    let dir = Scratch::new("writes")?;
    let appends = Arc::new(Mutex::new(Vec::new()));
    let store = Counting {
        store: Embedded::open(dir.path(), Options::default())?,
        appends: Arc::clone(&appends),
    };
    let registry = Registry::with_store(Arc::new(store))?;
    let environment = registry
        .environment("default")
        .context("there is no default environment")?;
    let schema = rowgate_schema::parse(SCHEMA)
        .schema
        .context("the schema has errors")?;
    environment.write(Write::Schema(Arc::new(move |_| Ok(schema.clone()))))?;
    appends.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let batches = |writer: usize| -> Vec<Vec<(Op, Warrant)>> {
        let first = writer * shape.batches_each * shape.batch;
        let numbers: Vec<usize> = (first..first + shape.batches_each * shape.batch).collect();
        numbers
            .chunks(shape.batch)
            .map(|batch| batch.iter().map(|n| (Op::Create, warrant(*n))).collect())
            .collect()
    };
    let work: Vec<_> = (0..shape.writers).map(batches).collect();
    let started = Instant::now();
    std::thread::scope(|scope| {
        let write = |batches: Vec<Vec<(Op, Warrant)>>| {
            batches
                .into_iter()
                .try_for_each(|batch| environment.write(Write::Warrants(batch)).map(drop))
        };
        let threads: Vec<_> = work
            .into_iter()
            .map(|batches| scope.spawn(move || write(batches)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or(Err(rowgate_environment::Error::Stopping)))
    })?;
    let took = started.elapsed();
    let appends = appends.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((took, appends))
}

/// The same flushes on the bare store.
fn store(appends: &[usize], batch: usize) -> Result<Duration> {
    let dir = Scratch::new("bare")?;
    let store = Embedded::open(dir.path(), Options::default())?;
    let new = NewEnvironment {
        name: "default".into(),
        uid: "bare".into(),
        created_at: 0,
    };
    let environment = store.create_environment(&new)?.id;
    let (mut revision, mut number) = (Revision::ZERO, 0);
    let mut flush = |commits: usize| -> Vec<Commit> {
        let mut commit = || {
            revision = revision.next();
            let mut change = || {
                number += 1;
                Change::CreateWarrant(rowgate_store::Warrant {
                    key: key(warrant(number - 1)),
                    created_at: number as i64,
                })
            };
            Commit {
                environment,
                revision,
                at: 1,
                changes: (0..batch).map(|_| change()).collect(),
            }
        };
        (0..commits).map(|_| commit()).collect()
    };
    let flushes: Vec<Vec<Commit>> = appends.iter().map(|commits| flush(*commits)).collect();
    let started = Instant::now();
    for flush in &flushes {
        store.append(flush)?;
    }
    Ok(started.elapsed())
}

fn warrant(number: usize) -> Warrant {
    let id = (number as u32).wrapping_mul(0x9E37_79B1);
    Warrant {
        resource_type: "document".into(),
        resource_id: format!("doc_{id:08x}"),
        relation: "owner".into(),
        subject_type: "user".into(),
        subject_id: format!("usr_{:08x}", number % 10_007),
        subject_relation: None,
        policy: None,
    }
}

fn key(warrant: Warrant) -> WarrantKey {
    let Warrant {
        resource_type,
        resource_id,
        relation,
        subject_type,
        subject_id,
        subject_relation,
        policy,
    } = warrant;
    WarrantKey {
        resource_type,
        resource_id,
        relation,
        subject_type,
        subject_id,
        subject_relation,
        policy,
    }
}

/// A store that notes how many commits each flush has.
struct Counting {
    store: Embedded,
    appends: Arc<Mutex<Vec<usize>>>,
}

impl Store for Counting {
    fn append(&self, commits: &[Commit]) -> StoreResult<()> {
        self.appends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(commits.len());
        self.store.append(commits)
    }

    fn environments(&self) -> StoreResult<Vec<EnvironmentRecord>> {
        self.store.environments()
    }

    fn create_environment(&self, environment: &NewEnvironment) -> StoreResult<EnvironmentRecord> {
        self.store.create_environment(environment)
    }

    fn delete_environment(&self, environment: EnvironmentId) -> StoreResult<bool> {
        self.store.delete_environment(environment)
    }

    fn api_keys(&self) -> StoreResult<Vec<ApiKeyRecord>> {
        self.store.api_keys()
    }

    fn put_api_key(&self, key: &ApiKeyRecord) -> StoreResult<()> {
        self.store.put_api_key(key)
    }

    fn delete_api_key(&self, id: &str) -> StoreResult<bool> {
        self.store.delete_api_key(id)
    }

    fn head(&self, environment: EnvironmentId) -> StoreResult<Revision> {
        self.store.head(environment)
    }

    fn snapshot(
        &self,
        environment: EnvironmentId,
    ) -> StoreResult<Option<(Revision, Box<dyn io::Read + Send>)>> {
        self.store.snapshot(environment)
    }

    fn commits_after(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        visit: &mut dyn FnMut(Commit) -> StoreResult<()>,
    ) -> StoreResult<()> {
        self.store.commits_after(environment, revision, visit)
    }

    fn write_snapshot(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> StoreResult<()> {
        self.store.write_snapshot(environment, revision, write)
    }

    fn audit(&self, environment: EnvironmentId, range: &AuditRange) -> StoreResult<Vec<AuditEntry>> {
        self.store.audit(environment, range)
    }

    fn prune_audit(&self, environment: EnvironmentId, before: i64) -> StoreResult<u64> {
        self.store.prune_audit(environment, before)
    }

    fn log_size(&self, environment: EnvironmentId) -> StoreResult<LogSize> {
        self.store.log_size(environment)
    }

    fn close(&self) -> StoreResult<()> {
        self.store.close()
    }
}
