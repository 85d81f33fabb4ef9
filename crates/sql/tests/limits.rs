//! Requests that are too much, and sessions that break.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use common::{Server, set_up_again, strict_cluster};
use rowgate_pgtest::{Cluster, Options, Version, versions};
use serde_json::json;

/// Waits until a question to the database has the answer.
fn eventually(server: &Server, sql: &str, expected: i64) {
    let mut admin = server.database.client();
    let since = Instant::now();
    loop {
        let found: i64 = admin.query_one(sql, &[]).unwrap().get(0);
        if found == expected {
            return;
        }
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "{sql}: {found}, not {expected}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

const BUSY: &str = "select count(*) from pg_stat_activity where usename like 'authenticated%' and datname = current_database() and state = 'active'";

#[test]
fn refuses_what_is_too_large() {
    let server = Server::with(Cluster::shared(Version::V15), 1, |config| {
        config.limits.request = 10_000;
        config.limits.response = 100_000;
        config.limits.rows = 1_000;
        config.limits.queries = 3;
    });
    let long = format!("select '{}'", "x".repeat(20_000));
    assert_eq!(
        server.ask("ann", &long).error(),
        (413, "", "request is too large (max is 10000 bytes)")
    );
    // One long value, and a gigabyte of short ones.
    for much in [
        "select repeat('x', 50000000)",
        "select repeat('x', 1000) from generate_series(1, 1000000)",
    ] {
        let answer = server.ask("ann", much);
        assert_eq!(answer.status, 507, "{}", answer.text);
        assert!(
            answer.error().2.starts_with("response is too large (max is "),
            "{}",
            answer.text
        );
    }
    // What grows in JSON is measured there.
    let answer = server.ask("ann", "select repeat(chr(1), 50000)");
    assert_eq!(
        answer.error(),
        (507, "", "response is too large (max is 100000 bytes)")
    );
    let answer = server.ask("ann", "select 1 from generate_series(1, 1001)");
    assert_eq!(
        answer.error(),
        (507, "", "response is too large (max is 1000 rows)")
    );
    assert_eq!(
        server.ask("ann", "select 1 from generate_series(1, 1000)").body["rowCount"],
        1000
    );
    let four = server
        .request("authenticated", Some("ann"))
        .batch(&["select 1"; 4]);
    assert_eq!(four.error(), (400, "", "a batch has at most 3 queries"));
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
}

#[test]
fn refuses_what_cannot_be_sent() {
    let server = Server::with(Cluster::shared(Version::V15), 1, |_| {});
    let request = server.request("authenticated", Some("ann"));
    let zero = request.query("select '\0'", &[]);
    assert_eq!(
        zero.error(),
        (
            400,
            "",
            "a query or a parameter cannot be sent: it is too long or has a zero byte"
        )
    );
    let zero = request.query("select $1::text", &[json!("\0")]);
    assert_eq!(zero.error().1, "22021");
    let many = request.query("select 1", &vec![json!(1); 70_000]);
    assert_eq!(
        many.error(),
        (400, "", "there are too many parameters, or one is too long")
    );
    let more = request.query("select $1", &[json!(1), json!(2)]);
    assert_eq!(more.error().1, "08P01");
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
}

#[test]
fn stops_what_takes_too_long() {
    for version in versions() {
        let server = Server::with(Cluster::shared(version), 2, |config| {
            config.limits.time = Duration::from_secs(1)
        });
        let since = Instant::now();
        let slow = server.ask("ann", "select pg_sleep(30)");
        assert_eq!(
            slow.error(),
            (400, "57014", "canceling statement due to statement timeout")
        );
        let request = server.request("authenticated", Some("ann"));
        let slow = request.batch(&["set statement_timeout = 0", "select pg_sleep(30)"]);
        assert_eq!(
            slow.error(),
            (
                400,
                "57014",
                "the query was cancelled because it took longer than 1 seconds"
            )
        );
        // A block that swallows cancellations does not outlive its session.
        let stubborn = "do $$ begin loop begin perform pg_sleep(30); exception when query_canceled then null; end; end loop; end $$";
        let stubborn = request.batch(&["set statement_timeout = 0", stubborn]);
        assert_eq!(stubborn.error().1, "57014");
        assert!(since.elapsed() < Duration::from_secs(10));
        eventually(&server, BUSY, 0);
        assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
    }
}

#[test]
fn cancels_what_nobody_waits_for() {
    let server = Server::with(Cluster::shared(Version::V15), 1, |_| {});
    let client = begin(&server, "select pg_sleep(10)");
    eventually(&server, BUSY, 1);
    drop(client);
    eventually(&server, BUSY, 0);
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
}

/// A login must not be lost with a client that leaves while a session is being opened with it: there is one login.
#[test]
fn keeps_the_logins_of_those_who_leave_early() {
    let server = Server::with(Cluster::shared(Version::V15), 1, |_| {});
    for moment in 0..40 {
        let client = begin(&server, "select pg_sleep(10)");
        thread::sleep(Duration::from_micros(moment * 250));
        drop(client);
        eventually(&server, BUSY, 0);
    }
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
}

/// A client that has asked, and waits.
fn begin(server: &Server, sql: &str) -> TcpStream {
    let body = json!({ "query": sql }).to_string();
    let mut client = TcpStream::connect(server.address).unwrap();
    write!(
        client,
        "POST /sql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann\r\nNeon-Connection-String: postgres://authenticated@x/{}\r\nContent-Length: {}\r\n\r\n{body}",
        server.database.name(),
        body.len()
    )
    .unwrap();
    client
}

#[test]
fn refuses_to_copy() {
    for version in versions() {
        let server = Server::with(Cluster::shared(version), 1, |_| {});
        for copy in [
            "copy note to stdout",
            "copy note from stdin",
            "copy (select repeat('x', 1000) from generate_series(1, 100000)) to stdout",
        ] {
            // RLS on the way: `copy from` a table with policies is refused by Postgres itself.
            let answer = server.ask("ann", copy);
            assert_eq!(answer.status, 400, "{}", answer.text);
            assert_eq!(answer.error().1, "0A000", "{copy}: {}", answer.text);
            assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
        }
        let answer = server.request("authenticated", Some("ann")).batch(&[
            "create temp table t (a text)",
            "copy t from stdin",
            "select 1",
        ]);
        assert_eq!(answer.error(), (400, "0A000", "COPY is not supported over HTTP"));
        assert_eq!(
            server.value("ann", "select to_regclass('pg_temp.t')"),
            json!(null)
        );
    }
}

#[test]
fn locks_and_transactions_end_with_the_request() {
    let server = Server::with(Cluster::shared(Version::V15), 2, |_| {});
    let mut admin = server.database.client();
    for left in [
        "select pg_advisory_lock(42)",
        "begin",
        "lock table note in access exclusive mode",
        "listen gossip",
    ] {
        server.ask("ann", left);
    }
    server
        .request("authenticated", Some("ann"))
        .batch(&["select pg_advisory_lock(42)", "update note set body = body"]);
    let server_idle = "select count(*) from pg_stat_activity where usename like 'authenticated%' and datname = current_database() and state <> 'idle'";
    eventually(&server, server_idle, 0);
    let free: bool = admin
        .query_one("select pg_try_advisory_lock(42)", &[])
        .unwrap()
        .get(0);
    assert!(free);
    admin
        .batch_execute("set lock_timeout = '1s'; update note set body = body")
        .unwrap();
}

#[test]
fn says_when_all_sessions_are_in_use() {
    let server = Server::with(Cluster::shared(Version::V15), 1, |config| {
        config.limits.wait = Duration::from_millis(200)
    });
    thread::scope(|scope| {
        let long = scope.spawn(|| server.rows("ann", "select pg_sleep(1.5)"));
        eventually(&server, BUSY, 1);
        let answer = server.ask("bob", "select 1");
        assert_eq!(
            answer.error(),
            (503, "53300", "all sessions of the role are in use; try again")
        );
        long.join().unwrap();
    });
    assert_eq!(server.value("bob", "select auth.user_id()"), "bob");
}

#[test]
fn says_when_there_are_too_many_requests() {
    let server = Server::with(Cluster::shared(Version::V15), 2, |config| {
        config.limits.requests = 1
    });
    thread::scope(|scope| {
        let long = scope.spawn(|| server.rows("ann", "select pg_sleep(1)"));
        eventually(&server, BUSY, 1);
        let answer = server.ask("bob", "select 1");
        assert_eq!(
            answer.error(),
            (503, "53300", "too many requests at a time; try again")
        );
        long.join().unwrap();
    });
    assert_eq!(server.value("bob", "select auth.user_id()"), "bob");
    assert_eq!(server.metric("rowgate_sql_requests_total{outcome=\"busy\"}"), 1);
}

/// A client that sends the head of a request and a part of its body.
fn begin_body(server: &Server, token: &str, length: usize, part: &str) -> TcpStream {
    let mut client = TcpStream::connect(server.address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(
        client,
        "POST /sql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nNeon-Connection-String: postgres://authenticated@x/{}\r\nContent-Length: {length}\r\n\r\n{part}",
        server.database.name(),
    )
    .unwrap();
    client
}

/// The first line of what comes back.
fn status_line(client: TcpStream) -> String {
    let mut line = String::new();
    BufReader::new(client).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn those_who_send_nothing_keep_nobody_out() {
    let server = Server::with(Cluster::shared(Version::V15), 2, |config| {
        config.limits.requests = 1;
        config.limits.body_time = Duration::from_secs(2);
        config.limits.request = 10_000;
    });
    let idle: Vec<TcpStream> = (0..3)
        .map(|_| begin_body(&server, "ann", 100, "{\"query\":"))
        .collect();
    // Who may not come in, and what is too large, is told before anything else is sent.
    let refused = begin_body(&server, "bad", 100, "");
    assert_eq!(status_line(refused), "HTTP/1.1 400 Bad Request");
    let large = begin_body(&server, "ann", 10_001, "");
    assert_eq!(status_line(large), "HTTP/1.1 413 Payload Too Large");
    assert_eq!(server.value("bob", "select auth.user_id()"), "bob");
    for client in idle {
        assert_eq!(status_line(client), "HTTP/1.1 408 Request Timeout");
    }
    assert_eq!(
        server.metric("rowgate_sql_requests_total{outcome=\"timeout\"}"),
        3
    );
}

#[test]
fn bodies_that_are_in_memory_are_bounded() {
    let server = Server::with(Cluster::shared(Version::V15), 2, |config| {
        config.limits.requests = 1;
        config.limits.request = 10_000;
    });
    let long = format!("select auth.user_id() {}", " ".repeat(2_000));
    let since = Instant::now();
    let (most, refused) = loop {
        let most = begin_body(&server, "ann", 9_500, &" ".repeat(9_000));
        // It takes a moment until it is there; should the other one be faster, it is not let in.
        thread::sleep(Duration::from_millis(50));
        let answer = server.ask("bob", &long);
        if answer.status != 200 {
            break (most, answer);
        }
        assert!(since.elapsed() < Duration::from_secs(30));
    };
    assert_eq!(
        refused.error(),
        (503, "53300", "too much is being sent at a time; try again")
    );
    assert_eq!(server.value("bob", "select auth.user_id()"), "bob");
    drop(most);
    while server.ask("bob", &long).status != 200 {
        assert!(since.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(20));
    }
}

/// Statements that Postgres asks to repeat, and how often they were tried.
const AGAIN: &str = "create sequence tries;
    create function again(until int) returns text language plpgsql security definer as $$ begin
        if nextval('tries') < until then raise exception 'again' using errcode = 'serialization_failure'; end if;
        return auth.user_id();
    end $$;
    create table counter (n int);
    insert into counter values (0);
    grant select, update on counter to authenticated;";

#[test]
fn repeats_a_statement_once_when_postgres_asks_for_it() {
    for version in versions() {
        let server = Server::with(Cluster::shared(version), 2, |_| {});
        let mut admin = server.database.client();
        admin.batch_execute(AGAIN).unwrap();
        let mut tries = || -> i64 {
            let sql = "select case when is_called then last_value else 0 end from tries";
            let tries = admin.query_one(sql, &[]).unwrap().get(0);
            admin.batch_execute("alter sequence tries restart").unwrap();
            tries
        };
        let retries = || server.metric("rowgate_sql_retries_total");
        assert_eq!(server.value("ann", "select again(1)"), "ann");
        assert_eq!((tries(), retries()), (1, 0));
        // As the same user, although the session drew another number for it.
        assert_eq!(server.value("ann", "select again(2)"), "ann");
        assert_eq!((tries(), retries()), (2, 1));
        // Once, and no more.
        assert_eq!(
            server.ask("ann", "select again(3)").error(),
            (400, "40001", "again")
        );
        assert_eq!((tries(), retries()), (2, 2));
        // Not a batch: it may have told somebody something already.
        let request = server.request("authenticated", Some("ann"));
        assert_eq!(request.batch(&["select again(2)"]).error().1, "40001");
        assert_eq!((tries(), retries()), (1, 2));

        // Two who change the same row: whoever comes second waits, is told to begin again, and does.
        let mut change = admin.transaction().unwrap();
        change.batch_execute("update counter set n = n + 1").unwrap();
        let answer = thread::scope(|scope| {
            let waiting = scope.spawn(|| server.rows("ann", "update counter set n = n + 1 returning n"));
            eventually(&server, BUSY, 1);
            thread::sleep(Duration::from_millis(200));
            change.commit().unwrap();
            waiting.join().unwrap()
        });
        assert_eq!(answer, json!([["2"]]));
        assert_eq!(retries(), 3);
        assert_eq!(server.value("bob", "select auth.user_id()"), "bob");
    }
}

#[test]
fn serves_at_the_same_time_without_mixing_users_up() {
    let server = Server::with(Cluster::shared(Version::V18), 4, |_| {});
    thread::scope(|scope| {
        for number in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let user = format!("user{number}");
                for _ in 0..40 {
                    assert_eq!(server.value(&user, "select auth.user_id()"), json!(user));
                    assert_eq!(
                        server.value(&user, "insert into note (body) values ('x') returning owner"),
                        json!(user)
                    );
                }
                assert_eq!(server.value(&user, "select count(*) from note"), "40");
            });
        }
    });
}

#[test]
fn goes_on_after_the_database_was_away() {
    let cluster = Cluster::start(Version::V15, Options::default());
    let server = Server::with(&cluster, 2, |_| {});
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
    cluster.stop();
    let away = server.ask("ann", "select 1");
    assert_eq!(away.status, 500, "{}", away.text);
    assert_eq!(away.error().1, "08006");
    cluster.run();
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
    // A session that is ended under way is not used again.
    let ended = thread::scope(|scope| {
        let waiting = scope.spawn(|| server.ask("ann", "select pg_sleep(10)"));
        eventually(&server, BUSY, 1);
        let mut admin = server.database.client();
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename like 'authenticated%' and state = 'active'", &[]).unwrap();
        waiting.join().unwrap()
    });
    assert_eq!(ended.error().1, "57P01", "{}", ended.text);
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
}

#[test]
fn seals_with_new_keys_while_old_ones_hold() {
    let server = Server::with(Cluster::shared(Version::V15), 1, |_| {});
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
    let mut admin = server.database.client();
    let key: i32 = admin
        .query_one("select rowgate.rotate_seal_key()", &[])
        .unwrap()
        .get(0);
    assert_eq!(key, 2);
    // The server has not heard of it yet.
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
    admin
        .query_one("select rowgate.rotate_seal_key('0')", &[])
        .unwrap();
    assert_eq!(server.ask("ann", "select auth.user_id()").error().1, "28000");
    let keys: i64 = admin
        .query_one("select count(*) from rowgate.seal_key", &[])
        .unwrap()
        .get(0);
    assert_eq!(keys, 3);
}

#[test]
fn leaves_passwords_to_postgres() {
    let cluster = strict_cluster(Version::V15);
    let server = Server::with(&cluster, 1, |config| {
        config.password_roles = vec!["owner".into(), "nobody".into(), "trusted".into()];
        config.limits.password_sessions = 2;
    });
    let mut admin = server.database.client();
    admin.batch_execute("create role owner login password 'p:@/ss'; create role trusted login; create role other login password 'x'").unwrap();
    let with = |role: &str, password: &str| {
        server
            .request("", None)
            .password(role, password)
            .arrays()
            .raw()
            .query(
                "select current_user, current_setting('transaction_isolation')",
                &[],
            )
    };
    for _ in 0..3 {
        let answer = with("owner", "p%3A%40%2Fss");
        assert_eq!(
            answer.body["rows"],
            json!([["owner", "read committed"]]),
            "{}",
            answer.text
        );
        // Not even while a session of the right password is waiting in the pool.
        let wrong = with("owner", "wrong");
        assert_eq!(
            wrong.error(),
            (400, "28P01", "password authentication failed for user 'owner'")
        );
    }
    assert_eq!(
        with("nobody", "x").error(),
        (400, "28P01", "password authentication failed for user 'nobody'")
    );
    let unproven = with("trusted", "anything");
    assert_eq!(
        unproven.error(),
        (
            400,
            "",
            "the database lets this role in without its password, so a password proves nothing; change pg_hba.conf"
        )
    );
    let missing = "missing authentication credentials: required authorization bearer token in JWT format";
    assert_eq!(with("other", "x").error().2, missing);
    let none = server.request("owner", None).query("select 1", &[]);
    assert_eq!(
        none.error().2,
        "missing authentication credentials: required password"
    );
    // The clients' logins have passwords, too, and nobody lets trust in instead.
    assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
    // What an owner leaves behind is gone, too.
    let owner = server
        .request("", None)
        .password("owner", "p%3A%40%2Fss")
        .arrays()
        .raw();
    owner.query("set application_name = 'mine'", &[]);
    assert_eq!(
        owner.query("show application_name", &[]).body["rows"],
        json!([["rowgate"]])
    );
}

/// An operator installs again with more or fewer sessions. Some of the logins are the same as before, and each has one session.
#[test]
fn logins_that_were_replaced_are_free_at_once() {
    for version in versions() {
        let fresh = Duration::from_millis(20);
        let server = Server::with(Cluster::shared(version), 2, |config| config.limits.known = fresh);
        let user = "select auth.user_id()";
        let limit = || server.metric("rowgate_sql_sessions_limit{role=\"authenticated\"}");
        assert_eq!(server.value("ann", user), "ann");
        for sessions in [1, 3, 2] {
            set_up_again(&server.database, sessions);
            thread::sleep(2 * fresh);
            for name in ["ann", "bob", "ann"] {
                assert_eq!(server.value(name, user), name, "{sessions} sessions");
            }
            assert_eq!(limit(), sessions as u64);
        }
    }
}
