//! One equation per relation: what it follows from, with references to other relations left as references.

use rowgate_binding::{Resolved, Source, authz};
use rowgate_schema::Model;
use rowgate_schema::ast::{GroupOp, Rule};

use super::{Join, Node, Reading};

/// The right side of an equation, about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Formula {
    Any(Vec<Formula>),
    All(Vec<Formula>),
    Not(Box<Formula>),
    /// A column of the row is the subject.
    Mine(Vec<String>),
    /// A join table joins the object with the subject.
    Joined(Join),
    /// A stored warrant names the subject or everybody.
    Warrants {
        relation: String,
        reading: Reading,
    },
    /// A stored warrant names a group that is not known.
    Strangers {
        relation: String,
        known: Vec<(String, String)>,
    },
    /// Another relation on the same object.
    Same(Node),
    /// A relation on an object that an edge leads to.
    Via(Edge, Node),
    /// A schema policy.
    Policy {
        policy: String,
        relation: String,
        reading: Reading,
    },
}

/// How an edge is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edge {
    /// By columns of the row.
    Columns(Vec<String>),
    /// By a join table.
    Join(Join),
    /// By stored warrants of a relation, whose subject is a resource or the group `far#group`.
    Stored {
        relation: String,
        group: Option<String>,
        reading: Reading,
    },
}

impl Formula {
    /// Calls `visit` with every reference, and whether it stands in a negation.
    pub(crate) fn references<'f>(&'f self, visit: &mut impl FnMut(&'f Node, bool)) {
        self.walk(false, visit);
    }

    fn walk<'f>(&'f self, negated: bool, visit: &mut impl FnMut(&'f Node, bool)) {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().for_each(|part| part.walk(negated, visit)),
            Self::Not(part) => part.walk(true, visit),
            Self::Same(node) | Self::Via(_, node) => visit(node, negated),
            Self::Mine(_)
            | Self::Joined(_)
            | Self::Warrants { .. }
            | Self::Strangers { .. }
            | Self::Policy { .. } => {}
        }
    }
}

/// The schema and the bindings, seen by subjects of one type.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) model: Model,
    pub(crate) resolved: Resolved,
    pub(crate) subject_type: String,
}

impl Rules {
    /// The equation of a relation.
    pub(crate) fn formula(&self, node: &Node) -> Formula {
        let mut parts = if self.resolved.is_bound(&node.resource_type, &node.relation) {
            self.bound(node)
        } else {
            self.stored(node)
        };
        let def = self.model.relation(&node.resource_type, &node.relation);
        if let Some(rule) = def.and_then(|def| def.rule.as_ref()) {
            parts.push(self.rule(rule, node, node.reading));
        }
        Formula::Any(parts)
    }

    fn bound(&self, node: &Node) -> Vec<Formula> {
        let sources = self.resolved.sources(&node.resource_type, &node.relation);
        let part = |source: &Source| match &source.relation {
            Some(group) => {
                let far = self.node(&source.resource_type, group, node.reading);
                Some(Formula::Via(edge_of(source), far))
            }
            None if source.resource_type == self.subject_type => Some(match &source.join {
                None => Formula::Mine(source.columns.clone()),
                Some(table) => Formula::Joined(Join {
                    table: table.clone(),
                    columns: source.columns.clone(),
                }),
            }),
            // An edge to a resource that is not the subject.
            None => None,
        };
        sources.iter().filter_map(part).collect()
    }

    fn stored(&self, node: &Node) -> Vec<Formula> {
        let (relation, reading) = (node.relation.clone(), node.reading);
        if self.never_stored(node) {
            return Vec::new();
        }
        let groups = self.groups(&node.resource_type, &node.relation);
        let mut parts = Vec::new();
        // What would take something away is looked at all the same.
        if reading == Reading::May || self.may_name_the_subject(node) {
            parts.push(Formula::Warrants {
                relation: relation.clone(),
                reading,
            });
        }
        for (far, group) in &groups {
            let edge = Edge::Stored {
                relation: relation.clone(),
                group: Some(group.clone()),
                reading,
            };
            parts.push(Formula::Via(edge, self.node(far, group, reading)));
        }
        if reading == Reading::May {
            parts.push(Formula::Strangers {
                relation,
                known: groups,
            });
        }
        parts
    }

