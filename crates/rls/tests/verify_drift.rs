//! What `apply` made, changed behind its back: each change is found, and apply mends it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Site, model};
use postgres::IsolationLevel;
use rowgate_binding::Bindings;
use rowgate_pgtest::{Version, versions};
use rowgate_rls::catalog::Catalog;
use rowgate_rls::verify::{Expected, Finding, Remedy, Severity, Stored, verify};

const SCHEMA: &str = "version 0.3
type user
type team
    relation member [user]
type ticket
    relation creator [user]
    relation watcher [user]
    relation parent [team]
    relation viewer [user]
    inherit viewer if
        any_of
            relation creator
            relation watcher
            relation member on parent [team]
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.ticket"
type = "ticket"
id = "id"
[table.relations]
creator = { column = "creator_id", type = "user" }
parent = { column = "team_id", type = "team" }
watcher = { table = "public.ticket_watcher", key = "ticket_id", column = "user_id", type = "user" }
[table.policies]
select = "viewer"
update = "creator"
"#;

const TABLES: &str = "
create table ticket (id uuid primary key, creator_id text, team_id text, title text);
create index on ticket (creator_id);
create index on ticket (team_id);
create table ticket_watcher (ticket_id uuid references ticket, user_id text, primary key (ticket_id, user_id));
create index on ticket_watcher (user_id);
";

fn site(version: Version) -> Site {
    let mut site = Site::new(version, "drift", TABLES);
    site.apply(SCHEMA, BINDINGS).unwrap();
    let role = site.role.clone();
    site.admin
        .batch_execute(&format!(
            "revoke insert, update, delete on ticket_watcher from {role}"
        ))
        .unwrap();
    site
}

fn look(site: &mut Site, schema: &str, bindings: &str) -> Vec<Finding> {
    let bindings = Bindings::parse_toml(&bindings.replace("ROLE", &site.role)).unwrap();
    let mut transaction = site
        .admin
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .unwrap();
    let catalog = Catalog::read(&mut transaction).unwrap();
    let expected = Expected::read(&mut transaction, &catalog, &model(schema), &bindings).unwrap();
    transaction.rollback().unwrap();
    let mut found = verify(&catalog, Some(&expected));
    found.retain(|finding| finding.code != "login_unbound");
    found
}

fn serious(found: &[Finding]) -> Vec<(&'static str, String)> {
    let serious = found.iter().filter(|finding| finding.severity < Severity::Note);
    serious
        .map(|finding| (finding.code, finding.object.clone()))
        .collect()
}

#[test]
fn what_apply_made_is_as_it_should_be() {
    for version in versions() {
        let mut site = site(version);
        let found = look(&mut site, SCHEMA, BINDINGS);
        assert_eq!(serious(&found), [], "{version}: {found:#?}");
        let left: i64 = site
            .admin
            .query_one(
                "select count(*) from pg_class where relnamespace = pg_my_temp_schema()",
                &[],
            )
            .unwrap()
            .get(0);
        assert_eq!(left, 0, "nothing stays of the comparison");
    }
}

/// Changes something by hand, expects exactly this finding, applies again and expects nothing.
fn drifts(code: &str, object: &str, change: &str) {
    for version in versions() {
        let mut site = site(version);
        let change = change.replace("ROLE", &site.role);
        site.admin.batch_execute(&change).unwrap();
        let found = look(&mut site, SCHEMA, BINDINGS);
        assert!(
            serious(&found).contains(&(code, object.to_owned())),
            "{version}: {change}: {found:#?}"
        );
        let finding = found.iter().find(|finding| finding.code == code).unwrap();
        assert_eq!(finding.remedy, Remedy::Command("rowgate rls apply".to_owned()));
        site.apply(SCHEMA, BINDINGS).unwrap();
        let left = look(&mut site, SCHEMA, BINDINGS);
        assert_eq!(serious(&left), [], "{version}: {change}");
    }
}

#[test]
fn policies_changed_by_hand() {
    let select = "policy rowgate_select on public.ticket";
    drifts("policy_missing", select, "drop policy rowgate_select on ticket");
    drifts(
        "policy_changed",
        select,
        "alter policy rowgate_select on ticket using (true)",
    );
    drifts(
        "policy_changed",
        select,
        "alter policy rowgate_select on ticket to public",
    );
    let update = "policy rowgate_update on public.ticket";
    drifts(
        "policy_changed",
        update,
        "alter policy rowgate_update on ticket with check (true)",
    );
    let restrictive = "drop policy rowgate_update on ticket;
        create policy rowgate_update on ticket as restrictive for update to ROLE using (true);
        comment on policy rowgate_update on ticket is 'Made by rowgate rls apply, 0000000000000000'";
    drifts("policy_outdated", update, restrictive);
}

