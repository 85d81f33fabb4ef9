//! The warrant that a query reports with a row (docs/semantics.md, "The warrant of a row").

use rowgate_graph::{Edge, ObjectId, Symbol, WarrantId};
use rowgate_schema::ast::GroupOp;
use rustc_hash::FxHashSet;

use crate::eval::Evaluator;
use crate::program::Rule;
use crate::view::Node;
use crate::{EngineError, Value};

/// Which end of a `relation … on …` hop the row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowIs {
    /// The row is a resource: the edge warrant is reported.
    Resource,
    /// The row is a subject: the warrant at the far end is reported.
    Subject,
}

pub(crate) struct Witness<'e, 'a> {
    /// Answers with rules.
    pub(crate) evaluator: &'e mut Evaluator<'a>,
    /// Answers without.
    pub(crate) explicit: &'e mut Evaluator<'a>,
    pub(crate) row_is: RowIs,
    seen: FxHashSet<Node>,
    /// Hops from the row to where the search is.
    depth: usize,
}

impl<'e, 'a> Witness<'e, 'a> {
    pub(crate) fn new(
        evaluator: &'e mut Evaluator<'a>,
        explicit: &'e mut Evaluator<'a>,
        row_is: RowIs,
    ) -> Self {
        Self {
            evaluator,
            explicit,
            row_is,
            seen: FxHashSet::default(),
            depth: 0,
        }
    }

    /// The warrant for a (resource, relation) that holds; `None` when it holds by a policy or a `none_of` alone.
    pub(crate) fn of(
        &mut self,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Option<WarrantId>, EngineError> {
        if !self.seen.insert((object, relation)) {
            return Ok(None);
        }
        if let Some(edge) = self.direct(object, relation)? {
            return Ok(Some(edge.warrant()));
        }
        for explicit in [true, false] {
            for edge in self.evaluator.graph.subjects(object).of_with_second(relation) {
                let behind = if explicit {
                    &mut *self.explicit
                } else {
                    &mut *self.evaluator
                };
                let grants = behind.warrant_value(object, relation, edge)?.grants()
                    && behind.holds(edge.other(), edge.second())?.grants();
                if grants {
                    return Ok(Some(edge.warrant()));
                }
            }
        }
        match self.evaluator.rule_of(object, relation) {
            Some(rule) => {
                self.depth += 1;
                self.evaluator.within_depth(self.depth)?;
                let found = self.rule(rule, object, relation);
                self.depth -= 1;
                found
            }
            None => Ok(None),
        }
    }

    fn direct(&mut self, object: ObjectId, relation: Symbol) -> Result<Option<&'a Edge>, EngineError> {
        let evaluator = &mut *self.evaluator;
        let who = evaluator.who;
        let edges = evaluator.graph.subjects(object);
        let wildcard = evaluator.counting_wildcard();
        let by_wildcard = wildcard
            .into_iter()
            .flat_map(|wildcard| edges.to(relation, Symbol::NONE, wildcard));
        for edge in edges.to(relation, who.relation, who.object).chain(by_wildcard) {
            if evaluator.warrant_value(object, relation, edge)?.grants() {
                return Ok(Some(edge));
            }
        }
        Ok(None)
    }

    fn rule(
        &mut self,
        rule: &Rule,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Option<WarrantId>, EngineError> {
        if self.evaluator.rule_value(rule, object, relation)? != Value::True {
            return Ok(None);
        }
        match rule {
            Rule::Relation(other) => self.of(object, *other),
            Rule::On {
                relation: needed,
                edge,
                resource_type,
            } => {
                for edge in self.evaluator.far_ends(object, *edge, *resource_type) {
                    let grants = self.evaluator.warrant_value(object, relation, edge)?.grants()
                        && self.evaluator.holds(edge.other(), *needed)?.grants();
                    if !grants {
                        continue;
                    }
                    if self.row_is == RowIs::Resource {
                        return Ok(Some(edge.warrant()));
                    }
                    if let Some(warrant) = self.of(edge.other(), *needed)? {
                        return Ok(Some(warrant));
                    }
                }
                Ok(None)
            }
            Rule::Policy(_) | Rule::Group(GroupOp::NoneOf, _) => Ok(None),
            Rule::Group(_, rules) => {
                for rule in rules {
                    if let Some(warrant) = self.rule(rule, object, relation)? {
                        return Ok(Some(warrant));
                    }
                }
                Ok(None)
            }
        }
    }
}
