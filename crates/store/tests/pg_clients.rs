//! Client roles: made by an installer that is no superuser, kept when installed again, gone when uninstalled.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use common::{create_environment, pg};
use postgres::Client;
use rowgate_pgtest::{Cluster, Database, Options, Version, versions};
use rowgate_store::postgres::install::{ClientRole, Grants, Step, install};
use rowgate_store::postgres::uninstall;
use rowgate_store::{Change, Commit, ErrorKind, Store};

fn grants(sessions: i32) -> Grants {
    let client = |name: &str| ClientRole {
        name: name.into(),
        sessions,
        schemas: vec!["public".into()],
    };
    Grants {
        clients: vec![client("authenticated"), client("anonymous")],
        ..Grants::default()
    }
}

/// A server of its own, for roles belong to all its databases, with a database that `admin` may install in.
fn bare(version: Version) -> (Cluster, Database) {
    let cluster = Cluster::start(version, Options::default());
    let database = cluster.database("clients");
    let name = database.name();
    let setup = format!(
        "create role admin login createrole; grant create on database {name} to admin;
         grant all on schema public to admin with grant option"
    );
    database.client().batch_execute(&setup).unwrap();
    database
        .client_as("admin")
        .batch_execute("create table note (id int generated always as identity, body text)")
        .unwrap();
    (cluster, database)
}

#[test]
fn an_installer_without_superuser_makes_client_roles() {
    for version in versions() {
        let (_cluster, database) = bare(version);
        let url = database.url_as("admin");
        install(&url, &grants(3)).unwrap();
        let mut admin = database.client();
        let read = "select logins::text[], password from rowgate.client_role where role = 'authenticated'";
        let row = admin.query_one(read, &[]).unwrap();
        let (logins, password): (Vec<String>, String) = (row.get(0), row.get(1));
        assert_eq!(logins.len(), 3);
        // Its sessions act as the client role, one for each login.
        let mut config: postgres::Config = database.url_as(&logins[0]).parse().unwrap();
        let mut session = config
            .options("-c role=authenticated")
            .connect(postgres::NoTls)
            .unwrap();
        session
            .batch_execute("insert into note (body) values ('x'); select auth.user_id(), auth.next_request(), auth.connection()")
            .unwrap();
        let timeout: String = session.query_one("show statement_timeout", &[]).unwrap().get(0);
        assert_eq!(timeout, "15s");
        let refused = database
            .url_as(&logins[0])
            .parse::<postgres::Config>()
            .unwrap()
            .connect(postgres::NoTls);
        assert_eq!(refused.err().unwrap().code().unwrap().code(), "53300");
        // Again, and with more sessions: servers go on with the password that they know.
        for sessions in [3, 5] {
            install(&url, &grants(sessions)).unwrap();
            let row = admin.query_one(read, &[]).unwrap();
            assert_eq!(row.get::<_, Vec<String>>(0).len(), sessions as usize);
            assert_eq!(row.get::<_, String>(1), password);
        }
        drop(session);
        let steps = uninstall::uninstall(&url).unwrap();
        assert!(steps.contains(&uninstall::Step::DropLogins(10)), "{steps:?}");
        let left = "select count(*) from pg_roles where rolname like 'authenticated\\__%' or rolname like 'rowgate%'";
        assert_eq!(
            admin.query_one(left, &[]).unwrap().get::<_, i64>(0),
            0,
            "{steps:?}"
        );
    }
}

#[test]
fn a_role_with_rights_of_its_own_is_no_client_role() {
    for version in versions() {
        let (_cluster, database) = bare(version);
        let mut admin = database.client();
        for (make, message) in [
            ("create role authenticated superuser", "it is a superuser"),
            (
                "create role authenticated bypassrls",
                "it bypasses row-level security",
            ),
            ("create role authenticated createrole", "it may create roles"),
            (
                "create role authenticated in role pg_read_all_data",
                "it is a member of pg_read_all_data",
            ),
        ] {
            admin.batch_execute(make).unwrap();
            let refused = install(database.url(), &grants(1)).unwrap_err();
            assert!(refused.to_string().contains(message), "{refused}");
            assert_ne!(refused.kind(), ErrorKind::Unavailable);
            admin.batch_execute("drop role authenticated").unwrap();
        }
        install(database.url(), &grants(1)).unwrap();
        // Nor may it get them later: a server is told.
        let read = "select count(*) from rowgate.client_roles()";
        assert_eq!(admin.query_one(read, &[]).unwrap().get::<_, i64>(0), 2);
        admin
            .batch_execute("grant pg_read_all_data to authenticated")
            .unwrap();
        assert!(admin.query_one(read, &[]).is_err());
    }
}

