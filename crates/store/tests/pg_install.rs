//! Installing, upgrading and uninstalling, as a role that is no superuser, and who may do what afterwards.
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]

mod common;

use common::*;
use postgres::error::SqlState;
use rowgate_pgtest::{Cluster, Database, Options, Version, versions};
use rowgate_store::postgres::install::{self, Grants, Step, install};
use rowgate_store::postgres::{Postgres, PostgresOptions, uninstall};

/// A database whose owner may create roles and nothing more, on a server where nobody installed anything.
fn bare(version: Version) -> (Cluster, Database) {
    let cluster = Cluster::start(version, Options::default());
    let database = cluster.database("bare");
    for role in ["rg_server", "rg_app"] {
        pg::login(&database, role);
    }
    let sql = format!(
        "create role admin login createrole; grant create on database \"{}\" to admin; \
         grant rg_server to admin; create table public.ticket (id text primary key)",
        database.name()
    );
    database.client().batch_execute(&sql).unwrap();
    (cluster, database)
}

fn grants() -> Grants {
    Grants {
        servers: vec!["rg_server".into()],
        apps: vec!["rg_app".into()],
        ..Grants::default()
    }
}

#[test]
fn a_role_that_is_no_superuser_installs_and_uninstalls() {
    for version in versions() {
        let (_cluster, database) = bare(version);
        let url = database.url_as("admin");
        let planned = install::plan(&url, &grants()).unwrap();
        assert!(planned.contains(&Step::CreateRole("rowgate_owner")));
        assert!(planned.contains(&Step::Grant("rowgate_server", "rg_server".into())));
        let there = "select count(*) from pg_roles where rolname like 'rowgate%'";
        let count = |sql: &str| -> i64 { database.client().query_one(sql, &[]).unwrap().get(0) };
        assert_eq!(count(there), 0, "a plan changes nothing");

        assert_eq!(install(&url, &grants()).unwrap(), planned);
        assert_eq!(
            install(&url, &grants()).unwrap(),
            [],
            "the second time there is nothing to do"
        );
        // The one who installs keeps no rights for it.
        let sql = "select pg_has_role('admin', 'rowgate_owner', 'USAGE')";
        assert!(
            !database.client().query_one(sql, &[]).unwrap().get::<_, bool>(0),
            "{version}"
        );

        let store = Postgres::connect(&database.url_as("rg_server"), PostgresOptions::default()).unwrap();
        let env = create_environment(&store, "default");
        rowgate_store::Store::append(&store, &commits(env, 1..=10)).unwrap();
        drop(store);

        let planned = uninstall::plan(&url).unwrap();
        assert_eq!(
            planned[0].to_string(),
            "drop schema rowgate, with 1 environments and 8 warrants",
            "{planned:?}"
        );
        assert_eq!(
            count("select count(*) from rowgate.warrant"),
            8,
            "a plan changes nothing"
        );
        assert_eq!(uninstall::uninstall(&url).unwrap(), planned);
        assert_eq!(count(there), 0, "{version}: {planned:?}");
        assert_eq!(
            count("select count(*) from pg_namespace where nspname in ('rowgate', 'auth')"),
            0
        );
        assert_eq!(uninstall::uninstall(&url).unwrap(), []);
        install(&url, &grants()).unwrap();
    }
}

