//! What writes do when the store takes its time, and when it fails: a real store behind a gate that lets appends through one by
//! one, or fails them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rowgate_environment::{Environment, Error, Op, Registry, Result, Warrant, Write, Written};
use rowgate_store::{
    ApiKeyRecord, AuditEntry, AuditRange, Commit, Embedded, EnvironmentId, EnvironmentRecord, ErrorKind,
    LogSize, NewEnvironment, Options, Result as StoreResult, Revision, Store, StoreError,
};

const SCHEMA: &str = "version 0.3
type user
type ticket
    relation owner [user]
";

/// Long enough for anything that is going to happen at all.
const SOON: Duration = Duration::from_secs(20);

/// Short: for what must not happen.
const A_MOMENT: Duration = Duration::from_millis(100);

struct Gate {
    store: Embedded,
    ahead: bool,
    /// Says that an append has come to the gate.
    arrived: Mutex<Sender<usize>>,
    /// What becomes of it. All pass while there is nobody to say.
    verdicts: Mutex<Option<Receiver<Verdict>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Pass,
    Fail,
}

impl Store for Gate {
    fn append(&self, commits: &[Commit]) -> StoreResult<()> {
        let verdict = {
            let verdicts = self.verdicts.lock().unwrap();
            verdicts.as_ref().map_or(Verdict::Pass, |verdicts| {
                let _ = self.arrived.lock().unwrap().send(commits.len());
                verdicts.recv().unwrap_or(Verdict::Pass)
            })
        };
        match verdict {
            Verdict::Pass => self.store.append(commits),
            Verdict::Fail => Err(StoreError::new(ErrorKind::Io, "the gate is shut")),
        }
    }

