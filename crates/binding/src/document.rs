//! The bindings as written. Nothing here has been checked beyond its shape.

use std::collections::BTreeMap;

use crate::condition::Condition;
use crate::name::Qualified;
use crate::text::Places;

/// A whole document: `rowgate.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bindings {
    /// The environment whose schema and warrants apply.
    pub environment: String,
    /// The database roles that policies are for; never PUBLIC.
    pub roles: Vec<String>,
    /// Who is asking.
    pub subject: Subject,
    /// The bound tables, in order.
    pub tables: Vec<Table>,
    /// Where everything stood, for messages. Two of these are always equal.
    pub(crate) places: Places,
}

/// `[subject]`: who is asking, in a database session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The type of the subject, for example `user`.
    pub resource_type: String,
    /// A function without arguments that returns the subject's id as text, or null when nobody is signed in.
    pub function: Qualified,
}

/// `[[table]]`: a table whose rows are the resources of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The table.
    pub name: Qualified,
    /// The type that its rows are resources of.
    pub resource_type: String,
    /// The columns that make up the id. Several are joined by `/`, with `~` and `/` inside them written `~0` and `~1`.
    pub id: Vec<String>,
    /// Which rows count; all of them when there is none. Every condition must be true.
    pub conditions: Vec<Condition>,
    /// Relations and the places that hold them.
    pub relations: BTreeMap<String, Vec<Source>>,
    /// Parameters of schema policies and the columns that hold their values.
    pub attributes: BTreeMap<String, String>,
    /// Which relation guards which command.
    pub policies: BTreeMap<Command, String>,
}

/// One place that holds edges of a relation: columns of the table itself, or of a table that joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The table that joins; `None` when the columns are of the bound table itself.
    pub join: Option<JoinTable>,
    /// The columns that hold the subject's id, as many as its id has. A null in any of them is no edge.
    pub columns: Vec<String>,
    /// The subject's type.
    pub resource_type: String,
    /// The subject's relation, for a group: `team:7#member`.
    pub relation: Option<String>,
}

/// A table that joins resources with subjects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JoinTable {
    /// The table.
    pub name: Qualified,
    /// The columns that hold the resource's id, as many as the bound table's id has.
    pub key: Vec<String>,
    /// Which rows count.
    pub conditions: Vec<Condition>,
}

/// A command that a policy guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// Reading rows.
    Select,
    /// Adding rows.
    Insert,
    /// Changing rows.
    Update,
    /// Removing rows.
    Delete,
}

impl Command {
    /// Every command.
    pub const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The command's keyword in lower case.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The command a keyword stands for.
    #[must_use]
    pub fn parse(keyword: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.keyword() == keyword)
    }
}

impl Bindings {
    /// The bound table of that name.
    #[must_use]
    pub fn table(&self, name: &Qualified) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }
}
