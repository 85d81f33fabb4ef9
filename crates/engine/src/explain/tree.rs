//! Building the tree.

use rowgate_graph::{Edge, ObjectId, Symbol};
use rowgate_schema::ast::GroupOp;
use rustc_hash::FxHashSet;

use super::{Node, Step, Words};
use crate::eval::Evaluator;
use crate::program::{PolicyIndex, Rule};
use crate::view::Node as Place;
use crate::{EngineError, Value};

pub(super) struct Tree<'e, 'a> {
    pub(super) evaluator: &'e mut Evaluator<'a>,
    pub(super) clock: &'e dyn Fn() -> u64,
    pub(super) path: Vec<Place>,
    pub(super) shown: FxHashSet<Place>,
    pub(super) nodes: usize,
    /// So many nodes at most.
    pub(super) most: usize,
    pub(super) depth: usize,
    pub(super) truncated: bool,
}

impl<'a> Tree<'_, 'a> {
    /// The node of a check: for a yes what proves it, otherwise everything that was tried.
    pub(super) fn check(&mut self, object: ObjectId, relation: Symbol) -> Result<Node, EngineError> {
        let value = self.evaluator.holds(object, relation)?;
        if value == Value::True
            && let Some(node) = self.proof(object, relation)?
        {
            return Ok(node);
        }
        self.attempts(object, relation, value)
    }

    fn node(&mut self, step: Step, value: Value, started: u64, children: Vec<Node>) -> Node {
        self.nodes += 1 + text_of(&step) / 256;
        let time = (self.clock)().saturating_sub(started);
        Node {
            step,
            value,
            reason: None,
            time,
            children,
        }
    }

    /// A leaf for a check that is not followed (again), if it is one.
    fn leaf(&mut self, object: ObjectId, relation: Symbol, value: Value) -> Option<Node> {
        let reason = if self.path.contains(&(object, relation)) {
            "already being decided further up: a cycle adds nothing"
        } else if self.shown.contains(&(object, relation)) {
            "shown above"
        } else if self.nodes >= self.most || self.path.len() >= self.depth {
            self.truncated = true;
            "left out: the tree is too large"
        } else {
            return None;
        };
        let step = Step::Check(self.words_of_check(object, relation));
        let started = (self.clock)();
        let mut node = self.node(step, value, started, Vec::new());
        node.reason = Some(reason.into());
        Some(node)
    }

    /// What proves a yes; `None` when, from where the path stands, only a cycle would.
    fn proof(&mut self, object: ObjectId, relation: Symbol) -> Result<Option<Node>, EngineError> {
        if self.path.contains(&(object, relation)) {
            return Ok(None);
        }
        if let Some(leaf) = self.leaf(object, relation, Value::True) {
            return Ok(Some(leaf));
        }
        let started = (self.clock)();
        self.path.push((object, relation));
        let child = self.deciding(object, relation)?;
        self.path.pop();
        let Some(child) = child else { return Ok(None) };
        self.shown.insert((object, relation));
        let step = Step::Check(self.words_of_check(object, relation));
        Ok(Some(self.node(step, Value::True, started, vec![child])))
    }

    /// The first thing that makes (object, relation) hold.
    fn deciding(&mut self, object: ObjectId, relation: Symbol) -> Result<Option<Node>, EngineError> {
        let edges = self.evaluator.graph.subjects(object);
        for edge in self.direct_edges(object, relation) {
            if self.evaluator.warrant_value(object, relation, edge)?.grants() {
                return self.warrant(object, relation, edge, None).map(Some);
            }
        }
        for edge in edges.of_with_second(relation) {
            if let Some(node) = self.proof_over(object, relation, edge, edge.second())? {
                return Ok(Some(node));
            }
        }
        match self.evaluator.rule_of(object, relation) {
            Some(rule) => self.proof_by_rule(rule, object, relation),
            None => Ok(None),
        }
    }

    /// The warrants that name the subject or its wildcard.
    fn direct_edges(&self, object: ObjectId, relation: Symbol) -> Vec<&'a Edge> {
        let (edges, who) = (self.evaluator.graph.subjects(object), self.evaluator.who);
        let wildcard = self.evaluator.counting_wildcard();
        let by_wildcard = wildcard.into_iter();
        let by_wildcard = by_wildcard.flat_map(|wildcard| edges.to(relation, Symbol::NONE, wildcard));
        edges
            .to(relation, who.relation, who.object)
            .chain(by_wildcard)
            .collect()
    }

    /// A warrant that leads to something that holds.
    fn proof_over(
        &mut self,
        object: ObjectId,
        relation: Symbol,
        edge: &Edge,
        needed: Symbol,
    ) -> Result<Option<Node>, EngineError> {
        let started = (self.clock)();
        let grants = self.evaluator.warrant_value(object, relation, edge)?.grants()
            && self.evaluator.holds(edge.other(), needed)?.grants();
        if !grants {
            return Ok(None);
        }
        let Some(behind) = self.proof(edge.other(), needed)? else {
            return Ok(None);
        };
        let step = self.step_of_warrant(edge);
        Ok(Some(self.node(step, Value::True, started, vec![behind])))
    }

    fn proof_by_rule(
        &mut self,
        rule: &Rule,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Option<Node>, EngineError> {
        if !self.evaluator.rule_value(rule, object, relation)?.grants() {
            return Ok(None);
        }
        let started = (self.clock)();
        match rule {
            Rule::Relation(other) => self.proof(object, *other),
            Rule::On {
                relation: needed,
                edge,
                resource_type,
            } => {
                for edge in self.evaluator.far_ends(object, *edge, *resource_type) {
                    if let Some(node) = self.proof_over(object, relation, edge, *needed)? {
                        return Ok(Some(node));
                    }
                }
                Ok(None)
            }
            Rule::Policy(policy) => self.policy(*policy, object, relation).map(Some),
            Rule::Group(GroupOp::AnyOf, rules) => {
                for rule in rules {
                    // What a failed proof has shown is not in the tree.
                    let shown = self.shown.clone();
                    if let Some(child) = self.proof_by_rule(rule, object, relation)? {
                        let step = Step::Operator(GroupOp::AnyOf);
                        return Ok(Some(self.node(step, Value::True, started, vec![child])));
                    }
                    self.shown = shown;
                }
                Ok(None)
            }
            Rule::Group(GroupOp::AllOf, rules) => {
                let mut children = Vec::with_capacity(rules.len());
                for rule in rules {
                    match self.proof_by_rule(rule, object, relation)? {
                        Some(child) => children.push(child),
                        None => return Ok(None),
                    }
                }
                Ok(Some(self.node(
                    Step::Operator(GroupOp::AllOf),
                    Value::True,
                    started,
                    children,
                )))
            }
            Rule::Group(GroupOp::NoneOf, _) => {
                let mut children = Vec::new();
                self.attempt(rule, object, relation, &mut children)?;
                Ok(children.pop())
            }
        }
    }

    /// Everything that was tried for a no or an unknown.
    fn attempts(&mut self, object: ObjectId, relation: Symbol, value: Value) -> Result<Node, EngineError> {
        if let Some(leaf) = self.leaf(object, relation, value) {
            return Ok(leaf);
        }
        let started = (self.clock)();
        if self.evaluator.has_no_row(object) {
            let words = self.words_of_check(object, relation);
            let reason = format!(
                "there is no row for `{}:{}`",
                words.resource_type, words.resource_id
            );
            let mut node = self.node(Step::Check(words), value, started, Vec::new());
            node.reason = Some(reason);
            return Ok(node);
        }
        self.path.push((object, relation));
        self.shown.insert((object, relation));
        let mut children = Vec::new();
        for edge in self.direct_edges(object, relation) {
            if self.nodes >= self.most {
                self.truncated = true;
                break;
            }
            children.push(self.warrant(object, relation, edge, None)?);
        }
        for edge in self.evaluator.graph.subjects(object).of_with_second(relation) {
            if self.nodes >= self.most {
                self.truncated = true;
                break;
            }
            children.push(self.warrant(object, relation, edge, Some(edge.second()))?);
        }
        if let Some(rule) = self.evaluator.rule_of(object, relation) {
            self.attempt(rule, object, relation, &mut children)?;
        }
        self.path.pop();
        let reason = children.is_empty().then(|| self.no_warrant(object, relation));
        let step = Step::Check(self.words_of_check(object, relation));
        let mut node = self.node(step, value, started, children);
        node.reason = reason;
        Ok(node)
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
        let own = self.evaluator.warrant_value(object, relation, edge)?;
        let reason = match own {
            Value::True => None,
            _ => self.evaluator.warrant_reason(object, relation, edge)?,
        };
        let mut value = own;
        let mut children = Vec::new();
        if let (Some(needed), true) = (needed, own != Value::False) {
            let behind = self.check(edge.other(), needed)?;
            value = own.min(behind.value);
            children.push(behind);
        }
        let step = self.step_of_warrant(edge);
        let mut node = self.node(step, value, started, children);
        node.reason = reason;
        Ok(node)
    }

    /// A rule with all that it consists of; where one part decides against it, that part alone.
    fn attempt(
        &mut self,
        rule: &Rule,
        object: ObjectId,
        relation: Symbol,
        out: &mut Vec<Node>,
    ) -> Result<(), EngineError> {
        let started = (self.clock)();
        match rule {
            Rule::Relation(other) => out.push(self.check(object, *other)?),
            Rule::On {
                relation: needed,
                edge,
                resource_type,
            } => {
                let before = out.len();
                for edge in self.evaluator.far_ends(object, *edge, *resource_type) {
                    if self.nodes >= self.most {
                        self.truncated = true;
                        break;
                    }
                    out.push(self.warrant(object, relation, edge, Some(*needed))?);
                }
                if out.len() == before {
                    out.push(self.no_edge(object, *edge, *resource_type));
                }
            }
            Rule::Policy(policy) => out.push(self.policy(*policy, object, relation)?),
            Rule::Group(op, rules) => {
                let value = self.evaluator.rule_value(rule, object, relation)?;
                let mut children = Vec::new();
                for rule in rules {
                    let decides = *op == GroupOp::NoneOf && value == Value::False;
                    if decides && !self.evaluator.rule_value(rule, object, relation)?.grants() {
                        continue;
                    }
                    self.attempt(rule, object, relation, &mut children)?;
                    if decides {
                        break;
                    }
                }
                out.push(self.node(Step::Operator(*op), value, started, children));
            }
        }
        Ok(())
    }

    fn policy(
        &mut self,
        policy: PolicyIndex,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Node, EngineError> {
        let started = (self.clock)();
        let named = self.evaluator.program.policy(policy);
        let explanation = self.evaluator.policy_explanation(policy, object, relation)?;
        let step = Step::Policy {
            name: named.name.clone(),
            expression: named.policy.source().to_owned(),
        };
        let value = Value::from(&explanation.outcome);
        let mut node = self.node(step, value, started, Vec::new());
        node.reason = explanation.reason;
        Ok(node)
    }

    fn no_edge(&mut self, object: ObjectId, edge: Symbol, resource_type: Symbol) -> Node {
        let started = (self.clock)();
        let graph = self.evaluator.graph;
        let step = Step::NoEdge {
            resource_type: graph.name(self.evaluator.type_of(object)).to_owned(),
            resource_id: self.evaluator.id_of(object).to_owned(),
            relation: graph.name(edge).to_owned(),
            subject_type: graph.name(resource_type).to_owned(),
        };
        let words = self.words_of_check(object, edge);
        let edge_in_words = format!(
            "`{}:{}#{}@{}:…`",
            words.resource_type,
            words.resource_id,
            words.relation,
            graph.name(resource_type)
        );
        let reason = match self.evaluator.place_of(object, edge) {
            Some(place) => format!("no {edge_in_words} in {place}"),
            None => format!("no warrant {edge_in_words}"),
        };
        let mut node = self.node(step, Value::False, started, Vec::new());
        node.reason = Some(reason);
        node
    }

    fn no_warrant(&self, object: ObjectId, relation: Symbol) -> String {
        let words = self.words_of_check(object, relation);
        let declared = self
            .evaluator
            .program
            .relation(self.evaluator.type_of(object), relation)
            .is_some();
        if !declared {
            return format!(
                "type `{}` has no relation `{}`",
                words.resource_type, words.relation
            );
        }
        match self.evaluator.place_of(object, relation) {
            Some(place) => format!("no `{words}` in {place}"),
            None => format!("no warrant `{words}`"),
        }
    }

    fn words_of_check(&self, object: ObjectId, relation: Symbol) -> Words {
        let (graph, who) = (
            self.evaluator.graph,
            self.evaluator.who.words(self.evaluator.graph),
        );
        Words {
            resource_type: graph.name(self.evaluator.type_of(object)).to_owned(),
            resource_id: self.evaluator.id_of(object).to_owned(),
            relation: graph.name(relation).to_owned(),
            subject_type: who.resource_type.to_owned(),
            subject_id: who.id.to_owned(),
            subject_relation: who.relation.map(str::to_owned),
        }
    }

    fn step_of_warrant(&self, edge: &Edge) -> Step {
        let graph = self.evaluator.graph;
        let policy = graph.policy(edge.policy());
        let row = graph.warrant(edge.warrant());
        let held_in = row.and_then(|row| self.evaluator.place_of(row.resource, row.relation));
        Step::Warrant {
            warrant: self.words_of_warrant(edge),
            policy: policy.map(|policy| policy.text().to_owned()),
            held_in: held_in.map(str::to_owned),
        }
    }

    fn words_of_warrant(&self, edge: &Edge) -> Words {
        let graph = self.evaluator.graph;
        let row = graph.warrant(edge.warrant());
        let name = |symbol: Option<Symbol>| symbol.map_or("", |symbol| graph.name(symbol)).to_owned();
        let id = |object: Option<ObjectId>| object.map_or("", |object| graph.id_of(object)).to_owned();
        let group = row
            .map(|row| row.subject_relation)
            .filter(|relation| !relation.is_none());
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

/// How many bytes of policies a step shows.
fn text_of(step: &Step) -> usize {
    match step {
        Step::Warrant { policy, .. } => policy.as_ref().map_or(0, String::len),
        Step::Policy { expression, .. } => expression.len(),
        Step::Check(_) | Step::Operator(_) | Step::NoEdge { .. } => 0,
    }
}
