//! A database with Rowgate in it, and questions to ask as a guarded role.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use postgres::Client;
use rowgate_binding::Bindings;
use rowgate_pgtest::{Cluster, Database, Version};
use rowgate_rls::{Applied, Error, Request, apply};
use rowgate_schema::Model;
use rowgate_store::postgres::install::{Grants, install};
use serde_json::{Value, json};

/// A database with Rowgate installed, an environment `default`, and a role that the application connects as.
pub struct Site {
    pub database: Database,
    pub admin: Client,
    pub role: String,
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct Asker {
    pub claims: Option<Value>,
    pub context: Option<Value>,
}

impl Asker {
    pub fn user(id: &str) -> Self {
        Self {
            claims: Some(json!({"sub": id})),
            context: None,
        }
    }

    pub fn with(self, context: Value) -> Self {
        Self {
            context: Some(context),
            ..self
        }
    }

    pub fn nobody() -> Self {
        Self::default()
    }
}

impl Site {
    /// A new database with these tables.
    pub fn new(version: Version, hint: &str, tables: &str) -> Self {
        let database = Cluster::shared(version).database(hint);
        install(database.url(), &Grants::default()).unwrap();
        let mut admin = database.client();
        let role = format!("app_{}", database.name());
        admin
            .batch_execute(&format!("create role {role} login; grant rowgate_app to {role}"))
            .unwrap();
        admin
            .batch_execute(
                "insert into rowgate.environment (name, uid, created_at) values ('default', 'e1', 0)",
            )
            .unwrap();
        admin.batch_execute(tables).unwrap();
        admin
            .batch_execute(&format!(
                "grant select, insert, update, delete on all tables in schema public to {role}"
            ))
            .unwrap();
        Self {
            database,
            admin,
            role,
        }
    }

    /// Applies a schema and bindings, in which `ROLE` stands for the role.
    pub fn apply(&mut self, schema: &str, bindings: &str) -> Result<Applied, Error> {
        let model = model(schema);
        let bindings = Bindings::parse_toml(&bindings.replace("ROLE", &self.role)).unwrap();
        let request = Request {
            bindings: &bindings,
            schema: Some(&model),
            keep_existing: false,
        };
        apply(&mut self.admin, &request)
    }

    /// Stores warrants, written `type:id#relation@type:id` or `…#relation`.
    pub fn warrants(&mut self, tuples: &[&str]) {
        for tuple in tuples {
            let (resource, rest) = tuple.split_once('#').unwrap();
            let (relation, subject) = rest.split_once('@').unwrap();
            let sql = "select rowgate.create_warrant($1::text, $2::text, $3::text)";
            self.admin
                .query_one(sql, &[&resource, &relation, &subject])
                .unwrap();
        }
    }

    /// The first column of a query of the application, sorted.
    pub fn ask(&self, asker: &Asker, sql: &str) -> Vec<String> {
        self.try_ask(asker, sql).unwrap()
    }

    /// The same, or what the database says.
    pub fn try_ask(&self, asker: &Asker, sql: &str) -> Result<Vec<String>, postgres::Error> {
        let mut client = self.database.client_as(&self.role);
        ask(&mut client, asker, sql)
    }
}

/// The first column of a query in a transaction that is rolled back, sorted.
pub fn ask(client: &mut Client, asker: &Asker, sql: &str) -> Result<Vec<String>, postgres::Error> {
    let mut out = ask_in_order(client, asker, sql)?;
    out.sort();
    Ok(out)
}

/// The first column of a query in a transaction that is rolled back.
pub fn ask_in_order(client: &mut Client, asker: &Asker, sql: &str) -> Result<Vec<String>, postgres::Error> {
    let mut transaction = client.transaction()?;
    sign_in(&mut transaction, asker)?;
    let rows = transaction.query(sql, &[])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Says who the transaction acts for.
pub fn sign_in(transaction: &mut postgres::Transaction<'_>, asker: &Asker) -> Result<(), postgres::Error> {
    for (name, value) in [
        ("request.jwt.claims", &asker.claims),
        ("rowgate.context", &asker.context),
    ] {
        let text = value.as_ref().map(ToString::to_string).unwrap_or_default();
        transaction.execute("select set_config($1, $2, true)", &[&name, &text])?;
    }
    Ok(())
}

pub fn model(schema: &str) -> Model {
    match rowgate_schema::compile(schema) {
        Ok((model, _)) => model,
        Err(found) => panic!("{found:?}"),
    }
}
