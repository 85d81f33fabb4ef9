//! The oracle while others write: grants and revokes in SQL and by a server, and edits of rows, in several sessions at once.
//!
//! A reader's statements run at the isolation that apply gave its role. The whole state is read at the reader's own snapshot, so the
//! reference evaluator is asked about exactly what the statements saw. That state must also be what the log says: the changes up to its
//! revision, and then those that had no revision yet. A server's answers are compared with the state that the log gives for their revision.
//!
//! `ROWGATE_WORLDS` says how many worlds; `ROWGATE_SEED` begins elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "common/generate.rs"]
mod generate;
#[path = "common/reference.rs"]
mod reference;
#[path = "common/server.rs"]
mod server;
#[path = "common/stage.rs"]
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use common::{Asker, Site};
use generate::{Edge, SUBJECTS, Sample};
use postgres::error::SqlState;
use postgres::{Client, IsolationLevel, Transaction};
use reference::{expected, facts, holding};
use rowgate_environment::{Environment, Error, Freshness, Op, Published, Warrant, Write};
use rowgate_pgtest::{Database, versions};
use rowgate_store::postgres::{Postgres, PostgresOptions};
use rowgate_store::{Change, Revision, Store, WarrantKey};
use rowgate_testkit::Resource;
use rowgate_testkit::sample::Numbers;
use server::Server;
use stage::{asker, put_in_force, read_back, row_changes, warrant_changes};

/// Worlds, each written to twice: once with the rows as they are, once with rows that change, too.
const WORLDS: u64 = 6;

/// Transactions of each writer in a world.
const TRANSACTIONS: u32 = 40;

/// Most observations of each reader in a world.
const OBSERVATIONS: usize = 25;

#[derive(Debug, Default)]
struct Counts {
    worlds: u64,
    granted_in_sql: usize,
    granted_by_server: usize,
    rows_changed: usize,
    statements: usize,
    shown: usize,
    serialization_failures: usize,
    states: usize,
    checks: usize,
    held: usize,
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn answers_are_those_of_one_state_while_others_write() {
    let (worlds, first) = (number("ROWGATE_WORLDS", WORLDS), number("ROWGATE_SEED", 1));
    let mut sites: Vec<Site> = versions()
        .into_iter()
        .map(|version| Site::new(version, "concurrent", ""))
        .collect();
    let mut counts = Counts::default();
    let mut seed = first;
    while counts.worlds < worlds {
        assert!(seed - first < worlds * 30 + 100, "too few worlds compile");
        let sample = generate::sample(seed);
        let count = sites.len() as u64;
        let site = &mut sites[usize::try_from(counts.worlds % count).unwrap()];
        if put_in_force(site, &sample) {
            counts.worlds += 1;
            for rows_move in [false, true] {
                watch(site, &sample, seed, rows_move, &mut counts);
            }
        }
        seed += 1;
    }
    println!("{counts:?}");
    assert!(counts.granted_in_sql > 0 && counts.granted_by_server > 0 && counts.rows_changed > 0);
    assert!(
        counts.shown > 0 && counts.held > 0,
        "nothing was seen: {counts:?}"
    );
    assert!(
        counts.states > counts.statements / 20,
        "hardly anything changed under the readers"
    );
}

/// What the threads of one world share.
struct Scene<'a> {
    database: &'a Database,
    role: &'a str,
    sample: &'a Sample,
    server: &'a Server,
    rows_move: bool,
    /// Writers that have not finished.
    writing: AtomicUsize,
    /// Tokens of what was acknowledged.
    tokens: Mutex<Vec<Token>>,
    rows_changed: AtomicUsize,
}

#[derive(Debug, Clone)]
struct Token {
    text: String,
    /// The transaction, for what was written in SQL.
    xid: Option<String>,
}

/// Everything that one snapshot shows.
struct State {
    sample: Sample,
    /// The last revision, and the changes that have none yet.
    head: u64,
    pending: Vec<(bool, Edge)>,
}

