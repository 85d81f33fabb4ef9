//! Several servers on one database, and applications that write to it in SQL.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../store/tests/common/proxy.rs"]
mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proxy::{Cut, Proxy};
use rowgate_environment::{Environment, Error, Freshness, Op, Registry, Warrant, Write};
use rowgate_pgtest::{Cluster, Database, Options, Version, versions};
use rowgate_store::postgres::install::{Grants, install};
use rowgate_store::postgres::{Postgres, PostgresOptions};
use rowgate_store::{Shared, Store};

const SCHEMA: &str = "version 0.3
type user
type doc
    relation owner [user]
    relation viewer [user]
    inherit viewer if
        relation owner
";

fn database_on(cluster: &Cluster, hint: &str) -> Database {
    let database = cluster.database(hint);
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

fn database(version: Version, hint: &str) -> Database {
    database_on(Cluster::shared(version), hint)
}

fn server(database: &Database) -> Registry {
    server_at(&database.url_as("rg_server"))
}

fn server_at(url: &str) -> Registry {
    let store = Postgres::connect(url, PostgresOptions::default()).unwrap();
    Registry::with_store(Arc::new(store)).unwrap()
}

fn default(registry: &Registry) -> Environment {
    registry.environment("default").unwrap()
}

fn put_schema(environment: &Environment, text: &str) {
    let (model, _) = rowgate_schema::compile(text).unwrap();
    let schema = model.schema().clone();
    environment
        .write(Write::Schema(Arc::new(move |_| Ok(schema.clone()))))
        .unwrap();
}

fn warrant(doc: &str, relation: &str, user: &str) -> Warrant {
    Warrant {
        resource_type: "doc".into(),
        resource_id: doc.into(),
        relation: relation.into(),
        subject_type: "user".into(),
        subject_id: user.into(),
        subject_relation: None,
        policy: None,
    }
}

fn change(environment: &Environment, op: Op, doc: &str, user: &str) -> Result<u64, Error> {
    let written = environment.write(Write::Warrants(vec![(op, warrant(doc, "owner", user))]))?;
    Ok(written.revision)
}

/// Whether the published revision has the warrant.
fn has(published: &rowgate_environment::Published, doc: &str, user: &str) -> bool {
    let graph = &published.graph;
    let tuple = rowgate_graph::Tuple {
        resource_type: "doc",
        resource_id: doc,
        relation: "owner",
        subject_type: "user",
        subject_id: user,
        subject_relation: None,
        policy: None,
    };
    rowgate_graph::Graph::from_snapshot(graph.clone())
        .find(&tuple)
        .is_some()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_one_server_writes_the_other_reads_with_the_token() {
    for version in versions() {
        let database = database(version, "token");
        let (one, two) = (server(&database), server(&database));
        let (a, b) = (default(&one), default(&two));
        assert_eq!(a.uid(), b.uid());
        put_schema(&a, SCHEMA);
        for round in 0..50 {
            let (from, to) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
            let doc = round.to_string();
            let revision = change(from, Op::Create, &doc, "ann").unwrap();
            let token = to.freshness(Some(&from.token(revision))).unwrap();
            let published = match to.read_at_least(token) {
                Some(published) => published,
                None => to.ask_for(token).unwrap().expect("it is committed"),
            };
            assert!(has(&published, &doc, "ann"), "{round}");
        }
        let revision = change(&a, Op::Delete, "7", "ann").unwrap();
        assert!(
            b.read_at_least(Freshness::Latest).is_none(),
            "it has to be asked for"
        );
        let published = b.ask_for(Freshness::Latest).unwrap().unwrap();
        assert!(!has(&published, "7", "ann") && published.revision() >= revision);
        // Without a token it comes by itself.
        change(&a, Op::Create, "later", "ann").unwrap();
        eventually("it is followed", || has(&b.read(), "later", "ann"));
        assert_eq!(b.lag().unwrap().since, None);
        assert!(b.ask_for(Freshness::AtLeast(9_999)).unwrap().is_none());
    }
}

#[test]
fn a_token_from_sql_waits_for_its_transaction() {
    for version in versions() {
        let database = database(version, "sqltoken");
        let registry = server(&database);
        let environment = default(&registry);
        put_schema(&environment, SCHEMA);
        let mut app = database.client_as("rg_app");
        for (end, number) in [("commit", 1), ("rollback", 2), ("commit", 3)] {
            app.batch_execute("begin").unwrap();
            let sql = format!(
                "select rowgate.create_warrant('doc:{number}', 'owner', 'user:ann'), rowgate.token()"
            );
            let token: String = app.query_one(&sql, &[]).unwrap().get(1);
            let wanted = environment.freshness(Some(&token)).unwrap();
            assert!(matches!(wanted, Freshness::Transaction(_)));
            assert!(environment.read_at_least(wanted).is_none());
            assert!(environment.ask_for(wanted).unwrap().is_none());
            assert!(
                environment
                    .from_the_future(wanted)
                    .to_string()
                    .contains("not committed")
            );
            app.batch_execute(end).unwrap();
            match environment.ask_for(wanted) {
                Ok(published) => {
                    assert_eq!(end, "commit");
                    assert!(has(&published.unwrap(), &number.to_string(), "ann"));
                }
                Err(error) => {
                    assert_eq!((end, error.code()), ("rollback", "invalid_parameter"));
                    assert!(error.to_string().contains("rolled back"), "{error}");
                }
            }
        }
        let other = registry.create_environment("other").unwrap();
        let token: String = app.query_one("select rowgate.token()", &[]).unwrap().get(0);
        assert!(
            other.freshness(Some(&token)).is_err(),
            "it is of another environment"
        );
    }
}

#[test]
fn of_two_servers_that_delete_the_same_warrant_one_does() {
    let database = database(Version::V15, "once");
    let servers = [server(&database), server(&database)];
    put_schema(&default(&servers[0]), SCHEMA);
    let docs: Vec<String> = (0..60).map(|doc| doc.to_string()).collect();
    for doc in &docs {
        change(&default(&servers[0]), Op::Create, doc, "ann").unwrap();
    }
    let deleted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for registry in &servers {
            for _ in 0..3 {
                scope.spawn(|| {
                    for doc in &docs {
                        match change(&default(registry), Op::Delete, doc, "ann") {
                            Ok(_) => drop(deleted.fetch_add(1, Ordering::Relaxed)),
                            Err(error) => assert_eq!(error.code(), "not_found", "{error}"),
                        }
                    }
                });
            }
        }
    });
    assert_eq!(deleted.into_inner(), docs.len());
    let revisions = servers.map(|registry| {
        default(&registry)
            .ask_for(Freshness::Latest)
            .unwrap()
            .unwrap()
            .revision()
    });
    assert_eq!(revisions, [121, 121]);
}

