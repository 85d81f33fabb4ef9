//! Sessions that are kept for the token that used them last: what it finds of itself, and that nobody else finds anything.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::{Answer, Server};
use rowgate_pgtest::{Cluster, Version, versions};
use serde_json::{Value, json};

/// A function of the application that does whatever it is told. Neither the text nor the tag of a `SELECT` that calls it says what.
const RUN: &str = "create function run(hex text) returns void language plpgsql as $$ begin
    execute convert_from(decode(hex, 'hex'), 'UTF8');
end $$";

fn server(version: Version, sessions: i32) -> Server {
    // Longer than requests of a test are apart.
    let server = Server::with(Cluster::shared(version), sessions, |config| {
        config.limits.kept = Duration::from_secs(60);
    });
    server.database.client().batch_execute(RUN).unwrap();
    server
}

/// Does something in the session behind the back of those who look at texts and tags.
fn run(server: &Server, token: &str, sql: &str) {
    let hex: String = sql.bytes().map(|byte| format!("{byte:02x}")).collect();
    let answer = server.ask(token, &format!("select run('{hex}')"));
    assert_eq!(answer.status, 200, "{sql}: {}", answer.text);
}

fn kept(server: &Server) -> u64 {
    server.metric("rowgate_sql_kept_total")
}

fn afresh(server: &Server) -> u64 {
    server.metric("rowgate_sql_afresh_total")
}

/// Makes the session that a token has one that is kept for it.
fn warm(server: &Server, token: &str) {
    let since = Instant::now();
    let before = kept(server);
    while kept(server) == before {
        assert_eq!(server.ask(token, "select 1").status, 200);
        assert!(since.elapsed() < Duration::from_secs(30), "no session is kept");
    }
}

/// All that a user can leave in a session, by ways that no text and no tag tells of.
const MESS: [&str; 11] = [
    "set search_path = pg_temp",
    "set statement_timeout = 0",
    "set \"app.tenant\" = 'mallory'",
    "prepare p as select 'of mallory'",
    "listen gossip",
    "select pg_advisory_lock(42)",
    "create temp table note as select 'of mallory' as body",
    "create function pg_temp.whoami() returns text language sql return 'mallory'",
    "set role none",
    "set request.jwt.claims = '{\"sub\":\"bob\"}'",
    "set default_transaction_read_only = on",
];

/// What there is of it.
const STATE: &str = "select current_setting('search_path'), current_setting('statement_timeout'), nullif(current_setting('app.tenant', true), ''),
    (select count(*) from pg_catalog.pg_prepared_statements where name !~ '^(rowgate [0-9]+)?$'),
    (select count(*) from pg_catalog.pg_prepared_statements where statement like '%of ' || 'mallory%' or statement like '%secret%'),
    (select count(*) from pg_catalog.pg_listening_channels()),
    (select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()),
    (select count(*) from pg_catalog.pg_class where relnamespace = pg_catalog.pg_my_temp_schema()),
    (select count(*) from pg_catalog.pg_proc where pronamespace = pg_catalog.pg_my_temp_schema()),
    current_user, nullif(current_setting('request.jwt.claims', true), ''), current_setting('default_transaction_read_only'),
    auth.user_id()";

fn clean(user: &str) -> Value {
    json!([[
        "\"$user\", public",
        "15s",
        null,
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "authenticated",
        null,
        "off",
        user
    ]])
}

