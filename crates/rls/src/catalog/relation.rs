//! Tables and views, and what belongs to them.

use rowgate_binding::Qualified;

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An ordinary table, or a partition that is none itself.
    Table,
    /// A partitioned table.
    Partitioned,
    /// A view.
    View,
    /// A materialised view.
    MaterializedView,
    /// A table of another server.
    Foreign,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// Its name.
    pub name: Qualified,
    /// What it is.
    pub kind: Kind,
    /// Its owner.
    pub owner: String,
    /// Whether row-level security is enabled.
    pub rls: bool,
    /// Whether row-level security holds for the owner, too.
    pub forced: bool,
    /// Whether it is a partition of another table.
    pub partition: bool,
    /// Whether it belongs to an extension.
    pub extension: bool,
    /// How many rows the planner assumes; negative when nobody has counted.
    pub rows: f64,
    /// `REPLICA IDENTITY` as the catalog has it: `d`, `n`, `f` or `i`.
    pub replica_identity: String,
    /// Storage options, `name=value`.
    pub options: Vec<String>,
    /// The tables it is a partition or child of.
    pub parents: Vec<Qualified>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The primary key.
    pub primary_key: Option<Key>,
    /// Further unique constraints.
    pub unique: Vec<Key>,
    /// Foreign keys, by name.
    pub foreign_keys: Vec<ForeignKey>,
    /// Indexes, by name.
    pub indexes: Vec<Index>,
    /// Triggers, by name.
    pub triggers: Vec<Trigger>,
    /// For a table: its rules (`create rule`), by name.
    pub rules: Vec<Rule>,
    /// For a view: the relations that its query reads itself.
    pub reads: Vec<Qualified>,
}

impl Relation {
    /// Whether it holds rows and can have policies.
    #[must_use]
    pub fn is_table(&self) -> bool {
        matches!(self.kind, Kind::Table | Kind::Partitioned)
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether a storage option is set to true, in any of the spellings of a boolean.
    #[must_use]
    pub fn option(&self, name: &str) -> bool {
        self.options.iter().any(|option| {
            let (key, value) = option.split_once('=').unwrap_or((option, "true"));
            key == name
                && matches!(
                    value.to_ascii_lowercase().as_str(),
                    "true" | "on" | "yes" | "1" | "t" | "y"
                )
        })
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as SQL names it, with its modifier: `character varying(20)`.
    pub ty: String,
    /// The type under a domain, without a modifier; the type itself where there is no domain.
    pub base_type: String,
    /// The type's category as the catalog has it: `B` boolean, `D` date or time, `E` enum, `N` number, `S` text.
    pub category: String,
    /// Whether it cannot be null.
    pub not_null: bool,
    /// Whether its value is computed from the others.
    pub generated: bool,
    /// Whether it is an identity column.
    pub identity: bool,
    /// Its default.
    pub default: Option<String>,
}

/// A primary or unique key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name of the constraint.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The name of the constraint.
    pub name: String,
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table they refer to.
    pub table: Qualified,
    /// The columns they refer to, in the same order.
    pub foreign_columns: Vec<String>,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name; it is in the schema of its table.
    pub name: String,
    /// Its columns; `None` for an expression.
    pub columns: Vec<Option<String>>,
    /// For each column, whether some operator of the index is leakproof: only those are index conditions beside policies.
    pub leakproof: Vec<bool>,
    /// The access method: `btree`, `gin`.
    pub method: String,
    /// Whether it is unique.
    pub unique: bool,
    /// Whether queries may use it.
    pub valid: bool,
    /// Which rows it has; all when there is none.
    pub predicate: Option<String>,
}

/// A rule (`create rule`) that rewrites statements about a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it is about: `INSERT`, `UPDATE` or `DELETE`.
    pub event: String,
}

/// A trigger that somebody made; those of constraints are not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// The function it runs.
    pub function: Qualified,
    /// Whether it fires in ordinary sessions.
    pub enabled: bool,
}