    /// Whether a relation has no warrants, ever: it is computed, and of a type that only the authorization API or the bindings write to.
    fn never_stored(&self, node: &Node) -> bool {
        let def = self.model.relation(&node.resource_type, &node.relation);
        let computed = def.is_some_and(|def| def.allowed.as_ref().is_some_and(Vec::is_empty));
        let table = self.resolved.table_of_type(&node.resource_type);
        computed
            && (authz::is_reserved(&node.resource_type)
                || table.is_some_and(|table| !table.parents.is_empty()))
    }

    /// Whether stored warrants of a relation may name the subject. Where its brackets do not accept subjects of that type there can be some
    /// from before, except where rows depend on it: `apply` refuses while there are any, and the server refuses to import them.
    fn may_name_the_subject(&self, node: &Node) -> bool {
        let (resource_type, relation) = (&node.resource_type, &node.relation);
        let dependencies = self.resolved.dependencies();
        let is_kept_clean = !authz::is_reserved(resource_type)
            && dependencies
                .iter()
                .any(|guard| guard.contains(resource_type, relation));
        !is_kept_clean
            || self
                .model
                .accepts(resource_type, relation, &self.subject_type, None, false)
    }

    /// The groups that warrants of a relation may name.
    pub(crate) fn groups(&self, resource_type: &str, relation: &str) -> Vec<(String, String)> {
        rowgate_binding::accepted_groups(&self.model, resource_type, relation)
    }

    fn rule(&self, rule: &Rule, node: &Node, reading: Reading) -> Formula {
        match rule {
            Rule::Relation { relation } => {
                Formula::Same(self.node(&node.resource_type, &relation.text, reading))
            }
            Rule::On {
                relation,
                edge,
                resource_type,
            } => self.on(
                node,
                &edge.text,
                &self.node(&resource_type.text, &relation.text, reading),
            ),
            Rule::Policy { policy } => Formula::Policy {
                policy: policy.text.clone(),
                relation: node.relation.clone(),
                reading,
            },
            Rule::Group { op, rules, .. } => {
                let parts = |reading| rules.iter().map(|rule| self.rule(rule, node, reading)).collect();
                match op {
                    GroupOp::AnyOf => Formula::Any(parts(reading)),
                    GroupOp::AllOf => Formula::All(parts(reading)),
                    GroupOp::NoneOf => Formula::Not(Box::new(Formula::Any(parts(reading.flip())))),
                }
            }
        }
    }

    /// `relation far on edge [type]`: over the edges that are held, and not over the edge relation's own rule.
    fn on(&self, node: &Node, edge: &str, far: &Node) -> Formula {
        let sources = self.resolved.sources(&node.resource_type, edge);
        let on_row = authz::is_reserved(&node.resource_type) && self.is_bound_type(&node.resource_type);
        if on_row && edge == authz::relation::GRANT {
            // No role is assigned on a row.
            return Formula::Any(Vec::new());
        }
        if sources.is_empty() {
            let stored = Edge::Stored {
                relation: edge.to_owned(),
                group: None,
                reading: far.reading,
            };
            return Formula::Via(stored, far.clone());
        }
        let leads_there =
            |source: &&Source| source.relation.is_none() && source.resource_type == far.resource_type;
        let parts = sources
            .iter()
            .filter(leads_there)
            .map(|source| Formula::Via(edge_of(source), far.clone()));
        Formula::Any(parts.collect())
    }

    pub(crate) fn node(&self, resource_type: &str, relation: &str, reading: Reading) -> Node {
        Node {
            resource_type: resource_type.to_owned(),
            relation: relation.to_owned(),
            reading,
        }
    }

    pub(crate) fn is_bound_type(&self, resource_type: &str) -> bool {
        self.resolved.table_of_type(resource_type).is_some()
    }
}

fn edge_of(source: &Source) -> Edge {
    match &source.join {
        None => Edge::Columns(source.columns.clone()),
        Some(table) => Edge::Join(Join {
            table: table.clone(),
            columns: source.columns.clone(),
        }),
    }
}