#[test]
fn the_application_is_not_a_server() {
    for version in versions() {
        let (_cluster, database) = bare(version);
        let mut admin = database.client();
        let with = |servers: &[&str], apps: &[&str]| Grants {
            servers: servers.iter().map(ToString::to_string).collect(),
            apps: apps.iter().map(ToString::to_string).collect(),
            ..Grants::default()
        };
        admin
            .batch_execute(
                "create role boss superuser; create role above bypassrls; create role team; create role shared; create role late",
            )
            .unwrap();
        let said = |grants: &Grants| {
            let error = install(database.url(), grants).unwrap_err();
            assert_eq!(error.code(), "store_unsupported", "{version}: {error}");
            error.to_string()
        };
        assert!(said(&with(&[], &["boss"])).contains("\"boss\" is a superuser"));
        assert!(said(&with(&[], &["above"])).contains("\"above\" has BYPASSRLS"));
        let same = said(&with(&["rg_server", "shared"], &["shared"]));
        assert!(
            same.contains("\"shared\" cannot be the role of the application and of a server"),
            "{same}"
        );
        for (grant, revoke) in [
            ("grant rg_server to rg_app", "revoke rg_server from rg_app"),
            ("grant rg_app to rg_server", "revoke rg_app from rg_server"),
            (
                "grant rg_server to team; grant team to rg_app",
                "revoke rg_server from team; revoke team from rg_app",
            ),
        ] {
            admin.batch_execute(grant).unwrap();
            let error = said(&grants());
            assert!(
                error.contains("must not be members of one another"),
                "{version}: {grant}: {error}"
            );
            admin.batch_execute(revoke).unwrap();
        }
        // What an earlier install granted counts, too.
        install(database.url(), &grants()).unwrap();
        said(&with(&["rg_app"], &[]));
        said(&with(&[], &["rg_server"]));
        admin.batch_execute("grant late to rg_app").unwrap();
        said(&with(&["late"], &[]));
        assert_eq!(install(database.url(), &grants()).unwrap(), [], "{version}");
        admin.batch_execute("revoke rg_server from admin").unwrap();
        // Who made the role of the server is not yet a member of it; before version 16 not at all.
        database
            .client_as("admin")
            .batch_execute("create role made login")
            .unwrap();
        for _ in 0..2 {
            install(database.url(), &with(&["made"], &["admin"])).unwrap();
        }
        // Who installs may write warrants as well: what it administers it has not taken.
        let (_other_cluster, other) = bare(version);
        for _ in 0..2 {
            install(&other.url_as("admin"), &with(&[], &["admin"])).unwrap();
        }
        // A server may be anything; it is said.
        let steps = install(database.url(), &with(&["boss"], &[])).unwrap();
        let unbound = Step::UnboundServer("boss".into(), "is a superuser".into());
        assert!(
            steps.contains(&unbound) && !unbound.changes(),
            "{version}: {steps:?}"
        );
    }
}

#[test]
fn many_install_at_the_same_time() {
    for version in versions() {
        let cluster = Cluster::start(version, Options::default());
        let databases = [cluster.database("one"), cluster.database("two")];
        let urls: Vec<&str> = (0..8).map(|at| databases[at % 2].url()).collect();
        std::thread::scope(|scope| {
            for url in urls {
                scope.spawn(move || install(url, &Grants::default()).unwrap());
            }
        });
        for database in &databases {
            let sql = "select count(*), count(distinct version) from rowgate.migration";
            let row = database.client().query_one(sql, &[]).unwrap();
            assert!(row.get::<_, i64>(0) > 0 && row.get::<_, i64>(0) == row.get::<_, i64>(1));
        }
    }
}

#[test]
fn what_is_of_others_is_left_alone() {
    let (_cluster, database) = bare(Version::V15);
    let mut admin = database.client();
    admin
        .batch_execute(
            "create schema auth; create function auth.user_id() returns text language sql return 'someone'",
        )
        .unwrap();
    let steps = install(database.url(), &Grants::default()).unwrap();
    assert!(steps.contains(&Step::KeepAuth("postgres".into())));
    let who: String = admin.query_one("select auth.user_id()", &[]).unwrap().get(0);
    assert_eq!(who, "someone");

    // What would go with the schema keeps it.
    admin
        .batch_execute("create view public.granted as select resource_id from rowgate.warrant")
        .unwrap();
    let refused = uninstall::uninstall(database.url()).unwrap_err();
    assert_eq!(refused.code(), "store_unsupported");
    assert!(refused.to_string().contains("public.granted"), "{refused}");
    admin
        .batch_execute(
            "drop view public.granted; alter table public.ticket enable row level security; \
             create policy p on public.ticket using (rowgate.context() is null)",
        )
        .unwrap();
    let refused = uninstall::uninstall(database.url()).unwrap_err();
    assert!(refused.to_string().contains("policy p"), "{refused}");
    admin.batch_execute("drop policy p on public.ticket").unwrap();
    let steps = uninstall::uninstall(database.url()).unwrap();
    assert!(!steps.contains(&uninstall::Step::DropAuth), "{steps:?}");
    let who: String = admin.query_one("select auth.user_id()", &[]).unwrap().get(0);
    assert_eq!(who, "someone");

    admin.batch_execute("create schema rowgate").unwrap();
    let refused = install(database.url(), &Grants::default()).unwrap_err();
    assert_eq!(refused.code(), "store_unsupported");
    assert!(refused.to_string().contains("belongs to `postgres`"), "{refused}");
}

