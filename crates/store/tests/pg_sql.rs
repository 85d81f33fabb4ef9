//! Warrants in the application's own transactions.
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]

mod common;

use common::*;
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;
use rowgate_pgtest::{Database, versions};
use rowgate_store::{Change, Commit, EnvironmentId, Revision, Shared, Store};

const SCHEMA: &str = "version 0.3
type user
type team
    relation member [user, team#member]
type folder
    relation parent [folder]
    relation editor [user, team#member]
    relation viewer [user]
    inherit viewer if
        any_of
            relation editor
            relation viewer on parent [folder]
type document
    relation folder [folder]
    relation owner [user]
    relation banned [user, team]
    relation reader [user]
    relation editor []
    relation any
    inherit reader if
        all_of
            any_of
                relation owner
                relation viewer on folder [folder]
            none_of
                relation banned
    inherit editor if
        all_of
            relation owner
            policy office
policy office(at_work boolean) { at_work }
";

fn database(version: rowgate_pgtest::Version, hint: &str) -> (Database, EnvironmentId) {
    let database = pg::installed(version, hint);
    let store = pg::store(&database);
    let environment = create_environment(&store, "default");
    put_schema(&store, environment, SCHEMA);
    (database, environment)
}

fn put_schema(store: &dyn Store, environment: EnvironmentId, text: &str) {
    let (model, _) = rowgate_schema::compile(text).unwrap();
    let json = rowgate_schema::to_json(model.schema()).to_string();
    let commit = Commit {
        environment,
        revision: store.head(environment).unwrap().next(),
        at: 1,
        changes: vec![Change::Schema { json }],
    };
    store.append(&[commit]).unwrap();
}

fn create(
    client: &mut Client,
    resource: &str,
    relation: &str,
    subject: &str,
) -> Result<bool, postgres::Error> {
    let sql = "select rowgate.create_warrant($1, $2, $3)";
    client
        .query_one(sql, &[&resource, &relation, &subject])
        .map(|row| row.get(0))
}

fn delete(
    client: &mut Client,
    resource: &str,
    relation: &str,
    subject: &str,
) -> Result<bool, postgres::Error> {
    let sql = "select rowgate.delete_warrant($1, $2, $3)";
    client
        .query_one(sql, &[&resource, &relation, &subject])
        .map(|row| row.get(0))
}

fn check(
    client: &mut Client,
    resource: &str,
    relation: &str,
    subject: &str,
) -> Result<bool, postgres::Error> {
    let sql = "select rowgate.check($1, $2, $3)";
    client
        .query_one(sql, &[&resource, &relation, &subject])
        .map(|row| row.get(0))
}

/// The code of an error, its message and its hint.
fn refusal(error: &postgres::Error) -> (String, String) {
    let error = error.as_db_error().unwrap();
    let more = error.hint().or(error.detail()).unwrap_or_default();
    (
        error.code().code().to_owned(),
        format!("{} {more}", error.message()),
    )
}

#[test]
fn a_warrant_commits_and_rolls_back_with_the_application() {
    for version in versions() {
        let (database, environment) = database(version, "commit");
        let store = pg::store(&database);
        let mut app = database.client_as("rg_app");
        app.batch_execute("begin").unwrap();
        assert!(create(&mut app, "document:1", "owner", "user:ann").unwrap());
        assert!(!create(&mut app, "document:1", "owner", "user:ann").unwrap());
        assert!(
            check(&mut app, "document:1", "reader", "user:ann").unwrap(),
            "its own, uncommitted"
        );
        let mut other = database.client_as("rg_app");
        assert!(!check(&mut other, "document:1", "reader", "user:ann").unwrap());
        assert_eq!(store.number_pending(environment).unwrap(), rev(1));
        app.batch_execute("rollback").unwrap();
        assert!(!check(&mut app, "document:1", "owner", "user:ann").unwrap());
        assert_eq!(store.number_pending(environment).unwrap(), rev(1));

        app.batch_execute("begin; savepoint s").unwrap();
        create(&mut app, "document:2", "owner", "user:ann").unwrap();
        app.batch_execute("rollback to s").unwrap();
        create(&mut app, "document:1", "owner", "user:ann").unwrap();
        create(&mut app, "document:1", "banned", "team:x").unwrap();
        delete(&mut app, "document:1", "banned", "team:x").unwrap();
        app.batch_execute("commit").unwrap();
        assert!(check(&mut other, "document:1", "reader", "user:ann").unwrap());
        assert_eq!(store.number_pending(environment).unwrap(), rev(2));
        let commits = read_log(&store, environment, 1).unwrap();
        assert_eq!(commits.len(), 1, "one transaction is one commit");
        assert_eq!(commits[0].changes.len(), 3);
        assert!(delete(&mut app, "document:1", "owner", "user:ann").unwrap());
        assert!(!delete(&mut app, "document:1", "owner", "user:ann").unwrap());
    }
}

#[test]
fn what_the_api_refuses_is_refused() {
    for version in versions() {
        let (database, _) = database(version, "refused");
        let mut app = database.client_as("rg_app");
        for (resource, relation, subject, code, says) in [
            (
                "document:1",
                "owner",
                "team:x",
                "23514",
                "document#owner does not accept team",
            ),
            (
                "folder:1",
                "editor",
                "team:a#b",
                "23514",
                "does not accept team#b",
            ),
            ("document:1", "editor", "user:a", "23514", "computed by its rule"),
            (
                "document:1",
                "nothing",
                "user:a",
                "42704",
                "relation 'nothing' does not exist",
            ),
            (
                "nothing:1",
                "owner",
                "user:a",
                "42704",
                "resource type 'nothing' does not exist",
            ),
            ("document:*", "owner", "user:a", "22023", "cannot be an id"),
            ("document", "owner", "user:a", "22023", "written type:id"),
            ("document:1#owner", "owner", "user:a", "22023", "written type:id"),
            ("document:1", "owner", "user", "22023", "type:id#relation"),
            ("document:1", "owner", "user:ann#", "22023", "type:id#relation"),
            ("document:1", "owner", "user:*#member", "22023", "wildcard"),
            ("document:1", "own er", "user:a", "22023", "cannot be a name"),
            ("document:1", "owner", "user:a\n", "22023", "cannot be an id"),
            ("document:1", "owner", "user:a'b", "22023", "'user:a''b'"),
            ("document:é", "owner", "user:a", "22023", "cannot be an id"),
            (
                "document:1",
                "banned",
                "team:x#member",
                "0A000",
                "List team#member in the brackets",
            ),
        ] {
            let error = create(&mut app, resource, relation, subject).unwrap_err();
            let (found, said) = refusal(&error);
            assert_eq!(found, code, "{resource} {relation} {subject}: {said}");
            assert!(said.contains(says) || says.starts_with('\''), "{said}");
        }
        let long = format!("document:{}", "x".repeat(256));
        assert_eq!(
            refusal(&create(&mut app, &long, "owner", "user:a").unwrap_err()).0,
            "22023"
        );
        assert!(create(&mut app, &long[..long.len() - 1], "owner", "user:a").unwrap());
        assert!(create(&mut app, "document:a:b/c=~%+@|", "owner", "user:*").unwrap());
        // A type listed alone stands for its groups; a relation without brackets accepts whatever is decidable.
        assert!(create(&mut app, "document:1", "owner", "user:a#nothing").unwrap());
        assert!(create(&mut app, "document:1", "any", "nobody:x").unwrap());
        let error = app
            .query_one(
                "select rowgate.create_warrant('document:1', 'owner', 'user:a', 'nowhere')",
                &[],
            )
            .unwrap_err();
        assert_eq!(refusal(&error).0, "42704");
        let error = app.query_one("select rowgate.token('nowhere')", &[]).unwrap_err();
        assert_eq!(refusal(&error).0, "42704");
        let error = app
            .query_one("select rowgate.create_warrant(null, 'owner', 'user:a')", &[])
            .unwrap_err();
        assert_eq!(refusal(&error).0, "22023");
    }
}

#[test]
fn the_parts_may_come_from_columns() {
    let (database, _) = database(rowgate_pgtest::Version::V15, "columns");
    let mut app = database.client_as("rg_app");
    app.batch_execute(
        "create temporary table made (doc text, who text); insert into made select 'd' || n, 'u' || n from generate_series(1, 50) n",
    )
    .unwrap();
    let made = app
        .query(
            "select rowgate.create_warrant('document', doc, 'owner', 'user', who) from made",
            &[],
        )
        .unwrap();
    assert!(made.len() == 50 && made.iter().all(|row| row.get(0)));
    let sql = "select rowgate.create_warrant('folder', 'f', 'editor', 'team', 'x', 'member', 'default'), \
               rowgate.create_warrant(resource_type => 'team', resource_id => 'x', relation => 'member', subject_type => 'user', \
                   subject_id => 'ann')";
    app.query_one(sql, &[]).unwrap();
    assert!(check(&mut app, "folder:f", "viewer", "user:ann").unwrap());
    let sql = "select rowgate.delete_warrant('folder', 'f', 'editor', 'team', 'x', 'member')";
    assert!(app.query_one(sql, &[]).unwrap().get::<_, bool>(0));
    assert!(!check(&mut app, "folder:f", "viewer", "user:ann").unwrap());
}

#[test]
fn check_decides_as_the_contract_says() {
    for version in versions() {
        let (database, _) = database(version, "check");
        let mut app = database.client_as("rg_app");
        for (resource, relation, subject) in [
            ("team:a", "member", "team:b#member"),
            ("team:b", "member", "team:a#member"),
            ("team:b", "member", "user:bob"),
            ("folder:root", "editor", "team:a#member"),
            ("folder:sub", "parent", "folder:root"),
            ("folder:root", "parent", "folder:sub"),
            ("document:1", "folder", "folder:sub"),
            ("document:1", "banned", "user:eve"),
            ("folder:root", "editor", "user:eve"),
            ("document:2", "owner", "user:*"),
            ("document:2", "banned", "user:bob"),
        ] {
            assert!(create(&mut app, resource, relation, subject).unwrap());
        }
        for (resource, relation, subject, answer) in [
            ("document:1", "reader", "user:bob", true),
            ("document:1", "reader", "user:eve", false),
            ("document:1", "reader", "user:ann", false),
            ("folder:sub", "viewer", "user:eve", true),
            ("folder:root", "editor", "team:b#member", true),
            ("folder:root", "editor", "team:a#member", true),
            ("team:a", "member", "team:a#member", true),
            ("document:2", "reader", "user:ann", true),
            ("document:2", "reader", "user:bob", false),
            ("document:2", "owner", "user:*", true),
            ("document:2", "owner", "team:ann", false),
            ("document:1", "undeclared", "user:ann", false),
            ("document:nothing", "reader", "user:ann", false),
            ("document:1", "editor", "user:ann", false),
        ] {
            let found = check(&mut app, resource, relation, subject).unwrap();
            assert_eq!(found, answer, "{resource}#{relation}@{subject}");
        }
        // A policy that cannot matter is not asked; one that does is an error and no answer.
        let (code, said) = refusal(&check(&mut app, "document:2", "editor", "user:ann").unwrap_err());
        assert_eq!(code, "0A000");
        assert!(said.contains("depends on a policy"), "{said}");
        assert_eq!(
            refusal(&check(&mut app, "nothing:1", "owner", "user:a").unwrap_err()).0,
            "42704"
        );
        // Also in a transaction that only reads.
        app.batch_execute("begin read only").unwrap();
        assert!(check(&mut app, "document:1", "reader", "user:bob").unwrap());
        app.batch_execute("rollback").unwrap();
    }
}

#[test]
fn warrants_with_a_policy_are_unknown_in_sql() {
    let (database, environment) = database(rowgate_pgtest::Version::V18, "policy");
    let store = pg::store(&database);
    let mut changed = warrant(3);
    changed.key.resource_type = "document".into();
    changed.key.relation = "owner".into();
    changed.key.subject_relation = None;
    let commit = Commit {
        environment,
        revision: Revision::from_u64(2),
        at: 2,
        changes: vec![Change::CreateWarrant(changed)],
    };
    store.append(&[commit]).unwrap();
    let mut app = database.client_as("rg_app");
    assert_eq!(
        refusal(&check(&mut app, "document:3", "owner", "user:ann-3").unwrap_err()).0,
        "0A000"
    );
    // It is another warrant than the one without.
    assert!(!delete(&mut app, "document:3", "owner", "user:ann-3").unwrap());
    assert!(create(&mut app, "document:3", "owner", "user:ann-3").unwrap());
    assert!(check(&mut app, "document:3", "owner", "user:ann-3").unwrap());
}

#[test]
fn chains_of_any_length_are_followed() {
    let (database, _) = database(rowgate_pgtest::Version::V15, "chain");
    let mut app = database.client_as("rg_app");
    app.batch_execute(
        "select count(*) from (select rowgate.create_warrant('folder:' || n, 'parent', 'folder:' || n + 1) \
         from generate_series(1, 1000) n) made",
    )
    .unwrap();
    create(&mut app, "folder:1001", "editor", "user:ann").unwrap();
    assert!(check(&mut app, "folder:1", "viewer", "user:ann").unwrap());
    assert!(!check(&mut app, "folder:1", "viewer", "user:bob").unwrap());
}

#[test]
fn a_schema_change_waits_for_the_warrants_that_are_being_written() {
    for version in versions() {
        let (database, environment) = database(version, "schema");
        let mut app = database.client_as("rg_app");
        app.batch_execute("begin").unwrap();
        create(&mut app, "document:1", "owner", "user:ann").unwrap();
        let store = pg::store_with(&database, pg::impatient());
        let (model, _) = rowgate_schema::compile("version 0.3\ntype user\n").unwrap();
        let json = rowgate_schema::to_json(model.schema()).to_string();
        let mut calls = Vec::new();
        let mut replace = |before: &[Commit]| {
            calls.push(before.len());
            Ok(vec![Commit {
                environment,
                revision: rev(2 + before.len() as u64),
                at: 1,
                changes: vec![Change::Schema { json: json.clone() }],
            }])
        };
        let busy = store.transact(environment, rev(1), &mut replace).unwrap_err();
        assert_eq!(busy.code(), "store_busy", "{busy}");
        let patient = pg::store(&database);
        let commit = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(300));
            app.batch_execute("commit").unwrap();
            app
        });
        let head = patient.transact(environment, rev(1), &mut replace).unwrap();
        assert_eq!(head, rev(3));
        assert_eq!(
            calls,
            [0, 0, 1],
            "it is checked again, with the warrant that was written meanwhile"
        );
        let mut app = commit.join().unwrap();
        let error = create(&mut app, "document:2", "owner", "user:ann").unwrap_err();
        assert_eq!(refusal(&error).0, "42704");
    }
}

