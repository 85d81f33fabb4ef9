//! What apply and drop leave behind: nothing to do the second time, and nothing at all after drop and uninstall.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::model;
use postgres::Client;
use rowgate_binding::Bindings;
use rowgate_pgtest::{Cluster, Database, Options, Version, versions};
use rowgate_rls::{Request, apply, drop, plan};
use rowgate_store::postgres::install::{Grants, install, left_to_grant};
use rowgate_store::postgres::uninstall::{Step, uninstall};

const SCHEMA: &str = "version 0.3
type user
type organization
    relation member [user]
type ticket
    relation creator [user]
    relation org [organization]
    relation watcher [user]
    relation viewer [user]
    inherit viewer if
        any_of
            relation creator
            relation watcher
            relation member on org [organization]
";

const BINDINGS: &str = r#"
roles = ["shop_app"]
[subject]
type = "user"
id = "who.user_id()"
[[table]]
name = "shop.ticket"
type = "ticket"
id = "id"
relations.creator = { column = "creator_id", type = "user" }
relations.org = { column = "org_id", type = "organization" }
relations.watcher = { table = "shop.watcher", key = "ticket_id", column = "user_id", type = "user" }
policies.select = "viewer"
policies.update = "creator"
"#;

/// A shop whose owner is no superuser, on a server where nobody installed anything.
fn shop(version: Version) -> (Cluster, Database) {
    let cluster = Cluster::start(version, Options::default());
    let database = cluster.database("shop");
    let sql = format!(
        "create role admin login createrole; grant create on database \"{0}\" to admin;
         create role shop_owner login; create role shop_app login;
         grant create on database \"{0}\" to shop_owner;
         create schema shop authorization shop_owner; create schema who authorization shop_owner;
         set role shop_owner;
         create function who.user_id() returns text language sql stable as $$ select current_setting('app.user', true) $$;
         revoke all on function who.user_id() from public;
         grant usage on schema shop, who to shop_app; grant execute on function who.user_id() to shop_app;
         create table shop.ticket (id bigint primary key, creator_id text, org_id text);
         create table shop.watcher (ticket_id bigint, user_id text);
         grant select, update on shop.ticket to shop_app;
         insert into shop.ticket values (1, 'ann', 'acme'), (2, 'bob', 'acme'), (3, 'bob', null)",
        database.name()
    );
    database.client().batch_execute(&sql).unwrap();
    (cluster, database)
}

