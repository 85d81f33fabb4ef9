//! The decision tree: how a check came out, with the reason for each no.
//!
//! The tree is read off the evaluator's values, so it cannot disagree with the decision. A yes shows what decided it; a no and an
//! unknown show everything that was tried.

use rowgate_graph::{Edge, ObjectId, Symbol};
use rowgate_policy::Outcome;
use rowgate_schema::ast::GroupOp;
use rustc_hash::FxHashSet;

use crate::eval::{Evaluator, Start};
use crate::program::Rule;
use crate::view::Node as Place;
use crate::{Ambient, Check, EngineError, Value, View};

/// Most nodes in one tree; what lies beyond is left out and [`Explanation::truncated`] says so.
pub const MAX_NODES: usize = 5_000;

/// A decision tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The requested check.
    pub root: Node,
    /// Whether part of the tree was left out because it is too large.
    pub truncated: bool,
}

/// One step of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What was asked here.
    pub step: Step,
    /// How it came out.
    pub value: Value,
    /// For a no or an unknown without children: why.
    pub reason: Option<String>,
    /// Time spent here and below, by the clock given, in its units.
    pub time: u64,
    /// What it was decided by.
    pub children: Vec<Node>,
}

/// A tuple in words: a check or a warrant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Type of the resource.
    pub resource_type: String,
    /// Id of the resource.
    pub resource_id: String,
    /// Relation.
    pub relation: String,
    /// Type of the subject.
    pub subject_type: String,
    /// Id of the subject.
    pub subject_id: String,
    /// Relation of the subject, for a group.
    pub subject_relation: Option<String>,
}

/// What a node of the tree asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Does the subject have the relation?
    Check(Words),
    /// Is there this warrant, and does its policy hold? The children are what has to hold behind it.
    Warrant {
        /// The stored warrant.
        warrant: Words,
        /// Its policy.
        policy: Option<String>,
    },
    /// `any_of`, `all_of`, `none_of` over the children.
    Operator(GroupOp),
    /// A policy of the schema.
    Policy {
        /// Its name.
        name: String,
        /// Its expression.
        expression: String,
    },
    /// A rule over an edge that no stored warrant provides.
    NoEdge {
        /// Type of the resource.
        resource_type: String,
        /// Id of the resource.
        resource_id: String,
        /// The edge's relation.
        relation: String,
        /// The type wanted at its far end.
        subject_type: String,
    },
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { resource_type, resource_id, relation, subject_type, subject_id, .. } = self;
        write!(f, "{resource_type}:{resource_id}#{relation}@{subject_type}:{subject_id}")?;
        self.subject_relation.as_ref().map_or(Ok(()), |relation| write!(f, "#{relation}"))
    }
}

impl View<'_> {
    /// The decision tree of a check. `clock` is read around each node; any unit will do.
    ///
    /// # Errors
    /// As [`View::check`].
    pub fn explain(
        &self,
        check: &Check<'_>,
        ambient: &Ambient<'_>,
        clock: &dyn Fn() -> u64,
    ) -> Result<Explanation, EngineError> {
        let resource_type = self.known_type(check.resource_type)?;
        let Some(relation) = self.graph.symbol(check.relation) else {
            let words = Words::of_check(check);
            let reason = Some(format!("type `{}` has no relation `{}`", check.resource_type, check.relation));
            let root = Node { step: Step::Check(words), value: Value::False, reason, time: 0, children: vec![] };
            return Ok(Explanation { root, truncated: false });
        };
        let object = self.graph.find(resource_type, check.resource_id);
        let mut evaluator = self.evaluator(ambient, check.subject, Start { resource_type, id: check.resource_id });
        evaluator.holds(object, relation)?;
        let mut tree = Tree {
            evaluator: &mut evaluator,
            clock,
            path: Vec::new(),
            shown: FxHashSet::default(),
            nodes: 0,
            depth: self.limits.depth as usize,
            truncated: false,
        };
        let root = tree.check(object, relation)?;
        Ok(Explanation { root, truncated: tree.truncated })
    }
}

struct Tree<'e, 'a> {
    evaluator: &'e mut Evaluator<'a>,
    clock: &'e dyn Fn() -> u64,
    path: Vec<Place>,
    shown: FxHashSet<Place>,
    nodes: usize,
    depth: usize,
    truncated: bool,
}

