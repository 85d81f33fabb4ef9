//! How many rows the database reads for a page of a list. What a page costs must follow from what is on it, not from how much its subject
//! sees, nor from how much there is that the subject does not see.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use common::{Site, model};
use postgres::types::ToSql;
use rowgate_binding::Bindings;
use rowgate_pgtest::{Version, versions};
use rowgate_rls::{Compiler, Order, read_shapes};
use serde_json::Value;

const SCHEMA: &str = "version 0.3
type user
type project
    relation viewer [user]
type ticket
    relation project [project]
    relation owner [user]
    relation viewer []
    inherit viewer if
        any_of
            relation owner
            relation viewer on project [project]
    relation reader []
    inherit reader if
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
relations.project = { column = "project_id", type = "project" }
relations.owner = { column = "owner_id", type = "user" }
policies.select = "viewer"
"#;

/// Ticket `n` is of project `n % 1000`, so each project has twenty.
const TABLES: &str = "
create table ticket (id bigint primary key, project_id bigint not null, owner_id text, created_at bigint not null);
insert into ticket select n, n % 1000, case when n % 10000 = 7 then 'few' end, -n from generate_series(1, 20000) n;
create index on ticket (project_id);
create index on ticket (owner_id);
";

/// `many` sees every other project, `few` three of them.
const WARRANTS: &str = "
select rowgate.create_warrant('project:' || n, 'viewer', 'user:many') from generate_series(0, 998, 2) n;
select rowgate.create_warrant('project:' || n, 'viewer', 'user:few') from generate_series(1, 3) n;
";

fn site(version: Version) -> Site {
    let mut site = Site::new(version, "pages", TABLES);
    site.apply(SCHEMA, BINDINGS).unwrap();
    site.admin.batch_execute(WARRANTS).unwrap();
    site.admin.batch_execute("analyze").unwrap();
    site
}

/// A condition that stands alone, and one of several.
const RELATIONS: [&str; 2] = ["reader", "viewer"];

fn statement(site: &mut Site, relation: &str, order: Order) -> String {
    let bindings = Bindings::parse_toml(&BINDINGS.replace("ROLE", &site.role)).unwrap();
    let shapes = read_shapes(&mut site.admin, &bindings).unwrap();
    let resolved = bindings.resolve(&model(SCHEMA)).unwrap();
    let compiler = Compiler::new(&resolved, shapes, 1).unwrap();
    compiler.query("ticket", relation, "user", order).unwrap().sql
}

fn sees(user: &str, relation: &str, ticket: i64) -> bool {
    let project = ticket % 1000;
    match user {
        "many" => project % 2 == 0,
        "few" => (1..=3).contains(&project) || (relation == "viewer" && ticket % 10_000 == 7),
        _ => false,
    }
}

fn page(site: &mut Site, sql: &str, user: &str, after: Option<i64>, wanted: i64) -> Vec<i64> {
    let (none, after) = (None::<Value>, after.map(|id| id.to_string()));
    let parameters: [&(dyn ToSql + Sync); 6] = [&user, &none, &none, &after, &wanted, &0_i64];
    let rows = site.admin.query(sql, &parameters).unwrap();
    rows.iter()
        .map(|row| row.get::<_, String>(0).parse().unwrap())
        .collect()
}

#[test]
fn pages_are_complete_for_who_sees_much_and_who_sees_little() {
    for version in versions() {
        let mut site = site(version);
        let orders = [Order::Ascending, Order::Descending];
        for (relation, order) in RELATIONS
            .into_iter()
            .flat_map(|relation| orders.map(|order| (relation, order)))
        {
            let sql = statement(&mut site, relation, order);
            for user in ["many", "few", "nobody"] {
                let mut expected: Vec<i64> = (1..=20_000)
                    .filter(|ticket| sees(user, relation, *ticket))
                    .collect();
                if order == Order::Descending {
                    expected.reverse();
                }
                let mut listed = Vec::new();
                loop {
                    let found = page(&mut site, &sql, user, listed.last().copied(), 777);
                    listed.extend(&found);
                    if found.len() < 777 {
                        break;
                    }
                }
                assert_eq!(listed, expected, "{user}, {relation}, {order:?}");
            }
        }
    }
}

#[test]
fn a_page_reads_about_as_many_rows_as_it_shows() {
    for version in versions() {
        let mut site = site(version);
        for (relation, all) in RELATIONS.into_iter().zip([60, 62]) {
            let sql = statement(&mut site, relation, Order::Ascending);
            let many = read(&mut site, &sql, "many", Some(10_000), 100);
            assert!(
                (100..=400).contains(&many),
                "{many} rows for a page of 100, {relation}"
            );
            let few = read(&mut site, &sql, "few", None, 100);
            assert!(
                (all..=200).contains(&few),
                "{few} rows for a list of {all}, {relation}"
            );
        }
    }
}

/// How many rows of the table the database looked at for a page.
fn read(site: &mut Site, sql: &str, user: &str, after: Option<i64>, wanted: i64) -> u64 {
    let quote = |text: Option<String>| text.map_or_else(|| "null".to_owned(), |text| format!("'{text}'"));
    let after = quote(after.map(|id| id.to_string()));
    site.admin
        .batch_execute(&format!(
            "set plan_cache_mode = force_custom_plan; prepare page (text, jsonb, jsonb, text, bigint, bigint) as {sql}"
        ))
        .unwrap();
    let explain =
        format!("explain (analyze, format json) execute page ('{user}', null, null, {after}, {wanted}, 0)");
    let plan: Value = site.admin.query_one(&explain, &[]).unwrap().get(0);
    site.admin.batch_execute("deallocate page").unwrap();
    let mut nodes = vec![&plan[0]["Plan"]];
    let mut rows = 0.0;
    let mut kinds = BTreeSet::new();
    while let Some(node) = nodes.pop() {
        let number = |key: &str| node[key].as_f64().unwrap_or_default();
        // What is in a bitmap is read by the node above it.
        if node["Relation Name"] == "ticket" {
            let each = number("Actual Rows")
                + number("Rows Removed by Filter")
                + number("Rows Removed by Index Recheck");
            rows += each * number("Actual Loops");
            kinds.insert(node["Node Type"].to_string());
        }
        nodes.extend(node["Plans"].as_array().into_iter().flatten());
    }
    assert!(!kinds.is_empty(), "{plan:#}");
    rows as u64
}
