//! Where a foreign key says that there is a row for each value of a column, a list does not look the rows up; and what is shown is the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Asker, Site};
use postgres::Client;
use rowgate_pgtest::versions;

const SCHEMA: &str = "version 0.3
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

const BINDINGS: &str = r#"
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

/// Keys of projects by their type: 1, 2, and 3, which is no project's.
const KEYS: [(&str, [&str; 3]); 3] = [
    ("bigint", ["1", "2", "3"]),
    ("text", ["a", "it's \"2\"", "c"]),
    (
        "uuid",
        [
            "00000000-0000-4000-8000-000000000001",
            "00000000-0000-4000-8000-000000000002",
            "00000000-0000-4000-8000-000000000003",
        ],
    ),
];

/// Two tickets of the first project, which is granted to ann, and one of the second, which is her organization's.
fn tables(ty: &str, keys: &[&str; 3]) -> String {
    let [one, two, _] = keys.map(|key| format!("'{}'", key.replace('\'', "''")));
    format!(
        "create table project (id {ty} constraint project_key primary key, organization text not null);
         create index on project (organization);
         insert into project values ({one}, 'other'), ({two}, 'acme');
         create table ticket (id bigint primary key, project {ty} constraint leads references project);
         create index on ticket (project);
         insert into ticket values (1, {one}), (2, {one}), (3, {two}), (4, null)"
    )
}

fn site(version: rowgate_pgtest::Version, ty: &str, keys: &[&str; 3]) -> Site {
    let mut site = Site::new(version, "references", &tables(ty, keys));
    site.apply(SCHEMA, BINDINGS).unwrap();
    let granted = [0, 2].map(|at: usize| format!("project:{}#viewer@user:ann", keys[at]));
    site.warrants(&granted.each_ref().map(String::as_str));
    site.warrants(&["organization:acme#member@user:ann"]);
    site
}

/// Whether a list relies on the foreign key. That shows where a superuser has switched its triggers off and made a ticket of a granted project that is
/// not there. Nothing stays.
fn relies(site: &mut Site, missing: &str) -> bool {
    let mut transaction = site.admin.transaction().unwrap();
    transaction
        .batch_execute(&format!(
            "set local session_replication_role = replica; insert into ticket values (9, '{missing}');
             set local session_replication_role = origin; set local role {}",
            site.role
        ))
        .unwrap();
    common::sign_in(&mut transaction, &Asker::user("ann")).unwrap();
    let rows = transaction.query("select from ticket where id > 8", &[]).unwrap();
    rows.len() == 1
}

const TICKETS: &str = "select id::text from ticket";

#[test]
fn rows_are_not_looked_up_where_a_foreign_key_leads_to_them() {
    for version in versions() {
        for (ty, keys) in &KEYS {
            let mut site = site(version, ty, keys);
            assert!(relies(&mut site, keys[2]), "{version}: {ty}");
            assert_eq!(
                site.ask(&Asker::user("ann"), TICKETS),
                ["1", "2", "3"],
                "{version}: {ty}"
            );
            assert!(
                site.ask(&Asker::user("bob"), TICKETS).is_empty(),
                "{version}: {ty}"
            );
        }
    }
}

/// What takes a foreign key's word away.
const LOOSER: [&str; 6] = [
    "alter table ticket drop constraint leads",
    "alter table ticket alter constraint leads deferrable",
    "alter table ticket drop constraint leads, add constraint leads foreign key (project) references project not valid",
    "alter table ticket drop constraint leads; alter table ticket add other bigint;
     alter table ticket add constraint leads foreign key (other) references project",
    "alter table ticket drop constraint leads; create table elsewhere (id bigint primary key); insert into elsewhere values (1), (2);
     alter table ticket add constraint leads foreign key (project) references elsewhere",
    "create table ticket_of_child () inherits (ticket)",
];

#[test]
fn a_foreign_key_that_does_not_hold_for_every_row_is_not_relied_on() {
    let (ty, keys) = KEYS[0];
    for version in versions() {
        for looser in LOOSER {
            let mut site = site(version, ty, &keys);
            let mut client = site.database.client_as(&site.role);
            // A plan that the session keeps was made when the key was in force.
            let statement = client.prepare(TICKETS).unwrap();
            let seen = |client: &mut Client| {
                let mut transaction = client.transaction().unwrap();
                common::sign_in(&mut transaction, &Asker::user("ann")).unwrap();
                let rows = transaction.query(&statement, &[]).unwrap();
                let mut ids: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                ids.sort();
                ids
            };
            for _ in 0..7 {
                assert_eq!(seen(&mut client), ["1", "2", "3"], "{version}: {looser}");
            }
            site.admin.batch_execute(looser).unwrap();
            // A ticket of a project that is not there, although it is granted; also where the key would look at new rows.
            let dangling = "set session_replication_role = replica; insert into ticket values (5, 3); reset session_replication_role";
            site.admin.batch_execute(dangling).unwrap();
            assert_eq!(seen(&mut client), ["1", "2", "3"], "{version}: {looser}");
            assert!(!relies(&mut site, keys[2]), "{version}: {looser}");
        }
    }
}