impl Tree<'_, '_> {
    fn check(&mut self, object: ObjectId, relation: Symbol) -> Result<Node, EngineError> {
        let started = (self.clock)();
        let value = self.evaluator.holds(object, relation)?;
        self.nodes += 1;
        let words = self.words_of_check(object, relation);
        let mut node = Node { step: Step::Check(words), value, reason: None, time: 0, children: Vec::new() };
        if self.path.contains(&(object, relation)) {
            node.reason = Some("already being decided further up: a cycle adds nothing".into());
        } else if !self.shown.insert((object, relation)) {
            node.reason = Some("shown above".into());
        } else if self.nodes >= MAX_NODES || self.path.len() >= self.depth {
            self.truncated = true;
            node.reason = Some("left out: the tree is too large".into());
        } else {
            self.path.push((object, relation));
            node.children = self.reasons(object, relation)?;
            self.path.pop();
            node.children = decisive(node.children, value);
            if node.children.is_empty() && value == Value::False {
                node.reason = Some(self.no_warrant(object, relation));
            }
        }
        node.time = (self.clock)().saturating_sub(started);
        Ok(node)
    }

    /// Everything that could make (object, relation) hold.
    fn reasons(&mut self, object: ObjectId, relation: Symbol) -> Result<Vec<Node>, EngineError> {
        let (graph, who) = (self.evaluator.graph, self.evaluator.who);
        let edges = graph.subjects(object);
        let mut children = Vec::new();
        for edge in edges.to(relation, who.relation, who.object) {
            children.push(self.warrant(object, relation, edge, None)?);
        }
        if let Some(wildcard) = self.evaluator.counting_wildcard() {
            for edge in edges.to(relation, Symbol::NONE, wildcard) {
                children.push(self.warrant(object, relation, edge, None)?);
            }
        }
        for edge in edges.of_with_second(relation) {
            if self.nodes >= MAX_NODES {
                self.truncated = true;
                break;
            }
            children.push(self.warrant(object, relation, edge, Some(edge.second()))?);
        }
        if let Some(rule) = self.evaluator.rule_of(object, relation) {
            self.rule(rule, object, relation, &mut children)?;
        }
        Ok(children)
    }

    /// A stored warrant, with what must hold at its other end.
    fn warrant(
        &mut self,
        object: ObjectId,
        relation: Symbol,
        edge: &Edge,
        needed: Option<Symbol>,
    ) -> Result<Node, EngineError> {
        let started = (self.clock)();
        self.nodes += 1;
        let own = self.evaluator.warrant_value(object, relation, edge);
        let policy = self.evaluator.graph.policy(edge.policy()).map(|policy| policy.text().to_owned());
        let reason = match own {
            Value::True => None,
            _ => self.evaluator.with_warrant_env(object, relation, edge, |policy, env| policy.explain(env).reason).flatten(),
        };
        let mut node = Node {
            step: Step::Warrant { warrant: self.words_of_warrant(edge), policy },
            value: own,
            reason,
            time: 0,
            children: Vec::new(),
        };
        if let (Some(needed), true) = (needed, own != Value::False) {
            let behind = self.check(edge.other(), needed)?;
            node.value = own.min(behind.value);
            node.children.push(behind);
        }
        node.time = (self.clock)().saturating_sub(started);
        Ok(node)
    }

    fn rule(
        &mut self,
        rule: &Rule,
        object: ObjectId,
        relation: Symbol,
        out: &mut Vec<Node>,
    ) -> Result<(), EngineError> {
        let started = (self.clock)();
        match rule {
            Rule::Relation(other) => out.push(self.check(object, *other)?),
            Rule::On { relation: needed, edge, resource_type } => {
                let before = out.len();
                for edge in self.evaluator.far_ends(object, *edge, *resource_type) {
                    out.push(self.warrant(object, relation, edge, Some(*needed))?);
                }
                if out.len() == before {
                    out.push(self.no_edge(object, *edge, *resource_type));
                }
            }
            Rule::Policy(index) => {
                self.nodes += 1;
                let named = self.evaluator.program.policy(*index);
                let explanation = named.policy.explain(&self.evaluator.env(object, relation, None));
                let step = Step::Policy { name: named.name.clone(), expression: named.policy.source().to_owned() };
                let value = Value::from(&explanation.outcome);
                let reason = match &explanation.outcome {
                    Outcome::Unknown(unknown) => Some(unknown.message.clone()),
                    Outcome::True | Outcome::False => explanation.reason,
                };
                let time = (self.clock)().saturating_sub(started);
                out.push(Node { step, value, reason, time, children: Vec::new() });
            }
            Rule::Group(op, rules) => {
                self.nodes += 1;
                let value = self.evaluator.rule_value(rule, object, relation)?;
                let mut children = Vec::new();
                for rule in rules {
                    self.rule(rule, object, relation, &mut children)?;
                }
                if *op == GroupOp::AnyOf || (*op == GroupOp::NoneOf && value == Value::False) {
                    children = decisive(children, if *op == GroupOp::AnyOf { value } else { Value::True });
                }
                let time = (self.clock)().saturating_sub(started);
                out.push(Node { step: Step::Operator(*op), value, reason: None, time, children });
            }
        }
        Ok(())
    }

