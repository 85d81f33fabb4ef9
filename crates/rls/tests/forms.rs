//! The form of a condition follows from what is asked and from how much the subject sees; the rows do not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Asker, Site};
use postgres::Client;
use rowgate_pgtest::{Version, versions};

const SCHEMA: &str = "version 0.3
type user
type project
    relation viewer [user]
type ticket
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
name = "public.ticket"
type = "ticket"
id = "id"
relations.project = { column = "project", type = "project" }
policies.select = "viewer"
policies.insert = "viewer"
policies.update = "viewer"
"#;

const TABLES: &str = "create table ticket (id bigint generated always as identity primary key, project text, made timestamptz not null);
    create index ticket_project on ticket (project);
    create index ticket_made on ticket (made);
    insert into ticket (project, made) select 'p' || n % 1000, now() - n * interval '1 minute' from generate_series(1, 20000) n;
    insert into ticket (project, made) values (null, now());
    analyze ticket";

const PAGE: &str = "select id::text from ticket order by made desc limit 50";

/// Ann sees half of all tickets, Bob one of a thousand.
fn site(version: Version) -> Site {
    let mut site = Site::new(version, "pages", TABLES);
    site.apply(SCHEMA, BINDINGS).unwrap();
    site.admin
        .batch_execute(
            "insert into rowgate.warrant (environment, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy, policy_hash, created_at)
             select 1, 'project', 'p' || n, 'viewer', 'user', u, '', '', '', 0 from (values ('ann', 500), ('bob', 1)) v (u, count), generate_series(1, count) n;
             analyze rowgate.warrant",
        )
        .unwrap();
    site
}

fn plan(client: &mut Client, who: &str, sql: &str) -> String {
    let lines =
        common::ask_in_order(client, &Asker::user(who), &format!("explain (costs off) {sql}")).unwrap();
    lines.join("\n")
}

#[test]
fn a_page_of_who_sees_much_walks_the_order_and_nothing_else_does() {
    for version in versions() {
        let site = site(version);
        let mut client = site.database.client_as(&site.role);
        let walks =
            |plan: &str| plan.contains("ticket_made") && !plan.contains("Sort") && plan.contains("SubPlan");
        let page = plan(&mut client, "ann", PAGE);
        assert!(walks(&page), "{version}: {page}");
        let by_fetch = plan(
            &mut client,
            "ann",
            "select id from ticket order by made desc\nFETCH FIRST 50 rows only",
        );
        assert!(walks(&by_fetch), "{version}: {by_fetch}");
        for (who, sql) in [
            ("ann", "select count(*) from ticket"),
            ("ann", "select id, 'limitless' from ticket"),
            ("bob", PAGE),
            ("nobody", PAGE),
        ] {
            let plan = plan(&mut client, who, sql);
            assert!(
                plan.contains("ticket_project") && !plan.contains("SubPlan"),
                "{version}: {who}: {plan}"
            );
        }
    }
}

#[test]
fn a_plan_that_was_made_for_somebody_else_shows_the_same_rows() {
    for version in versions() {
        let site = site(version);
        let wanted = |who: &str| site.ask(&Asker::user(who), PAGE);
        let (ann, bob) = (wanted("ann"), wanted("bob"));
        assert_eq!((ann.len(), bob.len()), (50, 20));
        for (first, other, rows) in [("ann", "bob", &bob), ("bob", "ann", &ann)] {
            let mut client = site.database.client_as(&site.role);
            client
                .batch_execute(&format!(
                    "set plan_cache_mode = force_generic_plan; prepare page as {PAGE}"
                ))
                .unwrap();
            common::ask(&mut client, &Asker::user(first), "execute page").unwrap();
            let found = common::ask(&mut client, &Asker::user(other), "execute page").unwrap();
            assert_eq!(found, *rows, "{version}: planned for {first}");
            assert!(
                common::ask(&mut client, &Asker::nobody(), "execute page")
                    .unwrap()
                    .is_empty()
            );
        }
    }
}

#[test]
fn many_rows_and_one_row_are_written_alike() {
    for version in versions() {
        let site = site(version);
        let mut client = site.database.client_as(&site.role);
        for (who, mine, other) in [("ann", "p7", "p700"), ("bob", "p1", "p7")] {
            let mut write = |projects: &str| {
                let sql = format!(
                    "insert into ticket (project, made) select p, now() from unnest('{{{projects}}}'::text[]) p returning id::text"
                );
                common::ask(&mut client, &Asker::user(who), &sql)
            };
            assert_eq!(write(mine).unwrap().len(), 1);
            assert_eq!(write(&[mine; 300].join(",")).unwrap().len(), 300);
            for refused in [other, "null", "*", "", &format!("{mine},{other}")] {
                let refused = if refused.is_empty() { "\"\"" } else { refused };
                let error = write(refused).unwrap_err();
                assert_eq!(
                    error.code().unwrap().code(),
                    "42501",
                    "{version}: {who} {refused}: {error:?}"
                );
            }
        }
    }
}

#[test]
fn claims_that_cannot_be_read_are_no_error_of_planning() {
    for version in versions() {
        let site = site(version);
        let mut client = site.database.client_as(&site.role);
        client
            .batch_execute("set rowgate.session = 'abcdef 1 2'")
            .unwrap();
        let planned = client.query(&format!("explain {PAGE}"), &[]);
        // Before 17 no error can be caught where a statement may run in parallel.
        assert_eq!(planned.is_ok(), version == Version::V18, "{version}: {planned:?}");
        let error = client.query(PAGE, &[]).unwrap_err();
        assert!(error.as_db_error().is_some(), "{version}: {error:?}");
    }
}
