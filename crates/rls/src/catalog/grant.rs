//! Rights.

use rowgate_binding::Qualified;

/// What a right is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantKind {
    /// A table or view.
    Relation,
    /// One column.
    Column,
    /// A sequence.
    Sequence,
}

/// A right that somebody other than the owner has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it is on.
    pub kind: GrantKind,
    /// The table, view or sequence.
    pub object: Qualified,
    /// The column; empty unless the right is on one.
    pub column: String,
    /// Who has it; the empty name stands for PUBLIC.
    pub grantee: String,
    /// Who granted it.
    pub grantor: String,
    /// `SELECT`, `TRUNCATE`, …
    pub privilege: String,
    /// Whether the grantee may pass it on.
    pub grantable: bool,
}

/// A right that new objects of a role come with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultPrivilege {
    /// The role that creates the objects.
    pub creator: String,
    /// The schema they are created in; every one when there is none.
    pub schema: Option<String>,
    /// What is created: `r` tables, `S` sequences, `f` functions, `T` types, `n` schemas.
    pub kind: String,
    /// Who gets the right; the empty name stands for PUBLIC.
    pub grantee: String,
    /// `SELECT`, `TRUNCATE`, …
    pub privilege: String,
}
