//! What `/sql` and sealed claims cost, beside a bare driver on the same database, in one run.
//!
//! ```console
//! $ cargo run --release -p rowgate-sql --example measure
//! ```
//!
//! Server, clients and Postgres share the machine, so what is measured is work, not waiting. The contenders take turns in short rounds, so that
//! a change of the machine's load meets all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement fails by panicking"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};
use rowgate_pgtest::{Cluster, Database, Version};
use rowgate_sql::{Authenticate, Authenticated, Claims, Config, Gateway, Target, router};
use rowgate_store::postgres::install::{ClientRole, Grants, install};

const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_millis(1200);
const USERS: usize = 5_000;
const TODOS: &str = "create table todos (id bigint generated always as identity primary key, user_id text not null default auth.user_id(),
        task text not null, is_complete boolean not null default false, inserted_at timestamptz not null default now());
    insert into todos (user_id, task) select 'user' || n % 5000, 'task number ' || n from generate_series(1, 100000) n;
    create index on todos (user_id);
    alter table todos enable row level security;
    create policy own on todos to authenticated using ((select auth.user_id()) = user_id) with check ((select auth.user_id()) = user_id);
    analyze todos;";

struct Tokens;

impl Authenticate for Tokens {
    fn authenticate<'a>(&'a self, token: &'a str, _: &'a str) -> Authenticated<'a> {
        let json =
            format!(r#"{{"sub":"{token}","org_id":"org_1","role":"member","permissions":["todos:read"]}}"#);
        Box::pin(async move { Ok(Claims { json, expires: None }) })
    }
}

/// A query, for the driver and for `/sql`.
struct Question {
    name: &'static str,
    bare: &'static str,
    over_http: &'static str,
}

const QUESTIONS: [Question; 2] = [
    Question {
        name: "select 1",
        bare: "select $1::text",
        over_http: "select 'x'::text",
    },
    Question {
        name: "a user's 20 todos of 100,000",
        bare: "select id, user_id, task, is_complete::text, inserted_at::text from todos where user_id = $1 order by id",
        over_http: "select id, user_id, task, is_complete, inserted_at from todos order by id",
    },
];

fn main() {
    let cluster = Cluster::start(Version::V15, rowgate_pgtest::Options::default());
    let database = cluster.database("measure");
    let client = ClientRole {
        name: "authenticated".into(),
        sessions: 40,
        schemas: vec!["public".into()],
    };
    install(
        database.url(),
        &Grants {
            clients: vec![client],
            ..Grants::default()
        },
    )
    .unwrap();
    database.client().batch_execute(TODOS).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let address = runtime.block_on(serve(&database));
    println!("query | connections | bare, unprepared | bare, prepared | /sql | added | of bare");
    for question in &QUESTIONS {
        for connections in [1, 16] {
            compare(&database, address, question, connections);
        }
    }
    // Its sessions end, so that a login is free.
    runtime.shutdown_timeout(Duration::from_secs(1));
    identity(&database);
}

async fn serve(database: &Database) -> SocketAddr {
    let target: Target = database.url().parse().unwrap();
    let gateway = Gateway::new(Config::new(target), Arc::new(Tokens)).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(tokio_nodelay(listener), router(gateway)).await });
    address
}

fn tokio_nodelay(listener: tokio::net::TcpListener) -> impl axum::serve::Listener<Addr = SocketAddr> {
    use axum::serve::ListenerExt;
    listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    })
}

/// One after the other, in rounds: median latency and throughput of each.
fn compare(database: &Database, address: SocketAddr, question: &Question, connections: usize) {
    let mut latencies: [Vec<Duration>; 3] = Default::default();
    for round in 0..=ROUNDS {
        for (way, kept) in latencies.iter_mut().enumerate() {
            let found = round_of(connections, |number| {
                asker(database, address, question, way, number)
            });
            // The first round warms up.
            if round > 0 {
                kept.extend(found);
            }
        }
    }
    let seconds = ROUND.as_secs_f64() * ROUNDS as f64;
    let rate = |way: usize| latencies[way].len() as f64 / seconds;
    let [mut unprepared, mut prepared, mut http] = latencies.clone();
    let (unprepared, prepared, http) = (median(&mut unprepared), median(&mut prepared), median(&mut http));
    println!(
        "{} | {connections} | {:.3} ms, {:.0}/s | {:.3} ms, {:.0}/s | {:.3} ms, {:.0}/s | {:+.3} ms | {:.2} ({:.2} of prepared)",
        question.name,
        ms(unprepared),
        rate(0),
        ms(prepared),
        rate(1),
        ms(http),
        rate(2),
        ms(http) - ms(unprepared),
        rate(2) / rate(0),
        rate(2) / rate(1),
    );
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn median(values: &mut [Duration]) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}

type Asker = Box<dyn FnMut(usize) + Send>;

