//! `select RELATIONS of type TYPES for RESOURCE`: which subjects?
//!
//! Candidates are found by walking from the resource towards subjects along stored warrants and the drivers of rules.

use rowgate_graph::{Edge, ObjectId, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::EngineError;
use crate::drivers::Driver;
use crate::eval::Evaluator;
use crate::program::Rule;
use crate::view::Node;

/// What one walk from a resource found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Subjects named on the way, and whether the relation holds for them for certain.
    pub(crate) subjects: FxHashMap<ObjectId, bool>,
    /// Types of which a wildcard was met.
    pub(crate) wildcards: FxHashSet<Symbol>,
    /// The relation can hold for subjects that no warrant on the way names.
    pub(crate) anybody: bool,
}

/// Walks from `object # relation` along everything that can make it hold.
pub(crate) fn find(
    evaluator: &mut Evaluator<'_>,
    object: ObjectId,
    relation: Symbol,
) -> Result<Found, EngineError> {
    let mut found = Found::default();
    let mut seen: FxHashMap<Node, bool> = FxHashMap::default();
    let mut queue = vec![(object, relation, true)];
    while let Some((object, relation, exact)) = queue.pop() {
        evaluator.spend(1)?;
        let known = seen.get(&(object, relation)).copied();
        if known.is_some_and(|was_exact| was_exact || !exact) {
            continue;
        }
        seen.insert((object, relation), exact);
        if evaluator.by_row(evaluator.point(object, relation)).is_some() {
            continue;
        }
        let graph = evaluator.graph;
        for edge in graph.subjects(object).of(relation) {
            evaluator.spend(1)?;
            let certain = exact && edge.policy().is_none();
            if !edge.second().is_none() {
                queue.push((edge.other(), edge.second(), certain));
            } else if graph.is_wildcard(edge.other()) {
                found.wildcards.insert(graph.type_of(edge.other()));
            } else {
                *found.subjects.entry(edge.other()).or_insert(false) |= certain;
            }
        }
        if evaluator.mode.explicit {
            continue;
        }
        let Some(driven) = evaluator.program.relation(evaluator.type_of(object), relation) else {
            continue;
        };
        let exact = exact && driven.disjunctive;
        for driver in &driven.drivers {
            match *driver {
                Driver::Same(other) => queue.push((object, other, exact)),
                Driver::Over {
                    relation: needed,
                    edge,
                    resource_type,
                } => {
                    for edge in evaluator.far_ends(object, edge, resource_type) {
                        evaluator.spend(1)?;
                        queue.push((edge.other(), needed, exact && edge.policy().is_none()));
                    }
                }
                Driver::Every(None) => found.anybody = true,
                Driver::Every(Some(policy)) => {
                    found.anybody |= evaluator.schema_policy_can_hold(policy, object, relation)?;
                }
            }
        }
    }
    evaluator.all_read()?;
    Ok(found)
}

/// Whether nothing on the way from `object # relation` depends on who asks except by warrants.
pub(crate) fn is_uniform(
    evaluator: &mut Evaluator<'_>,
    object: ObjectId,
    relation: Symbol,
) -> Result<bool, EngineError> {
    let mut seen: FxHashSet<Node> = FxHashSet::default();
    let mut queue = vec![(object, relation)];
    while let Some((object, relation)) = queue.pop() {
        evaluator.spend(1)?;
        if !seen.insert((object, relation)) {
            continue;
        }
        if evaluator.by_row(evaluator.point(object, relation)).is_some() {
            continue;
        }
        let graph = evaluator.graph;
        for edge in graph.subjects(object).of(relation) {
            evaluator.spend(1)?;
            if evaluator.warrant_asks_who(edge) {
                return Ok(false);
            }
            if !edge.second().is_none() {
                queue.push((edge.other(), edge.second()));
            }
        }
        let Some(rule) = evaluator.rule_of(object, relation) else {
            continue;
        };
        if evaluator.asks_who(rule) {
            return Ok(false);
        }
        // Whether an edge that a rule follows asks who it is, and how many were looked at.
        let (mut conditional_edge, mut followed) = (false, 0);
        rule.walk(&mut |rule| match rule {
            Rule::Relation(other) => queue.push((object, *other)),
            Rule::On {
                relation: needed,
                edge,
                resource_type,
            } => {
                for edge in evaluator.far_ends(object, *edge, *resource_type) {
                    followed += 1;
                    conditional_edge |= evaluator.warrant_asks_who(edge);
                    queue.push((edge.other(), *needed));
                }
            }
            Rule::Policy(_) | Rule::Group(..) => {}
        });
        if conditional_edge {
            return Ok(false);
        }
        evaluator.spend(followed)?;
    }
    evaluator.all_read()?;
    Ok(true)
}

impl Evaluator<'_> {
    fn warrant_asks_who(&self, edge: &Edge) -> bool {
        let policy = self
            .graph
            .policy(edge.policy())
            .and_then(|policy| policy.compiled());
        policy.is_some_and(|policy| policy.uses().check_ctx)
    }

    fn schema_policy_can_hold(
        &mut self,
        policy: crate::program::PolicyIndex,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<bool, EngineError> {
        Ok(self.program.policy(policy).policy.uses().check_ctx
            || !self.policy_outcome(policy, object, relation)?.is_false())
    }
}
