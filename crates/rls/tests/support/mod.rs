//! A database with row-level security as it should be, for tests that break one thing of it.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use postgres::{Client, IsolationLevel};
use rowgate_pgtest::{Cluster, Database, Version};
use rowgate_rls::catalog::Catalog;
use rowgate_rls::verify::{Expected, Finding, Remedy, verify};

/// A database, with roles of its own: roles are of the whole server.
pub struct World {
    pub database: Database,
    pub client: Client,
}

impl World {
    /// An empty database.
    pub fn empty(version: Version, hint: &str) -> Self {
        let database = Cluster::shared(version).database(hint);
        let client = database.client();
        Self { database, client }
    }

    /// Tickets of teams, guarded by a policy that has no fault.
    pub fn sound(version: Version, hint: &str) -> Self {
        let mut world = Self::empty(version, hint);
        world.run(include_str!("sound.sql"));
        world
    }

    /// Runs SQL in which `{app}` stands for the application's role, `{owner}` for the owner of the tables, and `{db}` for the database.
    pub fn run(&mut self, sql: &str) {
        let sql = self.filled(sql);
        // One by one: CREATE INDEX CONCURRENTLY cannot be among others.
        for statement in split(&sql) {
            self.client
                .batch_execute(statement)
                .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        }
    }

    /// The text with the names of this database's roles in it.
    pub fn filled(&self, text: &str) -> String {
        let name = self.database.name();
        text.replace("{app}", &format!("app_{name}"))
            .replace("{owner}", &format!("owner_{name}"))
            .replace("{db}", name)
    }

    pub fn catalog(&mut self) -> Catalog {
        let mut transaction = self
            .client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .unwrap();
        Catalog::read(&mut transaction).unwrap()
    }

    /// What is wrong; roles of other tests' databases left out.
    pub fn verify(&mut self, expected: Option<&Expected>) -> Vec<Finding> {
        let mut found = verify(&self.catalog(), expected);
        let name = self.database.name();
        found.retain(|finding| finding.code != "login_unbound" || finding.object.ends_with(name));
        found
    }

    /// Runs the remedies of the findings with a code, as they are.
    pub fn mend(&mut self, findings: &[Finding], code: &str) {
        for finding in findings.iter().filter(|finding| finding.code == code) {
            let Remedy::Sql(statements) = &finding.remedy else {
                panic!("{code} has no SQL as its remedy: {finding:?}");
            };
            for statement in statements {
                self.client
                    .batch_execute(statement)
                    .unwrap_or_else(|error| panic!("{code}: {statement}: {error:?}"));
            }
        }
    }
}

/// Statements end with `;` at the end of a line.
fn split(sql: &str) -> impl Iterator<Item = &str> {
    sql.split_inclusive(";\n")
        .filter(|statement| !statement.trim().is_empty())
}

/// The codes of findings, sorted, once each.
pub fn codes(findings: &[Finding]) -> Vec<&'static str> {
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}