#[test]
fn many_writers_on_two_servers_and_in_sql_lose_nothing() {
    for version in versions() {
        let database = database(version, "many");
        let servers = [server(&database), server(&database)];
        put_schema(&default(&servers[0]), SCHEMA);
        std::thread::scope(|scope| {
            for (number, registry) in servers.iter().enumerate() {
                for writer in 0..4 {
                    scope.spawn(move || {
                        let environment = default(registry);
                        for at in 0..25 {
                            let doc = format!("{number}-{writer}-{at}");
                            let revision = change(&environment, Op::Create, &doc, "ann").unwrap();
                            let read = environment.read();
                            assert!(read.revision() >= revision && has(&read, &doc, "ann"));
                        }
                    });
                }
            }
            scope.spawn(|| {
                let mut app = database.client_as("rg_app");
                for at in 0..100 {
                    let sql = format!("select rowgate.create_warrant('doc:sql-{at}', 'owner', 'user:ann')");
                    app.execute(&sql, &[]).unwrap();
                }
            });
        });
        for registry in &servers {
            let published = default(registry).ask_for(Freshness::Latest).unwrap().unwrap();
            assert_eq!(published.graph.warrant_count(), 300, "PostgreSQL {version}");
        }
        // And so has one that starts now.
        assert_eq!(default(&server(&database)).read().graph.warrant_count(), 300);
    }
}