    fn prepares_ahead(&self) -> bool {
        self.ahead
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

struct Setting {
    directory: tempfile::TempDir,
    gate: Arc<Gate>,
    registry: Registry,
    environment: Environment,
    arrived: Receiver<usize>,
    verdict: Option<Sender<Verdict>>,
}

impl Setting {
    fn new(ahead: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (arrived, arrivals) = channel();
        let gate = Arc::new(Gate {
            store: Embedded::open(directory.path(), Options::default()).unwrap(),
            ahead,
            arrived: Mutex::new(arrived),
            verdicts: Mutex::new(None),
        });
        let store: Arc<dyn Store> = Arc::clone(&gate) as Arc<dyn Store>;
        let registry = Registry::with_store(store).unwrap();
        let environment = registry.environment("default").unwrap();
        let schema = rowgate_schema::parse(SCHEMA).schema.unwrap();
        environment
            .write(Write::Schema(Arc::new(move |_| Ok(schema.clone()))))
            .unwrap();
        create(&environment, "first").recv_timeout(SOON).unwrap().unwrap();
        let (verdict, verdicts) = channel();
        *gate.verdicts.lock().unwrap() = Some(verdicts);
        Self {
            directory,
            gate,
            registry,
            environment,
            arrived: arrivals,
            verdict: Some(verdict),
        }
    }

    /// Waits for an append, which stays at the gate.
    fn arrives(&self) -> usize {
        self.arrived.recv_timeout(SOON).expect("an append")
    }

    fn say(&self, verdict: Verdict) {
        self.verdict.as_ref().unwrap().send(verdict).unwrap();
    }

    /// Takes the gate away.
    fn open(&mut self) {
        self.verdict = None;
    }

    /// What is there, in memory and after opening the store again.
    fn tickets(self) -> Vec<String> {
        let in_memory = tickets(&self.environment);
        let revision = self.environment.read().revision();
        let Self {
            directory,
            gate,
            registry,
            environment,
            verdict,
            ..
        } = self;
        drop((verdict, environment));
        registry.close().unwrap();
        drop((registry, gate));
        let reopened = Registry::open(directory.path()).unwrap();
        let environment = reopened.environment("default").unwrap();
        assert_eq!(tickets(&environment), in_memory);
        assert_eq!(environment.read().revision(), revision);
        in_memory
    }
}

fn tickets(environment: &Environment) -> Vec<String> {
    let published = environment.read();
    let graph = &published.graph;
    let of = graph.warrants_oldest_first(None);
    of.map(|(_, row)| graph.id_of(row.resource).to_owned()).collect()
}

fn write(environment: &Environment, write: Write) -> Receiver<Result<Written>> {
    let (answer, answered) = channel();
    environment.submit(write, move |outcome| answer.send(outcome).unwrap());
    answered
}

fn change(environment: &Environment, op: Op, ticket: &str) -> Receiver<Result<Written>> {
    let warrant = Warrant {
        resource_type: "ticket".into(),
        resource_id: ticket.into(),
        relation: "owner".into(),
        subject_type: "user".into(),
        subject_id: "ann".into(),
        subject_relation: None,
        policy: None,
    };
    write(environment, Write::Warrants(vec![(op, warrant)]))
}

fn create(environment: &Environment, ticket: &str) -> Receiver<Result<Written>> {
    change(environment, Op::Create, ticket)
}

/// A write that changes nothing and says when it is prepared.
fn probe(environment: &Environment) -> (Receiver<()>, Receiver<Result<Written>>) {
    let (prepared, at_work) = channel();
    let edit = move |schema: &rowgate_schema::ast::Schema| {
        prepared.send(()).unwrap();
        Ok(schema.clone())
    };
    (at_work, write(environment, Write::Schema(Arc::new(edit))))
}

fn code(answer: &Receiver<Result<Written>>) -> &'static str {
    match answer.recv_timeout(SOON).expect("an answer") {
        Ok(_) => "written",
        Err(error) => error.code(),
    }
}

#[test]
fn a_group_is_prepared_while_another_is_appended_and_neither_is_answered_or_read_early() {
    let mut setting = Setting::new(true);
    let environment = setting.environment.clone();
    let second = create(&environment, "second");
    setting.arrives();
    let third = create(&environment, "third");
    let (prepared, unchanged) = probe(&environment);
    prepared
        .recv_timeout(SOON)
        .expect("it is prepared while the append waits");
    assert!(second.try_recv().is_err() && third.try_recv().is_err());
    // Even what changes nothing has seen what is not durable yet.
    assert!(unchanged.try_recv().is_err());
    assert_eq!(tickets(&environment), ["first"]);
    setting.say(Verdict::Pass);
    assert_eq!(code(&second), "written");
    assert_eq!(setting.arrives(), 1);
    assert_eq!(tickets(&environment), ["first", "second"]);
    setting.say(Verdict::Pass);
    assert_eq!((code(&third), code(&unchanged)), ("written", "written"));
    setting.open();
    assert_eq!(setting.tickets(), ["first", "second", "third"]);
}

#[test]
fn a_failed_append_takes_back_what_was_prepared_on_top_of_it() {
    let mut setting = Setting::new(true);
    let environment = setting.environment.clone();
    let second = create(&environment, "second");
    setting.arrives();
    let third = create(&environment, "third");
    // Refused, but on the ground of what is about to be taken back.
    let again = change(&environment, Op::Delete, "third");
    let gone = change(&environment, Op::Delete, "third");
    let (prepared, unchanged) = probe(&environment);
    prepared.recv_timeout(SOON).unwrap();
    setting.say(Verdict::Fail);
    for answer in [&second, &third, &again, &gone, &unchanged] {
        assert_eq!(code(answer), "store_io");
    }
    assert_eq!(tickets(&environment), ["first"]);
    let fourth = create(&environment, "fourth");
    setting.arrives();
    setting.say(Verdict::Pass);
    assert_eq!(code(&fourth), "written");
    setting.open();
    assert_eq!(setting.tickets(), ["first", "fourth"]);
}

#[test]
fn a_failed_append_leaves_other_environments_alone() {
    let mut setting = Setting::new(true);
    let environment = setting.environment.clone();
    let other = setting.registry.create_environment("other").unwrap();
    let second = create(&environment, "second");
    setting.arrives();
    // The default schema of a new environment knows no tickets.
    let schema = rowgate_schema::parse(SCHEMA).schema.unwrap();
    let applied = write(&other, Write::Schema(Arc::new(move |_| Ok(schema.clone()))));
    let ticket = create(&other, "other");
    let third = create(&environment, "third");
    let (prepared, unchanged) = probe(&environment);
    prepared.recv_timeout(SOON).unwrap();
    setting.say(Verdict::Fail);
    assert_eq!(setting.arrives(), 2, "the commits of the other environment alone");
    setting.say(Verdict::Pass);
    assert_eq!((code(&applied), code(&ticket)), ("written", "written"));
    for answer in [&second, &third, &unchanged] {
        assert_eq!(code(answer), "store_io");
    }
    assert_eq!(tickets(&other), ["other"]);
    setting.open();
    assert_eq!(setting.tickets(), ["first"]);
}

#[test]
fn a_shared_store_gets_one_group_at_a_time_and_all_that_is_queued_shares_it() {
    let mut setting = Setting::new(false);
    let environment = setting.environment.clone();
    let second = create(&environment, "second");
    setting.arrives();
    let (prepared, unchanged) = probe(&environment);
    let more: Vec<_> = (0..20).map(|n| create(&environment, &format!("t{n}"))).collect();
    assert!(
        prepared.recv_timeout(A_MOMENT).is_err(),
        "nothing is prepared meanwhile"
    );
    setting.say(Verdict::Pass);
    assert_eq!(code(&second), "written");
    assert_eq!(setting.arrives(), 20);
    setting.say(Verdict::Pass);
    for answer in more.iter().chain([&unchanged]) {
        assert_eq!(code(answer), "written");
    }
    setting.open();
    assert_eq!(setting.tickets().len(), 22);
}

#[test]
fn stopping_finishes_what_is_queued() {
    let mut setting = Setting::new(true);
    let environment = setting.environment.clone();
    let answers: Vec<_> = (0..50).map(|n| create(&environment, &format!("t{n}"))).collect();
    setting.open();
    setting.registry.close().unwrap();
    for answer in &answers {
        assert_eq!(code(answer), "written");
    }
    assert_eq!(code(&create(&environment, "late")), "stopping");
    assert_eq!(setting.tickets().len(), 51);
}

#[test]
fn a_panic_while_writing_answers_everybody_and_stores_nothing_of_it() {
    for ahead in [true, false] {
        let mut setting = Setting::new(ahead);
        let environment = setting.environment.clone();
        let second = create(&environment, "second");
        setting.arrives();
        let third = create(&environment, "third");
        let panics = write(
            &environment,
            Write::Schema(Arc::new(|_| -> Result<_, Error> { panic!("a test") })),
        );
        if ahead {
            assert_eq!(code(&panics), "stopping");
        }
        setting.say(Verdict::Pass);
        assert_eq!(code(&second), "written");
        assert_eq!(code(&third), "stopping");
        if !ahead {
            assert_eq!(code(&panics), "stopping");
        }
        assert_eq!(code(&create(&environment, "late")), "stopping");
        setting.open();
        assert_eq!(setting.tickets(), ["first", "second"]);
    }
}
