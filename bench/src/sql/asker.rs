//! Ways to ask. Each does as little as can be done on the client's side.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use postgres::types::{ToSql, Type};
use postgres::{Client, Statement as Prepared};
use serde_json::json;

use super::world::{Statement, TODOS_EACH, USERS, World, user_name};
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

/// Whom a connection asks as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    /// Another user with every request, as the server behind an application's pool does.
    InTurn,
    /// The connection's own user, as a page in a browser or a worker does.
    Own,
}

/// All of them, with their names.
pub const WAYS: [(Way, Users, &str); 7] = [
    (Way::Driver, Users::InTurn, "driver"),
    (Way::Typed, Users::InTurn, "driver, one round trip"),
    (Way::Prepared, Users::InTurn, "driver, prepared"),
    (Way::Sql, Users::InTurn, "/sql"),
    (Way::Http, Users::InTurn, "/healthz"),
    (Way::Driver, Users::Own, "driver, own user"),
    (Way::Sql, Users::Own, "/sql, own user"),
];

/// One connection.
pub struct Asker {
    ask: Box<dyn FnMut(usize) -> Result<()> + Send>,
}

impl Asker {
    /// Connects. `seed`: which users it asks as.
    pub fn new(
        world: &World,
        server: SocketAddr,
        statement: &Statement,
        way: Way,
        users: Users,
        seed: usize,
    ) -> Result<Self> {
        let question = questions(statement, users, seed);
        let (bare, rows, by_user) = (statement.bare, statement.rows, statement.by_user);
        let checked = move |found: usize| -> Result<()> {
            ensure!(found == rows, "{found} rows, not {rows}");
            Ok(())
        };
        let ask: Box<dyn FnMut(usize) -> Result<()> + Send> = match way {
            Way::Driver => {
                let mut client = world.database.client();
                Box::new(move |number| {
                    let values = Values::from(question(number));
                    checked(client.query(bare, values.of(by_user).as_slice())?.len())
                })
            }
            Way::Typed => {
                let mut client = world.database.client();
                Box::new(move |number| {
                    let values = Values::from(question(number));
                    checked(client.query_typed(bare, values.typed(by_user).as_slice())?.len())
                })
            }
            Way::Prepared => {
                let (mut client, prepared) = prepare(world.database.client(), bare)?;
                Box::new(move |number| {
                    let values = Values::from(question(number));
                    checked(client.query(&prepared, values.of(by_user).as_slice())?.len())
                })
            }
            Way::Sql => {
                let mut connection = Connection::open(server)?;
                // They repeat after that many.
                let requests: Vec<Vec<u8>> = (0..USERS)
                    .map(|number| request(world, statement.sql, question(number)))
                    .collect();
                let count = format!("\"rowCount\":{rows},");
                Box::new(move |number| {
                    let body = connection.exchange(&requests[number % USERS])?;
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

/// Who asks, and `$1`.
#[derive(Clone, Copy)]
struct Question {
    user: usize,
    argument: i64,
}

/// What a connection asks, by the number of the request. Every user is asked for different todos: their ids are in the order in which users were dealt
/// them.
fn questions(
    statement: &Statement,
    users: Users,
    seed: usize,
) -> impl Fn(usize) -> Question + Copy + Send + use<> {
    let (by_id, rows) = (statement.by_id, statement.rows);
    move |number| {
        let (user, todo) = match users {
            Users::InTurn => {
                let user = (number * 31 + seed * 97) % USERS;
                (user, user % TODOS_EACH)
            }
            Users::Own => (seed * 97 % USERS, number * 31 % TODOS_EACH),
        };
        let argument = if by_id { user + USERS * todo + 1 } else { rows } as i64;
        Question { user, argument }
    }
}

/// The parameters of a driver.
struct Values {
    argument: i64,
    user: String,
}

impl From<Question> for Values {
    fn from(Question { user, argument }: Question) -> Self {
        Self {
            argument,
            user: user_name(user),
        }
    }
}

impl Values {
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
fn request(world: &World, sql: &str, Question { user, argument }: Question) -> Vec<u8> {
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
