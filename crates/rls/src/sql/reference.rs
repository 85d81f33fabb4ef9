//! Columns that hold the key of a row which is there, because a foreign key of the database says so.
//!
//! A resource of a bound type has no relations without its row, so who is granted a project sees no ticket of it when there is no such project. Where
//! a foreign key leads from the tickets to the projects there is no such ticket, and the projects that a list gives need not be looked up.
//!
//! Whether the foreign key is in force is read from the catalogue where the members are listed, in the snapshot in which they and the rows of the
//! statement are read. The planner does not ask: its snapshot may be older than the lock that the statement has on the table, and a plan is
//! kept.

use rowgate_binding::Qualified;

use super::clause::indent;
use super::quote::{qualified, text};
use crate::shape::ForeignKey;

/// That there is a row for each value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The table of the column, as policies give it to functions: it stays this one when it gets another name.
    pub(crate) table: String,
    /// The test, with `$1` as the table.
    pub(crate) holds: String,
}

impl Reference {
    /// What a foreign key of a table says. It has to be the same one, of the same columns, hold for all rows, and not be put off until the
    /// transaction commits. What it does to rows that refer to one that goes must be to forbid it: a trigger or a rule of the table can suppress any other
    /// action, as one does that keeps deleted rows, and leave rows that refer to nothing. Rows of a table that inherits are rows of its parent, too, and do not have its foreign keys.
    pub(crate) fn of(table: &Qualified, key: &ForeignKey) -> Self {
        let regclass = |name: &Qualified| format!("{}::regclass", text(&qualified(name)));
        let constraint = format!(
            "select from pg_constraint c\nwhere c.conrelid = $1\n    and c.contypid = 0\n    and c.conname = {}\n    and c.contype = 'f'\n    \
             and c.conkey = '{{{}}}'\n    and c.confrelid = {}\n    and c.confkey = '{{{}}}'\n    and c.convalidated\n    \
             and not c.condeferrable\n    and c.confdeltype in ('a', 'r')\n    and c.confupdtype in ('a', 'r')",
            text(&key.name),
            key.number,
            regclass(&key.to),
            key.to_number
        );
        let mut holds = format!("exists (\n{}\n)", indent(&constraint));
        if !key.partitioned {
            holds.push_str(" and not exists (select from pg_inherits h where h.inhparent = $1)");
        }
        Self {
            table: regclass(table),
            holds,
        }
    }
}