#[test]
fn a_role_that_reads_every_row() {
    for version in versions() {
        let mut site = site(version);
        for reader in ["rowgate_server", "rowgate_reader", "rowgate_owner"] {
            let grant = format!("grant {reader} to {}", site.role);
            site.admin.batch_execute(&grant).unwrap();
            let found = look(&mut site, SCHEMA, BINDINGS);
            let expected = ("role_can_become", format!("role {}", site.role));
            assert_eq!(serious(&found), [expected], "{version}: {grant}");
            let finding = found.iter().find(|f| f.code == "role_can_become").unwrap();
            let Remedy::Sql(sql) = &finding.remedy else {
                panic!("{finding:?}")
            };
            site.admin.batch_execute(&sql.concat()).unwrap();
            assert_eq!(serious(&look(&mut site, SCHEMA, BINDINGS)), [], "{version}");
        }
    }
}

#[test]
fn policies_of_the_readers() {
    drifts(
        "policy_missing",
        "policy rowgate_reader on public.ticket",
        "drop policy rowgate_reader on ticket",
    );
}

#[test]
fn functions_changed_by_hand() {
    for version in versions() {
        let mut site = site(version);
        let sql = "select p.oid::regprocedure::text from pg_proc p where pronamespace = 'rowgate_rls'::regnamespace and pg_get_userbyid(proowner) = 'rowgate_reader' and proconfig is not null";
        let functions: Vec<String> = site
            .admin
            .query(sql, &[])
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        assert!(!functions.is_empty());
        for function in functions {
            site.admin
                .batch_execute(&format!("alter function {function} reset search_path"))
                .unwrap();
            let found = look(&mut site, SCHEMA, BINDINGS);
            assert!(
                found.iter().any(|f| f.code == "function_changed"),
                "{version} {function}: {found:#?}"
            );
            site.apply(SCHEMA, BINDINGS).unwrap();
            site.admin
                .batch_execute(&format!("grant execute on function {function} to public"))
                .unwrap();
            let found = look(&mut site, SCHEMA, BINDINGS);
            assert!(
                found.iter().any(|f| f.code == "function_changed"),
                "{version} {function}: {found:#?}"
            );
            site.apply(SCHEMA, BINDINGS).unwrap();
        }
        assert_eq!(serious(&look(&mut site, SCHEMA, BINDINGS)), []);
    }
}

#[test]
fn rights_that_apply_did_not_give() {
    for (object, change) in [
        (
            "function rowgate_rls.edges(text, text, text)",
            "grant execute on function rowgate_rls.edges(text, text, text) to ROLE",
        ),
        (
            "function rowgate_rls.\"me\"()",
            "grant execute on function rowgate_rls.me() to ROLE with grant option",
        ),
        (
            "function rowgate.bound_edges(integer, text, text, text)",
            "grant execute on function rowgate.bound_edges(integer, text, text, text) to ROLE",
        ),
        (
            "function rowgate_rls.edges(text, text, text)",
            "revoke execute on function rowgate_rls.edges(text, text, text) from rowgate_owner",
        ),
    ] {
        drifts("function_changed", object, change);
    }
}

#[test]
fn a_table_that_was_made_anew() {
    for version in versions() {
        let mut site = site(version);
        let role = site.role.clone();
        site.admin
            .batch_execute("drop table ticket cascade; drop table ticket_watcher cascade")
            .unwrap();
        site.admin.batch_execute(TABLES).unwrap();
        site.admin
            .batch_execute(&format!(
                "grant select, update on ticket to {role}; grant select on ticket_watcher to {role}"
            ))
            .unwrap();
        let found = look(&mut site, SCHEMA, BINDINGS);
        assert!(
            found.iter().any(|f| f.code == "policy_missing"),
            "{version}: {found:#?}"
        );
        site.apply(SCHEMA, BINDINGS).unwrap();
        assert_eq!(serious(&look(&mut site, SCHEMA, BINDINGS)), [], "{version}");
        let open =
            "select count(*) from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
            where p.pronamespace in ('rowgate'::regnamespace, 'rowgate_rls'::regnamespace) and a.grantee = 0";
        assert_eq!(
            site.admin.query_one(open, &[]).unwrap().get::<_, i64>(0),
            0,
            "{version}"
        );
        // Nor after a drop, which makes the hooks anew as well.
        site.admin.batch_execute("drop table ticket cascade").unwrap();
        rowgate_rls::drop(&mut site.admin, "default").unwrap();
        assert_eq!(site.admin.query_one(open, &[]).unwrap().get::<_, i64>(0), 0);
    }
}