/// What a guarded role saw.
struct Seen {
    state: State,
    asker: Asker,
    subject: &'static str,
    /// Type, command, relation, and the ids that the statement touched; `None` when the database asked to try again.
    touched: Vec<(String, &'static str, String, Option<BTreeSet<String>>)>,
}

/// What a server answered.
struct Answered {
    revision: u64,
    token: Option<Token>,
    asker: Asker,
    subject: &'static str,
    asked: Vec<(Resource, String)>,
    holds: Vec<bool>,
}

fn watch(site: &mut Site, sample: &Sample, seed: u64, rows_move: bool, counts: &mut Counts) {
    let server = Server::new(&site.database);
    let mut admin = site.database.client();
    let before = state(&mut admin.transaction().unwrap(), sample);
    assert!(before.pending.is_empty(), "numbered when the server started");
    let scene = Scene {
        database: &site.database,
        role: &site.role,
        sample,
        server: &server,
        rows_move,
        writing: AtomicUsize::new(3),
        tokens: Mutex::default(),
        rows_changed: AtomicUsize::new(0),
    };
    let (seen, answered) = std::thread::scope(|scope| {
        let scene = &scene;
        scope.spawn(move || scene.writer(|| scene.grant_in_sql(seed ^ 0xa)));
        scope.spawn(move || scene.writer(|| scene.change_rows(seed ^ 0xb)));
        scope.spawn(move || scene.writer(|| scene.grant_by_server(seed ^ 0xc)));
        let rows = [0, 1].map(|at| scope.spawn(move || scene.look(seed + at)));
        let server = scope.spawn(move || scene.ask(seed));
        let rows: Vec<Seen> = rows
            .into_iter()
            .flat_map(|reader| reader.join().unwrap())
            .collect();
        (rows, server.join().unwrap())
    });
    server.environment.ask_for(Freshness::Latest).unwrap();
    let log = Log::read(&site.database, &before);
    let context = |what: &str| {
        let (schema, bindings) = (sample.schema(), sample.bindings());
        format!("{what}, seed {seed}, rows move: {rows_move}\n{schema}\n{bindings}")
    };
    let states: BTreeSet<(u64, usize)> = seen
        .iter()
        .map(|seen| (seen.state.head, seen.state.pending.len()))
        .collect();
    counts.states += states.len();
    for seen in &seen {
        counts.shown += check_seen(seen, &log, &context);
        counts.statements += seen.touched.len();
        counts.serialization_failures += seen.touched.iter().filter(|touched| touched.3.is_none()).count();
    }
    for answered in &answered {
        log.assert_taken_into_account(answered);
        if !rows_move {
            counts.held += check_answered(answered, &before.sample, &log, &context);
        }
        counts.checks += answered.asked.len();
    }
    let after = state(&mut admin.transaction().unwrap(), sample);
    assert_eq!(
        log.at(after.head),
        warrants(&after.sample),
        "{}",
        context("in the end")
    );
    let tokens = scene.tokens.into_inner().unwrap();
    counts.granted_in_sql += tokens.iter().filter(|token| token.xid.is_some()).count();
    counts.granted_by_server += tokens.iter().filter(|token| token.xid.is_none()).count();
    counts.rows_changed += scene.rows_changed.into_inner();
}

/// Compares what a role saw with the state of its snapshot, and that with the log. Returns how many rows there were.
fn check_seen(seen: &Seen, log: &Log, context: &impl Fn(&str) -> String) -> usize {
    let mut logged = log.at(seen.state.head);
    for (created, edge) in &seen.state.pending {
        if *created {
            logged.insert(edge.clone());
        } else {
            logged.remove(edge);
        }
    }
    assert_eq!(logged, warrants(&seen.state.sample), "{}", context("the log"));
    let expected = expected(&seen.state.sample, &seen.asker, seen.subject);
    let holds = |ty: &str, relation: &str| {
        let key = (ty.to_owned(), relation.to_owned());
        expected.get(&key).cloned().unwrap_or_default()
    };
    let mut shown = 0;
    for (ty, command, relation, ids) in &seen.touched {
        let Some(ids) = ids else { continue };
        let visible = holds(ty, &seen.state.sample.ty(ty).unwrap().relations[0].name);
        let wanted: BTreeSet<String> = holds(ty, relation).intersection(&visible).cloned().collect();
        let what = format!("{command} {ty} as {} with {:?}", seen.subject, seen.asker);
        assert_eq!(*ids, wanted, "{}\n{}", context(&what), seen.state.sample.facts());
        shown += ids.len();
    }
    shown
}

/// Compares a server's answers with the warrants of its revision. Returns how many were yes.
fn check_answered(answered: &Answered, rows: &Sample, log: &Log, context: &impl Fn(&str) -> String) -> usize {
    let then = Sample {
        warrants: log.at(answered.revision).into_iter().collect(),
        ..rows.clone()
    };
    let (edges, attributes) = facts(&then);
    let Answered {
        asker,
        subject,
        asked,
        ..
    } = answered;
    let wanted = holding(&then, asker, subject, &edges, &attributes, asked);
    for ((pair, holds), wanted) in asked.iter().zip(&answered.holds).zip(wanted) {
        let what = format!(
            "{pair:?} by {subject} at revision {} with {asker:?}",
            answered.revision
        );
        assert_eq!(*holds, wanted, "{}\n{}", context(&what), then.facts());
    }
    answered.holds.iter().filter(|holds| **holds).count()
}

fn warrants(sample: &Sample) -> BTreeSet<Edge> {
    sample.warrants.iter().cloned().collect()
}

/// The state that a transaction sees.
fn state(transaction: &mut Transaction<'_>, sample: &Sample) -> State {
    let head: i64 = transaction
        .query_one("select head from rowgate.environment where id = 1", &[])
        .unwrap()
        .get(0);
    let sql = "select change = 'create', resource_type, resource_id, relation, subject_type, subject_id, subject_relation
               from rowgate.pending where environment = 1 and change in ('create', 'delete') order by seq";
    let pending = transaction.query(sql, &[]).unwrap();
    let pending = pending.iter().map(|line| {
        let edge = Edge {
            resource_type: line.get(1),
            resource_id: line.get(2),
            relation: line.get(3),
            subject_type: line.get(4),
            subject_id: line.get(5),
            subject_relation: line.get(6),
        };
        (line.get(0), edge)
    });
    State {
        pending: pending.collect(),
        sample: read_back(transaction, sample),
        head: u64::try_from(head).unwrap(),
    }
}

/// The log of one world: the warrants at each revision.
struct Log {
    warrants: BTreeMap<u64, BTreeSet<Edge>>,
    /// The revisions of transactions.
    revisions: BTreeMap<String, u64>,
}

impl Log {
    fn read(database: &Database, before: &State) -> Self {
        let mut now = warrants(&before.sample);
        let mut warrants = BTreeMap::from([(before.head, now.clone())]);
        let store = Postgres::connect(database.url(), PostgresOptions::default()).unwrap();
        let environment = store.environments().unwrap()[0].id;
        store
            .commits_after(environment, Revision::from_u64(before.head), &mut |commit| {
                for change in &commit.changes {
                    match change {
                        Change::CreateWarrant(warrant) => now.insert(edge(&warrant.key)),
                        Change::DeleteWarrant(key) => now.remove(&edge(key)),
                        _ => true,
                    };
                }
                warrants.insert(commit.revision.get(), now.clone());
                Ok(())
            })
            .unwrap();
        let sql = "select xid::text, revision from rowgate.commit where environment = 1 and xid is not null";
        let revisions = database.client().query(sql, &[]).unwrap();
        let revisions = revisions
            .iter()
            .map(|line| (line.get(0), u64::try_from(line.get::<_, i64>(1)).unwrap()));
        Self {
            warrants,
            revisions: revisions.collect(),
        }
    }

