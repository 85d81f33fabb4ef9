//! A client that may run any SQL tries to be somebody else, to see what it may not, and to reach the next one who gets its session.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{Answer, Server, set_up, set_up_again};
use postgres::{Client, NoTls};
use rowgate_pgtest::{Cluster, Database, Version, versions};
use serde_json::{Value, json};

/// Each with so many sessions for all users. In two of them a request finds its session as an earlier one of the same token left it.
fn servers(sessions: i32) -> impl Iterator<Item = Server> {
    let server = move |version| Server::with(Cluster::shared(version), sessions, |_| {});
    let each = versions().into_iter();
    each.flat_map(move |version| [server(version), server(version).warmed()])
}

/// All users in one session, one after the other.
fn one_session(version: Version) -> Server {
    Server::with(Cluster::shared(version), 1, |_| {})
}

/// What the last statement says, if all succeed.
fn last(answer: &Answer) -> Option<Value> {
    let results = answer.body["results"].as_array()?;
    Some(results.last()?["rows"][0][0].clone())
}

fn batch(server: &Server, user: &str, queries: &[&str]) -> Answer {
    server
        .request("authenticated", Some(user))
        .arrays()
        .raw()
        .batch(queries)
}

#[test]
fn nobody_can_write_claims() {
    for server in servers(8) {
        let mine = "current_setting('rowgate.session')";
        let forgeries = [
            format!("replace({mine}, 'mallory', 'bob')"),
            format!("replace({mine}, split_part({mine}, ' ', 2), '009999999999')"),
            // What is between the parts.
            format!("overlay({mine} placing 'x' from 65)"),
            format!("overlay({mine} placing '  ' from 65 for 1)"),
            format!("overlay({mine} placing '' from 65 for 1)"),
            format!("overlay({mine} placing 'é' from 65)"),
            format!("overlay({mine} placing 'é' from 64)"),
            // The length of the subject: less of it, none, and more than all.
            format!("overlay({mine} placing '000003' from 79)"),
            format!("overlay({mine} placing '000000' from 79)"),
            format!("overlay({mine} placing '999999' from 79)"),
            format!("overlay({mine} placing 'nobody' from 79)"),
            format!("overlay({mine} placing 'bobbob!' from 86)"),
            format!("overlay({mine} placing repeat('0', 64) from 1)"),
            format!("upper({mine})"),
            format!("substr({mine}, 2)"),
            "repeat('0', 64) || ' 009999999999 000003 bob{\"sub\":\"bob\"}'".into(),
            "'{\"sub\":\"bob\"}'".into(),
            "' '".into(),
        ];
        for forgery in &forgeries {
            let set = format!("select set_config('rowgate.session', {forgery}, false)");
            let answer = batch(&server, "mallory", &[&set, "select auth.user_id()"]);
            assert_eq!(
                answer.error(),
                (400, "28000", "the claims of this session are not sealed for it"),
                "{forgery}"
            );
            // In one statement, before the policy is evaluated.
            let sql = format!(
                "select body from (select set_config('rowgate.session', {forgery}, true)) x, lateral (select body from note where x is not null) y"
            );
            let answer = server.ask("mallory", &sql);
            assert!(!answer.text.contains("of bob"), "{forgery}: {}", answer.text);
        }
    }
}

#[test]
fn claims_in_the_clear_are_not_believed() {
    for server in servers(8) {
        let set = "select set_config('request.jwt.claims', '{\"sub\":\"bob\"}', false)";
        let who = "select auth.user_id()";
        assert_eq!(
            last(&batch(&server, "mallory", &[set, who])),
            Some(json!("mallory"))
        );
        for undo in [
            "reset rowgate.session",
            "reset all",
            "set rowgate.session = ''",
            "discard sequences",
            "reset session authorization",
            "set role none",
        ] {
            let answer = batch(&server, "mallory", &[undo, set, who]);
            let who = last(&answer);
            assert!(
                matches!(&who, None | Some(Value::Null)) || who == Some(json!("mallory")),
                "{undo}: {}",
                answer.text
            );
        }
        // Not even where somebody granted too much.
        let mut admin = server.database.client();
        let login: String = admin
            .query_one(
                "select logins[8]::text from rowgate.client_role where role = 'authenticated'",
                &[],
            )
            .unwrap()
            .get(0);
        let mut mallory = server.database.client_as(&login);
        admin
            .batch_execute(&format!("grant rowgate_app to {login}"))
            .unwrap();
        mallory.batch_execute(set).unwrap();
        assert_eq!(
            mallory.query_one(who, &[]).unwrap().get::<_, Option<String>>(0),
            None
        );
        admin
            .batch_execute(&format!("revoke rowgate_app from {login}"))
            .unwrap();
    }
}

