//! What the questions of one request have read so far.

use std::sync::Arc;

use hashbrown::Equivalent;
use rowgate_environment::Published;
use rowgate_environment::rows::{Row, WithRows};
use rowgate_rls::RowsStatement;

use super::Question;
use crate::{Error, Result};

/// What was read, by what it was read for.
pub(super) type Groups<'a> = hashbrown::HashMap<OwnKey, Group<'a>>;

/// Questions that read the same rows: about one relation of one type, by one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key<'q> {
    pub(super) resource_type: &'q str,
    pub(super) relation: &'q str,
    /// Edges that only matter when they name the subject are read when they name this one, as (type, id); without one, all are.
    pub(super) subject: Option<(&'q str, &'q str)>,
}

/// The same, to keep. It has the same hash.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OwnKey {
    resource_type: String,
    relation: String,
    subject: Option<(String, String)>,
}

#[derive(Default)]
pub(super) struct Group<'a> {
    /// One for each resource, in the order of their places.
    pub(super) read: Vec<Row>,
    /// What it was read with.
    pub(super) statements: Vec<Arc<RowsStatement>>,
    /// How many edges the rows have that were read.
    pub(super) edges: usize,
    /// The revision with what was read, until more is.
    pub(super) ready: Option<WithRows<'a>>,
}

impl<'q> Key<'q> {
    pub(super) fn of(question: &Question<'q>) -> Self {
        // A group, and a wildcard, can be met in other ways than by an edge that names it.
        let plain = question
            .subject
            .filter(|subject| subject.relation.is_none() && subject.id != "*");
        Self {
            resource_type: question.resource.0,
            relation: question.relation,
            subject: plain.map(|subject| (subject.resource_type, subject.id)),
        }
    }
}

impl From<&Key<'_>> for OwnKey {
    fn from(key: &Key<'_>) -> Self {
        let owned = |(resource_type, id): (&str, &str)| (resource_type.to_owned(), id.to_owned());
        Self {
            resource_type: key.resource_type.to_owned(),
            relation: key.relation.to_owned(),
            subject: key.subject.map(owned),
        }
    }
}

impl Equivalent<OwnKey> for Key<'_> {
    fn equivalent(&self, own: &OwnKey) -> bool {
        let subject = own.subject.as_ref();
        self.resource_type == own.resource_type
            && self.relation == own.relation
            && self.subject == subject.map(|(resource_type, id)| (resource_type.as_str(), id.as_str()))
    }
}

impl<'a> Group<'a> {
    pub(super) fn row(&self, of: (&str, &str)) -> Option<&Row> {
        find(&self.read, of)
    }

    /// Takes over what was read now. It takes the place of what was read of the same resources before.
    pub(super) fn take(&mut self, rows: Vec<Row>) {
        self.read.extend(rows);
        // What is newer stays behind what is older, and is kept.
        self.read.sort_by(|one, other| place(one).cmp(&place(other)));
        self.read.dedup_by(|newer, older| {
            let same = place(newer) == place(older);
            if same {
                std::mem::swap(newer, older);
            }
            same
        });
    }

    pub(super) fn with_rows(&mut self, published: &'a Published) -> Result<&WithRows<'a>> {
        let relations = self.statements.iter().flat_map(|statement| &statement.relations);
        let relations =
            relations.map(|(resource_type, relation)| (resource_type.as_str(), relation.as_str()));
        Ok(self
            .ready
            .insert(published.with_rows(&self.read, Some(relations))?))
    }
}

/// The rows of one statement in the order of their places. A row that lies beside several others is in it as often, and is the same each
/// time.
pub(super) fn distinct(mut rows: Vec<Row>) -> Result<Vec<Row>> {
    rows.sort_by(|one, other| place(one).cmp(&place(other)));
    rows.dedup();
    match rows.windows(2).find(|pair| place(&pair[0]) == place(&pair[1])) {
        Some(pair) => {
            let (resource_type, id) = place(&pair[0]);
            Err(Error::NotUnique(format!("`{resource_type}:{id}`")))
        }
        None => Ok(rows),
    }
}

/// Whose row it is, as (type, id).
fn place(row: &Row) -> (&str, &str) {
    (&row.resource_type, &row.resource_id)
}

/// A row among rows in the order of their places.
pub(super) fn find<'r>(rows: &'r [Row], of: (&str, &str)) -> Option<&'r Row> {
    let at = rows.binary_search_by(|row| place(row).cmp(&of)).ok()?;
    rows.get(at)
}

pub(super) fn edges_of(row: &Row) -> usize {
    row.found.as_ref().map_or(0, |found| found.edges.len())
}
