//! What compiling needs to know of the database: the types of the bound columns, and what is unique.

use std::collections::BTreeMap;

use rowgate_binding::Qualified;

/// The types of a column, as far as bindings tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnType {
    /// `text`, `varchar`
    Text,
    /// `smallint`, `integer`, `bigint`
    Integer,
    /// `uuid`
    Uuid,
    /// `boolean`
    Boolean,
    /// `real`, `double precision`
    Float,
    /// `numeric`
    Numeric,
    /// An enumeration.
    Enum,
    /// `text[]`, `varchar[]`
    TextArray,
    /// Anything else.
    Other,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its type.
    pub ty: ColumnType,
    /// The type's name in Postgres, for messages.
    pub name: String,
    /// Whether equal means the same bytes. False for a nondeterministic collation.
    pub exact: bool,
}

/// The columns of one table.
pub type Columns = BTreeMap<String, Column>;

/// The tables that bindings name, their columns and what keeps their rows apart. A table that does not exist is not here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shapes {
    /// By table.
    pub tables: BTreeMap<Qualified, Columns>,
    /// What keeps rows apart, by table: primary keys, unique constraints and unique indexes.
    pub unique: BTreeMap<Qualified, Vec<UniqueIndex>>,
    /// The foreign keys of one column that hold for all rows, by the table of the column.
    pub references: BTreeMap<Qualified, Vec<ForeignKey>>,
}

/// A foreign key of one column that is validated, checked at the end of each statement, and forbids what would leave rows that refer to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The name of the constraint.
    pub name: String,
    /// The column.
    pub column: String,
    /// The column's number in its table.
    pub number: i16,
    /// The table that it leads to.
    pub to: Qualified,
    /// The column there.
    pub to_column: String,
    /// Its number.
    pub to_number: i16,
    /// Whether the table of the column is partitioned: then its rows are those of its partitions, and the constraint is theirs, too.
    pub partitioned: bool,
}

/// A valid index that no two rows of a table can be in with the same values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueIndex {
    /// Its columns, at least one, in order.
    pub columns: Vec<String>,
    /// Which rows it has, as Postgres prints it; all when there is none.
    pub predicate: Option<String>,
    /// Whether it is the primary key.
    pub primary: bool,
    /// Whether other tables inherit from its table. It does not have their rows, which are rows of the table, too.
    pub inherited: bool,
    /// Whether it may be checked as late as a transaction commits. Until then it does not hold, and who takes the id of a row for a moment would see
    /// what belongs to it.
    pub deferrable: bool,
}

/// The types a key can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// The id as it is.
    Text,
    /// The id in canonical decimal.
    Integer,
    /// The id in lower-case canonical form.
    Uuid,
}

impl Column {
    /// The key type of a column that can hold ids.
    #[must_use]
    pub fn key(&self) -> Option<KeyType> {
        match self.ty {
            ColumnType::Text if self.exact => Some(KeyType::Text),
            ColumnType::Integer => Some(KeyType::Integer),
            ColumnType::Uuid => Some(KeyType::Uuid),
            _ => None,
        }
    }
}

impl KeyType {
    /// The type that sets have in SQL.
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "bigint",
            Self::Uuid => "uuid",
        }
    }
}

impl Shapes {
    /// A column of a table.
    #[must_use]
    pub fn column(&self, table: &Qualified, column: &str) -> Option<&Column> {
        self.tables.get(table)?.get(column)
    }

    /// The foreign key that leads from a column of a table to a column of another one.
    pub(crate) fn reference(
        &self,
        (table, column): (&Qualified, &str),
        (to, to_column): (&Qualified, &str),
    ) -> Option<&ForeignKey> {
        let mut keys = self.references.get(table)?.iter();
        keys.find(|key| key.column == column && key.to == *to && key.to_column == to_column)
    }

    /// The key types of columns; `None` when one cannot hold ids.
    pub(crate) fn keys(&self, table: &Qualified, columns: &[String]) -> Option<Vec<KeyType>> {
        columns
            .iter()
            .map(|column| self.column(table, column)?.key())
            .collect()
    }
}