#[test]
fn a_role_that_another_database_needs_stays() {
    let (cluster, database) = bare(Version::V18);
    let other = cluster.database("other");
    install(database.url(), &Grants::default()).unwrap();
    install(other.url(), &Grants::default()).unwrap();
    let steps = uninstall::uninstall(database.url()).unwrap();
    let kept: Vec<_> = steps
        .iter()
        .filter(|step| matches!(step, uninstall::Step::KeepRole(..)))
        .collect();
    assert_eq!(kept.len(), 4, "{steps:?}");
    let steps = uninstall::uninstall(other.url()).unwrap();
    assert_eq!(steps.len(), 6, "{steps:?}");
    assert!(
        steps.contains(&uninstall::Step::DropRole("rowgate_owner")),
        "{steps:?}"
    );
}

#[test]
fn a_database_that_cannot_be_used_is_refused() {
    let (cluster, database) = bare(Version::V15);
    let connect = |url: &str| Postgres::connect(url, PostgresOptions::default()).unwrap_err();
    assert_eq!(
        connect(&database.url_as("rg_server")).code(),
        "store_not_installed"
    );
    assert_eq!(
        connect("postgres://nobody@127.0.0.1:1/x").code(),
        "store_unavailable"
    );
    let missing = connect(&cluster.url("missing", "postgres"));
    assert_eq!(missing.code(), "store_not_installed", "{missing}");
    assert!(
        missing.to_string().contains("check the name in the URL"),
        "{missing}"
    );

    // Without the right to create roles, and without the right to create schemas.
    for (role, may) in [("weak", ""), ("half", "createrole")] {
        let sql = format!("create role {role} login {may}");
        database.client().batch_execute(&sql).unwrap();
        for refused in [
            install(&database.url_as(role), &grants()).unwrap_err(),
            install::plan(&database.url_as(role), &grants()).unwrap_err(),
        ] {
            assert_eq!(refused.code(), "store_forbidden", "{refused}");
            assert!(refused.to_string().contains("createrole"), "{refused}");
        }
    }
    let there = "select count(*) from pg_roles where rolname like 'rowgate%'";
    assert_eq!(
        database.client().query_one(there, &[]).unwrap().get::<_, i64>(0),
        0
    );

    let nobody = Grants {
        servers: vec!["no\"body".into()],
        ..Grants::default()
    };
    let refused = install(database.url(), &nobody).unwrap_err();
    assert!(
        refused.to_string().contains("there is no role \"no\"\"body\""),
        "{refused}"
    );

    install(database.url(), &Grants::default()).unwrap();
    let refused = connect(&database.url_as("rg_server"));
    assert_eq!(refused.code(), "store_forbidden", "{refused}");
    assert!(refused.to_string().contains("rowgate_server"), "{refused}");

    install(database.url(), &grants()).unwrap();
    Postgres::connect(&database.url_as("rg_server"), PostgresOptions::default()).unwrap();
    for sql in [
        "insert into rowgate.migration values (9999, 'later', 'x')",
        "delete from rowgate.migration where version > 1; update rowgate.migration set checksum = 'y'",
        "delete from rowgate.migration where version = 1",
    ] {
        database.client().batch_execute(sql).unwrap();
        let refused = connect(&database.url_as("rg_server"));
        assert_eq!(refused.code(), "store_version", "{refused}");
    }
    let refused = install(database.url(), &Grants::default()).unwrap_err();
    assert!(
        ["store_version", "store_io"].contains(&refused.code()),
        "{refused}"
    );

    let sql = "create database latin template template0 encoding 'LATIN1' locale 'C'";
    database.client().batch_execute(sql).unwrap();
    let refused = install(&cluster.url("latin", "postgres"), &Grants::default()).unwrap_err();
    assert_eq!(refused.code(), "store_unsupported");
    assert!(refused.to_string().contains("UTF8"), "{refused}");
}

