//! Several processes, and applications in their own transactions, on one store.
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::*;
use postgres::Client;
use rowgate_pgtest::{Database, Version, versions};
use rowgate_store::postgres::{Postgres, PostgresOptions};
use rowgate_store::{
    Change, Commit, EnvironmentId, Result, Revision, Shared, Store, TransactionState, Warrant, WarrantKey,
};

/// What an environment holds: resources with their metadata, and warrants, each with its time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    resources: BTreeMap<(String, String), (Option<String>, i64)>,
    warrants: BTreeMap<WarrantKey, i64>,
}

impl State {
    fn ensure(&mut self, kind: &str, id: &str, created_at: i64) -> &mut (Option<String>, i64) {
        let name = (kind.to_owned(), id.to_owned());
        self.resources.entry(name).or_insert((None, created_at))
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Schema { .. } | Change::Bindings { .. } | Change::Audit { .. } => {}
            Change::PutResource {
                resource_type,
                resource_id,
                meta,
                created_at,
            } => self
                .ensure(resource_type, resource_id, *created_at)
                .0
                .clone_from(meta),
            Change::DeleteResource {
                resource_type,
                resource_id,
            } => {
                let name = (resource_type.clone(), resource_id.clone());
                self.resources.remove(&name);
                self.warrants.retain(|key, _| {
                    (&key.resource_type, &key.resource_id) != (&name.0, &name.1)
                        && (&key.subject_type, &key.subject_id) != (&name.0, &name.1)
                });
            }
            Change::CreateWarrant(warrant) => {
                let key = &warrant.key;
                if !self.warrants.contains_key(key) {
                    self.ensure(&key.resource_type, &key.resource_id, warrant.created_at);
                    if key.subject_id != "*" {
                        self.ensure(&key.subject_type, &key.subject_id, warrant.created_at);
                    }
                    self.warrants.insert(key.clone(), warrant.created_at);
                }
            }
            Change::DeleteWarrant(key) => {
                self.warrants.remove(key);
            }
        }
    }

    /// By following the log from the beginning.
    fn followed(store: &dyn Store, environment: EnvironmentId) -> (Revision, State) {
        let mut state = State::default();
        let mut revision = Revision::ZERO;
        for commit in read_log(store, environment, 0).unwrap() {
            commit.changes.iter().for_each(|change| state.apply(change));
            revision = commit.revision;
        }
        (revision, state)
    }

    /// By loading the tables.
    fn loaded(store: &dyn Shared, environment: EnvironmentId) -> (Revision, State) {
        let mut state = State::default();
        let revision = store.load(environment, &mut |change| {
            state.apply(&change);
            Ok(())
        });
        (revision.unwrap(), state)
    }
}

const SCHEMA: &str =
    "version 0.3\ntype user\ntype doc\n    relation viewer [user, user#friend]\n    relation editor [user]\n";

fn place(version: Version, hint: &str) -> (Database, EnvironmentId) {
    let database = pg::installed(version, hint);
    let store = pg::store(&database);
    let environment = create_environment(&store, "default");
    let (model, _) = rowgate_schema::compile(SCHEMA).unwrap();
    let json = rowgate_schema::to_json(model.schema()).to_string();
    write(&store, environment, &mut |_| {
        Ok(vec![Change::Schema { json: json.clone() }])
    })
    .unwrap();
    (database, environment)
}

fn key(doc: &str, user: &str) -> WarrantKey {
    WarrantKey {
        resource_type: "doc".into(),
        resource_id: doc.into(),
        relation: "viewer".into(),
        subject_type: "user".into(),
        subject_id: user.into(),
        subject_relation: None,
        policy: None,
    }
}

fn grant(doc: &str, user: &str, created_at: i64) -> Change {
    Change::CreateWarrant(Warrant {
        key: key(doc, user),
        created_at,
    })
}

fn revoke(doc: &str, user: &str) -> Change {
    Change::DeleteWarrant(key(doc, user))
}