    fn at(&self, revision: u64) -> BTreeSet<Edge> {
        self.warrants[&revision].clone()
    }

    /// An answer to a request with a token is of its revision, or of a later one.
    fn assert_taken_into_account(&self, answered: &Answered) {
        let xid = answered.token.as_ref().and_then(|token| token.xid.as_ref());
        if let Some(xid) = xid {
            assert!(
                answered.revision >= self.revisions[xid],
                "the token of {xid} was not waited for"
            );
        }
    }
}

fn edge(key: &WarrantKey) -> Edge {
    Edge {
        resource_type: key.resource_type.clone(),
        resource_id: key.resource_id.clone(),
        relation: key.relation.clone(),
        subject_type: key.subject_type.clone(),
        subject_id: key.subject_id.clone(),
        subject_relation: key.subject_relation.clone().unwrap_or_default(),
    }
}

impl Scene<'_> {
    fn writer(&self, write: impl FnOnce()) {
        /// Ends the readers, however the writer ends.
        struct Done<'a>(&'a AtomicUsize);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::AcqRel);
            }
        }
        let _done = Done(&self.writing);
        write();
    }

    fn acknowledged(&self, token: Token) {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(token);
    }

    /// The application: grants and revokes, some of which it rolls back.
    fn grant_in_sql(&self, seed: u64) {
        let mut numbers = Numbers::new(seed);
        let mut client = self.database.client_as(self.role);
        for _ in 0..TRANSACTIONS {
            let changes = warrant_changes(self.sample, &mut numbers);
            let gives_up = numbers.chance(15);
            self.transact(&mut client, &[], &changes, gives_up);
        }
    }

    /// Another part of it: rows, sometimes together with grants.
    fn change_rows(&self, seed: u64) {
        let mut numbers = Numbers::new(seed);
        let mut client = self.database.client();
        for _ in 0..TRANSACTIONS {
            let mut rows = Vec::new();
            if self.rows_move {
                rows = row_changes(self.sample, &mut numbers);
            }
            let mut changes = warrant_changes(self.sample, &mut numbers);
            if !rows.is_empty() && numbers.chance(50) {
                changes.clear();
            }
            let gives_up = numbers.chance(15);
            self.transact(&mut client, &rows, &changes, gives_up);
        }
    }

    /// One transaction. What the schema refuses is left out; when the database asks to try again, there is none.
    fn transact(&self, client: &mut Client, rows: &[String], changes: &[(bool, Edge)], gives_up: bool) {
        let mut transaction = client.transaction().unwrap();
        for sql in rows {
            match transaction.batch_execute(sql) {
                Ok(()) => {}
                Err(error) if tries_again(&error) => return,
                Err(error) => panic!("{sql}: {error:?}"),
            }
        }
        let mut changed = false;
        for (create, edge) in changes {
            let function = if *create {
                "create_warrant"
            } else {
                "delete_warrant"
            };
            let sql = format!(
                "select rowgate.{function}($1::text, $2::text, $3::text, $4::text, $5::text, $6::text)"
            );
            let mut one = transaction.savepoint("one").unwrap();
            let done = one.query_one(
                &sql,
                &[
                    &edge.resource_type,
                    &edge.resource_id,
                    &edge.relation,
                    &edge.subject_type,
                    &edge.subject_id,
                    &edge.subject_relation,
                ],
            );
            match done {
                Ok(line) => {
                    changed |= line.get::<_, bool>(0);
                    one.commit().unwrap();
                }
                Err(error) if refused(&error) => one.rollback().unwrap(),
                Err(error) if tries_again(&error) => return,
                Err(error) => panic!("{edge:?}: {error:?}"),
            }
        }
        if gives_up {
            return;
        }
        let token = transaction
            .query_one("select rowgate.token(), pg_current_xact_id()::text", &[])
            .unwrap();
        match transaction.commit() {
            Ok(()) => {}
            Err(error) if tries_again(&error) => return,
            Err(error) => panic!("{error:?}"),
        }
        if !rows.is_empty() {
            self.rows_changed.fetch_add(1, Ordering::Relaxed);
        }
        if changed {
            self.acknowledged(Token {
                text: token.get(0),
                xid: Some(token.get(1)),
            });
        }
    }

    /// What arrives over HTTP.
    fn grant_by_server(&self, seed: u64) {
        let mut numbers = Numbers::new(seed);
        let environment = &self.server.environment;
        for _ in 0..TRANSACTIONS {
            for (create, edge) in warrant_changes(self.sample, &mut numbers) {
                let warrant = Warrant {
                    resource_type: edge.resource_type,
                    resource_id: edge.resource_id,
                    relation: edge.relation,
                    subject_type: edge.subject_type,
                    subject_id: edge.subject_id,
                    subject_relation: Some(edge.subject_relation).filter(|relation| !relation.is_empty()),
                    policy: None,
                };
                let op = if create { Op::Create } else { Op::Delete };
                match environment.write(Write::Warrants(vec![(op, warrant)])) {
                    Ok(written) => self.acknowledged(Token {
                        text: environment.token(written.revision),
                        xid: None,
                    }),
                    Err(Error::Store(error)) => panic!("{error}"),
                    Err(_) => {}
                }
            }
        }
    }

    /// Reads as a guarded role, and the state at the same snapshot.
    fn look(&self, seed: u64) -> Vec<Seen> {
        let mut numbers = Numbers::new(seed);
        let mut client = self.database.client_as(self.role);
        client.batch_execute("set statement_timeout = '20s'").unwrap();
        let mut admin = self.database.client();
        admin
            .batch_execute("set statement_timeout = '20s'; set jit = off")
            .unwrap();
        let mut out = Vec::new();
        while out.len() < OBSERVATIONS && self.writing.load(Ordering::Acquire) > 0 {
            let subject = SUBJECTS[numbers.below(4) as usize];
            let asker = asker(subject, numbers.next_u64());
            // At the level that apply set for the role.
            let mut transaction = client.transaction().unwrap();
            common::sign_in(&mut transaction, &asker).unwrap();
            let snapshot: String = transaction
                .query_one("select pg_export_snapshot()", &[])
                .unwrap()
                .get(0);
            let mut same = admin
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .start()
                .unwrap();
            same.batch_execute(&format!("set transaction snapshot '{snapshot}'"))
                .unwrap();
            let state = state(&mut same, self.sample);
            same.rollback().unwrap();
            let mut touched = Vec::new();
            for ty in self.sample.types.iter().filter(|ty| ty.key.is_some()) {
                for (command, relation) in ty.guards() {
                    let ids = touch(&mut transaction, &statement(ty, command));
                    touched.push((ty.name.clone(), command, relation, ids));
                }
            }
            transaction.rollback().unwrap();
            out.push(Seen {
                state,
                asker,
                subject,
                touched,
            });
        }
        out
    }

    /// Asks the server, with tokens of what was acknowledged before.
    fn ask(&self, seed: u64) -> Vec<Answered> {
        let mut numbers = Numbers::new(seed);
        let mut asked = Vec::new();
        for ty in &self.sample.types {
            let ids: Vec<String> = if ty.key.is_some() {
                let rows = self.sample.rows.iter();
                let own =
                    rows.filter(|row| row.resource_type == ty.name && self.sample.exists(&ty.name, &row.id));
                own.map(|row| row.id.clone()).collect()
            } else {
                (0..7).map(|number| generate::id(None, number)).collect()
            };
            for id in ids {
                let relations = ty.relations.iter().map(|relation| relation.name.clone());
                asked.extend(relations.map(|relation| (Resource::new(&ty.name, &id), relation)));
            }
        }
        let mut out = Vec::new();
        while out.len() < OBSERVATIONS && self.writing.load(Ordering::Acquire) > 0 {
            let token = self
                .tokens
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .last()
                .cloned();
            let text = token.as_ref().map(|token| token.text.as_str());
            let published = at_least(&self.server.environment, text);
            let subject = SUBJECTS[numbers.below(4) as usize];
            let asker = asker(subject, numbers.next_u64());
            let holds = self.server.check(&published, &asker, subject, &asked).unwrap();
            out.push(Answered {
                revision: published.revision(),
                token,
                asker,
                subject,
                asked: asked.clone(),
                holds,
            });
        }
        out
    }
}

