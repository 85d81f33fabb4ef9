//! Equations that depend on themselves, as a start and linear steps: what one recursive query can compute.

use super::build::{About, Builder, negated_recursion};
use super::formula::{Edge, Formula};
use super::{Node, Predicate, simplify};
use crate::error::Refusal;

/// Relations that depend on each other.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    /// In order; the place is the number that rows of the recursive query carry.
    pub(crate) members: Vec<Member>,
}

/// One relation of a component.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) node: Node,
    /// What holds whatever the component's relations are.
    pub(crate) start: Predicate,
    /// What follows from a relation of the component.
    pub(crate) steps: Vec<Step>,
}

/// The member holds on an object when `from` holds on the object that the edge leads to, and the filter holds.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) from: Node,
    /// `None`: on the same object.
    pub(crate) edge: Option<Edge>,
    /// About the object of the member.
    pub(crate) filter: Predicate,
}

/// One way for a relation to hold: perhaps one step, and conditions.
struct Way {
    step: Option<(Node, Option<Edge>)>,
    conditions: Vec<Predicate>,
}

impl Builder<'_> {
    /// The component of a relation that depends on itself.
    pub(crate) fn component(&self, node: &Node) -> Result<Component, Refusal> {
        let members = self.graph.members(node).into_iter().map(|node| self.member(node));
        Ok(Component {
            members: members.collect::<Result<_, _>>()?,
        })
    }

    fn member(&self, node: Node) -> Result<Member, Refusal> {
        let formula = self
            .graph
            .formulas
            .get(&node)
            .cloned()
            .unwrap_or(Formula::Any(Vec::new()));
        let (mut start, mut steps) = (Vec::new(), Vec::new());
        for way in self.ways(&formula, &node)? {
            let condition = simplify::simplify(Predicate::All(way.conditions));
            match way.step {
                None => start.push(condition),
                Some((from, edge)) => steps.push(Step {
                    from,
                    edge,
                    filter: condition,
                }),
            }
        }
        let start = simplify::simplify(Predicate::Any(start));
        if self.about(&node) == About::Id && !can_be_listed(&start) {
            return Err(Refusal::new(
                "not_listable",
                node.name(),
                format!(
                    "`{}` depends on itself and also holds for resources that no warrant names",
                    node.name()
                ),
                "a `none_of` or a policy must stand in an `all_of` beside a relation that warrants grant",
            ));
        }
        Ok(Member { node, start, steps })
    }

    fn about(&self, node: &Node) -> About {
        if self.rules.is_bound_type(&node.resource_type) {
            About::Row
        } else {
            About::Id
        }
    }

    fn ways(&self, formula: &Formula, node: &Node) -> Result<Vec<Way>, Refusal> {
        if !self.recurs(formula, node) {
            let predicate = self.outside(formula, node)?;
            return Ok(vec![Way {
                step: None,
                conditions: vec![predicate],
            }]);
        }
        let step = |from: &Node, edge: Option<Edge>| {
            vec![Way {
                step: Some((from.clone(), edge)),
                conditions: Vec::new(),
            }]
        };
        match formula {
            Formula::Any(parts) => {
                let ways: Result<Vec<_>, _> = parts.iter().map(|part| self.ways(part, node)).collect();
                Ok(ways?.into_iter().flatten().collect())
            }
            Formula::All(parts) => self.linear(parts, node),
            Formula::Same(from) => Ok(step(from, None)),
            Formula::Via(edge, from) => Ok(step(from, Some(edge.clone()))),
            other => {
                let mut far = node.clone();
                other.references(&mut |reference, _| {
                    if self.graph.together(node, reference) {
                        far = reference.clone();
                    }
                });
                Err(negated_recursion(node, &far))
            }
        }
    }

    /// Of several conditions, one may lead back into the recursion; the others become filters.
    fn linear(&self, parts: &[Formula], node: &Node) -> Result<Vec<Way>, Refusal> {
        let (recursive, others): (Vec<&Formula>, Vec<&Formula>) =
            parts.iter().partition(|part| self.recurs(part, node));
        let [recursive] = recursive.as_slice() else {
            return Err(Refusal::new(
                "not_linear",
                node.name(),
                format!(
                    "an `all_of` of `{}` has several rules that depend on `{}` themselves",
                    node.name(),
                    node.name()
                ),
                "at most one rule of an `all_of` may lead back to the relation",
            ));
        };
        let mut conditions = Vec::new();
        for other in others {
            conditions.push(self.outside(other, node)?);
        }
        let mut ways = self.ways(recursive, node)?;
        for way in &mut ways {
            way.conditions.extend(conditions.iter().cloned());
        }
        Ok(ways)
    }

    /// A part that does not lead back, as a predicate about the object at hand.
    fn outside(&self, formula: &Formula, node: &Node) -> Result<Predicate, Refusal> {
        self.predicate(formula, node, self.about(node), &mut vec![node.clone()])
    }

    fn recurs(&self, formula: &Formula, node: &Node) -> bool {
        let mut found = false;
        formula.references(&mut |far, _| found |= self.graph.together(node, far));
        found
    }
}

/// Whether the ids for which a predicate holds can be listed.
pub(crate) fn can_be_listed(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::In(_) => true,
        Predicate::Any(parts) => parts.iter().all(can_be_listed),
        Predicate::All(parts) => parts.iter().any(can_be_listed),
        Predicate::Not(_) | Predicate::Mine(_) | Predicate::Through { .. } | Predicate::Policy { .. } => {
            false
        }
    }
}