/// Takes a turn as a server that knows nothing yet: builds the state, and asks what to change in it.
fn write(
    store: &dyn Shared,
    environment: EnvironmentId,
    changes: &mut dyn FnMut(&State) -> Result<Vec<Change>>,
) -> Result<Revision> {
    store.transact(environment, Revision::ZERO, &mut |before| {
        let mut state = State::default();
        let known = before.iter().flat_map(|commit| &commit.changes);
        known.for_each(|change| state.apply(change));
        let changes = changes(&state)?;
        let revision = before.last().map_or(Revision::ZERO, |last| last.revision).next();
        let commit = Commit {
            environment,
            revision,
            at: 5,
            changes,
        };
        Ok(if commit.changes.is_empty() {
            Vec::new()
        } else {
            vec![commit]
        })
    })
}

fn app(database: &Database) -> Client {
    database.client_as("rg_app")
}

fn sql(client: &mut Client, what: &str, doc: &str, user: &str) -> bool {
    let sql = format!("select rowgate.{what}_warrant('doc:{doc}', 'viewer', 'user:{user}')");
    client.query_one(&sql, &[]).unwrap().get(0)
}

fn assert_agreement(database: &Database, environment: EnvironmentId) -> State {
    let store = pg::store(database);
    let loaded = State::loaded(&store, environment);
    assert_eq!(State::followed(&store, environment), loaded);
    loaded.1
}

#[test]
fn a_transaction_that_commits_late_is_not_missed() {
    for version in versions() {
        let (database, environment) = place(version, "late");
        let (one, two) = (pg::store(&database), pg::store(&database));
        let mut late = app(&database);
        late.batch_execute("begin").unwrap();
        sql(&mut late, "create", "1", "ann");
        let mut early = app(&database);
        sql(&mut early, "create", "2", "ann");
        assert_eq!(one.number_pending(environment).unwrap(), rev(2));
        write(&two, environment, &mut |state| {
            assert!(state.warrants.contains_key(&key("2", "ann")) && state.warrants.len() == 1);
            Ok(vec![grant("3", "ann", 7)])
        })
        .unwrap();
        late.batch_execute("commit").unwrap();
        let standing = one.standing().unwrap().environments[0];
        assert!(standing.head == rev(3) && standing.pending);
        assert_eq!(two.number_pending(environment).unwrap(), rev(4));
        assert!(!one.standing().unwrap().environments[0].pending);
        let last = &read_log(&one, environment, 3).unwrap()[0];
        assert!(
            matches!(&last.changes[..], [Change::CreateWarrant(warrant)] if warrant.key == key("1", "ann"))
        );
        assert_eq!(assert_agreement(&database, environment).warrants.len(), 3);
    }
}

#[test]
fn servers_take_turns_and_see_what_the_others_wrote() {
    for version in versions() {
        let (database, environment) = place(version, "turns");
        let stores: Vec<Postgres> = (0..4).map(|_| pg::store(&database)).collect();
        std::thread::scope(|scope| {
            for (number, store) in stores.iter().enumerate() {
                scope.spawn(move || {
                    for at in 0..25 {
                        // Each grants a document of which nobody has any, so a stale view would grant one twice.
                        write(store, environment, &mut |state| {
                            let next = state.warrants.len();
                            Ok(vec![grant(&next.to_string(), &format!("u{number}-{at}"), 1)])
                        })
                        .unwrap();
                    }
                });
            }
        });
        let state = assert_agreement(&database, environment);
        let docs: Vec<String> = (0..100).map(|doc| doc.to_string()).collect();
        for doc in &docs {
            assert_eq!(
                state
                    .warrants
                    .keys()
                    .filter(|key| key.resource_id == *doc)
                    .count(),
                1
            );
        }
        assert_eq!(stores[0].head(environment).unwrap(), rev(101));
    }
}

