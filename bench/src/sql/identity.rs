//! What sealed claims cost a statement: the same statement with and without them, in one session, in turns.

use std::time::{Duration, Instant};

use anyhow::Result;
use postgres::{Client, NoTls};
use rowgate_pgtest::Database;
use serde_json::{Value, json};

use crate::measure::median;

const TIMES: usize = 4_000;
const ROUNDS: usize = 5;

/// How long a server that is gone may be counted by Postgres.
const PATIENCE: Duration = Duration::from_secs(10);

/// A statement of one user, and the same without asking who that is.
const WITH: &str = "select count(*) from pg_catalog.pg_am where (select auth.user_id()) <> amname::text";
const WITHOUT: &str = "select count(*) from pg_catalog.pg_am where (select 'user7'::text) <> amname::text";

/// Seals claims as a server does, with the key that only the owner can read.
const SEAL: &str = "select encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to($1::text || ' ' || rest, 'UTF8'))), 'hex') || ' ' || rest
    from rowgate.seal_key k, lateral (select '009999999999 000005 user7{\"sub\":\"user7\",\"org_id\":\"org_1\",\"role\":\"member\"}' rest) r";

/// Microseconds for a statement that asks once, and for each call.
pub fn measure(database: &Database) -> Result<Value> {
    let mut session = client_session(database)?;
    let request: String = session.query_one("select auth.next_request()", &[])?.get(0);
    let sealed: String = database.client().query_one(SEAL, &[&request])?.get(0);
    session.query_one("select set_config('rowgate.session', $1, false)", &[&sealed])?;
    let mut added = Vec::new();
    for _ in 0..ROUNDS {
        let (without, with) = (timed(&mut session, WITHOUT)?, timed(&mut session, WITH)?);
        added.push(with - without);
    }
    let since = Instant::now();
    let calls: i64 = session
        .query_one("select count(auth.user_id()) from generate_series(1, 20000)", &[])?
        .get(0);
    Ok(json!({
        "statement_us": median(&added),
        "call_us": since.elapsed().as_secs_f64() * 1e6 / calls as f64,
    }))
}

/// As a server logs in.
fn client_session(database: &Database) -> Result<Client> {
    let sql =
        "select logins[array_length(logins, 1)]::text from rowgate.client_role where role = 'authenticated'";
    let login: String = database.client().query_one(sql, &[])?.get(0);
    let mut config: postgres::Config = database.url_as(&login).parse()?;
    config.options("-c role=authenticated -c default_transaction_isolation=repeatable\\ read");
    let since = Instant::now();
    loop {
        match config.connect(NoTls) {
            Ok(session) => return Ok(session),
            Err(error) if since.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn timed(session: &mut Client, sql: &str) -> Result<f64> {
    let statement = session.prepare(sql)?;
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let since = Instant::now();
        session.query_one(&statement, &[])?;
        times.push(since.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(&times))
}