#[test]
fn a_transaction_with_an_old_snapshot_does_not_go_by_an_old_schema() {
    let (database, environment) = database(rowgate_pgtest::Version::V15, "snapshot");
    let mut app = database.client_as("rg_app");
    app.batch_execute("begin isolation level repeatable read; select 1")
        .unwrap();
    assert!(create(&mut app, "document:1", "owner", "user:ann").unwrap());
    app.batch_execute("commit; begin isolation level repeatable read; select 1")
        .unwrap();
    let store = pg::store(&database);
    store.number_pending(environment).unwrap();
    put_schema(&store, environment, "version 0.3\ntype user\n");
    let error = create(&mut app, "document:2", "owner", "user:ann").unwrap_err();
    assert_eq!(refusal(&error).0, "40001");
}

#[test]
fn documents_can_be_put_in_force_in_a_transaction_of_ones_own() {
    let (database, environment) = database(rowgate_pgtest::Version::V18, "documents");
    let store = pg::store(&database);
    let mut owner = database.client();
    let (model, _) =
        rowgate_schema::compile("version 0.3\ntype user\ntype page\n    relation reader [user]\n").unwrap();
    let json = rowgate_schema::to_json(model.schema()).to_string();
    owner
        .batch_execute("begin; set local role rowgate_owner")
        .unwrap();
    let number = environment.0 as i32;
    owner
        .execute("select rowgate.set_schema($1, $2)", &[&number, &json])
        .unwrap();
    owner
        .execute("select rowgate.set_bindings($1, '{\"tables\":[]}')", &[&number])
        .unwrap();
    owner.batch_execute("commit").unwrap();
    assert_eq!(store.number_pending(environment).unwrap(), rev(2));
    let changes = &read_log(&store, environment, 1).unwrap()[0].changes;
    let bindings = Some("{\"tables\":[]}".to_owned());
    assert_eq!(
        changes,
        &[Change::Schema { json }, Change::Bindings { json: bindings }]
    );
    let mut app = database.client_as("rg_app");
    assert!(create(&mut app, "page:1", "reader", "user:ann").unwrap());
}