fn asker(database: &Database, address: SocketAddr, question: &Question, way: usize, number: usize) -> Asker {
    let user = move |at: usize| format!("user{}", (at * 31 + number * 977) % USERS);
    match way {
        0 => {
            let (mut client, sql) = (database.client(), question.bare);
            Box::new(move |at| drop(client.query(sql, &[&user(at)]).unwrap()))
        }
        1 => {
            let mut client = database.client();
            let statement = client.prepare(question.bare).unwrap();
            Box::new(move |at| drop(client.query(&statement, &[&user(at)]).unwrap()))
        }
        _ => {
            let mut http = Http::new(address, database.name(), question.over_http);
            Box::new(move |at| http.ask(&user(at)))
        }
    }
}

/// All connections at once, for the length of a round.
fn round_of(connections: usize, make: impl Fn(usize) -> Asker) -> Vec<Duration> {
    let askers: Vec<Asker> = (0..connections).map(make).collect();
    let end = Instant::now() + ROUND;
    let threads = askers.into_iter().map(|mut ask| {
        thread::spawn(move || {
            let mut latencies = Vec::new();
            for at in 0.. {
                let since = Instant::now();
                if since > end {
                    break;
                }
                ask(at);
                latencies.push(since.elapsed());
            }
            latencies
        })
    });
    let threads: Vec<_> = threads.collect();
    threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect()
}

/// A connection that is kept, with as little work on the client's side as possible.
struct Http {
    stream: TcpStream,
    head: String,
    body: String,
    buffer: Vec<u8>,
}

impl Http {
    fn new(address: SocketAddr, database: &str, sql: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let body = format!(r#"{{"query":"{sql}","params":[]}}"#);
        let head = format!(
            "POST /sql HTTP/1.1\r\nhost: x\r\nneon-connection-string: postgres://authenticated@x/{database}\r\nneon-raw-text-output: true\r\nneon-array-mode: true\r\ncontent-length: {}\r\nauthorization: Bearer ",
            body.len()
        );
        Self {
            stream,
            head,
            body,
            buffer: vec![0; 64 << 10],
        }
    }

    fn ask(&mut self, token: &str) {
        let request = format!("{}{token}\r\n\r\n{}", self.head, self.body);
        self.stream.write_all(request.as_bytes()).unwrap();
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).unwrap();
            assert!(read > 0, "the server closed");
            filled += read;
            let text = std::str::from_utf8(&self.buffer[..filled]).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            assert!(head.starts_with("HTTP/1.1 200"), "{text}");
            let length: usize = head
                .split("content-length: ")
                .nth(1)
                .unwrap()
                .split("\r\n")
                .next()
                .unwrap()
                .parse()
                .unwrap();
            if body.len() >= length {
                return;
            }
        }
    }
}

/// What the claims cost a statement: the same statement with and without them, in one session, in turns.
fn identity(database: &Database) {
    let mut admin = database.client();
    thread::sleep(Duration::from_secs(1));
    let login: String = admin
        .query_one(
            "select logins[40]::text from rowgate.client_role where role = 'authenticated'",
            &[],
        )
        .unwrap()
        .get(0);
    let mut config: postgres::Config = database.url_as(&login).parse().unwrap();
    let mut session = config
        .options("-c role=authenticated -c default_transaction_isolation=repeatable\\ read")
        .connect(NoTls)
        .unwrap();
    let request: String = session
        .query_one("select auth.next_request()", &[])
        .unwrap()
        .get(0);
    let seal = "select encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to($1::text || ' ' || rest, 'UTF8'))), 'hex') || ' ' || rest
        from rowgate.seal_key k, lateral (select k.id || ' 9999999999 {\"sub\":\"user7\",\"org_id\":\"org_1\",\"role\":\"member\"}' rest) r";
    let sealed: String = admin.query_one(seal, &[&request]).unwrap().get(0);
    session
        .query_one("select set_config('rowgate.session', $1, false)", &[&sealed])
        .unwrap();
    let with = "select count(*) from pg_catalog.pg_am where (select auth.user_id()) <> amname::text";
    let without = "select count(*) from pg_catalog.pg_am where (select 'user7'::text) <> amname::text";
    let timed = |session: &mut Client, sql: &str| {
        let statement = session.prepare(sql).unwrap();
        let mut times: Vec<Duration> = (0..4_000)
            .map(|_| {
                let since = Instant::now();
                session.query_one(&statement, &[]).unwrap();
                since.elapsed()
            })
            .collect();
        median(&mut times)
    };
    let mut added = Vec::new();
    for _ in 0..5 {
        let (without, with) = (timed(&mut session, without), timed(&mut session, with));
        added.push(with.saturating_sub(without));
    }
    println!(
        "sealed identity, per statement: {:.1} µs",
        ms(median(&mut added)) * 1000.0
    );
    let since = Instant::now();
    let calls: i64 = session
        .query_one("select count(auth.user_id()) from generate_series(1, 20000)", &[])
        .unwrap()
        .get(0);
    println!(
        "sealed identity, per call and row: {:.1} µs",
        since.elapsed().as_secs_f64() * 1e6 / calls as f64
    );
}
