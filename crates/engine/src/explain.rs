//! The decision tree: how a check came out, with the reason for each no.
//!
//! The tree is read off the evaluator's values, so it cannot disagree with the decision. A yes shows what decided it; a no and an
//! unknown show everything that was tried.

mod tree;

use rowgate_schema::ast::GroupOp;
use rustc_hash::FxHashSet;

use crate::eval::Start;
use crate::{Ambient, Check, EngineError, Value, View};
use tree::Tree;

/// Most nodes in one tree, unless told otherwise; what lies beyond is left out and [`Explanation::truncated`] says so.
pub const MAX_NODES: usize = 5_000;

/// A decision tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The requested check.
    pub root: Node,
    /// Whether part of the tree was left out because it is too large.
    pub truncated: bool,
    /// How many nodes were made, as [`Limits::nodes`](crate::Limits::nodes) counts them; at least one.
    pub nodes: usize,
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
        /// The warrant.
        warrant: Words,
        /// Its policy.
        policy: Option<String>,
        /// Where a row says it; none for a stored warrant.
        held_in: Option<String>,
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
        let Self {
            resource_type,
            resource_id,
            relation,
            subject_type,
            subject_id,
            ..
        } = self;
        write!(
            f,
            "{resource_type}:{resource_id}#{relation}@{subject_type}:{subject_id}"
        )?;
        self.subject_relation
            .as_ref()
            .map_or(Ok(()), |relation| write!(f, "#{relation}"))
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
            let reason = Some(format!(
                "type `{}` has no relation `{}`",
                check.resource_type, check.relation
            ));
            let root = Node {
                step: Step::Check(words),
                value: Value::False,
                reason,
                time: 0,
                children: vec![],
            };
            return Ok(Explanation {
                root,
                truncated: false,
                nodes: 1,
            });
        };
        let object = self.graph.find(resource_type, check.resource_id);
        let mut evaluator = self.evaluator(
            ambient,
            check.subject,
            Start {
                resource_type,
                id: check.resource_id,
            },
        );
        evaluator.holds(object, relation)?;
        let mut tree = Tree {
            evaluator: &mut evaluator,
            clock,
            path: Vec::new(),
            shown: FxHashSet::default(),
            nodes: 0,
            most: self.limits.nodes,
            depth: self.limits.depth as usize,
            truncated: false,
        };
        let root = tree.check(object, relation)?;
        let (truncated, nodes) = (tree.truncated, tree.nodes);
        evaluator.all_read()?;
        Ok(Explanation {
            root,
            truncated,
            nodes,
        })
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