#[test]
fn a_token_finds_its_session_with_its_statements() {
    for version in versions() {
        let server = server(version, 4);
        let process = "select pg_backend_pid()";
        let first = server.value("ann", process);
        assert_eq!(kept(&server), 0, "nobody was here before");
        // The second request may find that the first one's session is still being reset.
        warm(&server, "ann");
        let own = server.value("ann", process);
        for _ in 0..5 {
            assert_eq!(server.value("ann", process), own);
        }
        let statements = server.value(
            "ann",
            "select count(*) from pg_prepared_statements where statement = 'select pg_backend_pid()' and name like 'rowgate %'",
        );
        assert_eq!(statements, "1", "{first}");
        assert!(kept(&server) >= 6);
        let gauge = |state: &str| {
            server.metric(&format!(
                "rowgate_sql_sessions{{role=\"authenticated\",state=\"{state}\"}}"
            ))
        };
        assert_eq!(gauge("in_use"), 0);
        assert!((1..=2).contains(&gauge("idle")));
        // Batches, too.
        let before = kept(&server);
        let request = server.request("authenticated", Some("ann")).arrays().raw();
        for _ in 0..3 {
            let answer = request.batch(&["select pg_backend_pid()", "select auth.user_id()"]);
            assert_eq!(
                answer.body["results"][0]["rows"],
                json!([[own]]),
                "{}",
                answer.text
            );
            assert_eq!(answer.body["results"][1]["rows"], json!([["ann"]]));
        }
        assert_eq!(kept(&server), before + 3);
    }
}

/// What the tests of attacks rely on.
#[test]
fn a_request_of_a_warmed_server_finds_a_session_that_was_kept() {
    let server = server(Version::V15, 8).warmed();
    for request in 1..4 {
        assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
        assert!(kept(&server) >= request);
    }
}

#[test]
fn others_find_nothing_of_it() {
    for version in versions() {
        let server = server(version, 1);
        for mess in MESS {
            // Another token of the same user, and other users with and without one.
            for (next, user) in [("mallory#2", "mallory"), ("ann", "ann")] {
                warm(&server, "mallory");
                server.value("mallory", "select 'the secret of mallory'");
                server.value("mallory", "select 'the secret of mallory'");
                let before = kept(&server);
                run(&server, "mallory", mess);
                assert_eq!(
                    kept(&server),
                    before + 1,
                    "{mess}: not in the session that was kept"
                );
                assert_eq!(server.rows(next, STATE), clean(user), "{mess}");
                // Nor in a session that is kept for them in turn.
                warm(&server, next);
                assert_eq!(server.rows(next, STATE), clean(user), "{mess}");
            }
        }
        assert_eq!(server.rows("ann", "select body from note"), json!([["of ann"]]));
    }
}

#[test]
fn others_find_nothing_when_all_ask_at_once() {
    let tokens = ["ann#1", "bob#1", "eve#1", "ann#2", "bob#2", "eve#2"];
    for version in versions() {
        let server = server(version, 2);
        for _ in 0..4 {
            // As many as there are sessions keep theirs, all together take them from one another: of each some after the other.
            for asking in tokens.chunks(2).chain([&tokens[..]]) {
                let before = kept(&server);
                thread::scope(|scope| {
                    for token in asking {
                        let number = 1 + tokens.iter().position(|other| other == token).unwrap();
                        let server = &server;
                        scope.spawn(move || leave_and_look(server, token, number));
                    }
                });
                if asking.len() == 2 {
                    assert!(kept(&server) > before, "no session was kept for {asking:?}");
                }
            }
        }
    }
}

/// Leaves something in each session that a token gets, and looks what others left there. `number`: of a lock that only this token takes.
fn leave_and_look(server: &Server, token: &str, number: usize) {
    let user = token.split('#').next().unwrap();
    let look = "select coalesce(nullif(current_setting('app.mark', true), ''), $1), auth.user_id(),
        (select count(*) from pg_prepared_statements where statement like '%select $$mark %' and statement not like '%' || $1 || '%'
            and statement not like 'select coalesce%'),
        (select string_agg(relname, ',') from pg_class where relnamespace = pg_my_temp_schema() and relname <> $1),
        (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and objid <> $2::bigint::oid)";
    let request = server.request("authenticated", Some(token)).arrays().raw();
    for _ in 0..3 {
        for again in 0..3 {
            let answer = request.query(look, &[json!(token), json!(number)]);
            assert_eq!(
                answer.body["rows"],
                json!([[token, user, "0", null, "0"]]),
                "{}",
                answer.text
            );
            server.value(token, &format!("select $$mark {token}$$"));
            run(server, token, &format!("set \"app.mark\" = '{token}'"));
            if again == 1 {
                run(
                    server,
                    token,
                    &format!("select pg_advisory_lock_shared({number})"),
                );
                run(
                    server,
                    token,
                    &format!("create temp table if not exists \"{token}\" ()"),
                );
            }
        }
    }
}