#[test]
fn two_transactions_in_conflict_are_numbered_as_they_happened() {
    // What each does to the same warrant, whether it was there before, who asks first and who ends how.
    let (database, environment) = place(Version::V15, "conflict");
    let store = pg::store(&database);
    let mut number = 0;
    for there in [false, true] {
        for first in ["create", "delete"] {
            for second in ["create", "delete"] {
                for end in ["commit", "rollback"] {
                    number += 1;
                    let doc = number.to_string();
                    if there {
                        sql(&mut app(&database), "create", &doc, "ann");
                    }
                    let (mut one, mut two) = (app(&database), app(&database));
                    one.batch_execute("begin").unwrap();
                    two.batch_execute("begin").unwrap();
                    let did = sql(&mut one, first, &doc, "ann");
                    assert_eq!(did, there == (first == "delete"));
                    let blocked = std::thread::spawn({
                        let doc = doc.clone();
                        move || {
                            let did = sql(&mut two, second, &doc, "ann");
                            two.batch_execute("commit").unwrap();
                            did
                        }
                    });
                    // One is numbered while the other waits, or before it began to.
                    std::thread::sleep(Duration::from_millis(if number % 2 == 0 { 0 } else { 60 }));
                    store.number_pending(environment).unwrap();
                    one.batch_execute(end).unwrap();
                    if number % 3 == 0 {
                        store.number_pending(environment).unwrap();
                    }
                    blocked.join().unwrap();
                    assert_agreement(&database, environment);
                }
            }
        }
    }
}

/// A server's write waits for an application's transaction on the same warrant. What that one did comes first, and the server's write is
/// checked against it.
#[test]
fn a_server_that_had_to_wait_checks_again() {
    for version in versions() {
        for (there, first) in [(false, "create"), (true, "delete")] {
            for end in ["commit", "rollback"] {
                let (database, environment) = place(version, "wait");
                let store = pg::store(&database);
                if there {
                    sql(&mut app(&database), "create", "1", "ann");
                    store.number_pending(environment).unwrap();
                }
                let mut one = app(&database);
                one.batch_execute("begin").unwrap();
                sql(&mut one, first, "1", "ann");
                let ending = std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(200));
                    one.batch_execute(end).unwrap();
                });
                let mut seen = Vec::new();
                let since = Instant::now();
                write(&store, environment, &mut |state| {
                    let is_there = state.warrants.contains_key(&key("1", "ann"));
                    seen.push(is_there);
                    Ok(match (first, is_there) {
                        ("create", false) => vec![grant("1", "ann", 9)],
                        ("delete", true) => vec![revoke("1", "ann")],
                        _ => Vec::new(),
                    })
                })
                .unwrap();
                ending.join().unwrap();
                assert!(since.elapsed() > Duration::from_millis(150));
                let expected: &[bool] = if end == "commit" {
                    &[there, !there]
                } else {
                    &[there]
                };
                assert_eq!(seen, expected, "{first} {end}");
                let state = assert_agreement(&database, environment);
                assert_eq!(state.warrants.contains_key(&key("1", "ann")), !there);
            }
        }
    }
}

#[test]
fn a_deleted_resource_takes_along_what_was_there_and_not_what_came_after() {
    let (database, environment) = place(Version::V18, "resource");
    let store = pg::store(&database);
    for user in ["ann", "bob", "eve"] {
        sql(&mut app(&database), "create", "1", user);
    }
    let (mut adds, mut removes) = (app(&database), app(&database));
    adds.batch_execute("begin").unwrap();
    sql(&mut adds, "create", "1", "zoe");
    removes.batch_execute("begin").unwrap();
    sql(&mut removes, "delete", "1", "bob");
    let ending = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(150));
        removes.batch_execute("commit").unwrap();
    });
    let delete = Change::DeleteResource {
        resource_type: "doc".into(),
        resource_id: "1".into(),
    };
    write(&store, environment, &mut |_| Ok(vec![delete.clone()])).unwrap();
    ending.join().unwrap();
    adds.batch_execute("commit").unwrap();
    let state = assert_agreement(&database, environment);
    assert_eq!(state.warrants.keys().collect::<Vec<_>>(), [&key("1", "zoe")]);
}

