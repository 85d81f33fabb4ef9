//! Texts become keys only in the one form in which keys are written, and nothing else raises an error: an error would tell of a row that one may
//! not see.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Asker, Site};
use rowgate_pgtest::versions;

const SCHEMA: &str = "version 0.3
type user
type note
    relation owner [user]
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.note"
type = "note"
id = "id"
relations.owner = { column = "owner", type = "user" }
policies.select = "owner"
"#;

/// What is no key of either kind.
const NEITHER: [&str; 24] = [
    "",
    " ",
    "-",
    "--1",
    "-0",
    "+7",
    "00",
    "007",
    "-07",
    " 7",
    "7 ",
    "7\n",
    "\n7",
    "7\n8",
    "7.0",
    "1e3",
    "0x10",
    "1_000",
    "\u{661}",
    "*",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999",
    "100000000000000000000000000000000000000000",
];

const INTEGERS: [&str; 13] = [
    "0",
    "7",
    "-7",
    "10",
    "999999999999999999",
    "-99999999999999999",
    "-999999999999999999",
    "1000000000000000000",
    "-1000000000000000000",
    "9223372036854775806",
    "9223372036854775807",
    "-9223372036854775807",
    "-9223372036854775808",
];

const UUIDS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0a1b2c3d-4e5f-6789-abcd-ef0123456789",
];

/// Much of this `uuid` would take.
const NO_UUIDS: [&str; 12] = [
    "0A1B2C3D-4E5F-6789-ABCD-EF0123456789",
    "0a1b2c3d4e5f6789abcdef0123456789",
    "{0a1b2c3d-4e5f-6789-abcd-ef0123456789}",
    "0a1b-2c3d-4e5f-6789-abcd-ef01-2345-6789",
    "0a1b2c3-d4e5f-6789-abcd-ef0123456789",
    "0a1b2c3d-4e5f-6789-abcd-ef012345678",
    "0a1b2c3d-4e5f-6789-abcd-ef01234567890",
    "0a1b2c3d-4e5f-6789-abcd-ef012345678g",
    "0a1b2c3d-4e5f-6789-abcd--f0123456789",
    "0a1b2c3d-4e5f-6789-abcd-ef0123456789\n",
    "0a1b2c3d-4e5f-6789-abcd\u{2010}ef0123456789",
    "------------------------------------",
];

#[test]
fn a_text_is_a_key_in_its_one_form_alone() {
    for version in versions() {
        let mut site = Site::new(
            version,
            "keys",
            "create table note (id bigint primary key, owner text)",
        );
        site.apply(SCHEMA, BINDINGS).unwrap();
        let mut key = |function: &str, id: Option<&str>| -> Option<String> {
            let sql = format!("select rowgate.{function}($1)::text");
            site.admin.query_one(&sql, &[&id]).unwrap().get(0)
        };
        for function in ["key_integer", "key_uuid"] {
            assert_eq!(key(function, None), None);
            for id in NEITHER {
                assert_eq!(key(function, Some(id)), None, "{version}: {function} {id:?}");
            }
        }
        for id in INTEGERS {
            assert_eq!(key("key_integer", Some(id)).as_deref(), Some(id), "{version}");
            assert_eq!(key("key_uuid", Some(id)), None, "{version}: {id}");
        }
        for id in UUIDS {
            assert_eq!(key("key_uuid", Some(id)).as_deref(), Some(id), "{version}");
            assert_eq!(key("key_integer", Some(id)), None, "{version}: {id}");
        }
        for id in NO_UUIDS {
            assert_eq!(key("key_uuid", Some(id)), None, "{version}: {id:?}");
        }
    }
}

/// Notes that belong to projects, by a key of that type.
fn by_project(ty: &str) -> String {
    format!(
        "create table project (id {ty} primary key);
         create table note (id bigint primary key, project {ty} references project);
         create index on note (project)"
    )
}

const OF_PROJECTS: &str = "version 0.3
type user
type project
    relation viewer [user]
type note
    relation project [project]
    relation viewer []
    inherit viewer if
        relation viewer on project [project]
";

const BOUND_PROJECTS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.note"
type = "note"
id = "id"
relations.project = { column = "project", type = "project" }
policies.select = "viewer"
"#;

#[test]
fn the_index_of_subjects_has_the_keys() {
    for version in versions() {
        for (ty, key) in [
            ("bigint", "n"),
            (
                "uuid",
                "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid",
            ),
        ] {
            let mut site = Site::new(version, "indexed", &by_project(ty));
            site.apply(OF_PROJECTS, BOUND_PROJECTS).unwrap();
            site.admin
                .batch_execute(&format!(
                    "insert into project select {key} from generate_series(1, 2000) n;
                     insert into note select n, {key} from generate_series(1, 2000) n;
                     select rowgate.create_warrant('project:' || {key}, 'viewer', 'user:u' || n % 4) from generate_series(1, 2000) n;
                     select rowgate.create_warrant('project:none', 'viewer', 'user:u1');"
                ))
                .unwrap();
            site.admin.batch_execute("vacuum analyze").unwrap();
            let seen = site.ask(&Asker::user("u1"), "select count(*)::text from note");
            assert_eq!(seen, ["500"], "{version} {ty}");
            // By a superuser, who may have calls of functions counted.
            site.admin
                .batch_execute(
                    "select set_config('request.jwt.claims', '{\"sub\":\"u1\"}', false); set track_functions = 'pl'",
                )
                .unwrap();
            let list: String = site
                .admin
                .query_one(
                    "select format('select cardinality(%s())::bigint', oid::regproc) from pg_proc
                     where pronamespace = 'rowgate_rls'::regnamespace and prorettype = any (array['bigint[]', 'uuid[]']::regtype[])
                         and proname like 'project\\_viewer\\_%'",
                    &[],
                )
                .unwrap()
                .get(0);
            let mut transaction = site.admin.transaction().unwrap();
            let members: i64 = transaction.query_one(&list, &[]).unwrap().get(0);
            assert_eq!(members, 501, "{version} {ty}");
            let calls = "select coalesce(sum(calls), 0)::bigint from pg_stat_xact_user_functions
                where schemaname = 'rowgate' and funcname like 'key%'";
            let calls: i64 = transaction.query_one(calls, &[]).unwrap().get(0);
            assert_eq!(calls, 0, "{version} {ty}");
        }
    }
}