#[test]
fn what_texts_and_tags_tell_of_ends_with_the_request() {
    for version in versions() {
        let server = server(version, 1);
        let request = server.request("authenticated", Some("ann")).arrays().raw();
        for left in [
            "set search_path = pg_temp",
            "select set_config('search_path', 'pg_temp', false)",
            "select SETSEED(0.5)",
            "prepare p as select 1",
            "declare c cursor with hold for select 1",
            "listen gossip",
            "select pg_advisory_lock(42)",
            "select pg_try_advisory_lock_shared(42)",
            "create temp table t (a int)",
            "create temporary table t as select 1",
            "select 1 as a into temp t",
            "do $$ begin perform pg_catalog.pg_advisory_lock(42); end $$",
        ] {
            warm(&server, "ann");
            assert_eq!(server.ask("ann", left).status, 200, "{left}");
            assert_eq!(server.rows("ann", STATE), clean("ann"), "{left}");
            warm(&server, "ann");
            assert_eq!(request.batch(&["select 1", left]).status, 200, "{left}");
            assert_eq!(server.rows("ann", STATE), clean("ann"), "{left}");
        }
    }
}

#[test]
fn what_is_left_ends_when_the_token_rests() {
    let server = Server::with(Cluster::shared(Version::V15), 2, |_| {});
    let mut admin = server.database.client();
    admin.batch_execute(RUN).unwrap();
    warm(&server, "ann");
    run(&server, "ann", "select pg_advisory_lock(42)");
    run(&server, "ann", "create temp table t ()");
    let left = "select (select count(*) from pg_locks l join pg_database d on d.oid = l.database
            where l.locktype = 'advisory' and d.datname = current_database())
        + (select count(*) from pg_class where relname = 't')";
    let since = Instant::now();
    while admin.query_one(left, &[]).unwrap().get::<_, i64>(0) > 0 {
        assert!(since.elapsed() < Duration::from_secs(30), "it is still there");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.metric("rowgate_sql_sessions_closed_total"), 0);
}

/// Locks that a function took are let go before the next request of the same token.
#[test]
fn locks_do_not_pile_up() {
    let server = server(Version::V15, 2);
    warm(&server, "ann");
    run(&server, "ann", "select pg_advisory_lock(42)");
    let before = kept(&server);
    let held = "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()";
    assert_eq!(server.value("ann", held), "0");
    assert_eq!(kept(&server), before + 1);
}

#[test]
fn a_token_is_verified_with_every_request() {
    for version in versions() {
        let server = server(version, 1);
        warm(&server, "ann");
        // Postgres is told when the token ends with every request.
        server.expire("ann");
        let before = kept(&server);
        let answer = server.ask("ann", "select auth.user_id()");
        assert_eq!(
            answer.error(),
            (400, "28000", "the claims of this session have expired")
        );
        assert_eq!(kept(&server), before + 1);
        warm(&server, "bob");
        server.revoke("bob");
        assert_eq!(
            server.ask("bob", "select 1").error(),
            (400, "", "the token is not valid")
        );
        warm(&server, "eve");
        let rotate = "select rowgate.rotate_seal_key('0')";
        server.database.client().query_one(rotate, &[]).unwrap();
        let answer = server.ask("eve", "select auth.user_id()");
        assert_eq!(answer.error().1, "28000", "{}", answer.text);
    }
}