#[test]
fn everybody_agrees_while_everybody_writes() {
    for version in versions() {
        let (database, environment) = place(version, "storm");
        let ended = AtomicBool::new(false);
        let seed = Instant::now().elapsed().subsec_nanos() as u64 ^ u64::from(std::process::id()) << 20 | 1;
        println!("seed {seed}");
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..6)
                .map(|number| {
                    let database = &database;
                    scope.spawn(move || {
                        let mut state = seed.wrapping_mul(number + 3) | 1;
                        if number < 3 {
                            application(database, &mut state);
                        } else {
                            server(database, environment, &mut state);
                        }
                    })
                })
                .collect();
            // Whoever loads in the middle of it has a revision exactly.
            let loading = scope.spawn(|| {
                let store = pg::store(&database);
                let mut loads = 0;
                while !ended.load(Ordering::Relaxed) || loads < 3 {
                    let (revision, loaded) = State::loaded(&store, environment);
                    let mut expected = State::default();
                    store
                        .commits_after(environment, Revision::ZERO, &mut |commit| {
                            if commit.revision <= revision {
                                commit.changes.iter().for_each(|change| expected.apply(change));
                            }
                            Ok(())
                        })
                        .unwrap();
                    assert_eq!(loaded, expected, "at {revision}");
                    loads += 1;
                }
                loads
            });
            for writer in writers {
                writer.join().unwrap();
            }
            ended.store(true, Ordering::Relaxed);
            println!("{} loads meanwhile", loading.join().unwrap());
        });
        let state = assert_agreement(&database, environment);
        println!(
            "{} warrants at revision {}",
            state.warrants.len(),
            pg::store(&database).head(environment).unwrap()
        );
    }
}

/// Few documents and users, so that writers meet.
fn name(state: &mut u64) -> (String, String) {
    let (doc, user) = (random(state) % 3, random(state) % 3);
    (doc.to_string(), format!("u{user}"))
}

/// Transactions of one to three changes, some rolled back. One that the database ends for the sake of another one is forgotten.
fn application(database: &Database, state: &mut u64) {
    let mut client = app(database);
    for _ in 0..60 {
        let level = if random(state).is_multiple_of(4) {
            "repeatable read"
        } else {
            "read committed"
        };
        client
            .batch_execute(&format!("begin isolation level {level}"))
            .unwrap();
        let mut statements = String::new();
        for _ in 0..=random(state) % 3 {
            let (doc, user) = name(state);
            let what = if random(state).is_multiple_of(2) {
                "create"
            } else {
                "delete"
            };
            statements += &format!("select rowgate.{what}_warrant('doc:{doc}', 'viewer', 'user:{user}');");
        }
        let end = if random(state).is_multiple_of(5) {
            "rollback"
        } else {
            "commit"
        };
        match client.batch_execute(&statements) {
            Ok(()) => client.batch_execute(end).unwrap(),
            Err(error) => {
                let code = error.code().unwrap().code().to_owned();
                assert!(["40001", "40P01"].contains(&code.as_str()), "{error:?}");
                client.batch_execute("rollback").unwrap();
            }
        }
    }
}

/// Writes that are right only for the state they were checked against: creates what is not there, deletes what is.
fn server(database: &Database, environment: EnvironmentId, random_state: &mut u64) {
    let store = pg::store(database);
    for _ in 0..40 {
        let names: Vec<_> = (0..=random(random_state) % 2)
            .map(|_| name(random_state))
            .collect();
        let resource = random(random_state).is_multiple_of(10);
        let written = write(&store, environment, &mut |state| {
            let mut changes = Vec::new();
            let mut state = state.clone();
            for (doc, user) in &names {
                let change = if resource {
                    Change::DeleteResource {
                        resource_type: "doc".into(),
                        resource_id: doc.clone(),
                    }
                } else if state.warrants.contains_key(&key(doc, user)) {
                    revoke(doc, user)
                } else {
                    grant(doc, user, 11)
                };
                state.apply(&change);
                changes.push(change);
            }
            Ok(changes)
        });
        if let Err(error) = written {
            assert_eq!(error.code(), "store_busy", "{error}");
        }
    }
}