#[test]
fn grants_notify_unless_others_wait_already() {
    for version in versions() {
        let (database, environment) = database(version, "notify");
        let store = pg::store(&database);
        let mut listener = database.client();
        listener.batch_execute("listen rowgate").unwrap();
        let mut heard = || {
            listener.batch_execute("select 1").unwrap();
            let mut count = 0;
            while listener.notifications().iter().next().unwrap().is_some() {
                count += 1;
            }
            count
        };
        let grant = |id: &str| {
            let sql = format!("select rowgate.create_warrant('folder:{id}', 'parent', 'folder:b')");
            database.client_as("rg_app").batch_execute(&sql).unwrap();
        };
        heard();
        grant("a");
        assert_eq!(heard(), 1);
        // Nobody has numbered the first: whoever does numbers this one, too.
        grant("c");
        assert_eq!(heard(), 0);
        store.number_pending(environment).unwrap();
        heard();
        grant("d");
        assert_eq!(heard(), 1);
        // What a transaction wrote itself is no reason to be silent.
        store.number_pending(environment).unwrap();
        heard();
        database
            .client_as("rg_app")
            .batch_execute(
                "begin; select rowgate.create_warrant('folder:e', 'parent', 'folder:b'); \
                 select rowgate.create_warrant('folder:f', 'parent', 'folder:b'); commit",
            )
            .unwrap();
        assert_eq!(heard(), 1);
    }
}

