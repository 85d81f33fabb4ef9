//! Ways to ask. Each does as little as can be done on the client's side.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use postgres::types::{ToSql, Type};
use postgres::{Client, Statement as Prepared};
use serde_json::json;

use super::world::{Statement, USERS, World, user_name};
use crate::http::client::{Connection, get};

/// How a statement is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A driver, as one uses it: statement and parameters. It asks for the types first, and then for the rows.
    Driver,
    /// A driver that is told the types, and so needs one round trip.
    Typed,
    /// A driver with a statement that was prepared when it connected.
    Prepared,
    /// `POST /sql`.
    Sql,
    /// What HTTP costs by itself: `GET /healthz` of the same server.
    Http,
}

/// All of them, with their names.
pub const WAYS: [(Way, &str); 5] = [
    (Way::Driver, "driver"),
    (Way::Typed, "driver, one round trip"),
    (Way::Prepared, "driver, prepared"),
    (Way::Sql, "/sql"),
    (Way::Http, "/healthz"),
];

/// One connection.
pub struct Asker {
    ask: Box<dyn FnMut(usize) -> Result<()> + Send>,
}

impl Asker {
    /// Connects. `seed`: which users it asks as, and for what.
    pub fn new(
        world: &World,
        server: SocketAddr,
        statement: &Statement,
        way: Way,
        seed: usize,
    ) -> Result<Self> {
        let user = move |number: usize| (number * 31 + seed * 97) % USERS;
        let argument = argument(statement);
        let (bare, rows, by_user) = (statement.bare, statement.rows, statement.by_user);
        let checked = move |found: usize| -> Result<()> {
            ensure!(found == rows, "{found} rows, not {rows}");
            Ok(())
        };
        let ask: Box<dyn FnMut(usize) -> Result<()> + Send> = match way {
            Way::Driver => {
                let mut client = world.database.client();
                Box::new(move |number| {
                    let values = Values::new(argument(user(number)), user(number));
                    checked(client.query(bare, values.of(by_user).as_slice())?.len())
                })
            }
            Way::Typed => {
                let mut client = world.database.client();
                Box::new(move |number| {
                    let values = Values::new(argument(user(number)), user(number));
                    checked(client.query_typed(bare, values.typed(by_user).as_slice())?.len())
                })
            }
            Way::Prepared => {
                let (mut client, prepared) = prepare(world.database.client(), bare)?;
                Box::new(move |number| {
                    let values = Values::new(argument(user(number)), user(number));
                    checked(client.query(&prepared, values.of(by_user).as_slice())?.len())
                })
            }
            Way::Sql => {
                let mut connection = Connection::open(server)?;
                let requests: Vec<Vec<u8>> = (0..USERS)
                    .map(|user| request(world, statement.sql, argument(user), user))
                    .collect();
                let count = format!("\"rowCount\":{rows},");
                Box::new(move |number| {
                    let body = connection.exchange(&requests[user(number)])?;
                    let end = &body[body.len().saturating_sub(60)..];
                    let right = String::from_utf8_lossy(end).contains(&count);
                    ensure!(right, "not {rows} rows: {}", String::from_utf8_lossy(body));
                    Ok(())
                })
            }
            Way::Http => {
                let (mut connection, request) = (Connection::open(server)?, get("/healthz"));
                Box::new(move |_| connection.exchange(&request).map(drop))
            }
        };
        Ok(Self { ask })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, number: usize) -> Result<()> {
        (self.ask)(number)
    }
}

fn prepare(mut client: Client, sql: &str) -> Result<(Client, Prepared)> {
    let prepared = client.prepare(sql)?;
    Ok((client, prepared))
}

/// `$1` for a user: a todo's ids are in the order in which users were dealt them.
fn argument(statement: &Statement) -> impl Fn(usize) -> i64 + Copy + Send + use<> {
    let (by_id, rows) = (statement.by_id, statement.rows);
    move |user| {
        if by_id {
            (user + USERS * (user % 200) + 1) as i64
        } else {
            rows as i64
        }
    }
}

/// The parameters of a driver.
struct Values {
    argument: i64,
    user: String,
}

impl Values {
    fn new(argument: i64, user: usize) -> Self {
        Self {
            argument,
            user: user_name(user),
        }
    }

    fn of(&self, by_user: bool) -> Vec<&(dyn ToSql + Sync)> {
        match by_user {
            true => vec![&self.argument, &self.user],
            false => vec![&self.argument],
        }
    }

    fn typed(&self, by_user: bool) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.of(by_user)
            .into_iter()
            .zip([Type::INT8, Type::TEXT])
            .collect()
    }
}

/// As the serverless driver sends it.
fn request(world: &World, sql: &str, argument: i64, user: usize) -> Vec<u8> {
    let body = json!({"query": sql, "params": [argument.to_string()]}).to_string();
    format!(
        "POST /sql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Neon-Connection-String: postgres://authenticated@localhost/{}\r\nNeon-Raw-Text-Output: true\r\nNeon-Array-Mode: true\r\n\
         Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
        world.tokens[user],
        world.database.name(),
        body.len()
    )
    .into_bytes()
}
