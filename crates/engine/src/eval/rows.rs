//! What is decided, or left open, by whether the row of a resource is there.

use rowgate_graph::{ObjectId, Symbol};

use super::{Evaluator, Point};
use crate::{EngineError, Value};

impl Evaluator<'_> {
    /// The value of everything about a resource whose row is missing or was not read.
    #[inline]
    pub(crate) fn by_row(&mut self, point: Point<'_>) -> Option<Value> {
        let verdict = self
            .rows?
            .verdict(point.object, point.resource_type, point.relation)?;
        if verdict == Value::Unknown {
            self.unread.insert((point.resource_type, point.object));
        }
        Some(verdict)
    }

    /// The error that asks for the rows that were needed and not read.
    pub(crate) fn all_read(&self) -> Result<(), EngineError> {
        if self.unread.is_empty() {
            return Ok(());
        }
        let words = |(resource_type, object): &(Symbol, ObjectId)| {
            (
                self.graph.name(*resource_type).to_owned(),
                self.id_of(*object).to_owned(),
            )
        };
        let mut unread: Vec<(String, String)> = self.unread.iter().map(words).collect();
        unread.sort_unstable();
        Err(EngineError::Unread(unread))
    }

    /// Whether resources of the type are rows.
    pub(crate) fn is_bound(&self, resource_type: Symbol) -> bool {
        self.rows.is_some_and(|rows| rows.is_bound(resource_type))
    }

    /// Whether the resource exists as far as rows are concerned: it is of no bound type, or its row was read and is there.
    pub(crate) fn has_row(&mut self, object: ObjectId) -> bool {
        self.by_row(self.point(object, Symbol::NONE)).is_none()
    }

    /// Where the edges of a relation of the resource are, if rows hold them.
    pub(crate) fn place_of(&self, object: ObjectId, relation: Symbol) -> Option<&str> {
        self.rows?.place(self.type_of(object), relation)
    }

    /// Whether the resource is of a bound type and has no row.
    pub(crate) fn has_no_row(&self, object: ObjectId) -> bool {
        self.rows.is_some_and(|rows| rows.is_missing(object))
    }
}
