//! Connections that run the statements, one for each role.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, Statement};
use rowgate_pgtest::Database;

use super::data::Subject;
use super::way::{Operation, Way};

/// Who asks, and about what.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// What is done.
    pub operation: Operation,
    /// Who asks.
    pub subject: Subject,
    /// The ticket, or for a new one its project.
    pub target: i64,
    /// The ids of all tickets that the subject may see.
    pub list: &'q Vec<i64>,
}

/// What a statement came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The number counted, the ids shown, or the number of rows that were written.
    Answer(Vec<i64>),
    /// It was cancelled: it took too long.
    TooLong,
}

/// Connections with prepared statements.
pub struct Sessions {
    clients: HashMap<&'static str, Client>,
    prepared: HashMap<(Way, Operation), Statement>,
}

impl Sessions {
    /// Connects the roles of these ways. A statement that takes longer than `patience` is cancelled.
    pub fn open(database: &Database, ways: &[Way], patience: Duration) -> Result<Self> {
        let roles: BTreeSet<&'static str> = ways.iter().map(|way| way.role()).collect();
        let mut clients = HashMap::new();
        for role in roles {
            let mut client = database.client_as(role);
            client.batch_execute(&format!("set statement_timeout = {}", patience.as_millis()))?;
            clients.insert(role, client);
        }
        Ok(Self {
            clients,
            prepared: HashMap::new(),
        })
    }

    /// Runs one statement as the subject, and takes back what it changed. The time is that of the statement: neither who asks is told in it, nor
    /// is anything committed.
    pub fn ask(&mut self, way: Way, question: Question<'_>) -> Result<(Outcome, Duration)> {
        let Question {
            operation,
            subject,
            target,
            list,
        } = question;
        let client = self.clients.get_mut(way.role()).context("no such connection")?;
        let statement = match self.prepared.get(&(way, operation)) {
            Some(statement) => statement.clone(),
            None => client.prepare(&way.statement(operation))?,
        };
        self.prepared.insert((way, operation), statement.clone());
        let mut transaction = client.transaction()?;
        let claims = serde_json::json!({"sub": subject.id()}).to_string();
        transaction.execute("select set_config('request.jwt.claims', $1, true)", &[&claims])?;
        let user = subject.id();
        let mut parameters: Vec<&(dyn ToSql + Sync)> = Vec::new();
        if operation.has_target() {
            parameters.push(&target);
        }
        match way {
            Way::Hand(_) => parameters.push(&user),
            Way::List => parameters.push(list),
            _ => {}
        }
        let started = Instant::now();
        let answer = match operation {
            Operation::Update | Operation::Insert | Operation::InsertSelect => transaction
                .execute(&statement, &parameters)
                .map(|rows| vec![rows as i64]),
            _ => transaction
                .query(&statement, &parameters)
                .map(|rows| rows.iter().map(|row| row.get(0)).collect()),
        };
        let took = started.elapsed();
        transaction.rollback()?;
        let outcome = match answer {
            Ok(answer) => Outcome::Answer(answer),
            Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => Outcome::TooLong,
            // A policy refuses a row where a condition inserts none.
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Outcome::Answer(vec![0]),
            Err(error) => return Err(error).with_context(|| format!("{way:?}, {question:?}")),
        };
        Ok((outcome, took))
    }
}