fn at_least(environment: &Environment, token: Option<&str>) -> std::sync::Arc<Published> {
    let freshness = environment.freshness(token).unwrap();
    loop {
        let found = match environment.read_at_least(freshness) {
            Some(published) => Some(published),
            None => environment.ask_for(freshness).unwrap(),
        };
        let Some(published) = found else { continue };
        if let Freshness::AtLeast(revision) = freshness {
            assert!(published.revision() >= revision, "older than its token");
        }
        return published;
    }
}

fn statement(ty: &generate::Type, command: &str) -> String {
    let id = ty.id_sql();
    match command {
        "select" => format!("select {id} from {}", ty.name),
        "update" => format!("update {} set gone = gone returning {id}", ty.name),
        _ => format!("delete from {} returning {id}", ty.name),
    }
}

/// The ids that a statement touches, which it then has not; `None` when the database asks to try again.
fn touch(transaction: &mut Transaction<'_>, sql: &str) -> Option<BTreeSet<String>> {
    let mut attempt = transaction.savepoint("attempt").unwrap();
    let ids = match attempt.query(sql, &[]) {
        Ok(rows) => Some(rows.iter().map(|row| row.get(0)).collect()),
        Err(error) if tries_again(&error) => None,
        Err(error) => panic!("{sql}: {error:?}"),
    };
    attempt.rollback().unwrap();
    ids
}

fn tries_again(error: &postgres::Error) -> bool {
    let codes = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
    ];
    error.code().is_some_and(|code| codes.contains(code))
}

/// Whether the schema or the bindings refuse a warrant.
fn refused(error: &postgres::Error) -> bool {
    let codes = [
        SqlState::INVALID_PARAMETER_VALUE,
        SqlState::CHECK_VIOLATION,
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::UNDEFINED_OBJECT,
    ];
    error.code().is_some_and(|code| codes.contains(code))
}
