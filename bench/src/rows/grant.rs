//! Granting a container inside the application's transaction.

use std::time::Instant;

use anyhow::Result;
use postgres::Client;
use rowgate_pgtest::Database;
use serde_json::{Value, json};

use crate::measure::Times;

/// Measures grants of a project to new users, and beside them a transaction that inserts one plain row: what a commit costs here.
pub fn run(database: &Database, rounds: usize) -> Result<Value> {
    let mut admin = database.client();
    admin.batch_execute(
        "create table plain (id bigint primary key, user_id text not null); grant insert on plain to bench_app",
    )?;
    let mut app = database.client_as("bench_app");
    let (mut grants, mut plain) = (Timed::default(), Timed::default());
    for round in 0..rounds + WARM {
        let number = round as i64;
        let user = format!("user:new{round}");
        let warm = round < WARM;
        grants.take(
            &mut app,
            warm,
            "select rowgate.create_warrant($1, 'viewer', $2)",
            &[&format!("project:{}", 1 + number * 7 % 10_000), &user],
        )?;
        plain.take(
            &mut app,
            warm,
            "insert into plain values ($1, $2)",
            &[&number, &user],
        )?;
    }
    admin.batch_execute("drop table plain")?;
    Ok(json!({"grant": grants.found(), "one plain row": plain.found()}))
}

/// Runs before it counts.
const WARM: usize = 10;

/// Times of a statement, and of the transaction that it is all of.
#[derive(Default)]
struct Timed {
    statement: Times,
    transaction: Times,
    prepared: Option<postgres::Statement>,
}

impl Timed {
    fn take(
        &mut self,
        client: &mut Client,
        warm: bool,
        sql: &str,
        parameters: &[&(dyn postgres::types::ToSql + Sync)],
    ) -> Result<()> {
        let statement = match &self.prepared {
            Some(statement) => statement.clone(),
            None => self.prepared.insert(client.prepare(sql)?).clone(),
        };
        let started = Instant::now();
        let mut transaction = client.transaction()?;
        let begun = Instant::now();
        transaction.execute(&statement, parameters)?;
        let done = begun.elapsed();
        transaction.commit()?;
        let took = started.elapsed();
        if !warm {
            self.statement.push(done);
            self.transaction.push(took);
        }
        Ok(())
    }

    fn found(&self) -> Value {
        let of = |times: &Times| {
            json!({
                "median_us": times.quantile(0.5) / 1e3,
                "p95_us": times.quantile(0.95) / 1e3,
            })
        };
        json!({"statement": of(&self.statement), "transaction": of(&self.transaction)})
    }
}
