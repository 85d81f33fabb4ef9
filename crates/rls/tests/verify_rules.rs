//! Every rule on real databases: nothing is found where nothing is wrong, what is broken is found, and the remedy mends it.

mod support;

use rowgate_rls::verify::{Remedy, Severity, codes};
use support::World;

/// Breaks a sound database, expects a finding with the code and an object, runs the remedy, and expects it to be gone.
fn mended(code: &str, object: &str, broken: &str) {
    for version in rowgate_pgtest::versions() {
        let mut world = World::sound(version, code);
        world.run(broken);
        let found = world.verify(None);
        let object = world.filled(object);
        assert!(
            found.iter().any(|f| f.code == code && f.object == object),
            "{version}: {code} {object}: {found:#?}"
        );
        world.mend(&found, code);
        let left = world.verify(None);
        assert!(
            !left.iter().any(|f| f.code == code),
            "{version}: {code} is still there: {left:#?}"
        );
    }
}

/// As [`mended`], where a person has to decide: the remedy is advice, and `mend` is what somebody does who follows it.
fn advised(code: &str, object: &str, broken: &str, mend: &str) {
    for version in rowgate_pgtest::versions() {
        let mut world = World::sound(version, code);
        world.run(broken);
        let found = world.verify(None);
        let object = world.filled(object);
        let finding = found.iter().find(|f| f.code == code && f.object == object);
        let finding = finding.unwrap_or_else(|| panic!("{version}: {code} {object}: {found:#?}"));
        assert!(matches!(finding.remedy, Remedy::Advice(_)), "{finding:?}");
        world.run(mend);
        let left = world.verify(None);
        assert!(
            !left.iter().any(|f| f.code == code),
            "{version}: {code} is still there: {left:#?}"
        );
    }
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for version in rowgate_pgtest::versions() {
        let found = World::sound(version, "sound").verify(None);
        assert!(found.is_empty(), "{version}: {found:#?}");
        let found = World::empty(version, "empty").verify(None);
        assert!(found.is_empty(), "{version}: {found:#?}");
    }
}

#[test]
fn every_code_is_listed_once() {
    let mut known: Vec<&str> = codes::ALL.iter().map(|(code, ..)| *code).collect();
    known.sort_unstable();
    let all = known.len();
    known.dedup();
    assert_eq!(known.len(), all);
}