#[test]
fn a_schema_or_bindings_that_were_not_applied() {
    for version in versions() {
        let mut site = site(version);
        let other = SCHEMA.replace("            relation watcher\n", "");
        let found = look(&mut site, &other, BINDINGS);
        assert!(
            found.iter().any(|f| f.code == "policy_outdated"),
            "{version}: {found:#?}"
        );
        let more = format!("{BINDINGS}delete = \"creator\"\n");
        let found = look(&mut site, SCHEMA, &more);
        assert_eq!(
            serious(&found),
            [(
                "policy_missing",
                "policy rowgate_delete on public.ticket".to_owned()
            )]
        );
        let fewer = BINDINGS.replace("update = \"creator\"\n", "");
        let found = look(&mut site, SCHEMA, &fewer);
        let orphan = (
            "policy_orphaned",
            "policy rowgate_update on public.ticket".to_owned(),
        );
        assert_eq!(serious(&found), [orphan]);
        let Remedy::Sql(sql) = &found.iter().find(|f| f.code == "policy_orphaned").unwrap().remedy else {
            panic!("{found:#?}");
        };
        site.admin.batch_execute(&sql.concat()).unwrap();
        assert_eq!(serious(&look(&mut site, SCHEMA, &fewer)), []);
    }
}

#[test]
fn bindings_that_apply_would_refuse() {
    for version in versions() {
        let mut site = site(version);
        site.admin
            .batch_execute("alter table ticket alter column team_id type json using null")
            .unwrap_err();
        let gone = BINDINGS.replace("column = \"team_id\"", "column = \"group_id\"");
        let found = look(&mut site, SCHEMA, &gone);
        let refused = found.iter().find(|f| f.code == "bindings_refused").unwrap();
        assert!(refused.message.contains("group_id"), "{version}: {refused:?}");
    }
}

#[test]
fn what_joins_needs_indexes_and_no_writers() {
    for version in versions() {
        let mut site = site(version);
        let role = site.role.clone();
        site.admin
            .batch_execute(&format!(
                "drop index ticket_watcher_user_id_idx; grant insert on ticket_watcher to {role}"
            ))
            .unwrap();
        let found = look(&mut site, SCHEMA, BINDINGS);
        let expected = [
            ("permission_table_writable", "public.ticket_watcher".to_owned()),
            ("missing_index", "public.ticket_watcher (user_id)".to_owned()),
        ];
        assert_eq!(serious(&found), expected, "{version}");
        for finding in found.iter().filter(|f| f.severity < Severity::Note) {
            let Remedy::Sql(sql) = &finding.remedy else {
                panic!("{finding:?}")
            };
            site.admin.batch_execute(&sql.concat()).unwrap();
        }
        assert_eq!(serious(&look(&mut site, SCHEMA, BINDINGS)), []);
    }
}

#[test]
fn the_database_remembers_schema_and_bindings() {
    for version in versions() {
        let mut site = site(version);
        let mut transaction = site.admin.transaction().unwrap();
        let stored = Stored::read(&mut transaction, None).unwrap().unwrap();
        assert!(stored.schema.unwrap().type_def("ticket").is_some());
        assert_eq!(stored.bindings.unwrap().tables.len(), 1);
        assert!(Stored::read(&mut transaction, Some("nowhere")).unwrap().is_none());
    }
}

#[test]
fn a_foreign_key_that_came_or_went() {
    const BEHIND: &str = "version 0.3
type user
type project
    relation viewer [user]
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
[[table]]
name = "public.ticket"
type = "ticket"
id = "id"
relations.project = { column = "project_id", type = "project" }
policies.select = "viewer"
"#;
    const TABLES: &str = "create table project (id bigint primary key);
        create table ticket (id bigint primary key, project_id bigint references project);
        create index on ticket (project_id)";
    const CHANGES: [&str; 2] = [
        "alter table ticket drop constraint ticket_project_id_fkey",
        "alter table ticket add constraint leads foreign key (project_id) references project",
    ];
    for version in versions() {
        let mut site = Site::new(version, "drift", TABLES);
        site.apply(BEHIND, BOUND).unwrap();
        let role = site.role.clone();
        let revoke = format!("revoke insert, update, delete on ticket, project from {role}");
        site.admin.batch_execute(&revoke).unwrap();
        for change in CHANGES {
            let found = look(&mut site, BEHIND, BOUND);
            assert_eq!(serious(&found), [], "{version}: before {change}: {found:#?}");
            site.admin.batch_execute(change).unwrap();
            let found = look(&mut site, BEHIND, BOUND);
            let changed = (
                "policy_outdated",
                "policy rowgate_select on public.ticket".to_owned(),
            );
            assert!(
                serious(&found).contains(&changed),
                "{version}: {change}: {found:#?}"
            );
            // What calls a function that is not there yet cannot be compared, and needs no other rights for it.
            let advised = |finding: &&Finding| matches!(&finding.remedy, Remedy::Advice(advice) if advice.contains("temporary"));
            assert_eq!(found.iter().find(advised), None, "{version}: {change}");
            assert!(
                found.iter().any(|finding| finding.code == "not_compared"),
                "{version}: {change}: {found:#?}"
            );
            site.apply(BEHIND, BOUND).unwrap();
        }
        let found = look(&mut site, BEHIND, BOUND);
        assert_eq!(serious(&found), [], "{version}: {found:#?}");
    }
}
