//! Folders in folders in projects, groups of groups, exclusions and wildcards: what a role sees, and how the database finds it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Asker, Site};
use rowgate_pgtest::{Version, versions};
use serde_json::json;

const SCHEMA: &str = "version 0.3
type user
type team
    relation member [user, team#member]
type project
    relation viewer [user, team#member]
    relation banned [user]
type folder
    relation parent [folder]
    relation project [project]
    relation viewer [user]
    inherit viewer if
        any_of
            relation viewer on parent [folder]
            relation viewer on project [project]
type file
    relation folder [folder]
    relation owner [user]
    relation viewer []
    relation approver []
    inherit viewer if
        all_of
            any_of
                relation owner
                relation viewer on folder [folder]
            none_of
                relation barred
    relation barred [user]
    inherit approver if
        all_of
            relation viewer
            policy small
policy small(amount integer, limit integer) {
    amount <= limit
}
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.folder"
type = "folder"
id = "id"
where = "deleted_at is null"
relations.parent = { column = "parent_id", type = "folder" }
relations.project = { column = "project_id", type = "project" }
policies.select = "viewer"
[[table]]
name = "public.file"
type = "file"
id = ["folder_id", "number"]
relations.folder = { column = "folder_id", type = "folder" }
relations.owner = { column = "owner_id", type = "user" }
relations.barred = { table = "public.bar", key = ["folder_id", "number"], column = "user_id", type = "user" }
attributes.amount = "amount"
policies.select = "viewer"
policies.update = "approver"
"#;

const TABLES: &str = "
create table folder (id bigint primary key, parent_id integer, project_id uuid, deleted_at timestamptz);
create index on folder (parent_id);
create index on folder (project_id);
create table file (folder_id bigint, number integer, owner_id varchar(60), amount numeric(10, 2), body text, primary key (folder_id, number));
create index on file (owner_id);
create table bar (folder_id bigint, number smallint, user_id text);
insert into folder values
    (1, null, '11111111-1111-4111-8111-111111111111', null),
    (2, 1, null, null), (3, 2, null, null), (4, 3, null, now()), (5, 4, null, null),
    (6, 7, null, null), (7, 6, null, null), (8, 8, null, null),
    (9, null, null, null);
insert into file select f, n, case when n = 1 then 'owner' end, n * 1000, 'text' from generate_series(1, 9) f, generate_series(1, 2) n;
insert into bar values (2, 1, 'ann'), (3, 2, 'bob'), (9, 1, 'owner');
";

fn site(version: Version, name: &str) -> Site {
    let mut site = Site::new(version, name, TABLES);
    site.apply(SCHEMA, BINDINGS).unwrap();
    site.warrants(&[
        "team:inner#member@user:ann",
        "team:outer#member@team:inner#member",
        // Groups in each other.
        "team:inner#member@team:outer#member",
        "project:11111111-1111-4111-8111-111111111111#viewer@team:outer#member",
        "folder:9#viewer@user:*",
        "folder:7#viewer@user:bob",
        // No folder has this id: it is not how the number is written.
        "folder:02#viewer@user:bob",
    ]);
    site
}

#[test]
fn a_file_is_seen_through_its_folders_up_to_the_project() {
    for version in versions() {
        let site = site(version, "folders");
        let files = |who: &str| site.ask(&Asker::user(who), "select folder_id || '.' || number from file");
        // A deleted folder holds nothing, and nothing below it is reached through it.
        assert_eq!(files("ann"), ["1.1", "1.2", "2.2", "3.1", "3.2", "9.1", "9.2"]);
        assert_eq!(files("bob"), ["6.1", "6.2", "7.1", "7.2", "9.1", "9.2"]);
        assert_eq!(
            files("owner"),
            ["1.1", "2.1", "3.1", "4.1", "5.1", "6.1", "7.1", "8.1", "9.2"]
        );
        assert_eq!(files("somebody"), ["9.1", "9.2"]);
        assert!(site.ask(&Asker::nobody(), "select body from file").is_empty());
        let folders = |who: &str| site.ask(&Asker::user(who), "select id::text from folder");
        assert_eq!(folders("ann"), ["1", "2", "3", "9"]);
        assert_eq!(folders("bob"), ["6", "7", "9"]);
    }
}

#[test]
fn a_policy_reads_the_row_and_the_context_and_unknown_is_no() {
    for version in versions() {
        let site = site(version, "policy");
        let update = "update file set body = body returning folder_id || '.' || number";
        let ann = |context| site.ask(&Asker::user("ann").with(context), update);
        assert_eq!(ann(json!({"limit": 1000})), ["1.1", "3.1", "9.1"]);
        assert_eq!(
            ann(json!({"limit": 5000})),
            ["1.1", "1.2", "2.2", "3.1", "3.2", "9.1", "9.2"]
        );
        assert!(ann(json!({"limit": "5000"})).is_empty());
        // The amount comes from the row, whatever the context says.
        assert!(ann(json!({"limit": 1, "amount": 0})).is_empty());
        assert!(ann(json!({})).is_empty());
    }
}

#[test]
fn subjects_and_ids_are_only_ever_values() {
    for version in versions() {
        let mut site = site(version, "hostile");
        for hostile in [
            "*",
            "",
            "' or true --",
            "ann\n",
            "ann'; drop table file; --",
            "\\",
            "🦀",
            "ann\u{1}",
        ] {
            let asker = Asker::user(hostile);
            let seen = site.ask(&asker, "select folder_id || '.' || number from file");
            let expected: &[&str] = if hostile.is_empty() || hostile == "*" {
                &[]
            } else {
                &["9.1", "9.2"]
            };
            assert_eq!(seen, expected, "{hostile:?}");
        }
        site.admin
            .execute(
                "insert into file values (5, 7, $1, 1, 'x')",
                &[&"ann'; drop table file; --"],
            )
            .unwrap();
        let seen = site.ask(
            &Asker::user("ann'; drop table file; --"),
            "select folder_id || '.' || number from file",
        );
        assert_eq!(seen, ["5.7", "9.1", "9.2"]);
    }
}

#[test]
fn sets_are_evaluated_once_and_columns_use_their_indexes() {
    for version in versions() {
        let mut site = site(version, "explain");
        site.admin
            .batch_execute(
                "insert into folder select n, null, gen_random_uuid(), null from generate_series(100, 20000) n;
                 insert into file select n, 1, 'someone', 1, 'text' from generate_series(100, 20000) n;
                 analyze folder; analyze file",
            )
            .unwrap();
        let explain = |sql: &str| {
            let mut client = site.database.client_as(&site.role);
            let mut transaction = client.transaction().unwrap();
            common::sign_in(&mut transaction, &Asker::user("ann")).unwrap();
            let rows = transaction
                .query(&format!("explain (costs off) {sql}"), &[])
                .unwrap();
            rows.iter()
                .map(|row| row.get::<_, String>(0))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let plan = explain("select body from file");
        // A key of several columns is narrowed by its first, and then looked up in a hash table.
        assert!(plan.contains("InitPlan"), "{plan}");
        assert_eq!(
            plan.matches(
                "
  SubPlan"
            )
            .count(),
            1,
            "{plan}"
        );
        // Nothing can be stored for `viewer []`, so there is no arm for it.
        assert!(!plan.contains("file_viewer"), "{plan}");
        assert!(
            plan.contains("BitmapOr") && !plan.contains("Seq Scan on file"),
            "{plan}"
        );
        let plan = explain("select id from folder");
        assert!(plan.contains("InitPlan") && !plan.contains("SubPlan"), "{plan}");
        assert!(
            plan.contains("BitmapOr") && !plan.contains("Seq Scan on folder"),
            "{plan}"
        );
    }
}

#[test]
fn a_new_row_must_be_one_that_its_maker_may_make() {
    for version in versions() {
        let mut site = site(version, "insert");
        site.apply(
            SCHEMA,
            &BINDINGS.replace("policies.update = \"approver\"", "policies.insert = \"viewer\""),
        )
        .unwrap();
        let insert = |who: &str, folder: u32, owner: &str| {
            let sql = format!("insert into file values ({folder}, 50, {owner}, 1, 'new') returning body");
            site.try_ask(&Asker::user(who), &sql).map(|rows| rows.len())
        };
        assert_eq!(insert("ann", 3, "null").unwrap(), 1);
        assert_eq!(insert("ann", 8, "'ann'").unwrap(), 1);
        assert!(insert("ann", 8, "null").is_err());
        assert!(insert("ann", 5, "null").is_err());
    }
}