#[test]
fn schemas_environments_and_keys_of_others_are_followed() {
    let database = database(Version::V18, "registry");
    let (one, two) = (server(&database), server(&database));
    put_schema(&default(&one), SCHEMA);
    // The other server checks its writes against the schema that it has not even heard of.
    change(&default(&two), Op::Create, "1", "ann").unwrap();
    put_schema(&default(&one), "version 0.3\ntype user\n");
    let refused = change(&default(&two), Op::Create, "2", "ann").unwrap_err();
    assert_eq!(refused.code(), "invalid_parameter", "{refused}");

    let staging = one.create_environment("staging").unwrap();
    let (key, secret) = one.create_key(&staging, "ci").unwrap();
    eventually("the environment and its key are there", || {
        two.authenticate(&secret).is_some()
    });
    assert_eq!(two.authenticate(&secret).unwrap().name(), "staging");
    assert!(matches!(
        two.create_environment("staging"),
        Err(Error::Exists { .. })
    ));
    one.create_key(&staging, "second").unwrap();
    one.delete_key(&staging, &key.id).unwrap();
    eventually("the key is gone", || two.authenticate(&secret).is_none());
    two.delete_environment("staging").unwrap();
    eventually("the environment is gone", || one.environment("staging").is_none());
}

#[test]
fn servers_that_start_together_share_one_default_environment_and_one_key() {
    let database = database(Version::V15, "start");
    let servers: Vec<Registry> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let registry = server(&database);
                    registry
                        .add_key(&default(&registry), "bootstrap", "sk_the_same_for_all_of_them")
                        .unwrap();
                    registry
                })
            })
            .collect();
        starting
            .into_iter()
            .map(|server| server.join().unwrap())
            .collect()
    });
    assert_eq!(servers[0].environments().len(), 1);
    eventually("one key is left", || {
        servers
            .iter()
            .all(|registry| registry.keys(&default(registry)).len() == 1)
    });
    let sql = "select count(*) from rowgate.api_key";
    assert_eq!(database.client().query_one(sql, &[]).unwrap().get::<_, i64>(0), 1);
    for registry in &servers {
        assert!(registry.authenticate("sk_the_same_for_all_of_them").is_some());
    }
}

#[test]
fn without_the_database_reads_go_on_and_writes_are_refused() {
    let cluster = Cluster::start(Version::V15, Options::default());
    let database = database_on(&cluster, "gone");
    let registry = server(&database);
    let environment = default(&registry);
    put_schema(&environment, SCHEMA);
    change(&environment, Op::Create, "1", "ann").unwrap();
    assert_eq!(registry.following().unwrap().failing, None);
    for restart in [Cluster::stop, Cluster::kill] {
        restart(&cluster);
        let error = change(&environment, Op::Create, "2", "ann").unwrap_err();
        assert_eq!(error.code(), "store_unavailable", "{error}");
        assert!(has(&environment.read(), "1", "ann") && !has(&environment.read(), "2", "ann"));
        eventually("it is known", || registry.following().unwrap().failing.is_some());
        assert_eq!(
            registry.following().unwrap().failing.unwrap().code,
            "store_unavailable"
        );
        assert_eq!(
            environment.ask_for(Freshness::Latest).unwrap_err().code(),
            "store_unavailable"
        );
        cluster.run();
        eventually("it is followed again", || {
            registry.following().unwrap().failing.is_none()
        });
        change(&environment, Op::Create, "2", "ann").unwrap();
        change(&environment, Op::Delete, "2", "ann").unwrap();
    }
}

#[test]
fn who_was_cut_off_for_longer_than_the_log_is_kept_loads_anew() {
    let database = database(Version::V18, "asleep");
    let proxy = Proxy::to(Cluster::shared(Version::V18).port());
    let asleep = server_at(&proxy.url(&database, "rg_server"));
    let awake = server(&database);
    put_schema(&default(&awake), SCHEMA);
    eventually("it follows", || default(&asleep).read().revision() == 1);
    proxy.arm(Cut::Now);
    eventually("it is cut off", || asleep.following().unwrap().failing.is_some());
    for doc in 0..20 {
        change(&default(&awake), Op::Create, &doc.to_string(), "ann").unwrap();
    }
    let brief = PostgresOptions {
        retention: Duration::ZERO,
        ..PostgresOptions::default()
    };
    let store = Postgres::connect(&database.url_as("rg_server"), brief).unwrap();
    assert_eq!(store.prune().unwrap(), 21);
    store.close().unwrap();
    let epoch = default(&asleep).read().epoch;
    proxy.arm(Cut::Never);
    eventually("it is there again", || default(&asleep).read().revision() == 21);
    let published = default(&asleep).read();
    assert!(has(&published, "19", "ann") && published.epoch != epoch);
    change(&default(&asleep), Op::Create, "20", "ann").unwrap();
}