/// What is stored under the types of the authorization API keeps promises that single warrants cannot keep: a server writes it.
#[test]
fn warrants_of_reserved_types_are_refused() {
    for version in versions() {
        let (database, environment) = database(version, "reserved");
        let store = pg::store(&database);
        let schema = "version 0.3\ntype authz--membership\ntype authz--grant\n    relation member [authz--membership]\n\
                      type note\n    relation reader [authz--membership]\n";
        put_schema(&store, environment, schema);
        let mut app = database.client_as("rg_app");
        let member = ["authz--grant:g", "member", "authz--membership:om_1"];
        let error = create(&mut app, member[0], member[1], member[2]).unwrap_err();
        let (code, message) = refusal(&error);
        assert_eq!(code, "42501", "{message}");
        assert!(message.contains("belongs to the authorization API"), "{message}");
        // Nor can what a server wrote be taken away.
        let key = rowgate_store::WarrantKey {
            resource_type: "authz--grant".into(),
            resource_id: "g".into(),
            relation: "member".into(),
            subject_type: "authz--membership".into(),
            subject_id: "om_1".into(),
            subject_relation: None,
            policy: None,
        };
        let granted = Commit {
            environment,
            revision: store.head(environment).unwrap().next(),
            at: 1,
            changes: vec![Change::CreateWarrant(rowgate_store::Warrant {
                key,
                created_at: 1,
            })],
        };
        store.append(&[granted]).unwrap();
        let error = app
            .query_one(
                "select rowgate.delete_warrant($1, $2, $3)",
                &[&member[0], &member[1], &member[2]],
            )
            .unwrap_err();
        assert_eq!(refusal(&error).0, "42501");
        // As a subject such a type can be named.
        assert!(create(&mut app, "note:1", "reader", "authz--membership:om_1").unwrap());
    }
}
