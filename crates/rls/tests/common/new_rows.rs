//! The condition on new rows, asked about the rows that are there: it finds the same ones in another way.

use std::collections::BTreeSet;

use postgres::Client;

use crate::common::{Asker, sign_in};

/// The ids of the rows that a role could write as they are, by the condition on new rows of the policy for updates. Nothing stays.
pub fn writable(admin: &mut Client, role: &str, asker: &Asker, table: &str, id: &str) -> BTreeSet<String> {
    let mut transaction = admin.transaction().unwrap();
    let sql = "select with_check from pg_policies where tablename = $1 and policyname = 'rowgate_update'";
    let check: String = transaction.query_one(sql, &[&table]).unwrap().get(0);
    let instead = format!(
        "drop policy rowgate_select on {table};
         create policy new_rows on {table} for select to {role} using ({check});
         set local role {role}"
    );
    transaction.batch_execute(&instead).unwrap();
    sign_in(&mut transaction, asker).unwrap();
    let rows = transaction
        .query(&format!("select {id} from {table}"), &[])
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