    fn no_edge(&mut self, object: ObjectId, edge: Symbol, resource_type: Symbol) -> Node {
        self.nodes += 1;
        let graph = self.evaluator.graph;
        let step = Step::NoEdge {
            resource_type: graph.name(self.evaluator.type_of(object)).to_owned(),
            resource_id: self.evaluator.id_of(object).to_owned(),
            relation: graph.name(edge).to_owned(),
            subject_type: graph.name(resource_type).to_owned(),
        };
        let words = self.words_of_check(object, edge);
        let reason = format!(
            "no warrant `{}:{}#{}@{}:…`",
            words.resource_type,
            words.resource_id,
            words.relation,
            graph.name(resource_type)
        );
        Node { step, value: Value::False, reason: Some(reason), time: 0, children: Vec::new() }
    }

    fn no_warrant(&self, object: ObjectId, relation: Symbol) -> String {
        let words = self.words_of_check(object, relation);
        let declared = self.evaluator.program.relation(self.evaluator.type_of(object), relation).is_some();
        if declared {
            format!("no warrant `{words}`")
        } else {
            format!("type `{}` has no relation `{}`", words.resource_type, words.relation)
        }
    }

    fn words_of_check(&self, object: ObjectId, relation: Symbol) -> Words {
        let (graph, who) = (self.evaluator.graph, self.evaluator.who.words);
        Words {
            resource_type: graph.name(self.evaluator.type_of(object)).to_owned(),
            resource_id: self.evaluator.id_of(object).to_owned(),
            relation: graph.name(relation).to_owned(),
            subject_type: who.resource_type.to_owned(),
            subject_id: who.id.to_owned(),
            subject_relation: who.relation.map(str::to_owned),
        }
    }

    fn words_of_warrant(&self, edge: &Edge) -> Words {
        let graph = self.evaluator.graph;
        let row = graph.warrant(edge.warrant());
        let name = |symbol: Option<Symbol>| symbol.map_or("", |symbol| graph.name(symbol)).to_owned();
        let id = |object: Option<ObjectId>| object.map_or("", |object| graph.id_of(object)).to_owned();
        let group = row.map(|row| row.subject_relation).filter(|relation| !relation.is_none());
        Words {
            resource_type: name(row.map(|row| graph.type_of(row.resource))),
            resource_id: id(row.map(|row| row.resource)),
            relation: name(row.map(|row| row.relation)),
            subject_type: name(row.map(|row| graph.type_of(row.subject))),
            subject_id: id(row.map(|row| row.subject)),
            subject_relation: group.map(|relation| graph.name(relation).to_owned()),
        }
    }
}

/// Of the alternatives of a yes, the one that decided it; otherwise all of them.
fn decisive(children: Vec<Node>, value: Value) -> Vec<Node> {
    match children.iter().position(|child| child.value == Value::True) {
        Some(at) if value == Value::True => children.into_iter().nth(at).into_iter().collect(),
        _ => children,
    }
}

impl Words {
    fn of_check(check: &Check<'_>) -> Self {
        Self {
            resource_type: check.resource_type.to_owned(),
            resource_id: check.resource_id.to_owned(),
            relation: check.relation.to_owned(),
            subject_type: check.subject.resource_type.to_owned(),
            subject_id: check.subject.id.to_owned(),
            subject_relation: check.subject.relation.map(str::to_owned),
        }
    }
}