#[test]
fn roles_may_do_what_they_are_for_and_nothing_else() {
    for version in versions() {
        let database = pg::installed(version, "rights");
        pg::login(&database, "rg_stranger");
        pg::login(&database, "rg_reader");
        database
            .client()
            .batch_execute("grant rowgate_reader to rg_reader; create table public.ticket (id text)")
            .unwrap();
        create_environment(&pg::store(&database), "default");
        let may = |role: &str, sql: &str| match database.client_as(role).batch_execute(sql) {
            Ok(()) => true,
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => false,
            Err(error) => panic!("{role}: {sql}: {error:?}"),
        };
        let tables = [
            "registry",
            "environment",
            "api_key",
            "schema",
            "type",
            "relation",
            "resource",
            "warrant",
            "commit",
            "pending",
            "migration",
            "audit",
        ];
        for table in tables {
            let reads = format!("select * from rowgate.{table}");
            assert!(may("rg_server", &reads), "{table}");
            assert!(!may("rg_app", &reads), "{table}");
            assert!(!may("rg_stranger", &reads), "{table}");
            let shown = ["resource", "warrant"].contains(&table);
            assert_eq!(may("rg_reader", &reads), shown, "{table}");
            for role in ["rg_app", "rg_stranger", "rg_reader"] {
                assert!(
                    !may(role, &format!("delete from rowgate.{table}")),
                    "{role} {table}"
                );
                assert!(!may(role, &format!("truncate rowgate.{table}")), "{role} {table}");
            }
            assert!(!may("rg_server", &format!("truncate rowgate.{table}")), "{table}");
            assert!(
                !may("rg_server", &format!("alter table rowgate.{table} add x int")),
                "{table}"
            );
        }
        for call in [
            "select rowgate.create_warrant('user:a', 'parent', 'user:b')",
            "select rowgate.check('user:a', 'parent', 'user:b')",
            "select rowgate.delete_warrant('user:a', 'parent', 'user:b')",
            "select rowgate.token()",
            "select auth.user_id(), auth.uid(), auth.session(), rowgate.context()",
        ] {
            assert!(may("rg_app", call), "{call}");
            assert!(!may("rg_stranger", call), "{call}");
        }
        for call in [
            "select rowgate.put_schema(1, '{}')",
            "select rowgate.set_schema(1, '{}')",
            "select rowgate.set_bindings(1, '{}')",
            "select rowgate.settle(1, '0', '[]', false, 0)",
            "select rowgate.write_warrant('create', 'default', 'user', 'a', 'parent', 'user', 'b', '')",
            "select rowgate.row_exists(1, 'a', 'b')",
            "select rowgate.bound_edges(1, 'a', 'b', 'c')",
            "create table rowgate.x (y int)",
        ] {
            for role in ["rg_app", "rg_stranger", "rg_reader"] {
                assert!(!may(role, call), "{role}: {call}");
            }
        }
        // Nothing is granted to everybody, and nothing can be led astray by a search path.
        let sql = "select p.oid::regprocedure::text from pg_proc p \
                   where p.pronamespace in ('rowgate'::regnamespace, 'auth'::regnamespace) \
                       and (has_function_privilege('rg_stranger', p.oid, 'execute') \
                           or not coalesce(p.proconfig, '{}') @> '{\"search_path=pg_catalog, pg_temp\"}')";
        let loose: Vec<String> = database
            .client()
            .query(sql, &[])
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        assert_eq!(loose, Vec::<String>::new());
        let sql = "select c.relname::text from pg_class c where c.relnamespace = 'rowgate'::regnamespace and c.relkind = 'r' \
                   and pg_get_userbyid(c.relowner) <> 'rowgate_owner'";
        assert_eq!(database.client().query(sql, &[]).unwrap().len(), 0);
    }
}