#[test]
fn every_code_is_explained() {
    let page = include_str!("../../../docs/rls-verify.md");
    let explained: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .collect();
    let known: Vec<&str> = codes::ALL.iter().map(|(code, ..)| *code).collect();
    let mut missing: Vec<&&str> = known.iter().filter(|code| !explained.contains(code)).collect();
    missing.extend(explained.iter().filter(|code| !known.contains(code)));
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn row_level_security_that_is_off() {
    mended(
        "rls_disabled",
        "public.ticket",
        "alter table public.ticket disable row level security;\n",
    );
    mended(
        "rls_not_forced",
        "public.ticket",
        "alter table public.ticket no force row level security;\n",
    );
    mended(
        "table_unprotected",
        "public.note",
        "create table public.note (id uuid primary key);\ngrant select on public.note to {app};\n",
    );
    advised(
        "rls_without_policy",
        "public.note",
        "create table public.note (id uuid);\nalter table public.note enable row level security;\nalter table public.note force row level security;\n",
        "create policy p on public.note for select to {app} using (true);\n",
    );
}

#[test]
fn policies_that_clients_can_drop() {
    let keep = "create function keep() returns event_trigger language plpgsql as 'begin end';
        create event trigger rowgate_keep_policies on ddl_command_start when tag in ('DROP OWNED') execute function keep();
        alter event trigger rowgate_keep_policies enable always;\n";
    let session = "create role \"{app}_1_1\" login; grant {app} to \"{app}_1_1\";\n";
    advised("policies_can_be_dropped", "role {app}", session, keep);
    // Worse where a policy hides something from clients.
    let mut world = World::sound(rowgate_pgtest::versions()[0], "dropped");
    world.run(session);
    let severity = |world: &mut World| {
        let found = world.verify(None);
        let finding = found.iter().find(|f| f.code == "policies_can_be_dropped");
        finding.map(|finding| finding.severity)
    };
    assert_eq!(severity(&mut world), Some(Severity::Warning));
    world.run("create policy hides on public.ticket as restrictive to {app} using (true);\n");
    assert_eq!(severity(&mut world), Some(Severity::Error));
}

#[test]
fn rows_that_decide_and_can_be_written() {
    mended(
        "permission_table_writable",
        "public.member",
        "alter table public.member disable row level security;\ndrop policy mine on public.member;\ngrant insert on public.member to {app};\n",
    );
}

#[test]
fn roles_that_get_round_policies() {
    mended("role_bypasses_rls", "role {app}", "alter role {app} bypassrls;\n");
    mended("role_bypasses_rls", "role {app}", "alter role {app} superuser;\n");
    mended(
        "role_owns_table",
        "public.ticket",
        "alter table public.ticket owner to {app};\n",
    );
    mended("role_can_become", "role {app}", "grant {owner} to {app};\n");
    mended(
        "role_can_become",
        "role {app}",
        "create role between_{db};\ncreate role above_{db} bypassrls;\ngrant above_{db} to between_{db};\ngrant between_{db} to {app};\n",
    );
    advised(
        "login_unbound",
        "role admin_{db}",
        "create role admin_{db} login bypassrls;\n",
        "alter role admin_{db} nologin;\n",
    );
}

#[test]
fn a_role_that_is_first_taken_and_then_inherits() {
    let between = "create role between_{db};\ngrant {owner} to between_{db} OPTIONS;\n";
    let sql = "grant between_{db} to {app};\n";
    mended(
        "role_can_become",
        "role {app}",
        &format!("{between}{sql}").replace("OPTIONS", ""),
    );
    let mut world = World::sound(rowgate_pgtest::Version::V18, "mixed");
    let options = "with set false, inherit true";
    world.run(&between.replace("OPTIONS", options));
    for (options, found_out) in [
        ("set true, inherit false", true),
        ("set false, inherit false, admin true", true),
        ("set false, inherit false, admin false", false),
    ] {
        world.run(&format!("grant between_{{db}} to {{app}} with {options};\n"));
        let found = world.verify(None);
        assert_eq!(
            found.iter().any(|f| f.code == "role_can_become"),
            found_out,
            "{options}: {found:#?}"
        );
        world.mend(&found, "role_can_become");
        let left = world.verify(None);
        assert!(!left.iter().any(|f| f.code == "role_can_become"), "{left:#?}");
        world.run(
            "grant {owner} to between_{db} with set false, inherit true;\nrevoke between_{db} from {app};\n",
        );
    }
}

#[test]
fn a_role_that_can_make_itself_a_member_of_any() {
    for (version, can) in [
        (rowgate_pgtest::Version::V15, true),
        (rowgate_pgtest::Version::V18, false),
    ] {
        let mut world = World::sound(version, "createrole");
        world.run("alter role {app} createrole;\n");
        let found = world.verify(None);
        assert_eq!(
            found.iter().any(|f| f.code == "role_can_become"),
            can,
            "{version}: {found:#?}"
        );
        world.mend(&found, "role_can_become");
        let left = world.verify(None);
        assert!(
            !left.iter().any(|f| f.code == "role_can_become"),
            "{version}: {left:#?}"
        );
    }
}

#[test]
fn a_parent_without_policies() {
    let parent =
        "create table public.anything (like public.ticket);\ngrant select on public.anything to {app};\n";
    let inherit = "alter table public.ticket inherit public.anything;\n";
    mended(
        "open_through_parent",
        "public.anything",
        &format!("{parent}{inherit}"),
    );
    let above = "create table public.top (like public.ticket);\nalter table public.anything inherit public.top;\ngrant update (title) on public.top to {app};\n";
    mended(
        "open_through_parent",
        "public.top",
        &format!("{parent}{inherit}{above}"),
    );
    advised(
        "open_through_parent",
        "public.anything",
        &format!(
            "{parent}{inherit}revoke all on public.anything from {{app}};\nalter table public.anything owner to {{app}};\n"
        ),
        "alter table public.anything owner to {owner};\n",
    );
}

#[test]
fn a_role_granted_by_somebody_else_is_taken_away_by_them() {
    mended(
        "role_can_become",
        "role {app}",
        "create role giver_{db};\ngrant {owner} to giver_{db} with admin option;\nset role giver_{db};\ngrant {owner} to {app};\nreset role;\n",
    );
}

#[test]
fn rights_that_undo_policies() {
    mended(
        "grant_truncate",
        "public.ticket",
        "grant truncate on public.ticket to {app};\n",
    );
    mended(
        "grant_trigger",
        "public.ticket",
        "grant trigger on public.ticket to {app};\n",
    );
    mended(
        "grant_references",
        "public.ticket",
        "grant references on public.ticket to {app};\n",
    );
    mended(
        "grant_references",
        "public.ticket",
        "grant references (id) on public.ticket to public;\n",
    );
    mended(
        "grant_to_public",
        "public.ticket",
        "grant select, update on public.ticket to public;\n",
    );
    mended(
        "grant_truncate",
        "public.ticket",
        "create role passing_{db};\ngrant truncate on public.ticket to passing_{db} with grant option;\nset role passing_{db};\n\
         grant truncate on public.ticket to {app};\nreset role;\n",
    );
    mended(
        "default_privileges",
        "role {owner}",
        "alter default privileges for role {owner} in schema public grant all on tables to {app};\n",
    );
    mended(
        "default_privileges",
        "role {owner}",
        "alter default privileges for role {owner} grant select on tables to public;\n",
    );
}

#[test]
fn policies_that_let_too_much_through() {
    mended(
        "policy_to_public",
        "policy all_of_it on public.ticket",
        "create policy all_of_it on public.ticket for select using (false);\n",
    );
    mended(
        "policy_always_true",
        "policy w on public.ticket",
        "create policy w on public.ticket for update to {app} using (true);\n",
    );
    mended(
        "policy_always_true",
        "policy w on public.ticket",
        "create policy w on public.ticket for insert to {app} with check (true);\n",
    );
    mended(
        "permissive_beside_generated",
        "policy more on public.member",
        "drop policy mine on public.member;\ncreate policy rowgate_select on public.member for select to {app} using (false);\n\
         comment on policy rowgate_select on public.member is 'Made by rowgate rls apply, 00';\n\
         create policy more on public.member for select to {app} using (user_id <> '');\n",
    );
}

#[test]
fn a_policy_for_another_role_adds_nothing_up() {
    let code = "permissive_beside_generated";
    for version in rowgate_pgtest::versions() {
        let mut world = World::sound(version, "beside");
        let role = world.filled("{app}_beside");
        world.run(&format!(
            "drop policy mine on public.member;\ncreate policy rowgate_select on public.member for select to {{app}} using (false);\n\
             comment on policy rowgate_select on public.member is 'Made by rowgate rls apply, 00';\n\
             create role {role};\ncreate policy more on public.member for select to {role} using (user_id <> '');\n"
        ));
        let found = world.verify(None);
        assert!(!found.iter().any(|f| f.code == code), "{version}: {found:#?}");
        // Whoever is a member of both roles has both policies.
        world.run(&format!("grant {role} to {{app}};\n"));
        let found = world.verify(None);
        assert!(found.iter().any(|f| f.code == code), "{version}: {found:#?}");
    }
}

#[test]
fn policies_that_come_back_to_their_own_table() {
    let direct = "create policy again on public.member for select to {app} using \
        (team_id = any (array(select m.team_id from public.member m where m.user_id = (select auth.user_id()))));\n";
    advised(
        "policy_recursion",
        "policy again on public.member",
        direct,
        "drop policy again on public.member;\n",
    );
    let by_another = "create policy again on public.member for select to {app} using \
        (team_id = any (array(select t.team_id from public.ticket t where t.user_id = (select auth.user_id()))));\n";
    advised(
        "policy_recursion",
        "policy again on public.member",
        by_another,
        "drop policy again on public.member;\n",
    );
}

#[test]
fn a_recursion_that_is_reported_is_one() {
    for version in rowgate_pgtest::versions() {
        let mut world = World::sound(version, "recursion");
        world.run(
            "create policy again on public.member for select to {app} using \
             (team_id = any (array(select t.team_id from public.ticket t where t.user_id = (select auth.user_id()))));\n",
        );
        let app = world.filled("{app}");
        let error = world
            .database
            .client_as(&app)
            .query("select from ticket", &[])
            .unwrap_err();
        assert!(
            error
                .as_db_error()
                .unwrap()
                .message()
                .contains("infinite recursion"),
            "{error:?}"
        );
    }
}

#[test]
fn views_that_read_as_their_owner() {
    mended(
        "definer_view",
        "public.all_tickets",
        "create view public.all_tickets as select * from public.ticket;\n",
    );
    for version in rowgate_pgtest::versions() {
        let mut world = World::sound(version, "view");
        world.run("create view public.inner_view as select * from public.ticket;\n");
        world.run("create view public.outer_view as select id from public.inner_view;\ngrant select on public.outer_view to {app};\n");
        let found = world.verify(None);
        let severity = |object: &str| {
            found
                .iter()
                .find(|f| f.code == "definer_view" && f.object == object)
                .map(|f| f.severity)
        };
        assert_eq!(severity("public.outer_view"), Some(Severity::Error));
        assert_eq!(severity("public.inner_view"), Some(Severity::Warning));
        world.mend(&found, "definer_view");
        assert!(!support::codes(&world.verify(None)).contains(&"definer_view"));
    }
    for version in rowgate_pgtest::versions() {
        let mut world = World::sound(version, "view_parent");
        world.run(
            "create table public.everything (like public.ticket);\nalter table public.ticket inherit public.everything;\n\
             create view public.all_of_it as select * from public.everything;\ngrant select on public.all_of_it to {app};\n",
        );
        let finding = |found: &[rowgate_rls::verify::Finding]| {
            let mut of_view = found.iter().filter(|f| f.object == "public.all_of_it");
            of_view
                .next()
                .map(|f| (f.code, f.severity, f.message.contains("children")))
        };
        let found = world.verify(None);
        let expected = ("definer_view", Severity::Error, true);
        assert_eq!(finding(&found), Some(expected), "{version}: {found:#?}");
        // Where the parent has policies, those of the view's owner hold for the rows of its children, too.
        world.run("alter table public.everything enable row level security, force row level security;\n");
        let found = world.verify(None);
        assert!(
            finding(&found).is_none_or(|(.., of_children)| !of_children),
            "{version}: {found:#?}"
        );
    }
    mended(
        "materialized_view",
        "public.kept",
        "create materialized view public.kept as select * from public.ticket;\ngrant select on public.kept to {app};\n",
    );
}

#[test]
fn rules_that_run_as_the_owner_of_their_table() {
    advised(
        "rule_on_table",
        "rule remember on public.ticket",
        "create table public.log (at timestamptz);\n\
         create rule remember as on update to public.ticket do also insert into public.log values (now());\n",
        "drop rule remember on public.ticket;\n",
    );
}

#[test]
fn functions_that_run_as_their_owner() {
    let count = "create function public.count_tickets() returns bigint language sql stable security definer";
    let body = "as $$select count(*) from ticket$$;\n";
    mended(
        "definer_function_search_path",
        "function public.count_tickets()",
        &format!("{count} {body}"),
    );
    let pinned = format!("{count} set search_path = pg_catalog, public, pg_temp {body}");
    mended(
        "definer_function_reads",
        "function public.count_tickets()",
        &pinned,
    );
    mended(
        "volatile_policy_function",
        "function public.is_admin()",
        "create function public.is_admin() returns boolean language sql as $$select false$$;\n\
         create policy admins on public.ticket for select to {app} using ((select public.is_admin()));\n",
    );
    for version in rowgate_pgtest::versions() {
        let mut world = World::sound(version, "pinned");
        world.run(&format!("{count} {body}"));
        let found = world.verify(None);
        world.mend(&found, "definer_function_search_path");
        world.run("select public.count_tickets();\n");
    }
}

#[test]
fn partitions_that_are_open() {
    mended(
        "partition_unprotected",
        "public.event_1",
        "create table public.event (id uuid, user_id text) partition by hash (id);\n\
         create table public.event_1 partition of public.event for values with (modulus 1, remainder 0);\n\
         create index on public.event (user_id);\nalter table public.event enable row level security;\n\
         alter table public.event force row level security;\n\
         create policy mine on public.event to {app} using (user_id = (select auth.user_id()));\n\
         grant select on public.event, public.event_1 to {app};\n",
    );
    mended(
        "partition_unprotected",
        "public.urgent",
        "create table public.urgent (level int) inherits (public.ticket);\ngrant update (title) on public.urgent to public;\n",
    );
}

#[test]
fn indexes_that_are_missing_or_of_no_use() {
    mended(
        "missing_index",
        "public.ticket (user_id)",
        "drop index public.ticket_user_id_idx;\n",
    );
    mended(
        "missing_index",
        "public.ticket (team_id)",
        "drop index public.ticket_team_id_idx;\n",
    );
    mended(
        "missing_index",
        "public.member (user_id)",
        "drop index public.member_user_id_idx;\n",
    );
    mended(
        "missing_index",
        "public.ticket (user_id)",
        "drop index public.ticket_user_id_idx;\ncreate index half on public.ticket (user_id) where title is null;\n",
    );
    mended(
        "missing_index",
        "public.event (user_id)",
        "create table public.event (id uuid, user_id text) partition by hash (id);\n\
         alter table public.event enable row level security;\n\
         create policy mine on public.event to {app} using (user_id = (select auth.user_id()));\n",
    );
    mended(
        "index_invalid",
        "public.ticket_user_id_idx",
        "update pg_index set indisvalid = false where indexrelid = 'public.ticket_user_id_idx'::regclass;\n",
    );
    advised(
        "index_not_leakproof",
        "public.found",
        "create index found on public.ticket using gin (to_tsvector('simple', title));\n",
        "drop index public.found;\n",
    );
}

#[test]
fn sessions_that_are_set_up_badly() {
    mended(
        "isolation",
        "role {app}",
        "alter role {app} in database {db} reset default_transaction_isolation;\n",
    );
    mended(
        "statement_timeout",
        "role {app}",
        "alter role {app} in database {db} set statement_timeout = '0';\n",
    );
    mended(
        "row_security_off",
        "role {app}",
        "alter role {app} set row_security = off;\n",
    );
    mended(
        "isolation",
        "role web_{db}",
        "create role web_{db} login;\ngrant {app} to web_{db};\n",
    );
}

#[test]
fn keys_that_tell() {
    advised(
        "key_oracle",
        "public.ticket",
        "alter table public.ticket add unique (title);\n",
        "alter table public.ticket drop constraint ticket_title_key;\n",
    );
    advised(
        "key_oracle",
        "foreign keys to public.project",
        "create table public.project (id int generated always as identity primary key);\n\
         alter table public.project enable row level security;\nalter table public.ticket add project_id int references public.project;\n",
        "alter table public.ticket drop project_id;\n",
    );
}

#[test]
fn policies_that_are_not_understood_are_said_to_be() {
    for version in rowgate_pgtest::versions() {
        let mut world = World::sound(version, "odd");
        world.run("create policy odd on public.ticket for select to {app} using (xmlexists('//a' passing by value xmlparse(content title)));\n");
        let found = world.verify(None);
        assert!(
            support::codes(&found).contains(&"policy_not_examined"),
            "{found:#?}"
        );
    }
}
