//! Plan, apply and drop: what is generated, and the database it goes to.
//!
//! All of it is one transaction. It needs no superuser: the current role owns the tables (or is a member of the role that does) and is a member
//! of `rowgate_owner` and `rowgate_reader`.
//!
//! * `shapes`: the columns of tables, from the catalogue
//! * `preflight`: everything that speaks against it, at once; `roles`: what roles have to do with it; `parents`: tables that show the rows of others
//! * `stored`: what is stored already and stands in the way
//! * `steps`: what is to be done, in order; `rights`: who may execute what is made; `seal`: whether there is anything to do
//! * `apply`: doing it; `drop`: undoing it

mod apply;
mod drop;
mod parents;
mod preflight;
mod rights;
mod roles;
mod seal;
mod shapes;
mod steps;
mod stored;

pub use apply::{Applied, Isolation, Plan, Request, apply, plan};
pub use drop::{Dropped, drop};
pub(crate) use rights::executors;
pub use shapes::read_shapes;
pub use steps::Step;

use postgres::{Client, IsolationLevel, Transaction};

use crate::error::Error;

/// A transaction in which names mean what they say and no lock is waited for without end.
pub(crate) fn begin(client: &mut Client) -> Result<Transaction<'_>, Error> {
    let builder = client
        .build_transaction()
        .isolation_level(IsolationLevel::ReadCommitted);
    let mut transaction = builder.start().map_err(Error::database("beginning"))?;
    transaction
        .batch_execute("set local search_path = pg_catalog, pg_temp; set local lock_timeout = '10s'; set local client_min_messages = warning")
        .map_err(Error::database("beginning"))?;
    Ok(transaction)
}

/// Runs a statement as a role, or as the role that is connected.
pub(crate) fn run_as(
    transaction: &mut Transaction<'_>,
    role: Option<&str>,
    sql: &str,
) -> Result<(), postgres::Error> {
    match role {
        None => transaction.batch_execute(sql),
        Some(role) => {
            transaction.batch_execute(&format!("set local role {role};\n{sql};\nset local role none"))
        }
    }
}
