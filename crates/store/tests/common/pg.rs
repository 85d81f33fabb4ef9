//! Databases that are stores.

use std::sync::Mutex;
use std::time::Duration;

use rowgate_pgtest::{Cluster, Database, Version};
use rowgate_store::postgres::install::{Grants, install};
use rowgate_store::postgres::{Postgres, PostgresOptions};

/// Installing in several databases of one server at a time is a test of its own.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A database with the tables, and two roles that may log in: `rg_server` and `rg_app`.
pub fn installed(version: Version, hint: &str) -> Database {
    installed_on(Cluster::shared(version), hint)
}

pub fn installed_on(cluster: &Cluster, hint: &str) -> Database {
    let _one = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let database = cluster.database(hint);
    for role in ["rg_server", "rg_app"] {
        login(&database, role);
    }
    let grants = Grants {
        servers: vec!["rg_server".into()],
        apps: vec!["rg_app".into()],
        ..Grants::default()
    };
    install(database.url(), &grants).unwrap();
    database
}

/// Makes sure that a role is there that may log in.
pub fn login(database: &Database, role: &str) {
    let sql =
        format!("do $$ begin create role {role} login; exception when duplicate_object then null; end $$");
    database.client().batch_execute(&sql).unwrap();
}

/// A store on it, as a server would have.
pub fn store(database: &Database) -> Postgres {
    store_with(database, PostgresOptions::default())
}

pub fn store_with(database: &Database, options: PostgresOptions) -> Postgres {
    Postgres::connect(&database.url_as("rg_server"), options).unwrap()
}

/// Options that do not wait for long.
pub fn impatient() -> PostgresOptions {
    PostgresOptions {
        lock_timeout: Duration::from_millis(300),
        patience: Duration::from_secs(2),
        ..PostgresOptions::default()
    }
}