/// A token that names nobody is often one that everybody has.
#[test]
fn tokens_without_a_user_and_no_tokens_keep_nothing() {
    let server = server(Version::V15, 1);
    for (role, token) in [("authenticated", Some("shared")), ("anonymous", None)] {
        for _ in 0..4 {
            let answer = server.request(role, token).query("select 1", &[]);
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
    assert_eq!(kept(&server), 0);
}

/// More users than sessions, in turns: every session is clean for whoever comes next, and no more sessions are used than there are.
#[test]
fn users_in_turns_keep_nothing() {
    let server = server(Version::V15, 2);
    for round in 0..5 {
        for user in ["u1", "u2", "u3", "u4"] {
            assert_eq!(server.value(user, "select auth.user_id()"), user, "{round}");
        }
    }
    assert_eq!(kept(&server), 0);
}

/// A change by the owner of a table, between two requests with the same text, and what the second one answers.
#[test]
fn statements_are_right_after_the_schema_changed() {
    for version in versions() {
        let server = server(version, 1);
        let mut admin = server.database.client();
        let table = "drop table if exists item; create table item (id int, name text);
            grant select, insert, update on item to authenticated; insert into item values (1, 'one')";
        let request = server.request("authenticated", Some("ann")).arrays().raw();
        let mut total = 0;
        for (sql, parameter, change, answer) in [
            // Another type of result, with more columns and with fewer.
            (
                "select * from item",
                None,
                "alter table item alter id type text",
                json!([["1", "one"]]),
            ),
            (
                "select * from item",
                None,
                "alter table item add more int",
                json!([["1", "one", null]]),
            ),
            (
                "select * from item",
                None,
                "alter table item drop name",
                json!([["1"]]),
            ),
            // Other types of parameters.
            (
                "select name from item where id = $1",
                Some(("1", "a")),
                "alter table item alter id type text; insert into item values ('a', 'letter')",
                json!([["letter"]]),
            ),
            (
                "select name from item where id = $1",
                Some(("1", "5000000000")),
                "alter table item alter id type bigint; insert into item values (5000000000, 'large')",
                json!([["large"]]),
            ),
            // Another table of the same name.
            (
                "select id from item",
                None,
                "drop table item; create table item (id text); grant select on item to authenticated; insert into item values ('new')",
                json!([["new"]]),
            ),
            (
                "select id from item",
                None,
                "alter table item rename to old; create table item (id int); grant select on item to authenticated; insert into item values (7)",
                json!([["7"]]),
            ),
            (
                "select id from item",
                None,
                "drop table item; create view item as select 9 as id; grant select on item to authenticated",
                json!([["9"]]),
            ),
            // Who may see what.
            (
                "select id from item",
                None,
                "alter table item enable row level security; create policy none on item using (false)",
                json!([]),
            ),
        ] {
            for batch in [false, true] {
                let clear = "drop view if exists item; drop table if exists item; drop table if exists old";
                let _ = admin.batch_execute("drop view if exists item");
                let _ = admin.batch_execute("drop table if exists item");
                admin.batch_execute("drop table if exists old").unwrap();
                admin.batch_execute(table).unwrap();
                let ask = |argument: Option<&str>| -> Answer {
                    let parameters: Vec<Value> = argument.map(|text| json!(text)).into_iter().collect();
                    match batch {
                        false => request.query(sql, &parameters),
                        true => {
                            let query = json!({"query": sql, "params": parameters});
                            request.send(&json!({"queries": [{"query": "select 1"}, query]}).to_string())
                        }
                    }
                };
                warm(&server, "ann");
                for _ in 0..3 {
                    let before = ask(parameter.map(|(before, _)| before));
                    assert_eq!(before.status, 200, "{}", before.text);
                }
                admin.batch_execute(change).unwrap();
                let after = ask(parameter.map(|(_, after)| after));
                let rows = if batch {
                    &after.body["results"][1]["rows"]
                } else {
                    &after.body["rows"]
                };
                assert_eq!(*rows, answer, "{sql}; {change}; {clear}: {}", after.text);
                total += 1;
            }
        }
        assert!(
            afresh(&server) > 0,
            "none of {total} was a statement that was prepared before"
        );
        admin.batch_execute("drop table if exists item").unwrap();
        admin.batch_execute(table).unwrap();
        // A right that was taken away.
        warm(&server, "ann");
        for _ in 0..3 {
            assert_eq!(server.ask("ann", "select id from item").status, 200);
        }
        admin
            .batch_execute("revoke select on item from authenticated")
            .unwrap();
        assert_eq!(server.ask("ann", "select id from item").error().1, "42501");
    }
}

/// What the same token left, by a way that nobody saw, may make a request fail. It is not shown where a new session would have done it.
#[test]
fn what_a_token_left_does_not_make_its_requests_fail() {
    for version in versions() {
        let server = server(version, 1);
        let sql = "select body from note";
        for left in [
            "deallocate all",
            "deallocate \"rowgate 1\"",
            "set search_path = pg_temp",
            "set role none; set search_path = ''",
        ] {
            warm(&server, "ann");
            for _ in 0..3 {
                assert_eq!(server.rows("ann", sql), json!([["of ann"]]));
            }
            let before = afresh(&server);
            run(&server, "ann", left);
            assert_eq!(server.rows("ann", sql), json!([["of ann"]]), "{left}");
            assert_eq!(afresh(&server), before + 1, "{left}");
        }
    }
}

/// The same text before and after a change in one transaction.
#[test]
fn a_batch_may_change_what_its_statements_say() {
    for version in versions() {
        let server = server(version, 1);
        let request = server.request("authenticated", Some("ann")).arrays().raw();
        let run = |sql: &str| {
            let hex: String = sql.bytes().map(|byte| format!("{byte:02x}")).collect();
            format!("select run('{hex}')")
        };
        let (make, change) = (
            run("create temp table w ()"),
            run("alter table w add column a int default 7"),
        );
        let insert = "insert into w default values";
        let look = "select * from w";
        for _ in 0..3 {
            let before = afresh(&server);
            let answer = request.batch(&[&make, insert, look, look, &change, "savepoint s", look]);
            assert_eq!(
                answer.body["results"][6]["rows"],
                json!([["7"]]),
                "{}",
                answer.text
            );
            if afresh(&server) > before {
                break;
            }
        }
        assert_eq!(afresh(&server), 1, "no statement was used again");
    }
}

#[test]
fn what_was_done_is_not_done_twice() {
    for version in versions() {
        let server = server(version, 1);
        let request = server.request("authenticated", Some("ann")).arrays().raw();
        let count =
            |body: &str| server.value("ann", &format!("select count(*) from note where body = '{body}'"));
        // What began to run is not repeated.
        warm(&server, "ann");
        let before = afresh(&server);
        assert_eq!(
            server.ask("ann", "select 1 / (id - id) from note").error().1,
            "22012"
        );
        assert_eq!(afresh(&server), before);
        // Rolled back as a whole, and repeated as a whole.
        warm(&server, "ann");
        let failed = request.batch(&[
            "insert into note (body) values ('once')",
            "select nothing from note",
        ]);
        assert_eq!(failed.error().1, "42703");
        assert_eq!(afresh(&server), before + 1);
        assert_eq!(count("once"), "0");
        // What the client committed itself is not repeated.
        warm(&server, "ann");
        let before = afresh(&server);
        let failed = request.batch(&[
            "insert into note (body) values ('kept')",
            "commit",
            "select nothing from note",
        ]);
        assert_eq!(failed.error().1, "42703", "{}", failed.text);
        assert_eq!(afresh(&server), before);
        assert_eq!(count("kept"), "1");
        // A deferred constraint fails when everything has run.
        let mut admin = server.database.client();
        admin
            .batch_execute(
                "create table pair (a int unique deferrable initially deferred, b text default auth.user_id());
                grant select, insert on pair to authenticated; insert into pair values (1)",
            )
            .unwrap();
        warm(&server, "ann");
        let before = afresh(&server);
        assert_eq!(
            server.ask("ann", "insert into pair values (1)").error().1,
            "23505"
        );
        assert_eq!(afresh(&server), before);
    }
}

/// What a client leaves for itself makes it nobody else.
#[test]
fn a_client_gains_nothing_from_what_it_left_itself() {
    for version in versions() {
        let server = server(version, 1);
        let rows = "select pg_catalog.string_agg(body, ',') from public.note";
        let who = "select auth.user_id()::pg_catalog.text";
        let set = |value: &str| {
            format!("do $$ begin perform pg_catalog.set_config('rowgate.session', {value}, false); end $$")
        };
        let mine = "pg_catalog.current_setting('rowgate.session')";
        for left in [
            set(&format!("replace({mine}, 'mallory', 'bob')")),
            set("repeat('0', 64) || ' 009999999999 000003 bob{\"sub\":\"bob\"}'"),
            set("''"),
            "set request.jwt.claims = '{\"sub\":\"bob\"}'".into(),
            "do $$ begin perform auth.next_request(); end $$".into(),
            "do $$ begin perform auth.end_request(0.5); end $$".into(),
            "discard sequences".into(),
            "set role none; set session authorization default".into(),
            "set default_transaction_isolation = 'read committed'".into(),
            "create function pg_temp.sha256(bytea) returns bytea language sql return ''::bytea; set search_path = pg_temp, pg_catalog".into(),
            "create function pg_temp.always(text, text) returns boolean language sql return true;
                create operator pg_temp.= (leftarg = text, rightarg = text, function = pg_temp.always); set search_path = pg_temp, pg_catalog, public"
                .into(),
            "create temp table note as select 'x'::text as owner, 'of bob'::text as body; set search_path = pg_temp, public".into(),
            "create temp table seal_key (id int, secret bytea, inner_pad bytea, outer_pad bytea, retires_at timestamptz); set search_path = pg_temp, rowgate"
                .into(),
            "deallocate \"rowgate 1\"; prepare \"rowgate 1\" (text) as select pg_catalog.set_config('rowgate.session', '', false)".into(),
            "deallocate \"rowgate 1\"; prepare \"rowgate 1\" (text) as select pg_catalog.set_config('app.stolen', $1, false)".into(),
        ] {
            warm(&server, "mallory");
            // Prepared under a plain name by then.
            for _ in 0..3 {
                server.value("mallory", who);
                server.value("mallory", rows);
            }
            let before = kept(&server);
            run(&server, "mallory", &left);
            for sql in [who, rows, who] {
                let answer = server.request("authenticated", Some("mallory")).arrays().raw().query(sql, &[]);
                let said = &answer.body["rows"][0][0];
                let is_own = answer.status == 400 || *said == json!("mallory") || *said == Value::Null;
                assert!(is_own && !answer.text.contains("of bob"), "{left}: {}", answer.text);
            }
            assert!(kept(&server) > before, "{left}: not in the session that was kept");
            // And nothing is left for the next one.
            assert_eq!(server.value("ann", who), "ann", "{left}");
            assert_eq!(server.value("ann", rows), "of ann", "{left}");
            assert_eq!(server.rows("ann", STATE), clean("ann"), "{left}");
        }
    }
}

/// The seal of a request is one of the same token in the same session, and of nobody else's.
#[test]
fn the_seals_of_a_kept_session_are_worth_nothing_to_others() {
    for version in versions() {
        let server = server(version, 1);
        for next in ["mallory", "ann#2"] {
            warm(&server, "ann");
            let row = server.rows(
                "ann",
                "select current_setting('rowgate.session'), pg_backend_pid()",
            );
            let (stolen, process) = (row[0][0].as_str().unwrap(), &row[0][1]);
            warm(&server, next);
            assert_eq!(server.value(next, "select pg_backend_pid()"), *process);
            let replay = format!("select set_config('rowgate.session', '{stolen}', false)");
            let request = server.request("authenticated", Some(next)).arrays().raw();
            let answer = request.batch(&[&replay, "select auth.user_id()"]);
            assert_eq!(
                answer.error(),
                (400, "28000", "the claims of this session are not sealed for it")
            );
        }
    }
}

/// A session in which something was left that cannot be undone is closed before somebody else gets it.
#[test]
fn a_kept_session_that_cannot_be_reset_is_closed() {
    for version in versions() {
        let server = server(version, 1);
        warm(&server, "mallory");
        run(
            &server,
            "mallory",
            "do $$ begin
                for i in 1 .. 6000 loop execute format('declare c%s cursor with hold for select 1', i); end loop;
                perform set_config('statement_timeout', '1', false);
            end $$",
        );
        assert_eq!(
            server.value("ann", "select count(*) from pg_cursors where name <> ''"),
            "0"
        );
        assert_eq!(server.rows("ann", STATE), clean("ann"));
        assert_eq!(server.metric("rowgate_sql_sessions_closed_total"), 1);
    }
}
