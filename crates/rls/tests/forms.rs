//! The form of a condition follows from what is asked and from how much the subject sees; the rows do not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Asker, Site};
use postgres::types::ToSql;
use postgres::{Client, Statement};
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
fn what_stands_behind_other_rows_counts_as_what_is_granted_itself() {
    const BEHIND: &str = "version 0.3
type user
type organization
    relation member [user]
type project
    relation organization [organization]
    relation viewer [user]
    inherit viewer if
        relation member on organization [organization]
type ticket
    relation project [project]
    relation viewer []
    inherit viewer if
        relation viewer on project [project]
";
    const BOUND: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.project"
type = "project"
id = "id"
relations.organization = { column = "organization", type = "organization" }
[[table]]
name = "public.ticket"
type = "ticket"
id = "id"
relations.project = { column = "project", type = "project" }
policies.select = "viewer"
"#;
    // Organization 0 has the projects 1 to 500, each other one the project with its number.
    const TABLES: &str = "create table project (id bigint primary key, organization bigint not null);
        create index project_organization on project (organization);
        insert into project select n, case when n <= 500 then 0 else n end from generate_series(1, 1000) n;
        create table ticket (id bigint generated always as identity primary key, project bigint not null, made timestamptz not null);
        create index ticket_project on ticket (project);
        create index ticket_made on ticket (made);
        insert into ticket (project, made) select 1 + n % 1000, now() - n * interval '1 minute' from generate_series(1, 20000) n;
        analyze project, ticket";
    // Who, the organizations, the projects, and whether these are many.
    let askers = [
        ("one", vec![0], vec![], true),
        ("few", (501..551).collect(), (1..50).collect(), false),
        ("many", (501..551).collect(), (1..51).collect::<Vec<i64>>(), true),
        ("granted", vec![], (1..101).collect(), true),
        ("nothing", (2001..2101).collect::<Vec<i64>>(), vec![], false),
    ];
    for version in versions() {
        let mut site = Site::new(version, "behind", TABLES);
        site.apply(BEHIND, BOUND).unwrap();
        for (who, organizations, projects, _) in &askers {
            let members = organizations
                .iter()
                .map(|id| format!("organization:{id}#member@user:{who}"));
            let viewers = projects
                .iter()
                .map(|id| format!("project:{id}#viewer@user:{who}"));
            let warrants: Vec<String> = members.chain(viewers).collect();
            let warrants: Vec<&str> = warrants.iter().map(String::as_str).collect();
            site.warrants(&warrants);
        }
        site.admin.batch_execute("analyze rowgate.warrant").unwrap();
        let mut client = site.database.client_as(&site.role);
        for (who, organizations, projects, is_much) in &askers {
            let plan = plan(&mut client, who, PAGE);
            assert_eq!(plan.contains("SubPlan"), *is_much, "{version}: {who}: {plan}");
            let seen = 20
                * match organizations.as_slice() {
                    [0] => 500,
                    [first, ..] if *first > 1000 => 0,
                    some => some.len() + projects.len(),
                };
            let count = site.ask(&Asker::user(who), "select count(*)::text from ticket");
            assert_eq!(count, [seen.to_string()], "{version}: {who}");
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

/// How many rows of the table were read for a page that was prepared before.
fn read(
    client: &mut Client,
    who: &str,
    page: &Statement,
    parameters: &[&(dyn ToSql + Sync)],
) -> (usize, i64) {
    let mut transaction = client.transaction().unwrap();
    common::sign_in(&mut transaction, &Asker::user(who)).unwrap();
    // The counters go back some transactions.
    let sql = "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_xact_all_tables where relname = 'ticket'";
    let so_far = |t: &mut postgres::Transaction<'_>| -> i64 { t.query_one(sql, &[]).unwrap().get(0) };
    let before = so_far(&mut transaction);
    let shown = transaction.query(page, parameters).unwrap().len();
    (shown, so_far(&mut transaction) - before)
}

#[test]
fn a_page_that_is_prepared_once_is_planned_for_who_asks() {
    for version in versions() {
        let site = site(version);
        let mut client = site.database.client_as(&site.role);
        let page = client.prepare(PAGE).unwrap();
        let limited = client.prepare(&PAGE.replace("50", "$1")).unwrap();
        let filtered = client
            .prepare(&PAGE.replace("order", "where id > $1 order"))
            .unwrap();
        let cases: [(_, &[&(dyn ToSql + Sync)]); 3] =
            [(&page, &[]), (&limited, &[&50_i64]), (&filtered, &[&0_i64])];
        for (page, parameters) in cases {
            // A plan for all parameters is thought of after five.
            for turn in 0..6 {
                let (shown, ann) = read(&mut client, "ann", page, parameters);
                assert!(
                    shown == 50 && ann < 500,
                    "{version}: {turn}: ann: {shown}, {ann} read"
                );
                let (shown, bob) = read(&mut client, "bob", page, parameters);
                assert!(
                    shown == 20 && bob < 100,
                    "{version}: {turn}: bob: {shown}, {bob} read"
                );
            }
        }
    }
}

#[test]
fn a_page_with_parameters_is_planned_for_their_values_each_time() {
    for version in versions() {
        let site = site(version);
        let mut client = site.database.client_as(&site.role);
        client
            .batch_execute("set jit = on; set jit_above_cost = 100000")
            .unwrap();
        let sql = PAGE.replace("50", "$1");
        let page = client.prepare(&sql).unwrap();
        // The setting of jit is the transaction's, and only of the one in which a plan for all values was thought of.
        let mut settings = Vec::new();
        for _ in 0..9 {
            let mut transaction = client.transaction().unwrap();
            common::sign_in(&mut transaction, &Asker::user("bob")).unwrap();
            assert_eq!(transaction.query(&page, &[&50_i64]).unwrap().len(), 20);
            let jit: String = transaction.query_one("show jit", &[]).unwrap().get(0);
            settings.push(jit);
            transaction.commit().unwrap();
        }
        let sixth = ["on", "on", "on", "on", "on", "off", "on", "on", "on"];
        assert_eq!(settings, sixth, "{version}");
        let plans = "select custom_plans, generic_plans from pg_prepared_statements where statement = $1";
        let plans = client.query_one(plans, &[&sql]).unwrap();
        assert_eq!(
            (plans.get::<_, i64>(0), plans.get::<_, i64>(1)),
            (9, 0),
            "{version}"
        );
    }
}

#[test]
fn a_row_that_is_named_by_its_key_is_looked_up_and_others_are_not() {
    const YES: [&str; 17] = [
        "select id from ticket where id = 5",
        "SELECT t.id\nFROM ticket AS t\nWHERE t.id = 5 and made is not null",
        r#"SELECT "public"."ticket"."id" FROM "public"."ticket" WHERE ("public"."ticket"."id" = 5 AND 1=1) LIMIT 1 OFFSET 0"#,
        r#"select "id", "made" from "ticket" where "ticket"."id" = '5' for update"#,
        "select id from only ticket where made < now() and id = -5",
        "select id from ticket where id in (1, 2, 3)",
        "select id from ticket where project = 'p1' and (id = '5'::bigint)",
        "update ticket set made = now() where id = 5",
        "update ticket as t set made = now(), project = 'p1' where t.id = 5 returning id",
        "delete from ticket where id = 5",
        r#"delete from "public"."ticket" t where ("t"."id" = 5)"#,
        "insert into ticket (project, made) values ('p1', now()) returning id",
        "insert into ticket (project, made) values ('p1', now()), ('p1', now()) returning id",
        "insert into ticket (project, made) select $1, now() returning id",
        "insert into ticket (project, made) select 'p1', coalesce($1, clock_timestamp()) where $2 on conflict do nothing",
        "explain (costs off) select id from ticket where id = 5",
        "explain verbose select id from ticket where id = 5",
    ];
    const NO: [&str; 23] = [
        "select id from ticket",
        "select id from ticket where project = 'p1'",
        "select id from ticket where id > 5",
        "select id from ticket where id = 5 or project = 'p1'",
        "select id from ticket where not (id = 5)",
        "select id from ticket where id = any (array[5])",
        "select id from ticket where project_id = 5",
        "select t.id from ticket t, project p where p.id = 5",
        "select t.id from ticket t join project p on true where p.id = 5",
        "select (select count(*) from ticket) from ticket where id = 5",
        "select id from ticket where id in (select id from ticket)",
        "select id from other where id = 5",
        "update ticket set made = now() from project p where p.id = 5",
        "update ticket set made = now() where project = 'p1'",
        "delete from ticket using project p where p.id = 5",
        "insert into ticket (project, made) select 'p1', now() from project",
        "insert into ticket (project, made) select unnest($1::text[]), now()",
        "insert into ticket (project, made) select 'p1', Generate_Series (now(), now(), '1 day')",
        "insert into ticket (project, made) select \"Several\"('p1'), now()",
        "insert into ticket (project, made) select 'p1', now() union all select 'p2', now()",
        "insert into ticket (project, made) select 'p1', (select now())",
        "insert into ticket (project, made) values ((select 'p1'), now())",
        "insert into ticket table ticket",
    ];
    for version in versions() {
        let mut site = site(version);
        // The question about a text, in the place of the statement's.
        site.admin
            .batch_execute(
                "create function \"Several\"(text) returns setof text language sql return $1;
                do $$ declare f text; begin
                    select pg_get_functiondef(oid) into f from pg_proc where proname like 'ticket\\_by\\_key\\_%';
                    f := regexp_replace(f, 'FUNCTION \\S+\\(\\)', 'FUNCTION public.asked(asked text)');
                    f := replace(replace(f, 'current_query()', 'asked'), 'IMMUTABLE', 'STABLE');
                    execute f;
                end $$",
            )
            .unwrap();
        let keys = |count: usize| format!("select id from ticket where id in (0{})", ", 1".repeat(count));
        let (few, many) = (keys(200), keys(201));
        for (texts, expected) in [(&YES[..], true), (&NO, false), (&[&few], true), (&[&many], false)] {
            for text in texts {
                let found: bool = site.admin.query_one("select asked($1)", &[text]).unwrap().get(0);
                assert_eq!(found, expected, "{version}: {text}");
            }
        }
        let mut client = site.database.client_as(&site.role);
        for who in ["ann", "bob", "nobody"] {
            let by_key = common::ask_in_order(
                &mut client,
                &Asker::user(who),
                "explain (verbose, costs off) select id from ticket where id = 7",
            );
            let by_key = by_key.unwrap().join("\n");
            assert!(
                by_key.contains("_has_") && !by_key.contains("= ANY"),
                "{version}: {by_key}"
            );
        }
    }
}

#[test]
fn a_statement_inside_a_function_has_the_form_that_serves_all() {
    for version in versions() {
        let mut site = site(version);
        site.admin
            .batch_execute(
                "create function plan() returns text language plpgsql as $$ declare line text; lines text := ''; begin
                    for line in execute 'explain (verbose, costs off) select count(*) from ticket' loop lines := lines || line; end loop;
                    return lines;
                end $$",
            )
            .unwrap();
        for outer in [
            "select plan() from ticket where id = 7",
            "select plan() from ticket limit 1",
        ] {
            let plan = site.ask(&Asker::user("ann"), outer).concat();
            assert!(
                plan.contains("= ANY") && !plan.contains("_has_"),
                "{version}: {plan}"
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
fn claims_that_cannot_be_read_are_an_error_of_their_own() {
    for version in versions() {
        let site = site(version);
        let mut client = site.database.client_as(&site.role);
        client
            .batch_execute("select auth.next_request(); set rowgate.session = 'abcdef 1 2'")
            .unwrap();
        let errors = [
            client.query(PAGE, &[]),
            client.query("select count(*) from ticket", &[]),
            // Planning a page asks who asks.
            client.query(&format!("explain {PAGE}"), &[]),
        ];
        for error in errors {
            let error = error.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "28000", "{version}: {error:?}");
        }
    }
}

#[test]
fn what_is_found_step_by_step_is_listed_once_also_for_a_row_that_is_named() {
    const FOLDERS: &str = "version 0.3
type user
type folder
    relation parent [folder]
    relation owner [user]
    relation viewer [user]
    inherit viewer if
        relation viewer on parent [folder]
type ticket
    relation folder [folder]
    relation viewer []
    inherit viewer if
        any_of
            relation viewer on folder [folder]
            relation owner on folder [folder]
";
    const BOUND: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.folder"
type = "folder"
id = "id"
relations.parent = { column = "parent", type = "folder" }
[[table]]
name = "public.ticket"
type = "ticket"
id = "id"
relations.folder = { column = "folder", type = "folder" }
policies.select = "viewer"
"#;
    const TABLES: &str = "create table folder (id bigint primary key, parent bigint);
        create index folder_parent on folder (parent);
        create table ticket (id bigint primary key, folder bigint);
        create index ticket_folder on ticket (folder);
        insert into folder values (1, null), (2, 1), (3, null);
        insert into ticket values (1, 2), (2, 3), (3, 4)";
    for version in versions() {
        let mut site = Site::new(version, "steps", TABLES);
        site.apply(FOLDERS, BOUND).unwrap();
        site.warrants(&["folder:1#viewer@user:ann", "folder:3#owner@user:ann"]);
        let mut client = site.database.client_as(&site.role);
        let sql = |id: i64| format!("select id::text from ticket where id = {id}");
        let explained = common::ask_in_order(
            &mut client,
            &Asker::user("ann"),
            &format!("explain (verbose, costs off) {}", sql(1)),
        );
        let explained = explained.unwrap().join("\n");
        assert!(
            explained.contains("folder_owner_has_")
                && explained.contains("InitPlan")
                && explained.contains("Output: rowgate_rls.folder_viewer_"),
            "{version}: {explained}"
        );
        for (id, seen) in [(1, 1), (2, 1), (3, 0)] {
            let rows = common::ask(&mut client, &Asker::user("ann"), &sql(id)).unwrap();
            assert_eq!(rows.len(), seen, "{version}: {id}");
        }
    }
}

#[test]
fn what_everybody_was_granted_is_looked_up_also_after_what_one_was_granted_oneself() {
    const BARRED: &str = "version 0.3
type user
type project
    relation viewer [user]
    relation barred [user]
type ticket
    relation project [project]
    relation viewer []
    inherit viewer if
        all_of
            relation viewer on project [project]
            none_of
                relation barred on project [project]
";
    const FEW: &str =
        "create table ticket (id bigint generated always as identity primary key, project text);
        create index ticket_project on ticket (project);
        insert into ticket (project) values ('p1'), ('p2'), ('p3'), ('p4'), ('p5')";
    for version in versions() {
        let mut site = Site::new(version, "everybody", FEW);
        site.apply(BARRED, BINDINGS).unwrap();
        let by_key = |site: &Site, who: &Asker| -> Vec<usize> {
            let seen = |id: &usize| {
                let row = site.ask(who, &format!("select id::text from ticket where id = {id}"));
                // A new one is looked up as well.
                let new = format!("insert into ticket (project) values ('p{id}')");
                assert_eq!(site.try_ask(who, &new).is_ok(), row.len() == 1, "{version}: {id}");
                row.len() == 1
            };
            (1..=5).filter(seen).collect()
        };
        let (ann, bob) = (Asker::user("ann"), Asker::user("bob"));
        assert!(by_key(&site, &ann).is_empty(), "{version}");
        site.warrants(&[
            "project:p1#viewer@user:ann",
            "project:p3#viewer@user:ann",
            "project:p4#viewer@user:ann",
        ]);
        assert_eq!(by_key(&site, &ann), [1, 3, 4], "{version}");
        site.warrants(&["project:p2#viewer@user:*", "project:p4#viewer@user:*"]);
        assert_eq!(by_key(&site, &ann), [1, 2, 3, 4], "{version}");
        assert_eq!(by_key(&site, &bob), [2, 4], "{version}");
        site.warrants(&["project:p3#barred@user:*", "project:p4#barred@user:bob"]);
        assert_eq!(by_key(&site, &ann), [1, 2, 4], "{version}");
        assert_eq!(by_key(&site, &bob), [2], "{version}");
        assert!(by_key(&site, &Asker::nobody()).is_empty(), "{version}");
        // Where nobody has a grant of one's own any more.
        let own = "delete from rowgate.warrant where subject_id <> '*'";
        site.admin.batch_execute(own).unwrap();
        assert_eq!(by_key(&site, &ann), [2, 4], "{version}");
    }
}