#[test]
fn a_sql_token_leads_to_a_revision() {
    for version in versions() {
        let (database, environment) = place(version, "token");
        let store = pg::store(&database);
        let mut client = app(&database);
        let number = |client: &mut Client| -> u64 {
            let token: String = client.query_one("select rowgate.token()", &[]).unwrap().get(0);
            assert!(
                token
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
                "{token}"
            );
            let sql = "select convert_from(decode(translate($1, '-_', '+/') || repeat('=', (4 - length($1) % 4) % 4), 'base64'), 'UTF8')";
            let text: String = client.query_one(sql, &[&token]).unwrap().get(0);
            let number = text.strip_prefix("2|uid-default|").unwrap();
            number.parse().unwrap()
        };
        let state = |number| store.transaction(environment, number).unwrap();
        client.batch_execute("begin").unwrap();
        let token = number(&mut client);
        sql(&mut client, "create", "1", "ann");
        assert_eq!(number(&mut client), token);
        assert_eq!(state(token), TransactionState::Running);
        client.batch_execute("commit").unwrap();
        assert_eq!(
            state(token),
            TransactionState::Committed(rev(2)),
            "numbered because it was asked for"
        );
        sql(&mut client, "create", "2", "ann");
        assert_eq!(store.number_pending(environment).unwrap(), rev(3));
        assert_eq!(state(token), TransactionState::Committed(rev(2)));

        client.batch_execute("begin").unwrap();
        let token = number(&mut client);
        sql(&mut client, "create", "3", "ann");
        client.batch_execute("rollback").unwrap();
        assert_eq!(state(token), TransactionState::RolledBack);
        // One that changed nothing has seen what was there.
        let token = number(&mut client);
        assert_eq!(state(token), TransactionState::Committed(rev(3)));
        assert_eq!(state(token + 1_000_000), TransactionState::Unheard);
        assert_eq!(state(u64::MAX), TransactionState::Unheard);
    }
}

#[test]
fn who_fell_behind_a_pruned_log_loads_anew() {
    for version in versions() {
        let (database, environment) = place(version, "prune");
        let brief = PostgresOptions {
            retention: Duration::ZERO,
            ..PostgresOptions::default()
        };
        let store = pg::store_with(&database, brief);
        let mut client = app(&database);
        for doc in 0..20 {
            sql(&mut client, "create", &doc.to_string(), "ann");
        }
        let head = store.number_pending(environment).unwrap();
        let (_, before) = State::followed(&store, environment);
        assert_eq!(store.prune().unwrap(), head.get());
        assert_eq!(store.prune().unwrap(), 0);
        for known in [rev(0), rev(5)] {
            let error = read_log(&store, environment, known.get()).unwrap_err();
            assert_eq!(error.code(), "revision_truncated");
            let error = store
                .transact(environment, known, &mut |_| panic!("nothing to prepare"))
                .unwrap_err();
            assert_eq!(error.code(), "revision_truncated");
        }
        assert_eq!(State::loaded(&store, environment), (head, before));
        assert_eq!(read_log(&store, environment, head.get()).unwrap(), []);
        sql(&mut client, "create", "last", "ann");
        assert_eq!(store.number_pending(environment).unwrap(), head.next());
        assert_eq!(read_log(&store, environment, head.get()).unwrap().len(), 1);
        // Young commits stay.
        assert_eq!(pg::store(&database).prune().unwrap(), 0);
    }
}

