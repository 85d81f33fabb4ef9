//! Why an answer is unknown: the keys of every unknown policy that it depends on.

use std::collections::BTreeSet;

use rowgate_graph::{ObjectId, Symbol};
use rowgate_policy::Outcome;
use rustc_hash::FxHashSet;

use crate::eval::Evaluator;
use crate::program::Rule;
use crate::view::Node;
use crate::{EngineError, Value};

/// Keys that were missing, and what was wrong in words.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    pub(crate) keys: BTreeSet<String>,
    pub(crate) problems: BTreeSet<String>,
    seen: FxHashSet<Node>,
    /// Still to be looked at. Not a recursion: a short decision can depend on a chain longer than the stack.
    queue: Vec<Node>,
}

/// For a (resource, relation) whose value is unknown.
pub(crate) fn of(
    evaluator: &mut Evaluator<'_>,
    object: ObjectId,
    relation: Symbol,
) -> Result<Missing, EngineError> {
    let mut missing = Missing::default();
    missing.queue.push((object, relation));
    while let Some((object, relation)) = missing.queue.pop() {
        missing.node(evaluator, object, relation)?;
    }
    // It looked further than the decision had to.
    evaluator.all_read()?;
    Ok(missing)
}

impl Missing {
    fn add(&mut self, outcome: Outcome) {
        if let Outcome::Unknown(unknown) = outcome {
            self.keys.extend(unknown.keys);
            self.problems.insert(unknown.message);
        }
    }

    /// Adds what an unknown node depends on; a node with a definite value adds nothing.
    fn node(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<(), EngineError> {
        if evaluator.holds(object, relation)? != Value::Unknown || !self.seen.insert((object, relation)) {
            return Ok(());
        }
        let edges = evaluator.graph.subjects(object);
        let who = evaluator.who;
        for edge in edges.to(relation, who.relation, who.object) {
            self.add(evaluator.warrant_outcome(object, relation, edge)?);
        }
        if let Some(wildcard) = evaluator.counting_wildcard() {
            for edge in edges.to(relation, Symbol::NONE, wildcard) {
                self.add(evaluator.warrant_outcome(object, relation, edge)?);
            }
        }
        for edge in edges.of_with_second(relation) {
            self.hop(evaluator, (object, relation), edge, edge.second())?;
        }
        match evaluator.rule_of(object, relation) {
            Some(rule) => self.rule(evaluator, rule, object, relation),
            None => Ok(()),
        }
    }

    /// The smaller of a warrant and what lies behind it, when that is unknown.
    fn hop(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        (object, relation): Node,
        edge: &rowgate_graph::Edge,
        needed: Symbol,
    ) -> Result<(), EngineError> {
        let warrant = evaluator.warrant_value(object, relation, edge)?;
        if warrant.min(evaluator.holds(edge.other(), needed)?) == Value::Unknown {
            if warrant == Value::Unknown {
                self.add(evaluator.warrant_outcome(object, relation, edge)?);
            }
            self.queue.push((edge.other(), needed));
        }
        Ok(())
    }

    fn rule(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        rule: &Rule,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<(), EngineError> {
        if evaluator.rule_value(rule, object, relation)? != Value::Unknown {
            return Ok(());
        }
        match rule {
            Rule::Relation(other) => {
                self.queue.push((object, *other));
                Ok(())
            }
            Rule::On {
                relation: needed,
                edge,
                resource_type,
            } => {
                for edge in evaluator.far_ends(object, *edge, *resource_type) {
                    self.hop(evaluator, (object, relation), edge, *needed)?;
                }
                Ok(())
            }
            Rule::Policy(policy) => {
                self.add(evaluator.policy_outcome(*policy, object, relation)?);
                Ok(())
            }
            Rule::Group(_, rules) => rules
                .iter()
                .try_for_each(|rule| self.rule(evaluator, rule, object, relation)),
        }
    }
}
