//! What the lines of a statement for rows hold.

use postgres::types::ToSql;
use serde_json::{Map, Value};

use super::statement::RowsStatement;

/// A row that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRow {
    /// Its type.
    pub resource_type: String,
    /// Its id.
    pub resource_id: String,
    /// Its edges.
    pub edges: Vec<ReadEdge>,
    /// Its attributes that are not null.
    pub attributes: Map<String, Value>,
}

/// An edge that a row stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadEdge {
    /// The relation.
    pub relation: String,
    /// The subject's type.
    pub subject_type: String,
    /// The subject's id.
    pub subject_id: String,
    /// The subject's relation, for a group.
    pub subject_relation: Option<String>,
}

/// Ids in the form in which a statement takes them, for `$1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// As they are.
    Texts(Vec<String>),
    /// Keys that are integers. What is none names no row.
    Integers(Vec<i64>),
}

/// The form of the ids that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Texts,
    Integers,
}

/// What a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lines {
    /// One row: type, id, edges (jsonb, a list of [relation, subject type, subject id, subject relation or ""]), attributes (jsonb object).
    Each,
    /// A row that was asked for, and beside it those that it leads to. Of each there is the id, or null where there is no row, and then what
    /// the part says.
    Beside(Vec<Part>),
}

/// The columns of one row, after its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) resource_type: String,
    /// One column for each.
    pub(super) edges: Vec<Edges>,
    /// Whether a column with the attributes follows.
    pub(super) has_attributes: bool,
}

/// A column that holds edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edges {
    /// The id of one subject, or null.
    One {
        relation: String,
        subject_type: String,
        subject_relation: Option<String>,
    },
    /// A list, as in [`Lines::Each`].
    List,
}

impl Ids {
    /// As a parameter.
    #[must_use]
    pub fn parameter(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Texts(ids) => ids,
            Self::Integers(ids) => ids,
        }
    }
}

impl RowsStatement {
    /// The ids that are asked for, for `$1`.
    pub fn ids<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> Ids {
        let ids = ids.into_iter();
        match self.asked {
            Asked::Texts => Ids::Texts(ids.map(str::to_owned).collect()),
            Asked::Integers => Ids::Integers(ids.filter_map(integer).collect()),
        }
    }

    /// Reads one line of the answer: the rows that it holds. `None` when it is not as the statement makes it.
    pub fn read(&self, line: &postgres::Row) -> Option<Vec<ReadRow>> {
        match &self.lines {
            Lines::Each => {
                let row = ReadRow {
                    resource_type: line.try_get(0).ok()?,
                    resource_id: line.try_get(1).ok()?,
                    edges: list(&line.try_get(2).ok()?)?,
                    attributes: object(line.try_get(3).ok()?)?,
                };
                Some(vec![row])
            }
            Lines::Beside(parts) => {
                let mut rows = Vec::with_capacity(parts.len());
                let mut at = 0;
                for part in parts {
                    rows.extend(part.read(line, at)?);
                    at += part.columns();
                }
                Some(rows)
            }
        }
    }
}

impl Part {
    /// How many columns it has, the id included.
    fn columns(&self) -> usize {
        1 + self.edges.len() + usize::from(self.has_attributes)
    }

    /// The row, if there is one. Its id is the column `at`.
    fn read(&self, line: &postgres::Row, at: usize) -> Option<Option<ReadRow>> {
        let Some(resource_id) = line.try_get::<_, Option<String>>(at).ok()? else {
            return Some(None);
        };
        let mut edges = Vec::with_capacity(self.edges.len());
        for (column, held) in (at + 1..).zip(&self.edges) {
            match held {
                Edges::List => edges.extend(list(&line.try_get(column).ok()?)?),
                Edges::One {
                    relation,
                    subject_type,
                    subject_relation,
                } => {
                    let subject: Option<String> = line.try_get(column).ok()?;
                    edges.extend(subject.map(|subject_id| ReadEdge {
                        relation: relation.clone(),
                        subject_type: subject_type.clone(),
                        subject_id,
                        subject_relation: subject_relation.clone(),
                    }));
                }
            }
        }
        let attributes = if self.has_attributes {
            object(line.try_get(at + self.columns() - 1).ok()?)?
        } else {
            Map::new()
        };
        Some(Some(ReadRow {
            resource_type: self.resource_type.clone(),
            resource_id,
            edges,
            attributes,
        }))
    }
}

/// An integer that is written as ids are: in decimal, without leading zeros.
fn integer(id: &str) -> Option<i64> {
    id.parse::<i64>().ok().filter(|number| number.to_string() == id)
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn list(value: &Value) -> Option<Vec<ReadEdge>> {
    value.as_array()?.iter().map(edge).collect()
}

fn edge(value: &Value) -> Option<ReadEdge> {
    let parts: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
    let [relation, subject_type, subject_id, subject_relation] = parts?[..] else {
        return None;
    };
    Some(ReadEdge {
        relation: relation.to_owned(),
        subject_type: subject_type.to_owned(),
        subject_id: subject_id.to_owned(),
        subject_relation: Some(subject_relation.to_owned()).filter(|relation| !relation.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_integers_as_ids_write_them_are_keys() {
        for id in ["0", "7", "-7", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(integer(id).map(|key| key.to_string()).as_deref(), Some(id));
        }
        for id in [
            "",
            "-0",
            "+7",
            "007",
            " 7",
            "7 ",
            "7.0",
            "9223372036854775808",
            "*",
            "١",
        ] {
            assert_eq!(integer(id), None, "{id}");
        }
    }
}
