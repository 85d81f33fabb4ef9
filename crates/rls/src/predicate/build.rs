//! From an equation to a predicate about a row or an id.

use std::cell::Cell;

use super::formula::{Edge, Formula, Rules};
use super::graph::Graph;
use super::{Node, Predicate, Reading, Set, simplify};
use crate::error::Refusal;

/// The largest predicate, in parts. More would be more than a person can check.
const MAX_PARTS: usize = 5_000;

/// Builds the predicates of one relation and of everything it depends on.
#[derive(Debug)]
pub(crate) struct Builder<'r> {
    pub(crate) rules: &'r Rules,
    pub(crate) graph: Graph,
    /// The relation that is compiled.
    root: Node,
    parts: Cell<usize>,
}

/// What a formula is about while it is turned into a predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// A row of the bound type, with its columns.
    Row,
    /// A resource of an unbound type, by its id.
    Id,
}

impl<'r> Builder<'r> {
    pub(crate) fn new(rules: &'r Rules, resource_type: &str, relation: &str) -> Self {
        let root = rules.node(resource_type, relation, Reading::Must);
        Self {
            graph: Graph::of(rules, &root),
            rules,
            root,
            parts: Cell::new(0),
        }
    }

    /// What the relation means for the row at hand.
    pub(crate) fn row(&self) -> Result<Predicate, Refusal> {
        let root = self.root.clone();
        self.row_of(&root)
    }

    /// What a relation of a bound type means for its rows.
    pub(crate) fn row_of(&self, node: &Node) -> Result<Predicate, Refusal> {
        self.expand(node, About::Row, &mut Vec::new())
            .map(simplify::simplify)
    }

    /// What a relation means for a resource that is known by its id.
    pub(crate) fn id(&self, node: &Node) -> Result<Predicate, Refusal> {
        if self.graph.is_recursive(node) {
            return Ok(Predicate::In(Box::new(Set::Recursive(node.clone()))));
        }
        if self.rules.is_bound_type(&node.resource_type) {
            return Ok(Predicate::In(Box::new(Set::Rows(node.clone()))));
        }
        self.expand(node, About::Id, &mut Vec::new())
            .map(simplify::simplify)
    }

    /// The equation of a node, with the relations of the same object put in. A relation that is met again inside itself
    /// adds nothing: the least solution of `x = f(x)` for a single object is `f(false)`.
    fn expand(&self, node: &Node, about: About, inside: &mut Vec<Node>) -> Result<Predicate, Refusal> {
        if inside.contains(node) {
            return Ok(Predicate::FALSE);
        }
        let Some(formula) = self.graph.formulas.get(node) else {
            return Ok(Predicate::FALSE);
        };
        inside.push(node.clone());
        let predicate = self.predicate(formula, node, about, inside);
        inside.pop();
        predicate
    }

    /// A formula of `node` as a predicate.
    pub(crate) fn predicate(
        &self,
        formula: &Formula,
        node: &Node,
        about: About,
        inside: &mut Vec<Node>,
    ) -> Result<Predicate, Refusal> {
        self.count(node)?;
        let resource_type = node.resource_type.clone();
        Ok(match formula {
            Formula::Any(parts) => Predicate::Any(self.all(parts, node, about, inside)?),
            Formula::All(parts) => Predicate::All(self.all(parts, node, about, inside)?),
            Formula::Not(part) => {
                let mut bad = None;
                part.references(&mut |far, _| {
                    if self.graph.together(node, far) {
                        bad = Some(far.clone());
                    }
                });
                if let Some(far) = bad {
                    return Err(negated_recursion(node, &far));
                }
                Predicate::Not(Box::new(self.predicate(part, node, about, inside)?))
            }
            Formula::Mine(columns) => Predicate::Mine(columns.clone()),
            Formula::Joined(join) => set(Set::Joined {
                resource_type,
                join: join.clone(),
            }),
            Formula::Warrants { relation, reading } => set(Set::Warrants {
                resource_type,
                relations: vec![relation.clone()],
                reading: *reading,
            }),
            Formula::Strangers { relation, known } => set(Set::Strangers {
                resource_type,
                relation: relation.clone(),
                known: known.clone(),
            }),
            // Of an unbound type, a relation that depends on itself is a set of its own.
            Formula::Same(far) if about == About::Id && self.graph.is_recursive(far) => self.id(far)?,
            Formula::Same(far) => self.expand(far, about, inside)?,
            Formula::Via(edge, far) => self.via(edge, node, far)?,
            Formula::Policy {
                policy,
                relation,
                reading,
            } => Predicate::Policy {
                policy: policy.clone(),
                resource_type,
                relation: relation.clone(),
                reading: *reading,
            },
        })
    }

    fn all(
        &self,
        parts: &[Formula],
        node: &Node,
        about: About,
        inside: &mut Vec<Node>,
    ) -> Result<Vec<Predicate>, Refusal> {
        parts
            .iter()
            .map(|part| self.predicate(part, node, about, inside))
            .collect()
    }

    fn via(&self, edge: &Edge, node: &Node, far: &Node) -> Result<Predicate, Refusal> {
        let holds = Box::new(self.id(far)?);
        if *holds == Predicate::FALSE {
            return Ok(Predicate::FALSE);
        }
        let resource_type = node.resource_type.clone();
        let far = far.resource_type.clone();
        Ok(match edge {
            Edge::Columns(columns) => Predicate::Through {
                columns: columns.clone(),
                far,
                holds,
            },
            Edge::Join(join) => set(Set::JoinedThrough {
                resource_type,
                join: join.clone(),
                far,
                holds,
            }),
            Edge::Stored {
                relation,
                group,
                reading,
            } => set(Set::Edges {
                resource_type,
                relation: relation.clone(),
                far,
                group: group.clone(),
                reading: *reading,
                holds,
            }),
        })
    }

    fn count(&self, node: &Node) -> Result<(), Refusal> {
        self.parts.set(self.parts.get() + 1);
        if self.parts.get() <= MAX_PARTS {
            return Ok(());
        }
        let reason = format!(
            "the predicate of `{}` has more than {MAX_PARTS} parts",
            self.root.name()
        );
        Err(Refusal::new(
            "too_large",
            node.name(),
            reason,
            "relations that repeat each other many times can be named once and shared",
        ))
    }
}

fn set(set: Set) -> Predicate {
    Predicate::In(Box::new(set))
}

pub(crate) fn negated_recursion(node: &Node, far: &Node) -> Refusal {
    let reason = format!(
        "`{}` depends on itself through a `none_of` over `{}`",
        node.name(),
        far.name()
    );
    Refusal::new(
        "negated_recursion",
        node.name(),
        reason,
        "list in the relation's brackets which groups it accepts, or take the relation out of the `none_of`",
    )
}