/// As a Rowgate without the migrations from 11 on left it.
const BEFORE_KEYS: &str = "
    drop index rowgate.warrant_subject;
    drop function rowgate.key_integer, rowgate.key_uuid;
    create index warrant_subject on rowgate.warrant
        (environment, subject_type, subject_id, subject_relation, resource_type, relation, resource_id) include (policy_hash);
    drop function rowgate.client_names;
    create or replace function rowgate.unsealed_claims() returns jsonb language sql as $$ select 'null'::jsonb $$;
    delete from rowgate.migration where version > 10;
";

#[test]
fn claims_in_the_clear_are_believed_of_all_but_clients() {
    for version in versions() {
        let (_cluster, database) = bare(version);
        let mut admin = database.client();
        install(database.url(), &grants(2)).unwrap();
        admin.batch_execute(BEFORE_KEYS).unwrap();
        // Before there were clients, and after an upgrade: the sessions were there before.
        let mut early = database.client_as("admin");
        install(database.url(), &grants(2)).unwrap();
        admin
            .batch_execute(
                "create role app login; grant rowgate_app to app; grant rowgate_app, authenticated to admin",
            )
            .unwrap();
        let who = |session: &mut Client| -> Option<String> {
            let claims = r#"{"sub": "ann"}"#;
            session
                .query_one("select set_config('request.jwt.claims', $1, false)", &[&claims])
                .unwrap();
            session.query_one("select auth.user_id()", &[]).unwrap().get(0)
        };
        for role in ["app", "admin", "postgres"] {
            assert_eq!(
                who(&mut database.client_as(role)).as_deref(),
                Some("ann"),
                "{version}: {role}"
            );
        }
        assert_eq!(who(&mut early).as_deref(), Some("ann"), "{version}");
        // Also one that got more sessions since.
        install(database.url(), &grants(3)).unwrap();
        let logins: Vec<String> = admin
            .query_one(
                "select logins::text[] from rowgate.client_role where role = 'authenticated'",
                &[],
            )
            .unwrap()
            .get(0);
        assert_eq!(logins.len(), 3);
        admin.batch_execute("grant rowgate_app to authenticated").unwrap();
        for login in &logins {
            assert_eq!(who(&mut database.client_as(login)), None, "{version}: {login}");
        }
        admin.batch_execute("alter role authenticated login").unwrap();
        assert_eq!(who(&mut database.client_as("authenticated")), None, "{version}");
        // Who logged in decides, not who a session acts as.
        early.batch_execute("set role authenticated").unwrap();
        assert_eq!(who(&mut early).as_deref(), Some("ann"), "{version}");
    }
}

#[test]
fn clients_cannot_drop_policies_or_change_default_privileges() {
    for version in versions() {
        let (_cluster, database) = bare(version);
        let url = database.url_as("admin");
        let steps = install(&url, &grants(2)).unwrap();
        assert!(steps.contains(&Step::LeavePolicies), "{steps:?}");
        // A superuser closes that, once.
        let steps = install(database.url(), &grants(2)).unwrap();
        assert!(steps.contains(&Step::KeepPolicies), "{steps:?}");
        for url in [database.url(), &url] {
            let steps = install(url, &grants(2)).unwrap();
            let about = |step: &Step| matches!(step, Step::KeepPolicies | Step::LeavePolicies);
            assert!(!steps.iter().any(about), "{steps:?}");
        }
        let mut admin = database.client();
        let policies = "alter table note enable row level security; create policy all_of_it on note to authenticated using (true);
            create policy nothing on note as restrictive to authenticated using (false);
            grant create on schema public to authenticated";
        admin.batch_execute(policies).unwrap();
        let read = "select logins::text[] from rowgate.client_role where role = 'authenticated'";
        let logins: Vec<String> = admin.query_one(read, &[]).unwrap().get(0);
        let mut config: postgres::Config = database.url_as(&logins[1]).parse().unwrap();
        let mut session = config
            .options("-c role=authenticated")
            .connect(postgres::NoTls)
            .unwrap();
        for attempt in [
            "drop owned by current_user",
            "drop owned by authenticated cascade",
            "reset role; drop owned by authenticated",
            "do $$ begin execute 'drop' || ' owned by authenticated'; end $$",
            "create function public.mine() returns void language sql as 'drop owned by current_user'; select public.mine()",
            "set event_triggers = off; drop owned by current_user",
            "set session_replication_role = replica; drop owned by current_user",
            "alter event trigger rowgate_keep_policies disable; drop owned by current_user",
            "set session authorization admin; drop owned by authenticated",
            "alter default privileges grant select on tables to public",
            "alter default privileges for role authenticated in schema public grant execute on functions to anonymous",
            "reset role; alter default privileges grant select on tables to public",
            "do $$ begin execute 'alter default' || ' privileges revoke execute on functions from public'; end $$",
            "set event_triggers = off; alter default privileges grant select on tables to public",
        ] {
            assert!(session.batch_execute(attempt).is_err(), "{attempt}");
            session.batch_execute("rollback; set role authenticated").unwrap();
        }
        let left = "select count(*) from pg_policies where roles = '{authenticated}'";
        assert_eq!(admin.query_one(left, &[]).unwrap().get::<_, i64>(0), 2);
        let defaults = "select count(*) from pg_default_acl where defaclnamespace = 0 or defaclrole::regrole::text ~ '^(authenticated|anonymous)'";
        assert_eq!(admin.query_one(defaults, &[]).unwrap().get::<_, i64>(0), 0);
        // Others may, as ever.
        admin
            .batch_execute("set role admin; alter default privileges grant select on tables to public")
            .unwrap();
        assert_eq!(admin.query_one(defaults, &[]).unwrap().get::<_, i64>(0), 1);
        admin.batch_execute("drop owned by admin; reset role").unwrap();
        drop(session);
        let set_up = "grant all on schema public to admin with grant option; grant create on database";
        admin
            .batch_execute(&format!("{set_up} {} to admin", database.name()))
            .unwrap();
        uninstall::uninstall(database.url()).unwrap();
        let left = "select count(*) from pg_event_trigger where evtname like 'rowgate%'";
        assert_eq!(admin.query_one(left, &[]).unwrap().get::<_, i64>(0), 0);
    }
}

