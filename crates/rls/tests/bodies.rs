//! The bodies of generated functions: they mean the same in every session, and what they read cannot be taken from under them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Asker, Site};
use rowgate_pgtest::{Version, versions};
use serde_json::json;

const SCHEMA: &str = "version 0.3
type user
type organization
    relation member [user]
type folder
    relation organization [organization]
    relation watcher [user]
    relation viewer []
    inherit viewer if
        any_of
            relation watcher
            all_of
                relation member on organization [organization]
                policy small
type ticket
    relation folder [folder]
    relation viewer []
    inherit viewer if
        relation viewer on folder [folder]
policy small(size integer, limit integer) {
    size <= limit && date(\"2020-02-03\").Before(now())
}
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
id = "who.am_i()"
[[table]]
name = "public.folder"
type = "folder"
id = "id"
relations.organization = { column = "org", type = "organization" }
relations.watcher = { table = "public.watcher", key = "folder", column = "who", type = "user", where = "kind = '$$ a''b\\c $body1$'" }
attributes.size = "size"
[[table]]
name = "public.ticket"
type = "ticket"
id = "id"
relations.folder = { column = "folder", type = "folder" }
policies.select = "viewer"
policies.insert = "viewer"
policies.update = "viewer"
"#;

const TABLES: &str = r"create schema who;
    create function who.am_i() returns text language sql stable return auth.user_id();
    create table folder (id bigint primary key, org text, size bigint);
    create index folder_org on folder (org);
    create table watcher (folder bigint not null, who text not null, kind text not null, primary key (who, folder, kind));
    create table ticket (id bigint primary key, folder bigint, made timestamptz default now());
    create index ticket_folder on ticket (folder);
    insert into folder values (1, 'acme', 5), (2, 'acme', 50), (3, 'other', 5), (4, null, 5);
    insert into watcher values (4, 'ann', '$$ a''b\c $body1$'), (3, 'ann', 'x');
    insert into ticket (id, folder) select n, n % 5 from generate_series(1, 50) n";

/// A client may make all of these settings, and have tables of its own.
const HOSTILE: &str = r"set standard_conforming_strings = off; set backslash_quote = on; set escape_string_warning = off; set transform_null_equals = on;
    set array_nulls = off; set datestyle = 'sql, dmy'; set intervalstyle = 'sql_standard'; set timezone = 'Asia/Kolkata'; set bytea_output = 'escape';
    set extra_float_digits = -15; set quote_all_identifiers = on; set lc_numeric = 'C'; set search_path = pg_temp, public;
    set plan_cache_mode = force_generic_plan; set from_collapse_limit = 1; set enable_indexscan = off;
    create temp table me (id text); create temp table s1 (k1 bigint); create temp table r (m int, i1 bigint); create temp table warrant (id text);
    create temp table folder (id bigint, org text, size bigint); create temp table l (subject_id text);
    insert into s1 select generate_series(0, 50); insert into me values ('ann'), ('zoe');
    create type pg_temp.bigint as enum ('a'); create type pg_temp.text as enum ('a')";

const QUESTIONS: [&str; 4] = [
    "select id::pg_catalog.text from public.ticket order by id",
    "select id::pg_catalog.text from public.ticket order by made desc, id limit 50",
    "select id::pg_catalog.text from public.ticket where id = 7",
    "update public.ticket set folder = folder where id = 9 returning id::pg_catalog.text",
];

fn site(version: Version) -> Site {
    let mut site = Site::new(version, "bodies", TABLES);
    let grant = format!("grant usage on schema who to {}", site.role);
    site.admin.batch_execute(&grant).unwrap();
    site.apply(SCHEMA, BINDINGS).unwrap();
    site.warrants(&[
        "organization:acme#member@user:ann",
        "organization:acme#member@user:bob",
    ]);
    site
}

#[test]
fn no_setting_and_no_table_of_a_session_changes_an_answer() {
    for version in versions() {
        let site = site(version);
        let within = |limit: i64, who: &str| Asker::user(who).with(json!({ "limit": limit }));
        let askers = [
            within(10, "ann"),
            within(10, "bob"),
            within(100, "bob"),
            Asker::user("zoe"),
            Asker::nobody(),
        ];
        let mut counts = Vec::new();
        for asker in &askers {
            for question in QUESTIONS {
                // Each connection makes its own of the bodies, when it first calls them.
                let plain = site.try_ask(asker, question);
                let mut client = site.database.client_as(&site.role);
                client.batch_execute(HOSTILE).unwrap();
                let hostile = common::ask(&mut client, asker, question);
                let (plain, hostile) = (plain.unwrap(), hostile.unwrap());
                assert_eq!(plain, hostile, "{version}: {asker:?}: {question}");
                counts.push(plain.len());
            }
        }
        // Folder 1 is small enough, folder 4 is watched; the row 7 is in folder 2 and the row 9 in folder 4.
        let expected = [20, 20, 0, 1, 10, 10, 0, 0, 20, 20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(counts, expected, "{version}");
    }
}

#[test]
fn what_the_bodies_read_is_not_dropped_and_keeps_its_type() {
    for version in versions() {
        let mut site = site(version);
        for statement in [
            "alter table folder drop column size",
            "alter table folder drop column org",
            "alter table folder alter column size type numeric",
            "alter table watcher drop column kind",
            "alter table watcher drop column who",
            "drop table watcher",
            "drop function who.am_i()",
        ] {
            let error = site.admin.batch_execute(statement).unwrap_err();
            let error = error.as_db_error().unwrap();
            let said = format!("{} {}", error.message(), error.detail().unwrap_or_default());
            assert!(
                said.contains("rowgate_rls.") || error.code().code() == "0A000",
                "{version}: {statement}: {said}"
            );
        }
        let seen = site.ask(&Asker::user("ann").with(json!({ "limit": 10 })), QUESTIONS[0]);
        assert_eq!(seen.len(), 20, "{version}");
    }
}

#[test]
fn a_column_that_is_renamed_shows_nothing_until_the_bindings_say_so() {
    for version in versions() {
        let mut site = site(version);
        let ann = Asker::user("ann").with(json!({ "limit": 10 }));
        site.admin
            .batch_execute("alter table folder rename column org to company")
            .unwrap();
        for question in QUESTIONS {
            let error = site.try_ask(&ann, question).unwrap_err();
            assert_eq!(error.code().unwrap().code(), "42703", "{version}: {question}");
        }
        site.apply(SCHEMA, &BINDINGS.replace("\"org\"", "\"company\""))
            .unwrap();
        assert_eq!(site.ask(&ann, QUESTIONS[0]).len(), 20, "{version}");
    }
}