#[test]
fn a_foreign_key_that_comes_later_is_found() {
    let (ty, keys) = KEYS[0];
    for version in versions() {
        let mut site = site(version, ty, &keys);
        let seen = |site: &Site| {
            assert_eq!(
                site.ask(&Asker::user("ann"), TICKETS),
                ["1", "2", "3"],
                "{version}"
            )
        };
        site.admin
            .batch_execute("alter table ticket drop constraint leads; insert into ticket values (5, 3)")
            .unwrap();
        assert!(!relies(&mut site, keys[2]), "{version}");
        seen(&site);
        site.admin
            .batch_execute(
                "alter table ticket add constraint leads foreign key (project) references project not valid;
                 delete from ticket where id = 5; alter table ticket validate constraint leads",
            )
            .unwrap();
        assert!(relies(&mut site, keys[2]), "{version}");
        seen(&site);
        // By another name it is another one, of which what is applied does not know.
        site.admin
            .batch_execute("alter table ticket rename constraint leads to refers")
            .unwrap();
        assert!(!relies(&mut site, keys[2]), "{version}");
        site.apply(SCHEMA, BINDINGS).unwrap();
        assert!(relies(&mut site, keys[2]), "{version}");
        seen(&site);
    }
}

#[test]
fn a_table_that_takes_the_name_of_another_one_does_not_speak_for_it() {
    let (ty, keys) = KEYS[0];
    for version in versions() {
        let mut site = site(version, ty, &keys);
        let mut client = site.database.client_as(&site.role);
        site.admin
            .batch_execute(
                "alter table ticket drop constraint leads; insert into ticket values (5, 3); alter table ticket rename to ticket_before;
                 create table ticket (id bigint primary key, project bigint constraint leads references project)",
            )
            .unwrap();
        let before = TICKETS.replace("ticket", "ticket_before");
        let seen = common::ask(&mut client, &Asker::user("ann"), &before).unwrap();
        assert_eq!(seen, ["1", "2", "3"], "{version}");
    }
}

#[test]
fn a_foreign_key_whose_action_a_trigger_can_suppress_is_not_relied_on() {
    let (ty, keys) = KEYS[0];
    for version in versions() {
        for action in ["on delete cascade", "on delete set null", "on update cascade"] {
            let mut site = site(version, ty, &keys);
            site.admin
                .batch_execute(&format!(
                    "alter table ticket drop constraint leads;
                     alter table ticket add constraint leads foreign key (project) references project {action};
                     create function keep() returns trigger language plpgsql as $$ begin return null; end $$;
                     create trigger keep before delete or update on ticket for each row execute function keep();
                     update project set id = 7 where id = 1 and '{action}' like '%update%';
                     delete from project where id = 1 and '{action}' like '%delete%'"
                ))
                .unwrap();
            let left: i64 = site
                .admin
                .query_one("select count(*) from ticket where project = 1", &[])
                .unwrap()
                .get(0);
            assert_eq!(left, 2, "{version}: {action}: the trigger keeps the tickets");
            // As it was applied, and applied again.
            for _ in 0..2 {
                assert_eq!(
                    site.ask(&Asker::user("ann"), TICKETS),
                    ["3"],
                    "{version}: {action}"
                );
                assert!(!relies(&mut site, keys[2]), "{version}: {action}");
                site.apply(SCHEMA, BINDINGS).unwrap();
            }
        }
    }
}

#[test]
fn a_key_that_goes_with_the_key_of_the_projects_is_not_relied_on() {
    let (ty, keys) = KEYS[0];
    for version in versions() {
        let mut site = site(version, ty, &keys);
        // The table of projects cannot be dropped, as its columns are read, but its key can.
        site.admin
            .batch_execute(
                "alter table project drop constraint project_key cascade; delete from project where id = 1",
            )
            .unwrap();
        assert_eq!(site.ask(&Asker::user("ann"), TICKETS), ["3"], "{version}");
    }
}

#[test]
fn a_snapshot_that_is_older_than_what_was_done_to_the_key_shows_what_was_then() {
    let (ty, keys) = KEYS[0];
    for version in versions() {
        let mut site = site(version, ty, &keys);
        let mut client = site.database.client_as(&site.role);
        // What this transaction plans is kept, and is used after it.
        let statement = client.prepare(TICKETS).unwrap();
        let mut older = client
            .build_transaction()
            .isolation_level(postgres::IsolationLevel::RepeatableRead)
            .start()
            .unwrap();
        common::sign_in(&mut older, &Asker::user("ann")).unwrap();
        site.admin
            .batch_execute("alter table ticket drop constraint leads; delete from project where id = 1")
            .unwrap();
        assert_eq!(older.query(&statement, &[]).unwrap().len(), 3, "{version}");
        older.commit().unwrap();
        let mut now = client.transaction().unwrap();
        common::sign_in(&mut now, &Asker::user("ann")).unwrap();
        assert_eq!(now.query(&statement, &[]).unwrap().len(), 1, "{version}");
    }
}