/// Everything in the catalogues that Rowgate could have left something in, one thing a line. No rights written down are those of the owner.
fn catalogue(client: &mut Client) -> Vec<String> {
    let sql = "
        select 'schema ' || nspname || ' ' || coalesce(nspacl, acldefault('n', nspowner))::text from pg_namespace
            where nspname !~ '^pg_(temp|toast_temp)' and nspname <> 'information_schema'
        union all
        select concat_ws(' ', 'relation', c.oid::regclass, c.relowner::regrole, coalesce(c.relacl, acldefault('r', c.relowner)), c.relrowsecurity, c.relforcerowsecurity)
            from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        union all
        select concat_ws(' ', 'function', p.oid::regprocedure, p.proowner::regrole, coalesce(p.proacl, acldefault('f', p.proowner)))
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        union all select concat_ws(' ', 'policy', polrelid::regclass, polname) from pg_policy
        union all select concat_ws(' ', 'role', rolname, rolcanlogin, rolcreaterole) from pg_roles
        union all select concat_ws(' ', 'member', roleid::regrole, member::regrole) from pg_auth_members
        union all select concat_ws(' ', 'setting', setrole::regrole, setconfig) from pg_db_role_setting
        union all select concat_ws(' ', 'database', datname, datacl) from pg_database where datname = current_database()
        union all select concat_ws(' ', 'defaults', defaclrole::regrole, defaclacl) from pg_default_acl
        order by 1";
    let rows = client.query(sql, &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The transactions that made policies, functions and documents.
fn made_by(client: &mut Client) -> Vec<String> {
    let sql = "select 'policy ' || polname || ' ' || xmin::text from pg_policy
               union all select 'function ' || proname || ' ' || xmin::text from pg_proc
                   where pronamespace in ('rowgate_rls'::regnamespace, 'rowgate'::regnamespace)
               union all select 'table ' || relname || ' ' || xmin::text from pg_class where relrowsecurity
               union all select 'schema ' || xmin::text from rowgate.schema
               union all select 'role ' || xmin::text from pg_db_role_setting
               order by 1";
    let rows = client.query(sql, &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn grants() -> Grants {
    Grants {
        apps: vec!["shop_app".into()],
        ..Grants::default()
    }
}

#[test]
fn after_drop_and_uninstall_nothing_is_left() {
    let bindings = Bindings::parse_toml(BINDINGS).unwrap();
    let model = model(SCHEMA);
    let request = Request {
        bindings: &bindings,
        schema: Some(&model),
        keep_existing: false,
    };
    for version in versions() {
        let (_cluster, database) = shop(version);
        let mut admin = database.client();
        let before = catalogue(&mut admin);
        let url = database.url_as("admin");
        install(&url, &grants()).unwrap();
        // What install says is what the owner lacks, and all of it.
        let mut owner = database.client_as("shop_owner");
        assert_eq!(apply(&mut owner, &request).unwrap_err().code(), "not_a_member");
        let statements = left_to_grant(&url).unwrap();
        assert_eq!(
            statements,
            ["grant rowgate_owner, rowgate_reader to \"shop_owner\""]
        );
        database
            .client_as("admin")
            .batch_execute(&statements.join(";"))
            .unwrap();
        assert_eq!(left_to_grant(&url).unwrap(), Vec::<String>::new());
        // An application's role that owns a table is not to see every row.
        admin
            .batch_execute("create table cache (); alter table cache owner to shop_app")
            .unwrap();
        assert_eq!(left_to_grant(&url).unwrap(), Vec::<String>::new());
        admin.batch_execute("drop table cache").unwrap();
        admin
            .batch_execute(
                "insert into rowgate.environment (name, uid, created_at) values ('default', 'e1', 0)",
            )
            .unwrap();

        let applied = apply(&mut owner, &request).unwrap();
        // The owner may not alter the application's role; an administrator does.
        admin.batch_execute(&applied.left_to_do.join(";")).unwrap();
        let made = made_by(&mut admin);
        assert_ne!(made, Vec::<String>::new());

        let dropped = drop(&mut owner, "default").unwrap();
        assert!(!dropped.steps.is_empty());
        assert_eq!(dropped.left_to_do.len(), 1, "{dropped:?}");
        admin.batch_execute(&dropped.left_to_do.join(";")).unwrap();
        let steps = uninstall(&url).unwrap();
        let kept: Vec<&Step> = steps
            .iter()
            .filter(|step| matches!(step, Step::KeepRole(..)))
            .collect();
        assert!(kept.is_empty(), "{version}: {kept:?}");
        assert_eq!(catalogue(&mut admin), before, "{version}");
    }
}

#[test]
fn a_second_time_there_is_nothing_to_do() {
    let bindings = Bindings::parse_toml(BINDINGS).unwrap();
    let model = model(SCHEMA);
    let request = Request {
        bindings: &bindings,
        schema: Some(&model),
        keep_existing: false,
    };
    for version in versions() {
        let (_cluster, database) = shop(version);
        let mut admin = database.client();
        install(database.url(), &grants()).unwrap();
        admin
            .batch_execute(
                "insert into rowgate.environment (name, uid, created_at) values ('default', 'e1', 0)",
            )
            .unwrap();
        let planned = plan(&mut admin, &request).unwrap();
        assert!(!planned.steps.is_empty() && !planned.isolation.is_empty());
        apply(&mut admin, &request).unwrap();
        let made = made_by(&mut admin);
        let planned = plan(&mut admin, &request).unwrap();
        assert_eq!(planned.steps, [], "{version}");
        assert!(planned.isolation.is_empty());
        apply(&mut admin, &request).unwrap();
        assert_eq!(made_by(&mut admin), made, "{version}: apply changed something");

        // Whatever somebody changes by hand is put right.
        for by_hand in [
            "alter policy rowgate_select on shop.ticket using (true)",
            "alter policy rowgate_select on shop.ticket to public",
            "drop policy rowgate_update on shop.ticket",
            "alter table shop.ticket no force row level security",
            "comment on policy rowgate_select on shop.ticket is null",
            "grant execute on function rowgate_rls.me() to public",
            "revoke usage on schema rowgate_rls from shop_app",
            "create or replace function rowgate_rls.me() returns text language sql as $$ select 'ann' $$",
            "revoke select on shop.watcher from rowgate_reader",
            "grant execute on function rowgate_rls.edges(text, text, text) to shop_app",
            "grant execute on all functions in schema rowgate_rls to shop_owner, rowgate_app",
            "grant execute on function rowgate_rls.me() to shop_app with grant option;
             set role shop_app; grant execute on function rowgate_rls.me() to public; reset role",
            "grant execute on function rowgate.bound_edges(integer, text, text, text) to shop_app",
            "grant execute on function rowgate.row_exists(integer, text, text) to public",
            "grant create on schema rowgate_rls to shop_app; grant usage on schema rowgate_rls to public, shop_owner",
            "drop function rowgate.row_exists(integer, text, text)",
        ] {
            let rights = granted(&mut admin);
            admin.batch_execute(by_hand).unwrap();
            assert_ne!(plan(&mut admin, &request).unwrap().steps, [], "{by_hand}");
            apply(&mut admin, &request).unwrap();
            assert_eq!(plan(&mut admin, &request).unwrap().steps, [], "{by_hand}");
            assert_eq!(granted(&mut admin), rights, "{version}: {by_hand}");
        }
        // What is made may come with rights.
        admin
            .batch_execute(
                "alter default privileges for role rowgate_reader in schema rowgate_rls grant execute on functions to shop_app;
                 drop function rowgate.row_exists(integer, text, text), rowgate_rls.row_exists(text, text)",
            )
            .unwrap();
        apply(&mut admin, &request).unwrap();
        let may =
            "select has_function_privilege('shop_app', 'rowgate_rls.row_exists(text, text)', 'execute')";
        assert!(!admin.query_one(may, &[]).unwrap().get::<_, bool>(0), "{version}");
        assert_eq!(plan(&mut admin, &request).unwrap().steps, [], "{version}");
        let with_less =
            Bindings::parse_toml(&BINDINGS.replace("policies.update", "# policies.update")).unwrap();
        let other = Request {
            bindings: &with_less,
            ..request.clone()
        };
        assert_ne!(plan(&mut admin, &other).unwrap().steps, []);
    }
}

/// Every right on what apply makes, with whether it may be passed on.
fn granted(client: &mut Client) -> Vec<String> {
    let sql = "select f.what || ' ' || coalesce(r.rolname, 'public') || ' ' || a.privilege_type || ' ' || a.is_grantable from (
                   select p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p
                   where p.pronamespace in ('rowgate_rls'::regnamespace, 'rowgate'::regnamespace)
                   union all select nspname, nspacl from pg_namespace where nspname = 'rowgate_rls'
               ) f (what, acl) cross join lateral aclexplode(f.acl) a left join pg_roles r on r.oid = a.grantee order by 1";
    let rows = client.query(sql, &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The rights of a role on what apply makes: on the schema, and to execute any of its functions.
fn rights(client: &mut Client, role: &str) -> (bool, bool) {
    let sql = "select has_schema_privilege($1, 'rowgate_rls', 'usage'), exists (
                   select from pg_proc p where p.pronamespace = 'rowgate_rls'::regnamespace
                       and has_function_privilege($1, p.oid, 'execute'))";
    let row = client.query_one(sql, &[&role]).unwrap();
    (row.get(0), row.get(1))
}

#[test]
fn a_role_that_the_bindings_do_not_name_any_more_loses_its_rights() {
    let model = model(SCHEMA);
    let of = |roles: &str| Bindings::parse_toml(&BINDINGS.replace(r#"["shop_app"]"#, roles)).unwrap();
    for version in versions() {
        let (_cluster, database) = shop(version);
        let mut admin = database.client();
        install(database.url(), &grants()).unwrap();
        admin
            .batch_execute(
                "insert into rowgate.environment (name, uid, created_at) values ('default', 'e1', 0);
                 create role \"Old Tool\"",
            )
            .unwrap();
        for (roles, tool) in [
            (r#"["shop_app", "Old Tool"]"#, (true, true)),
            (r#"["shop_app"]"#, (false, false)),
        ] {
            let bindings = of(roles);
            let request = Request {
                bindings: &bindings,
                schema: Some(&model),
                keep_existing: false,
            };
            apply(&mut admin, &request).unwrap();
            assert_eq!(rights(&mut admin, "shop_app"), (true, true), "{version}");
            assert_eq!(rights(&mut admin, "Old Tool"), tool, "{version}");
            assert_eq!(plan(&mut admin, &request).unwrap().steps, [], "{version}");
        }
    }
}
