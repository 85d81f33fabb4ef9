//! Slow policies written by hand: each is found, and the one that the remedy puts in its place lets the same rows through and uses an index.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use postgres::Client;
use rowgate_pgtest::Version;
use support::World;

/// 2,000 tickets in 20 teams; ann is in teams 3 and 4 and owns some tickets of other teams. Some teams and owners are null.
const ROWS: &str = include_str!("support/rows.sql");

const USERS: [&str; 3] = ["ann", "bob", "nobody"];

fn world(version: Version, policy: &str) -> World {
    let mut world = World::empty(version, "shapes");
    world.run(ROWS);
    world.run(policy);
    world
}

fn visible(world: &World, user: &str) -> Vec<i64> {
    let mut client = world.database.client_as(&world.filled("{app}"));
    client
        .execute(
            "select set_config('app.user', $1, false), set_config('app.team', '4', false)",
            &[&user],
        )
        .unwrap();
    let rows = client
        .query("select id from public.item order by id", &[])
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The plan of a query of ann, with sequential scans discouraged, so that it shows what is possible and not what is cheap for few rows.
fn plan(world: &World) -> String {
    let mut client: Client = world.database.client_as(&world.filled("{app}"));
    client
        .batch_execute("select set_config('app.user', 'ann', false), set_config('app.team', '4', false); set enable_seqscan = off")
        .unwrap();
    let rows = client
        .query("explain (costs off) select * from public.item", &[])
        .unwrap();
    rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect()
}

/// Finds the shape, runs the remedy, and compares what three users see before and after. Gives the policy afterwards.
fn faster(code: &str, condition: &str) -> Vec<String> {
    let mut after = Vec::new();
    for version in rowgate_pgtest::versions() {
        let policy = format!("create policy shape on public.item to {{app}} using ({condition});\n");
        let mut world = world(version, &policy);
        let before: Vec<_> = USERS.map(|user| visible(&world, user)).into();
        assert!(
            !before[0].is_empty() && before[0].len() < 2_000,
            "the policy decides nothing: {}",
            before[0].len()
        );
        let found = world.verify(None);
        assert!(
            support::codes(&found).contains(&code),
            "{version}: {condition}: {found:#?}"
        );
        world.mend(&found, code);
        assert_eq!(
            USERS.map(|user| visible(&world, user)).to_vec(),
            before,
            "{version}: {condition}"
        );
        let left = world.verify(None);
        assert!(!support::codes(&left).contains(&code), "{version}: {left:#?}");
        let plan = plan(&world);
        assert!(plan.contains("Index Cond"), "{version}: {plan}");
        assert!(!plan.contains("SubPlan"), "{version}: {plan}");
        let policies = world.catalog().policies;
        after.push(
            policies
                .iter()
                .find(|policy| policy.name == "shape")
                .unwrap()
                .using
                .clone()
                .unwrap(),
        );
    }
    after.dedup();
    after
        .iter()
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn the_form_that_crud_helpers_emit() {
    let after = faster("correlated_subquery", "(select auth.user_id() = item.owner)");
    assert_eq!(after, ["(( SELECT auth.user_id() AS user_id) = (owner)::text)"]);
}

#[test]
fn functions_that_are_called_for_every_row() {
    faster("unwrapped_function", "owner = auth.user_id()");
    faster("unwrapped_function", "team_id = any (auth.user_teams())");
    faster("unwrapped_function", "owner = current_setting('app.user', true)");
    faster(
        "unwrapped_function",
        "team_id = current_setting('app.team')::bigint",
    );
    faster(
        "unwrapped_function",
        "owner = auth.user_id() or team_id = any (auth.user_teams())",
    );
}

#[test]
fn sub_selects_that_are_filters() {
    faster(
        "in_subquery",
        "team_id in (select m.team_id from public.crew m where m.user_id = auth.user_id())",
    );
    faster(
        "set_function_in_subquery",
        "team_id in (select auth.list_teams())",
    );
    faster(
        "in_subquery",
        "owner = (select auth.user_id()) or team_id in (select team_id from public.crew where user_id = (select auth.user_id()))",
    );
}

#[test]
fn sub_selects_that_look_at_the_row() {
    let after = faster(
        "exists_subquery",
        "exists (select 1 from public.crew m where m.team_id = item.team_id and m.user_id = auth.user_id())",
    );
    let expected = "(team_id = ANY (ARRAY( SELECT m.team_id FROM public.crew m WHERE (m.user_id = ( SELECT auth.user_id() AS user_id)))))";
    assert_eq!(after, [expected]);
    faster(
        "exists_subquery",
        "auth.user_id() in (select m.user_id from public.crew m where m.team_id = item.team_id)",
    );
    faster(
        "exists_subquery",
        "exists (select 1 from public.crew m join public.crew n on n.team_id = m.team_id where item.team_id = n.team_id and m.user_id = auth.user_id())",
    );
}

/// Shapes for which there is no form that is surely the same: they are found, and nothing is proposed as SQL.
#[test]
fn what_cannot_be_derived_is_advice() {
    let cases = [
        ("per_row_function", "auth.can_see(id)"),
        (
            "correlated_subquery",
            "(select count(*) from public.crew m where m.team_id = item.team_id) > 1",
        ),
        // Under NOT, a null in the list would turn yes into unknown.
        (
            "exists_subquery",
            "not exists (select 1 from public.crew m where m.team_id = item.team_id and m.user_id = auth.user_id())",
        ),
        (
            "exists_subquery",
            "exists (select 1 from public.crew m where m.team_id > item.team_id and m.user_id = auth.user_id())",
        ),
    ];
    for (code, condition) in cases {
        let mut world = world(
            Version::V15,
            &format!("create policy shape on public.item to {{app}} using ({condition});\n"),
        );
        let found = world.verify(None);
        let finding = found
            .iter()
            .find(|f| f.code == code)
            .unwrap_or_else(|| panic!("{condition}: {found:#?}"));
        assert!(
            matches!(finding.remedy, rowgate_rls::verify::Remedy::Advice(_)),
            "{finding:?}"
        );
    }
}

#[test]
fn good_shapes_are_left_alone() {
    let slow = [
        "correlated_subquery",
        "exists_subquery",
        "in_subquery",
        "set_function_in_subquery",
        "unwrapped_function",
        "per_row_function",
        "policy_not_examined",
    ];
    for condition in [
        "owner = (select auth.user_id())",
        "team_id = any (array(select m.team_id from public.crew m where m.user_id = (select auth.user_id())))",
        "team_id = any ((select auth.user_teams())::bigint[])",
        "owner = (select auth.user_id()) and lower(title) <> 'x' and id between 1 and 5 and team_id in (1, 2)",
        "(select current_setting('app.user', true)) = 'admin'",
        "current_user = owner",
        "exists (select 1 from public.crew m where m.user_id = (select auth.user_id()))",
        "case when team_id is null then false else owner is not distinct from 'ann' end",
    ] {
        for version in rowgate_pgtest::versions() {
            let mut world = world(
                version,
                &format!("create policy shape on public.item to {{app}} using ({condition});\n"),
            );
            let found = support::codes(&world.verify(None));
            assert!(
                !found.iter().any(|code| slow.contains(code)),
                "{version}: {condition}: {found:?}"
            );
        }
    }
}

/// Names that need quotes, and tables that have the same name as one of a sub-select.
#[test]
fn odd_names_come_through() {
    for version in rowgate_pgtest::versions() {
        let mut world = World::empty(version, "odd");
        world.run(
            "create role {app} login;\ncreate schema \"My App\";\ngrant usage on schema \"My App\" to {app};\n\
             create table \"My App\".\"Order\" (\"Id\" int, \"user\" text, \"Team Id\" int);\n\
             create table public.\"Order\" (\"Team Id\" int, \"select\" text);\n\
             create index on \"My App\".\"Order\" (\"Team Id\");\nalter table \"My App\".\"Order\" enable row level security;\n\
             create policy \"it's \"\"mine\"\"\" on \"My App\".\"Order\" to {app} using (exists (select 1 from public.\"Order\" o \
             where o.\"Team Id\" = \"Order\".\"Team Id\" and o.\"select\" = current_setting('app.user', true)));\n",
        );
        let found = world.verify(None);
        world.mend(&found, "exists_subquery");
        let found = world.verify(None);
        world.mend(&found, "missing_index");
        let left = world.verify(None);
        assert!(
            !left
                .iter()
                .any(|f| matches!(f.code, "exists_subquery" | "missing_index")),
            "{left:#?}"
        );
    }
}

/// The clauses of a policy for writing are rewritten, too.
#[test]
fn both_clauses_are_rewritten() {
    let policy = "create policy shape on public.item for update to {app} using (owner = auth.user_id()) with check (owner = auth.user_id());\n";
    let mut world = world(Version::V18, policy);
    let found = world.verify(None);
    world.mend(&found, "unwrapped_function");
    let policy = world
        .catalog()
        .policies
        .into_iter()
        .find(|policy| policy.name == "shape")
        .unwrap();
    assert_eq!(policy.using, policy.check);
    assert_eq!(
        policy.using.as_deref(),
        Some("((owner)::text = ( SELECT auth.user_id() AS user_id))")
    );
}