#[test]
fn changes_are_heard_of() {
    let (database, environment) = place(Version::V18, "listen");
    let store = pg::store(&database);
    assert!(
        store.wait(Duration::from_millis(10)).unwrap(),
        "what was said before is to be looked for"
    );
    assert!(!store.wait(Duration::from_millis(50)).unwrap());
    let mut client = app(&database);
    client.batch_execute("begin").unwrap();
    sql(&mut client, "create", "1", "ann");
    assert!(
        !store.wait(Duration::from_millis(50)).unwrap(),
        "it has not happened yet"
    );
    client.batch_execute("commit").unwrap();
    assert!(store.wait(Duration::from_secs(20)).unwrap());
    pg::store(&database).number_pending(environment).unwrap();
    assert!(store.wait(Duration::from_secs(20)).unwrap());
    let before = store.standing().unwrap().registry;
    create_environment(&pg::store(&database), "other");
    assert!(store.wait(Duration::from_secs(20)).unwrap());
    let standing = store.standing().unwrap();
    assert!(standing.registry > before && standing.environments.len() == 2);
    // The connection that listens is gone: it says so, and the next one hears again.
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = current_database() and (query like 'listen%' or query = '')";
    database.client().batch_execute(kill).unwrap();
    assert_eq!(
        store.wait(Duration::from_secs(20)).unwrap_err().code(),
        "store_unavailable"
    );
    assert!(store.wait(Duration::from_secs(20)).unwrap());
}

#[test]
fn a_large_group_is_a_handful_of_statements() {
    let (database, environment) = place(Version::V15, "group");
    let store = pg::store(&database);
    let since = Instant::now();
    let changes: Vec<Change> = (0..5_000)
        .map(|n| grant(&n.to_string(), &format!("u{}", n % 100), n))
        .collect();
    let revoked: Vec<Change> = (0..2_500)
        .map(|n| revoke(&n.to_string(), &format!("u{}", n % 100)))
        .collect();
    write(&store, environment, &mut |_| Ok(changes.clone())).unwrap();
    write(&store, environment, &mut |_| Ok(revoked.clone())).unwrap();
    println!("7,500 warrants in {:?}", since.elapsed());
    let state = assert_agreement(&database, environment);
    assert_eq!((state.warrants.len(), state.resources.len()), (2_500, 5_100));
    // One statement for each warrant would take half a minute here.
    assert!(since.elapsed() < Duration::from_secs(15));
}

#[test]
fn everything_moves_between_the_stores() {
    let directory = tempfile::tempdir().unwrap();
    let embedded = open(directory.path());
    let from = create_environment(&embedded, "default");
    embedded.append(&commits(from, 1..=300)).unwrap();
    let (_, expected) = State::followed(&embedded, from);

    let database = pg::installed(Version::V18, "move");
    let store = pg::store(&database);
    let to = create_environment(&store, "default");
    let all: Vec<Commit> = read_log(&embedded, from, 0)
        .unwrap()
        .into_iter()
        .map(|commit| Commit {
            environment: to,
            ..commit
        })
        .collect();
    store.append(&all).unwrap();
    assert_eq!(State::loaded(&store, to), (rev(300), expected.clone()));

    let back = create_environment(&embedded, "back");
    let mut changes = Vec::new();
    store
        .load(to, &mut |change| {
            changes.push(change);
            Ok(())
        })
        .unwrap();
    let commit = Commit {
        environment: back,
        revision: rev(1),
        at: 1,
        changes,
    };
    embedded.append(&[commit]).unwrap();
    assert_eq!(State::followed(&embedded, back).1, expected);
}

#[test]
fn what_text_cannot_hold_is_refused() {
    let (database, environment) = place(Version::V15, "nul");
    let store = pg::store(&database);
    let mut changed = warrant(3);
    changed.key.policy = Some("x == \"\0\"".into());
    let refused = write(&store, environment, &mut |_| {
        Ok(vec![Change::CreateWarrant(changed.clone())])
    })
    .unwrap_err();
    assert_eq!(refused.code(), "store_unsupported", "{refused}");
    assert_eq!(store.head(environment).unwrap(), rev(1));
    for odd in [
        "'; drop table rowgate.warrant; --",
        "a\nb\\",
        "\u{1F600}\"{}",
        "%s$1",
    ] {
        changed.key.policy = Some(odd.into());
        write(&store, environment, &mut |_| {
            Ok(vec![Change::CreateWarrant(changed.clone())])
        })
        .unwrap();
    }
    assert_eq!(assert_agreement(&database, environment).warrants.len(), 4);
}
