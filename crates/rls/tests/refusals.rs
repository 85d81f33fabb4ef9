//! What is refused: with the place, the reason and the remedy, and with nothing changed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Site, model};
use rowgate_binding::Bindings;
use rowgate_pgtest::{Cluster, Options, Version, versions};
use rowgate_rls::{Error, Request, apply, plan};

const SCHEMA: &str = "version 0.3
type user
type team
    relation member [user, team#member]
type doc
    relation owner [user]
    relation team [team]
    relation viewer [user]
    inherit viewer if
        any_of
            relation owner
            relation member on team [team]
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.doc"
type = "doc"
id = "id"
relations.owner = { column = "owner", type = "user" }
relations.team = { column = "team", type = "team" }
policies.select = "viewer"
"#;

const TABLES: &str = "create table doc (id uuid primary key, owner text, team text, size json, label char(4), open boolean, rank integer)";

/// Codes and messages, and that nothing was changed.
fn refused(site: &mut Site, schema: &str, bindings: &str) -> String {
    let state = |site: &mut Site| {
        let sql = "select (select count(*) from pg_policies)::text || (select count(*) from pg_proc where pronamespace = to_regnamespace('rowgate_rls'))::text
                   || (select relrowsecurity from pg_class where relname = 'doc')::text || (select count(*) from rowgate.pending)::text";
        site.admin.query_one(sql, &[]).unwrap().get::<_, String>(0)
    };
    let before = state(site);
    let error = site.apply(schema, bindings).unwrap_err();
    assert_eq!(state(site), before);
    format!("{}: {error}", error.code()).replace(&site.role, "ROLE")
}

#[test]
fn tables_and_columns_that_do_not_fit() {
    let mut site = Site::new(Version::V15, "misfits", TABLES);
    let mut said = Vec::new();
    for (from, to) in [
        ("public.doc", "public.Doc"),
        ("\"id\"", "\"ID\""),
        ("\"id\"\nrel", "\"size\"\nrel"),
        ("\"id\"\nrel", "\"label\"\nrel"),
        ("column = \"owner\"", "column = \"creator\""),
        ("id = \"id\"", "id = \"id\"\nwhere = \"owner = 3\""),
        ("id = \"id\"", "id = \"id\"\nwhere = \"open = 'true'\""),
        ("id = \"id\"", "id = \"id\"\nwhere = \"rank = 'high'\""),
        ("id = \"id\"", "id = \"id\"\nwhere = \"size = 'big'\""),
    ] {
        said.push(refused(&mut site, SCHEMA, &BINDINGS.replace(from, to)));
    }
    let bound_team = format!("{BINDINGS}[[table]]\nname = \"public.team\"\ntype = \"team\"\nid = \"id\"\n");
    site.admin
        .batch_execute("create table team (id bigint primary key); create view shown as select * from doc")
        .unwrap();
    said.push(refused(&mut site, SCHEMA, &bound_team));
    said.push(refused(
        &mut site,
        SCHEMA,
        &BINDINGS.replace("public.doc", "public.shown"),
    ));
    // A policy that the column cannot serve: the place is in the bindings, and not in the schema.
    let sized = format!("{SCHEMA}            policy p\npolicy p(rank string) {{ rank == \"high\" }}\n");
    let attribute = format!("{BINDINGS}[table.attributes]\nrank = \"rank\"\n");
    said.push(refused(&mut site, &sized, &attribute));
    // Two columns in another order than the key's.
    let sql = "create table crew (org uuid, num integer, primary key (org, num)); alter table doc add crew_org uuid, add crew_num integer";
    site.admin.batch_execute(sql).unwrap();
    let crew = "[[table]]\nname = \"public.crew\"\ntype = \"team\"\nid = [\"num\", \"org\"]\n";
    let turned = BINDINGS.replace("column = \"team\"", "column = [\"crew_org\", \"crew_num\"]");
    said.push(refused(&mut site, SCHEMA, &format!("{turned}{crew}")));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn ids_that_several_rows_could_have() {
    let columns = "id bigint not null, region text not null, owner text, team text, deleted_at timestamptz";
    let live = "id = \"id\"\nwhere = \"deleted_at is null\"";
    let both = "id = [\"region\", \"id\"]";
    let mut said = Vec::new();
    // What else there is beside the columns, the id in the bindings, and whether that is one row's.
    let id = "id = \"id\"";
    let vouched = "id = \"id\"\nid_is_unique = true";
    for (keys, id, fits) in [
        ("", id, false),
        ("", vouched, true),
        ("create index on doc (id)", id, false),
        ("create unique index on doc ((id + 1))", id, false),
        ("create unique index on doc (region) include (id)", id, false),
        ("create unique index on doc (id, (region is null))", id, false),
        ("alter table doc add primary key (region, id)", id, false),
        ("alter table doc add primary key (region, id)", both, true),
        ("create unique index on doc (id)", both, true),
        (
            "create unique index on doc (id) where deleted_at is null",
            id,
            false,
        ),
        (
            "create unique index on doc (id) where deleted_at is null",
            live,
            true,
        ),
        ("alter table doc add unique (id) deferrable", id, false),
        (
            "alter table doc add unique (id); create table old () inherits (doc)",
            id,
            false,
        ),
    ] {
        let mut site = Site::new(
            Version::V15,
            "shared_ids",
            &format!("create table doc ({columns}); {keys}"),
        );
        let bindings = BINDINGS.replace("id = \"id\"", id);
        if fits {
            site.apply(SCHEMA, &bindings)
                .unwrap_or_else(|error| panic!("{keys}: {error}"));
        } else {
            said.push(format!("{keys}\n{}", refused(&mut site, SCHEMA, &bindings)));
        }
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn relations_that_have_no_exact_form() {
    let mut site = Site::new(Version::V15, "inexact", TABLES);
    let with = |extra: &str, policy: &str| {
        let schema = SCHEMA.replace(
            "            relation owner\n",
            &format!("            relation owner\n{extra}"),
        );
        format!("{schema}{policy}")
    };
    let mut said = Vec::new();
    for (extra, policy) in [
        (
            "            policy p\n",
            "policy p(s string) { s matches \"^a\" }\n",
        ),
        (
            "            policy p\n",
            "policy p(s string) { lower(s) == \"a\" }\n",
        ),
        ("            policy p\n", "policy p(f float) { f * 2 > 1.5 }\n"),
        (
            "            policy p\n",
            "policy p(n integer, f float) { n < f }\n",
        ),
    ] {
        said.push(refused(&mut site, &with(extra, policy), BINDINGS));
    }
    let squared = "version 0.3
type user
type doc
    relation owner [user]
    relation team [doc]
    relation other [doc]
    relation viewer []
    inherit viewer if
        any_of
            relation owner
            all_of
                relation viewer on team [doc]
                relation viewer on other [doc]
";
    let bindings = BINDINGS
        .replace("type = \"team\"", "type = \"doc\"")
        .replace("column = \"team\"", "column = \"id\"");
    said.push(refused(&mut site, squared, &bindings));
    let endless = "version 0.3
type user
type team
    relation up [team]
    relation banned [user]
    relation member []
    inherit member if
        any_of
            relation member on up [team]
            none_of
                relation banned
type doc
    relation owner [user]
    relation team [team]
    relation viewer []
    inherit viewer if
        relation member on team [team]
";
    said.push(refused(&mut site, endless, BINDINGS));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn what_the_database_is_not_ready_for() {
    let mut site = Site::new(Version::V15, "unready", TABLES);
    let mut said = vec![
        refused(
            &mut site,
            SCHEMA,
            &BINDINGS.replace("ROLE\"", "ROLE\", \"nobody_has_this_role\""),
        ),
        refused(&mut site, SCHEMA, &BINDINGS.replace("ROLE", "postgres")),
        refused(
            &mut site,
            SCHEMA,
            &format!("environment = \"staging\"\n{BINDINGS}"),
        ),
        refused(
            &mut site,
            SCHEMA,
            &BINDINGS.replace(
                "type = \"user\"\n[[",
                "type = \"user\"\nid = \"auth.nobody()\"\n[[",
            ),
        ),
    ];
    site.admin
        .batch_execute("create policy mine on doc using (true)")
        .unwrap();
    said.push(refused(&mut site, SCHEMA, BINDINGS));
    site.admin.batch_execute("drop policy mine on doc").unwrap();
    site.apply(SCHEMA, BINDINGS).unwrap();
    let sql = "insert into rowgate.warrant (environment, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy, policy_hash, created_at)
               values (1, 'team', 'a', 'member', 'user', 'ann', '', 'x == 1', sha256('x == 1'), 0),
                   (1, 'doc', 'b', 'viewer', 'team', 'a', 'gone', '', '', 0),
                   (1, 'doc', 'c', 'viewer', 'robot', 'r', '', '', '', 0)";
    site.admin.batch_execute(sql).unwrap();
    said.push(refused(&mut site, SCHEMA, BINDINGS));
    // As an older Rowgate leaves it.
    site.admin
        .batch_execute("alter function rowgate.key_uuid rename to key_of_later")
        .unwrap();
    said.push(refused(&mut site, SCHEMA, BINDINGS));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn an_owner_who_is_no_superuser_applies_and_others_do_not() {
    for version in versions() {
        let mut site = Site::new(version, "owners", TABLES);
        let (owner, other) = (
            format!("owner_{}", site.database.name()),
            format!("other_{}", site.database.name()),
        );
        site.admin
            .batch_execute(&format!(
                "create role {owner} login; create role {other} login; alter table doc owner to {owner};
                 grant rowgate_owner, rowgate_reader to {owner}; grant create on database {} to {owner}",
                site.database.name()
            ))
            .unwrap();
        site.admin
            .execute(
                "select rowgate.put_schema(1, $1)",
                &[&rowgate_schema::to_json(model(SCHEMA).schema()).to_string()],
            )
            .unwrap();
        let bindings = Bindings::parse_toml(&BINDINGS.replace("ROLE", &site.role)).unwrap();
        let request = Request {
            bindings: &bindings,
            schema: None,
            keep_existing: false,
        };
        // Who does not own the tables is not told what to be granted; least of all the application's role.
        let error = plan(&mut site.database.client_as(&other), &request).unwrap_err();
        assert_eq!(error.code(), "not_the_owner");
        let error = plan(&mut site.database.client_as(&site.role), &request).unwrap_err();
        assert_eq!(error.code(), "not_the_owner");
        let said = format!(
            "`{}` is one of the roles that policies are for (run this as the owner of the tables, `{owner}`)",
            site.role
        );
        assert_eq!(error.to_string(), said);
        // Nor when it is a member of the owner, or is the owner.
        let grant = format!("grant {owner} to {}", site.role);
        site.admin.batch_execute(&grant).unwrap();
        let error = plan(&mut site.database.client_as(&site.role), &request).unwrap_err();
        assert_eq!(error.to_string(), said);
        site.admin
            .batch_execute(&format!(
                "revoke {owner} from {0}; alter table doc owner to {0}",
                site.role
            ))
            .unwrap();
        let error = plan(&mut site.database.client_as(&site.role), &request).unwrap_err();
        assert_eq!(error.code(), "role_bypasses");
        assert!(!error.to_string().contains("grant"), "{error}");
        site.admin
            .batch_execute(&format!("alter table doc owner to {owner}"))
            .unwrap();
        // The owner is.
        site.admin
            .batch_execute(&format!("revoke rowgate_owner from {owner}"))
            .unwrap();
        let error = plan(&mut site.database.client_as(&owner), &request).unwrap_err();
        assert_eq!(error.code(), "not_a_member");
        assert!(
            error
                .to_string()
                .contains(&format!("grant rowgate_owner to \"{owner}\"")),
            "{error}"
        );
        site.admin
            .batch_execute(&format!(
                "grant rowgate_owner, rowgate_reader to {other}, {owner}"
            ))
            .unwrap();
        let error = apply(&mut site.database.client_as(&other), &request).unwrap_err();
        assert_eq!(error.code(), "not_the_owner");
        // A member that does not inherit rights, or may not act as the role, is told so.
        let crippled = match version {
            Version::V15 => vec![(
                format!("alter role {owner} noinherit"),
                format!("alter role \"{owner}\" inherit"),
            )],
            Version::V18 => ["set", "inherit"]
                .map(|option| {
                    (
                        format!("grant rowgate_owner to {owner} with {option} false"),
                        format!("grant rowgate_owner to \"{owner}\" with inherit true, set true"),
                    )
                })
                .to_vec(),
        };
        for (cripple, remedy) in crippled {
            site.admin.batch_execute(&cripple).unwrap();
            let error = apply(&mut site.database.client_as(&owner), &request).unwrap_err();
            assert_eq!(error.code(), "not_a_member", "{error}");
            assert!(error.to_string().contains(&remedy), "{error}");
            site.admin.batch_execute(&remedy).unwrap();
        }
        let applied = apply(&mut site.database.client_as(&owner), &request).unwrap();
        // It may not alter roles, so this is left for somebody who may.
        assert_eq!(applied.left_to_do.len(), 1);
        assert!(applied.left_to_do[0].contains("default_transaction_isolation = 'repeatable read'"));
        site.admin.batch_execute(&applied.left_to_do[0]).unwrap();
        assert!(plan(&mut site.admin, &request).unwrap().isolation.is_empty());
        let error = rowgate_rls::drop(&mut site.database.client_as(&site.role), "default").unwrap_err();
        assert_eq!(error.code(), "not_the_owner");
        rowgate_rls::drop(&mut site.database.client_as(&owner), "default").unwrap();
    }
}

#[test]
fn a_role_that_can_act_as_one_that_sees_every_row() {
    for version in versions() {
        let mut site = Site::new(version, "unbound", TABLES);
        let group = format!("group_{}", site.database.name());
        site.admin.batch_execute(&format!("create role {group}")).unwrap();
        let direct = |of: &str| (format!("grant {of} to ROLE"), format!("revoke {of} from ROLE"));
        let mut ways: Vec<(String, String)> = ["rowgate_server", "rowgate_reader", "rowgate_owner"]
            .map(direct)
            .to_vec();
        ways.push((
            format!("grant rowgate_server to {group}; grant {group} to ROLE"),
            format!("revoke rowgate_server from {group}; revoke {group} from ROLE"),
        ));
        ways.push((
            "alter table doc owner to ROLE".into(),
            "alter table doc owner to postgres".into(),
        ));
        ways.push((
            format!("alter table doc owner to {group}; grant {group} to ROLE"),
            format!("alter table doc owner to postgres; revoke {group} from ROLE"),
        ));
        ways.push((
            format!("alter role {group} bypassrls; grant {group} to ROLE"),
            format!("alter role {group} nobypassrls; revoke {group} from ROLE"),
        ));
        if version == Version::V15 {
            ways.push((
                "alter role ROLE createrole".into(),
                "alter role ROLE nocreaterole".into(),
            ));
            ways.push((
                format!("alter role {group} createrole; grant {group} to ROLE"),
                format!("alter role {group} nocreaterole; revoke {group} from ROLE"),
            ));
        }
        if version == Version::V18 {
            let one_option = |options: &str| {
                let grant = format!("grant rowgate_server to ROLE with {options}");
                (grant, "revoke rowgate_server from ROLE".to_owned())
            };
            ways.extend(
                [
                    "set true, inherit false",
                    "set false, inherit true",
                    "admin true, set false, inherit false",
                ]
                .map(one_option),
            );
            // First SET ROLE, then what that role inherits.
            ways.push((
                format!(
                    "grant rowgate_server to {group} with set false, inherit true;
                     grant {group} to ROLE with set true, inherit false"
                ),
                format!("revoke rowgate_server from {group}; revoke {group} from ROLE"),
            ));
        }
        let with_role = |text: &str, role: &str| text.replace("ROLE", role);
        for (grant, revoke) in ways {
            site.admin.batch_execute(&with_role(&grant, &site.role)).unwrap();
            let said = refused(&mut site, SCHEMA, BINDINGS);
            assert!(said.starts_with("role_bypasses: "), "{version}: {grant}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            site.admin.batch_execute(&with_role(&revoke, &site.role)).unwrap();
        }
        site.admin
            .batch_execute(&format!("grant rowgate_server to {}", site.role))
            .unwrap();
        assert_eq!(
            refused(&mut site, SCHEMA, BINDINGS),
            "role_bypasses: `ROLE` is a member of `rowgate_server`, which reads every row (give the server a login of its own)"
        );
        site.admin
            .batch_execute(&format!("revoke rowgate_server from {}", site.role))
            .unwrap();
        // A membership that gives nothing is none.
        if version == Version::V18 {
            let nothing = format!(
                "grant rowgate_server to {} with set false, inherit false",
                site.role
            );
            site.admin.batch_execute(&nothing).unwrap();
        }
        site.apply(SCHEMA, BINDINGS).unwrap();
    }
}

#[test]
fn a_table_that_is_open_through_its_parent() {
    for version in versions() {
        for (tables, undo) in [
            (
                "create table page (id uuid, owner text, team text) partition by list (team);
                 create table doc partition of page (primary key (id)) for values in ('a')",
                "revoke all on page from ROLE",
            ),
            (
                "create table paper (id uuid, owner text, team text); create table page () inherits (paper);
                 create table doc (primary key (id)) inherits (page); revoke all on page from ROLE",
                "revoke all on paper, page from ROLE",
            ),
            (
                "create table page (id uuid, owner text, team text); create table doc (primary key (id)) inherits (page)",
                "alter table page enable row level security",
            ),
        ] {
            let mut site = Site::new(version, "parents", "");
            let role = site.role.clone();
            let sql = format!("{tables}; grant select on all tables in schema public to ROLE");
            site.admin.batch_execute(&sql.replace("ROLE", &role)).unwrap();
            let said = refused(&mut site, SCHEMA, BINDINGS);
            assert!(
                said.starts_with("open_through_parent: table `public.pa"),
                "{version}: {said}"
            );
            site.admin.batch_execute(&undo.replace("ROLE", &role)).unwrap();
            site.apply(SCHEMA, BINDINGS).unwrap();
        }
    }
}

#[test]
fn a_schema_change_that_orphans_a_policy_shows_in_the_fingerprint() {
    let resolved = |schema: &str| {
        Bindings::parse_toml(BINDINGS)
            .unwrap()
            .resolve(&model(schema))
            .unwrap()
    };
    let (before, after) = (
        resolved(SCHEMA),
        resolved(&SCHEMA.replace("relation member on team [team]", "relation viewer")),
    );
    assert_ne!(
        before.dependencies()[0].fingerprint,
        after.dependencies()[0].fingerprint
    );
}

#[test]
fn a_database_that_goes_away_leaves_nothing_half_applied() {
    let cluster = Cluster::start(Version::V15, Options::default());
    let database = cluster.database("lost");
    rowgate_store::postgres::install::install(database.url(), &Default::default()).unwrap();
    let mut admin = database.client();
    admin
        .batch_execute(&format!(
            "insert into rowgate.environment (name, uid, created_at) values ('default', 'e1', 0); {TABLES}; create role lost_app login;
             create function stop_here() returns event_trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); end $$;
             create event trigger stop on ddl_command_end when tag in ('CREATE POLICY') execute function stop_here()"
        ))
        .unwrap();
    let bindings = Bindings::parse_toml(&BINDINGS.replace("ROLE", "lost_app")).unwrap();
    let model = model(SCHEMA);
    let request = Request {
        bindings: &bindings,
        schema: Some(&model),
        keep_existing: false,
    };
    let error = apply(&mut admin, &request).unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error}");
    assert!(error.to_string().contains("create policy"), "{error}");
    let sql = "select (select count(*) from pg_policies) + (select count(*) from pg_namespace where nspname = 'rowgate_rls')
               + (select count(*) from rowgate.schema)";
    let left: i64 = database.client().query_one(sql, &[]).unwrap().get(0);
    assert_eq!(left, 0);
}
