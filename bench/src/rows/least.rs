//! The least that a policy takes, whatever it guards: a function with rights of its own, in which who asks is found out.
//!
//! No role of the application may read who has access to what, so a policy calls such a function, and it believes nobody but
//! `rowgate_rls.me()`. What that takes on top of a statement that does nothing is lost to every policy, and a `WHERE` that is given the user has it not.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use postgres::{Client, Statement};
use rowgate_pgtest::Database;

use super::data::Subject;
use crate::measure::Times;

/// The function that does nothing but ask who asks.
pub const FUNCTION: &str = "create function who_asks() returns text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$ begin return rowgate_rls.me(); end $$";

/// Two statements, each over a connection of its own, as the ways have them.
pub struct Least {
    nothing: (Client, Statement),
    asks: (Client, Statement),
}

/// What they took in the turns of one cell.
#[derive(Default)]
pub struct Found {
    nothing: Times,
    asks: Times,
}

impl Least {
    /// Connects.
    pub fn open(database: &Database) -> Result<Self> {
        let prepared = |role: &str, sql: &str| -> Result<(Client, Statement)> {
            let mut client = database.client_as(role);
            let statement = client.prepare(sql)?;
            Ok((client, statement))
        };
        Ok(Self {
            nothing: prepared("bench_nothing", "select 'nobody'::text")?,
            asks: prepared("bench_least", "select public.who_asks()")?,
        })
    }

    /// One turn of both.
    pub fn turn(&mut self, subject: Subject, found: &mut Found) -> Result<()> {
        found.nothing.push(ask(&mut self.nothing, subject, "nobody")?);
        found.asks.push(ask(&mut self.asks, subject, subject.id())?);
        Ok(())
    }
}

/// As the ways are asked: who asks is told before the clock runs.
fn ask((client, statement): &mut (Client, Statement), subject: Subject, expected: &str) -> Result<Duration> {
    let mut transaction = client.transaction()?;
    let claims = serde_json::json!({"sub": subject.id()}).to_string();
    transaction.execute("select set_config('request.jwt.claims', $1, true)", &[&claims])?;
    let started = Instant::now();
    let row = transaction.query_one(&*statement, &[])?;
    let took = started.elapsed();
    let answer: String = row.get(0);
    ensure!(answer == expected, "{answer} asks, and not {expected}");
    transaction.rollback()?;
    Ok(took)
}

impl Found {
    /// What asking takes, in microseconds: the difference of the medians.
    pub fn median_us(&self) -> f64 {
        (self.asks.quantile(0.5) - self.nothing.quantile(0.5)) / 1e3
    }
}