#[test]
fn trusted_roles_say_who_they_act_for() {
    for version in versions() {
        let database = Cluster::shared(version).database("trusted");
        set_up(&database, 1);
        let mut admin = database.client();
        let app = format!("app_{}", database.name());
        admin
            .batch_execute(&format!(
                "create role {app} login; grant rowgate_app to {app}; grant authenticated to {app}"
            ))
            .unwrap();
        let mut app = database.client_as(&app);
        let mut claim = |claims: &str, what: &str| -> Option<String> {
            app.query_one("select set_config('request.jwt.claims', $1, false)", &[&claims])
                .unwrap();
            app.query_one(&format!("select ({what})::text"), &[])
                .unwrap()
                .get(0)
        };
        let id = "0b4b6b5e-6d5a-4f0e-9d0a-1f6b8a3a9c11";
        assert_eq!(
            claim(r#"{"sub":"ann"}"#, "auth.user_id()").as_deref(),
            Some("ann")
        );
        assert_eq!(
            claim(&format!(r#"{{"sub":"{id}"}}"#), "auth.uid()").as_deref(),
            Some(id)
        );
        assert_eq!(claim(r#"{"sub":"ann"}"#, "auth.uid()"), None);
        assert_eq!(claim(r#"{"sub":7}"#, "auth.user_id()"), None);
        assert_eq!(
            claim(r#"{"role":"admin"}"#, "auth.role()").as_deref(),
            Some("admin")
        );
        assert_eq!(claim(r#"{"o":[1]}"#, "auth.organization()"), None);
        assert_eq!(
            claim(
                &format!(r#"{{"o":{{"id":"{id}","slug":"x"}}}}"#),
                "auth.organization_id()"
            )
            .as_deref(),
            Some(id)
        );
        assert_eq!(claim(r#"{"o":{"id":"x"}}"#, "auth.organization_id()"), None);
        for nothing in ["", "{", "nonsense", "{\"sub\":\"\\u0000\"}"] {
            assert_eq!(
                claim(nothing, "auth.session()").as_deref(),
                Some("null"),
                "{nothing}"
            );
            assert_eq!(claim(nothing, "auth.user_id()"), None);
        }
        assert_eq!(
            claim(r#"{"sub":"ann"}"#, "auth.jwt()").as_deref(),
            Some(r#"{"sub": "ann"}"#)
        );
    }
}

#[test]
fn seals_are_worth_nothing_elsewhere_or_later() {
    for version in versions() {
        // Elsewhere: ann's session is busy while mallory tries.
        let server = Server::start(version);
        let (send, receive) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            let server = &server;
            scope.spawn(move || {
                let answer = server.rows("ann", "select current_setting('rowgate.session'), pg_sleep(0.7)");
                send.send(answer[0][0].as_str().unwrap().to_owned()).unwrap();
            });
            thread::sleep(Duration::from_millis(200));
            let mut admin = server.database.client();
            let other: i64 = admin
                .query_one("select last_value from rowgate.request", &[])
                .unwrap()
                .get(0);
            assert!(other > 0);
        });
        let stolen = receive.recv().unwrap();
        thread::scope(|scope| {
            let server = &server;
            scope.spawn(|| server.rows("ann", "select pg_sleep(0.5)"));
            thread::sleep(Duration::from_millis(200));
            let replay = format!("select set_config('rowgate.session', '{stolen}', false)");
            let answer = batch(server, "mallory", &[&replay, "select auth.user_id()"]);
            assert_eq!(answer.error().1, "28000");
        });
        // Later, in the very same session.
        for server in [one_session(version), one_session(version).warmed()] {
            let row = server.rows(
                "ann",
                "select current_setting('rowgate.session'), pg_backend_pid()",
            );
            let (stolen, process) = (row[0][0].as_str().unwrap(), &row[0][1]);
            let replay = format!("select set_config('rowgate.session', '{stolen}', false)");
            let same = batch(&server, "mallory", &[&replay, "select pg_backend_pid()"]);
            assert_eq!(last(&same).as_ref(), Some(process));
            let answer = batch(&server, "mallory", &[&replay, "select auth.user_id()"]);
            assert_eq!(
                answer.error(),
                (400, "28000", "the claims of this session are not sealed for it")
            );
            // Nor can the count be turned back.
            for turn in [
                "select setval('rowgate.request', 1)",
                "alter sequence rowgate.request restart",
                "create temp sequence request",
                "discard sequences",
                "select auth.next_request()",
            ] {
                let answer = batch(&server, "mallory", &[&replay, turn, "select auth.user_id()"]);
                assert_ne!(last(&answer), Some(json!("ann")), "{turn}");
                assert_eq!(answer.status, 400, "{turn}");
            }
        }
    }
}

#[test]
fn nobody_becomes_another_role() {
    for server in servers(8) {
        for role in [
            "postgres",
            "rowgate_owner",
            "rowgate_server",
            "rowgate_reader",
            "rowgate_app",
            "anonymous",
            "pg_read_all_data",
            "pg_signal_backend",
        ] {
            for sql in [
                format!("set role {role}"),
                format!("set session authorization {role}"),
                format!("select set_config('role', '{role}', false)"),
                format!("grant {role} to authenticated"),
            ] {
                let answer = server.ask("mallory", &sql);
                assert_eq!(answer.status, 400, "{sql}: {}", answer.text);
            }
        }
        // Going back to the login gains nothing.
        for back in [
            "reset role",
            "set role none",
            "set session authorization default",
            "reset session authorization",
        ] {
            let answer = batch(
                &server,
                "mallory",
                &[
                    back,
                    "select coalesce(string_agg(body, ','), '') || auth.user_id() from note",
                ],
            );
            assert_eq!(last(&answer), Some(json!("mallory")), "{back}: {}", answer.text);
            let answer = batch(
                &server,
                "mallory",
                &[back, "select count(*) from rowgate.seal_key"],
            );
            assert_eq!(answer.error().1, "42501", "{back}");
        }
        let rights = server.rows("mallory", "select r.rolname from pg_roles r where pg_has_role(session_user, r.oid, 'member') and r.rolname <> session_user");
        assert_eq!(rights, json!([["authenticated"]]));
        let wide = server.ask("mallory", "alter role authenticated superuser");
        assert_eq!(wide.status, 400);
    }
}

/// What must never be shown: the seal key, and the password of the logins, in the forms that SQL could show them in.
fn secrets(admin: &mut Client) -> Vec<String> {
    let sql = "select encode(k.secret, 'hex'), encode(k.secret, 'base64'), encode(k.inner_pad, 'hex'), encode(k.outer_pad, 'hex'), r.password
        from rowgate.seal_key k, rowgate.client_role r where r.role = 'authenticated'";
    let row = admin.query_one(sql, &[]).unwrap();
    (0..row.len())
        .map(|column| row.get::<_, String>(column))
        .collect()
}

#[test]
fn nobody_reads_the_secret() {
    for server in servers(8) {
        let secrets = secrets(&mut server.database.client());
        for sql in [
            "select * from rowgate.seal_key",
            "table rowgate.client_role",
            "select rowgate.newest_seal_key()",
            "select rowgate.client_roles()",
            "select rowgate.rotate_seal_key()",
            "select rowgate.unsealed_claims()",
            "select rowgate.end_session('1 2')",
            "select nextval('rowgate.request')",
            "copy rowgate.seal_key to stdout",
            "copy (select * from rowgate.seal_key) to stdout",
            "copy note to program 'cat'",
            "create temp table stolen as select * from rowgate.seal_key",
            "create temp table stolen (like rowgate.seal_key)",
            "create temp table stolen () inherits (rowgate.seal_key)",
            "create temp view stolen as select * from rowgate.seal_key",
            "lock table rowgate.seal_key",
            "truncate rowgate.seal_key",
            "insert into rowgate.seal_key (secret, inner_pad, outer_pad) values ('', '', '')",
            "delete from rowgate.client_role",
            "select null::rowgate.seal_key",
            "select pg_read_file('PG_VERSION')",
            "select pg_read_binary_file('global/pg_control')",
            "select pg_ls_dir('.')",
            "select lo_import('/etc/passwd')",
            "select * from pg_authid",
            "select * from pg_shadow",
            "select * from pg_statistic",
            "create or replace function auth.user_id() returns text language sql return 'bob'",
            "alter function auth.session() security invoker",
            "drop function auth.session() cascade",
            "create function auth.mine() returns int language sql return 1",
            "create function pg_temp.peek(bytea) returns bytea language internal as 'sha256_bytea'",
            "create extension plpython3u",
            "load 'auto_explain'",
            "alter system set log_statement = 'all'",
            "set log_statement = 'all'",
            "set log_min_messages = debug5",
            "set session_replication_role = replica",
            "set jit_debugging_support = on",
        ] {
            let answer = server.ask("mallory", sql);
            assert_eq!(answer.status, 400, "{sql}: {}", answer.text);
            for secret in &secrets {
                assert!(!answer.text.contains(secret), "{sql}");
            }
        }
        for sql in [
            "select string_agg(prosrc, '') || string_agg(pg_get_functiondef(oid), '') from pg_proc where pronamespace in ('rowgate'::regnamespace, 'auth'::regnamespace)",
            "explain (verbose, analyze, buffers, settings) select auth.user_id(), auth.session() from note",
            "select auth.session()::int",
            "select auth.user_id()::int",
            "select string_agg(s::text, '') from pg_stat_activity s",
            "select string_agg(s::text, '') from pg_stats s",
            "select string_agg(s::text, '') from pg_settings s",
            "select string_agg(l::text, '') from pg_locks l",
            "select string_agg(r::text, '') from pg_roles r",
            "select string_agg(s::text, '') from pg_sequences s",
        ] {
            let answer = server.ask("mallory", sql);
            for secret in &secrets {
                assert!(!answer.text.contains(secret), "{sql}");
            }
        }
    }
}

/// A session as the gateway has them, with all that Postgres tells its client, and the claims of a user.
fn session(database: &Database, sub: &str) -> (Client, Arc<Mutex<String>>) {
    let mut admin = database.client();
    let login: String = admin
        .query_one(
            "select logins[1]::text from rowgate.client_role where role = 'authenticated'",
            &[],
        )
        .unwrap()
        .get(0);
    let told = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&told);
    let mut config: postgres::Config = database.url_as(&login).parse().unwrap();
    config.options("-c role=authenticated -c default_transaction_isolation=repeatable\\ read");
    config.notice_callback(move |notice| {
        let line = format!(
            "{} {:?} {:?}\n",
            notice.message(),
            notice.detail(),
            notice.where_()
        );
        keep.lock().unwrap().push_str(&line);
    });
    let mut client = config.connect(NoTls).unwrap();
    let request: String = client
        .query_one("select auth.next_request()", &[])
        .unwrap()
        .get(0);
    let sealed = "select encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to($1::text || ' ' || rest, 'UTF8'))), 'hex') || ' ' || rest
        from rowgate.seal_key k, lateral (select '009999999999 ' || lpad(length($2)::text, 6, '0') || ' ' || $2 || jsonb_build_object('sub', $2::text) rest) r";
    let sealed: String = admin.query_one(sealed, &[&request, &sub]).unwrap().get(0);
    client
        .query_one("select set_config('rowgate.session', $1, false)", &[&sealed])
        .unwrap();
    (client, told)
}

#[test]
fn postgres_does_not_talk_about_the_secret() {
    for version in versions() {
        let database = Cluster::shared(version).database("talk");
        set_up(&database, 1);
        let secrets = secrets(&mut database.client());
        let (mut mallory, told) = session(&database, "mallory");
        let talk = "set client_min_messages = debug5; set debug_print_parse = on; set debug_print_rewritten = on; set debug_print_plan = on;
            set debug_pretty_print = on; set plan_cache_mode = force_custom_plan; set log_parameter_max_length_on_error = -1";
        mallory.batch_execute(talk).unwrap();
        let who: String = mallory.query_one("select auth.user_id()", &[]).unwrap().get(0);
        assert_eq!(who, "mallory");
        mallory
            .query("select body from note where auth.user_id() = owner", &[])
            .unwrap();
        // Errors in the middle of it.
        for sql in [
            "set statement_timeout = 1",
            "select count(auth.user_id()) from generate_series(1, 1000000)",
            "set statement_timeout = 0",
        ] {
            let _ = mallory.batch_execute(sql);
        }
        let _ = mallory.batch_execute(
            "select set_config('rowgate.session', repeat('x', 10000000), false); select auth.user_id()",
        );
        let told = told.lock().unwrap();
        assert!(
            told.contains("seal_key") || told.contains("CONST") || told.contains("QUERY"),
            "the settings must have had their effect"
        );
        for secret in &secrets {
            assert!(!told.contains(secret));
            // Plans show bytes as signed decimal numbers.
            if secret.len() % 2 == 0 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                let bytes: Vec<String> = (0..8)
                    .map(|at| {
                        (u8::from_str_radix(&secret[at * 2..at * 2 + 2], 16).unwrap() as i8).to_string()
                    })
                    .collect();
                assert!(!told.contains(&bytes.join(" ")));
            }
        }
    }
}

#[test]
fn own_functions_and_operators_change_nothing() {
    for server in servers(1) {
        let trojans = [
            "create function pg_temp.sha256(bytea) returns bytea language sql return ''::bytea",
            "create function pg_temp.convert_to(text, name) returns bytea language sql return ''::bytea",
            "create function pg_temp.current_setting(text, boolean) returns text language sql return 'x'",
            "create function pg_temp.pg_backend_pid() returns int language sql return 1",
            "create function pg_temp.always(text, text) returns boolean language sql return true",
            "create operator pg_temp.= (leftarg = text, rightarg = text, function = pg_temp.always)",
            "create operator pg_temp.->> (leftarg = jsonb, rightarg = text, function = jsonb_object_field_text)",
            "create temp table seal_key (id int, secret bytea, inner_pad bytea, outer_pad bytea, retires_at timestamptz)",
            "create temp table note (id int, owner text, body text)",
            "create type pg_temp.text as enum ('bob')",
            "create domain pg_temp.jsonb as pg_catalog.jsonb default '{\"sub\":\"bob\"}'",
        ];
        for path in [
            "pg_temp, pg_catalog, auth, public",
            "pg_temp",
            "\"$user\", pg_temp, rowgate",
        ] {
            let set = format!("set search_path = {path}");
            let queries: Vec<&str> = trojans
                .iter()
                .copied()
                .chain([set.as_str(), "select auth.user_id()::pg_catalog.text"])
                .collect();
            let answer = batch(&server, "mallory", &queries);
            assert_eq!(last(&answer), Some(json!("mallory")), "{path}: {}", answer.text);
            let queries: Vec<&str> = trojans
                .iter()
                .copied()
                .chain([set.as_str(), "select string_agg(body, ',') from public.note"])
                .collect();
            assert_eq!(
                last(&batch(&server, "mallory", &queries)),
                Some(Value::Null),
                "{path}"
            );
            // In the same session, the next user has none of it.
            assert_eq!(server.rows("ann", "select body from note"), json!([["of ann"]]));
            let left = server.value(
                "ann",
                "select count(*) from pg_proc where pronamespace = pg_my_temp_schema()",
            );
            assert_eq!(left, "0");
        }
    }
}

#[test]
fn hidden_rows_stay_hidden_from_functions_errors_and_clocks() {
    for server in servers(8) {
        let leak =
            "create function pg_temp.leak(seen text) returns boolean language plpgsql cost 0.0000001 as $$
            begin insert into pg_temp.seen values (seen); return true; end $$";
        let answer = batch(
            &server,
            "ann",
            &[
                "create temp table seen (body text)",
                leak,
                "select count(*) from note where pg_temp.leak(body)",
                "select string_agg(body, ',') from seen",
            ],
        );
        assert_eq!(last(&answer), Some(json!("of ann")), "{}", answer.text);
        for sql in [
            "select 1 from note where 1 / (case when body like '%bob%' then 0 else 1 end) = 1",
            "select body::int from note where owner = 'bob'",
            "select 1 from note where owner = 'bob' order by body::int",
            "select max(body::int) from note where body like '%bob%'",
            "update note set body = (1 / (length(body) - length(body)))::text where owner = 'bob'",
            "delete from note where (body || 'x')::int > 0",
        ] {
            let answer = server.ask("mallory", sql);
            assert_eq!(answer.status, 200, "{sql}: {}", answer.text);
        }
        // A row that is hidden is also no conflict whose content is told.
        let taken = server.ask(
            "mallory",
            "insert into note (id, owner, body) overriding system value values (1, 'mallory', 'x')",
        );
        assert_eq!(taken.error().1, "23505");
        assert_eq!(taken.body["detail"], Value::Null);
        let since = Instant::now();
        server.rows(
            "mallory",
            "select 1 from note where owner = 'bob' and pg_sleep(8) is not null",
        );
        assert!(
            since.elapsed() < Duration::from_secs(8),
            "somebody else's rows took time"
        );
        let off = batch(
            &server,
            "mallory",
            &["set row_security = off", "select count(*) from note"],
        );
        assert_eq!(off.error().1, "42501");
    }
}

#[test]
fn nothing_is_left_for_the_next_user() {
    for server in servers(1) {
        let clean = server.rows("ann", "select current_setting('statement_timeout'), current_setting('search_path'), current_setting('role')");
        for mess in [
            "begin",
            "start transaction isolation level read committed",
            "set statement_timeout = 0",
            "set search_path = pg_temp",
            "set role none",
            "set session authorization default",
            "set row_security = off",
            "set default_transaction_isolation = 'read committed'",
            "set session characteristics as transaction read only",
            "set \"app.tenant\" = 'mallory'",
            "prepare p as select 1",
            "declare c cursor with hold for select 1",
            "listen gossip",
            "select pg_advisory_lock(42)",
            "select pg_advisory_lock_shared(42)",
            "create temp table t (a int)",
            "set client_encoding = 'LATIN1'",
            "set datestyle = 'German'",
            "select setseed(0.5)",
            "select nextval('note_id_seq')",
            "do $$ begin raise exception 'no'; end $$",
            "select 1/0",
        ] {
            server.ask("mallory", mess);
            let state = server.rows(
                "ann",
                "select current_setting('statement_timeout'), current_setting('search_path'), current_setting('role')",
            );
            assert_eq!(state, clean, "{mess}");
            let rest = server.rows(
                "ann",
                "select current_user, current_setting('transaction_isolation'), current_setting('transaction_read_only'),
                    (select count(*) from pg_prepared_statements where name !~ '^(rowgate [0-9]+)?$'), (select count(*) from pg_cursors where name <> ''),
                    (select count(*) from pg_listening_channels()), (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
                    nullif(current_setting('app.tenant', true), ''), current_setting('row_security'), current_setting('datestyle'),
                    to_regclass('pg_temp.t'), auth.user_id()",
            );
            assert_eq!(
                rest,
                json!([[
                    "authenticated",
                    "repeatable read",
                    "off",
                    "0",
                    "0",
                    "0",
                    "0",
                    null,
                    "on",
                    "ISO, MDY",
                    null,
                    "ann"
                ]]),
                "{mess}"
            );
        }
        let random = |user: &str| server.value(user, "select random()");
        server.ask("mallory", "select setseed(0.5)");
        let first = random("ann");
        server.ask("mallory", "select setseed(0.5)");
        assert_ne!(
            first,
            random("ann"),
            "the next numbers were chosen by somebody else"
        );
        let last = server.ask("ann", "select lastval()");
        assert_eq!(last.status, 400);
    }
}

/// Large objects belong to logins, which users share. The documentation says how to take them away, and this does it.
#[test]
fn large_objects_can_be_taken_away() {
    let document = include_str!("../../../docs/threat-model.md");
    let from = document.find("  revoke execute on function\n").unwrap();
    let remedy = document[from..].split_once("```").unwrap().0;
    for server in servers(1) {
        let made = server.value("ann", "select lo_from_bytea(0, 'of ann')::text");
        let made = made.as_str().unwrap();
        let read = format!("select convert_from(lo_get({made}), 'UTF8')");
        assert_eq!(server.value("bob", &read), "of ann");
        server.database.client().batch_execute(remedy).unwrap();
        for call in [
            &*read,
            "select lo_from_bytea(0, 'x')",
            "select lo_creat(-1)",
            "select lo_create(0)",
            &format!("select lo_open({made}, 262144)"),
            &format!("select lo_put({made}, 0, 'x')"),
            &format!("select lo_get({made}, 0, 1)"),
            &format!("select lo_unlink({made})"),
            "select lo_import('/etc/hostname')",
            &format!("select lo_export({made}, '/dev/null')"),
        ] {
            assert_eq!(server.ask("bob", call).error().1, "42501", "{call}");
        }
    }
}

#[test]
fn clients_do_not_see_or_end_each_others_sessions() {
    for server in servers(8) {
        thread::scope(|scope| {
            let ann = scope.spawn(|| server.rows("ann", "select 'the secret of ann' from pg_sleep(1.5)"));
            thread::sleep(Duration::from_millis(500));
            let seen = server.rows("mallory", "select query from pg_stat_activity where query like '%secret of ann%' and pid <> pg_backend_pid()");
            assert_eq!(seen, json!([]));
            let others =
                "from pg_stat_activity where pid <> pg_backend_pid() and usename like 'authenticated%'";
            assert_ne!(server.value("mallory", &format!("select count(*) {others}")), "0");
            for end in ["pg_terminate_backend", "pg_cancel_backend"] {
                let answer = server.ask("mallory", &format!("select {end}(pid) {others}"));
                assert_eq!(answer.error().1, "42501", "{}", answer.text);
            }
            assert_eq!(ann.join().unwrap(), json!([["the secret of ann"]]));
        });
    }
}

#[test]
fn a_lower_isolation_level_has_no_identity() {
    for server in servers(8) {
        let answer = batch(
            &server,
            "mallory",
            &[
                "commit",
                "begin isolation level read committed",
                "select auth.user_id()",
            ],
        );
        assert_eq!(
            answer.error(),
            (
                400,
                "25000",
                "clients read and write at the isolation level repeatable read or serializable"
            )
        );
        let set = batch(
            &server,
            "mallory",
            &[
                "set transaction isolation level read committed",
                "select auth.user_id()",
            ],
        );
        assert_eq!(set.status, 400, "{}", set.text);
        let block = "do $$ begin commit; set transaction isolation level read committed; perform auth.user_id(); end $$";
        let answer = server.ask("mallory", block);
        assert!(matches!(answer.error().1, "25000" | "2D000"), "{}", answer.text);
    }
}

/// A right is taken away and the row changed in one transaction, while the one who loses the right waits for the row's lock.
#[test]
fn who_waits_for_a_row_sees_it_with_the_rights_of_now() {
    for server in servers(8) {
        let mut admin = server.database.client();
        admin
            .batch_execute(
                "create table paper (id int primary key, body text); create table reader (paper int, who text);
                alter table paper enable row level security;
                create policy readers on paper to authenticated using (exists (select from reader r where r.paper = id and r.who = auth.user_id()));
                grant select, update on paper to authenticated; grant select on reader to authenticated;
                insert into paper values (1, 'harmless'); insert into reader values (1, 'mallory');",
            )
            .unwrap();
        for sql in [
            "select body from paper for update",
            "update paper set body = body returning body",
        ] {
            admin
                .batch_execute("insert into reader values (1, 'mallory'); update paper set body = 'harmless'")
                .unwrap();
            let mut change = admin.transaction().unwrap();
            change
                .batch_execute("delete from reader; update paper set body = 'SECRET'")
                .unwrap();
            let answer = thread::scope(|scope| {
                let waiting = scope.spawn(|| server.rows("mallory", sql));
                thread::sleep(Duration::from_millis(400));
                change.commit().unwrap();
                waiting.join().unwrap()
            });
            assert_eq!(answer, json!([]), "{sql}");
        }
    }
}

/// Every role may change its own defaults and its own password, and a client's session is one of its login's.
#[test]
fn a_login_that_a_client_changed_is_no_trap_for_the_next() {
    for version in versions() {
        let cluster = Cluster::shared(version);
        let server = Server::with(cluster, 2, |config| config.limits.age = Duration::ZERO);
        // As the login itself: `reset role` would come back to the role of the startup message.
        let change = |sql: &str| batch(&server, "mallory", &["set role none", sql]);
        let mut admin = server.database.client();
        let of_logins = "select coalesce(string_agg(c, ';'), '') from pg_db_role_setting s, unnest(setconfig) c
            where setrole in (select oid from pg_roles where rolname like 'authenticated\\_%')
                and c !~ '^(default_transaction_isolation=repeatable read|statement_timeout=15s|idle_in_transaction_session_timeout=30s)$'
                and setdatabase in (0, (select oid from pg_database where datname = current_database()))";
        let mut all_of_logins = move || admin.query_one(of_logins, &[]).unwrap().get::<_, String>(0);
        let late = ["alter role current_user set transaction_timeout = 1"];
        let late = late.iter().filter(|_| version == Version::V18).copied();
        let early = [
            "alter role current_user set default_transaction_read_only = on",
            "alter role current_user set search_path = pg_temp",
            "alter role current_user set role = none",
            "alter role current_user set timezone = 'Pacific/Kiritimati'",
            "alter role current_user set standard_conforming_strings = off",
            "alter role current_user set local_preload_libraries = 'nonesuch'",
            "alter role current_user set idle_session_timeout = 1",
            "alter role current_user set statement_timeout = 1",
            "alter role current_user set lock_timeout = 1",
            "alter role current_user set default_transaction_isolation = 'read committed'",
            "do $$ begin execute format('alter role %I in database %I set default_transaction_read_only = on', current_user, current_database()); end $$",
            "do $$ begin execute format('alter role %I in database %I set datestyle = german', current_user, current_database()); end $$",
            "alter role current_user reset all",
        ];
        for left in early.into_iter().chain(late) {
            assert_eq!(change(left).status, 200, "{left}");
            let is_reset = left.ends_with("reset all");
            assert_eq!(
                all_of_logins().is_empty(),
                is_reset,
                "{left} does nothing to the login"
            );
            // Each request has a new session, so both logins get one.
            for _ in 0..3 {
                let state = server.rows(
                    "ann",
                    "select auth.user_id(), current_user, current_setting('transaction_read_only'), current_setting('search_path'),
                        current_setting('datestyle'), current_setting('transaction_isolation'), current_setting('timezone') like 'Pacific%', '\\d'",
                );
                let clean = json!([[
                    "ann",
                    "authenticated",
                    "off",
                    "\"$user\", public",
                    "ISO, MDY",
                    "repeatable read",
                    "f",
                    "\\d"
                ]]);
                assert_eq!(state, clean, "{left}");
            }
            assert_eq!(all_of_logins(), "", "{left} is still there");
        }
        // Names that Postgres does not know are for superusers to set.
        for unknown in ["app.tenant", "rowgate.session"] {
            let answer = change(&format!("alter role current_user set {unknown} = 'x'"));
            assert_eq!(answer.error().1, "42501", "{unknown}");
        }
        // A login whose password is another one is lost until somebody installs again. The others go on.
        assert_eq!(change("alter role current_user password 'mine'").status, 200);
        for _ in 0..4 {
            assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
        }
        set_up_again(&server.database, 2);
        let logins: Vec<Value> = (0..8)
            .map(|_| server.value("ann", "select session_user"))
            .collect();
        assert!(logins.iter().any(|login| *login != logins[0]), "{logins:?}");
    }
}

/// The time limit that a client sets holds for the reset, too, until that undoes it. With much to undo before, it fails half-way.
#[test]
fn a_session_that_cannot_be_reset_is_never_lent() {
    for server in servers(1) {
        // By a function of the application: what the text of a request says would close the session without a try.
        let mess = "select public.mess()";
        let function = "create function public.mess() returns void language plpgsql as $$ begin
            for i in 1 .. 6000 loop execute format('declare c%s cursor with hold for select 1', i); end loop;
            perform pg_advisory_lock(42), set_config('statement_timeout', '1', false);
        end $$";
        server.database.client().batch_execute(function).unwrap();
        let closed = || server.metric("rowgate_sql_sessions_closed_total");
        // The next user comes at once.
        assert_eq!(server.ask("mallory", mess).status, 200);
        let left = "select count(*) from pg_cursors where name <> ''";
        assert_eq!(server.value("ann", left), "0");
        assert_eq!(server.value("ann", "select pg_try_advisory_lock(42)"), "t");
        assert_eq!(closed(), 1);
        // Nobody comes: it is closed all the same.
        assert_eq!(server.ask("mallory", mess).status, 200);
        let mut admin = server.database.client();
        let sessions = "select count(*) from pg_stat_activity where datname = current_database() and usename like 'authenticated%'";
        let since = Instant::now();
        while admin.query_one(sessions, &[]).unwrap().get::<_, i64>(0) > 0 {
            assert!(
                since.elapsed() < Duration::from_secs(60),
                "the session is still there"
            );
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(closed(), 2);
    }
}

/// PL/pgSQL keeps what it made of a function's text when it was first called: literals as the settings said, constants in the time zone, types by the
/// names that came first. No reset undoes that.
#[test]
fn what_functions_made_of_the_settings_of_one_user_is_not_there_for_the_next() {
    for server in servers(1) {
        let functions = r"create function public.digits(x text) returns boolean language plpgsql immutable as $$ begin return x ~ '^\d+$'; end $$;
            create function public.deadline() returns timestamptz language plpgsql stable as $$ begin return '2026-01-02 00:00'::timestamptz; end $$;
            create function public.greet(x text) returns text language plpgsql stable as $$ declare y text := x; begin return 'hello ' || y; end $$;";
        server.database.client().batch_execute(functions).unwrap();
        for (left, call) in [
            (
                "set standard_conforming_strings = off",
                "select public.digits('dd')",
            ),
            (
                "set local standard_conforming_strings = off",
                "select public.digits('dd')",
            ),
            (
                "select set_config('standard_conforming_strings', 'off', false)",
                "select public.digits('dd')",
            ),
            (
                r#"select U&"set\005fconfig"('standard_conforming_strings', 'off', false)"#,
                "select public.digits('dd')",
            ),
            (
                "select query_to_xml('select set' || '_config(''standard_conforming_strings'', ''off'', false)', true, true, '')",
                "select public.digits('dd')",
            ),
            (
                "update pg_settings set setting = 'off' where name = 'standard_conforming_strings'",
                "select public.digits('dd')",
            ),
            ("set timezone = 'Pacific/Kiritimati'", "select public.deadline()"),
            (
                "create domain pg_temp.text as pg_catalog.text",
                "select public.greet('x')",
            ),
        ] {
            let answer = batch(&server, "mallory", &[left, call]);
            assert_eq!(answer.status, 200, "{left}: {}", answer.body);
            let state = server.rows(
                "ann",
                "select public.digits('123'), public.digits('ddd'), public.deadline() at time zone 'UTC', public.greet('ann')",
            );
            assert_eq!(
                state,
                json!([["t", "f", "2026-01-02 00:00:00", "hello ann"]]),
                "{left}"
            );
        }
        // Also where the statement fails.
        let failing = r"do $$ begin perform set_config('standard_conforming_strings', 'off', true); perform public.digits('dd'); raise exception 'done'; end $$";
        assert_eq!(server.ask("mallory", failing).status, 400);
        assert_eq!(server.value("ann", "select public.digits('123')"), "t");
    }
}

#[test]
fn nobody_drops_the_policies_that_name_the_role() {
    for server in servers(8) {
        let policies = "select count(*) from pg_policies";
        let mut admin = server.database.client();
        let before: i64 = admin.query_one(policies, &[]).unwrap().get(0);
        assert!(before > 0);
        for sql in [
            "drop owned by current_user",
            "drop owned by authenticated restrict",
            "do $$ begin execute 'drop ' || 'owned by current_user'; end $$",
            "do $$ begin reset role; execute 'drop owned by authenticated'; end $$",
        ] {
            let answer = server.ask("mallory", sql);
            assert_eq!(answer.error().1, "42501", "{sql}: {}", answer.text);
        }
        assert_eq!(admin.query_one(policies, &[]).unwrap().get::<_, i64>(0), before);
    }
}