#[test]
fn closing_one_server_leaves_the_others_and_what_was_queued_is_answered() {
    let database = database(Version::V15, "close");
    let (one, two) = (server(&database), server(&database));
    let environment = default(&one);
    put_schema(&environment, SCHEMA);
    let (answered, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (environment, answered, refused) = (&environment, &answered, &refused);
            scope.spawn(move || {
                for at in 0..50 {
                    match change(environment, Op::Create, &format!("{writer}-{at}"), "ann") {
                        Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            assert_eq!(error.code(), "stopping", "{error}");
                            refused.fetch_add(1, Ordering::Relaxed)
                        }
                    };
                }
            });
        }
        std::thread::sleep(Duration::from_millis(60));
        one.close().unwrap();
    });
    assert_eq!(
        answered.load(Ordering::Relaxed) + refused.load(Ordering::Relaxed),
        200
    );
    let published = default(&two).ask_for(Freshness::Latest).unwrap().unwrap();
    assert_eq!(published.graph.warrant_count(), answered.into_inner());
}

#[test]
fn of_two_servers_that_delete_the_last_two_keys_one_is_refused() {
    for version in versions() {
        let database = database(version, "keys");
        let (one, two) = (server(&database), server(&database));
        for _ in 0..20 {
            let (a, b) = (default(&one), default(&two));
            let own = one.keys(&a);
            let kept: Vec<String> = own.iter().map(|key| key.id.clone()).collect();
            let first = one.create_key(&a, "first").unwrap().0;
            let second = one.create_key(&a, "second").unwrap().0;
            for id in kept {
                one.delete_key(&a, &id).unwrap();
            }
            eventually("the other server knows both keys, and no other", || {
                let known: Vec<String> = two.keys(&b).into_iter().map(|key| key.id).collect();
                known.len() == 2 && known.contains(&first.id) && known.contains(&second.id)
            });
            let deleted = std::thread::scope(|scope| {
                let threads = [
                    scope.spawn(|| one.delete_key(&a, &first.id)),
                    scope.spawn(|| two.delete_key(&b, &second.id)),
                ];
                threads.map(|thread| thread.join().unwrap())
            });
            let refused: Vec<&Error> = deleted
                .iter()
                .filter_map(|deleted| deleted.as_ref().err())
                .collect();
            assert_eq!(refused.len(), 1, "{deleted:?}");
            assert!(refused[0].to_string().contains("last key"), "{refused:?}");
            let left: i64 = database
                .client()
                .query_one("select count(*) from rowgate.api_key", &[])
                .unwrap()
                .get(0);
            assert_eq!(left, 1);
        }
    }
}

#[test]
fn a_cursor_of_one_server_is_continued_by_the_other() {
    for version in versions() {
        let database = database(version, "cursors");
        let (one, two) = (server(&database), server(&database));
        let (a, b) = (default(&one), default(&two));
        put_schema(&a, SCHEMA);
        let mut wanted = Vec::new();
        for round in 0..30 {
            let revision = change(&a, Op::Create, &format!("d{round}"), "ann").unwrap();
            wanted.push((revision, round));
        }
        // The other one hears of several at a time, and has no revision of its own for most of them.
        eventually("the other follows", || b.read().revision() >= wanted[29].0);
        change(&b, Op::Delete, "d0", "ann").unwrap();
        for (revision, round) in &wanted {
            for environment in [&a, &b] {
                let then = environment
                    .made_again(*revision)
                    .unwrap()
                    .expect("kept, or made again");
                assert_eq!(then.revision(), *revision);
                assert!(has(&then, &format!("d{round}"), "ann"));
                assert!(has(&then, "d0", "ann"), "deleted later");
                assert!(!has(&then, &format!("d{}", round + 1), "ann"));
            }
        }
        assert!(
            b.made_again(wanted[29].0 + 100).unwrap().is_none(),
            "of the future"
        );
        // One that started later does not know what was before, and does not pretend to.
        let late = server(&database);
        assert!(default(&late).made_again(wanted[3].0).unwrap().is_none());
        let newest = default(&late).read().revision();
        assert_eq!(
            default(&late).made_again(newest).unwrap().unwrap().revision(),
            newest
        );
        // One that has not heard of a revision yet catches up.
        let revision = change(&a, Op::Create, "last", "ann").unwrap();
        assert!(has(&b.made_again(revision).unwrap().unwrap(), "last", "ann"));
    }
}
