//! Databases that are stores.

use std::sync::{Mutex, PoisonError};

use rowgate_pgtest::{Cluster, Database, Version};
use rowgate_store::postgres::install::{Grants, install};

/// The role that servers have.
pub const SERVER: &str = "rg_server";

/// Installing in several databases of one cluster at a time is a test of its own.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A database with the tables.
pub fn installed() -> Database {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let database = Cluster::shared(Version::V18).database("server");
    let sql = format!(
        "do $$ begin create role {SERVER} login; exception when duplicate_object or unique_violation then null; end $$"
    );
    database.client().batch_execute(&sql).unwrap();
    let grants = Grants {
        servers: vec![SERVER.into()],
        ..Grants::default()
    };
    install(database.url(), &grants).unwrap();
    database
}