/// The SQL that docs/threat-model.md gives under a heading, in its order.
fn advice(heading: &str) -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/threat-model.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once(&format!("* **{heading}**")).unwrap();
    let section = section.split("\n* **").next().unwrap();
    let blocks = section.split("```sql").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn advisory_locks_can_be_taken_from_clients() {
    let [end, prevent] = advice("Advisory locks.").try_into().unwrap();
    for version in versions() {
        let cluster = Cluster::start(version, Options::default());
        let database = pg::installed_on(&cluster, "locks");
        install(database.url(), &grants(2)).unwrap();
        let store = pg::store_with(&database, pg::impatient());
        let environment = create_environment(&store, "default");
        let write = |resource: &str| {
            let text = format!("version 0.3\ntype user\ntype {resource}\n    relation viewer [user]\n");
            let (model, _) = rowgate_schema::compile(&text).unwrap();
            store.append(&[Commit {
                environment,
                revision: store.head(environment).unwrap().next(),
                at: 1,
                changes: vec![Change::Schema {
                    json: rowgate_schema::to_json(model.schema()).to_string(),
                }],
            }])
        };
        write("ticket").unwrap();
        let mut admin = database.client();
        let read = "select logins::text[] from rowgate.client_role where role = 'anonymous'";
        let logins: Vec<String> = admin.query_one(read, &[]).unwrap().get(0);
        let client = |login: &String| {
            let mut config: postgres::Config = database.url_as(login).parse().unwrap();
            let config = config.options("-c role=anonymous");
            config.connect(postgres::NoTls).unwrap()
        };
        let lock = |function: &str| format!("select {function}(1380403012, n) from generate_series(0, 20) n");
        let mut holding = client(&logins[0]);
        holding.batch_execute(&lock("pg_advisory_lock")).unwrap();
        assert_eq!(write("note").unwrap_err().kind(), ErrorKind::Busy);
        admin.batch_execute(&end).unwrap();
        assert!(holding.batch_execute("select 1").is_err());
        write("note").unwrap();
        admin.batch_execute(&prevent).unwrap();
        let mut refused = client(&logins[1]);
        for function in ["advisory_lock", "advisory_xact_lock"] {
            for function in [format!("pg_{function}"), format!("pg_try_{function}")] {
                for function in [lock(&function), lock(&format!("{function}_shared"))] {
                    let error = refused.batch_execute(&function).unwrap_err();
                    assert_eq!(error.code().unwrap().code(), "42501", "{function}");
                }
            }
        }
        refused.batch_execute("select pg_advisory_unlock_all()").unwrap();
        // Servers and applications go on.
        write("ticket").unwrap();
        let create = "select rowgate.create_warrant('ticket:1', 'viewer', 'user:ann')";
        let mut app = database.client_as("rg_app");
        assert!(app.query_one(create, &[]).unwrap().get::<_, bool>(0));
    }
}
