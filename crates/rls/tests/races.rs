//! A statement that waits for the lock of a row must not show the row as it became, to somebody whose permission was revoked first.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::thread;
use std::time::Duration;

use common::{Asker, Site};
use postgres::error::SqlState;
use rowgate_pgtest::versions;

const SCHEMA: &str = "version 0.3
type user
type project
    relation viewer [user]
type doc
    relation project [project]
    relation viewer []
    inherit viewer if
        relation viewer on project [project]
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.doc"
type = "doc"
id = "id"
relations.project = { column = "project", type = "project" }
policies.select = "viewer"
policies.update = "viewer"
"#;

/// What Mallory's statement gives, which waits while her permission is revoked and the row then becomes secret.
fn race(
    site: &mut Site,
    isolation: Option<&str>,
    statement: &'static str,
) -> Result<Vec<String>, postgres::Error> {
    site.admin
        .batch_execute("update doc set body = 'harmless'")
        .unwrap();
    site.warrants(&["project:p#viewer@user:mallory"]);
    let mut revoking = site.database.client();
    let mut first = revoking.transaction().unwrap();
    first
        .execute(
            "select rowgate.delete_warrant('project:p', 'viewer', 'user:mallory')",
            &[],
        )
        .unwrap();
    first.execute("update doc set body = 'SECRET'", &[]).unwrap();
    let mut client = site.database.client_as(&site.role);
    if let Some(level) = isolation {
        client
            .batch_execute(&format!("set default_transaction_isolation = '{level}'"))
            .unwrap();
    }
    let waiting = thread::spawn(move || common::ask(&mut client, &Asker::user("mallory"), statement));
    let waits = "select count(*) from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'";
    for _ in 0..400 {
        if site
            .admin
            .query_one(waits, &[&site.role])
            .unwrap()
            .get::<_, i64>(0)
            > 0
        {
            break;
        }
        thread::sleep(Duration::from_millis(25));
    }
    first.commit().unwrap();
    waiting.join().unwrap()
}

#[test]
fn the_isolation_that_apply_sets_closes_the_race() {
    for version in versions() {
        let mut site = Site::new(
            version,
            "races",
            "create table doc (id text primary key, project text, body text); insert into doc values ('d', 'p', 'harmless')",
        );
        site.apply(SCHEMA, BINDINGS).unwrap();
        for statement in [
            "select body from doc for update",
            "update doc set body = body returning body",
        ] {
            // What would happen without: Postgres re-reads the row and keeps the sets.
            let open = race(&mut site, Some("read committed"), statement).unwrap();
            assert_eq!(open, ["SECRET"], "{statement}");
            let error = race(&mut site, None, statement).unwrap_err();
            assert_eq!(
                error.code(),
                Some(&SqlState::T_R_SERIALIZATION_FAILURE),
                "{statement}: {error}"
            );
        }
    }
}
