//! Decision trees: in the shape that clients know, and in full.

use rowgate_engine::Value;
use rowgate_engine::explain::{Explanation, Node, Step, Words};
use rowgate_policy::Context;
use serde::Serialize;

/// A node of the tree that clients know: every node is a check.
#[derive(Debug, Serialize)]
pub(crate) struct NodeOut {
    check: CheckWords,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    decision: &'static str,
    /// Nanoseconds.
    processing_time: u64,
    children: Vec<NodeOut>,
}

#[derive(Debug, Clone, Serialize)]
struct CheckWords {
    resource_type: String,
    resource_id: String,
    relation: String,
    subject: SubjectWords,
    /// At the root only: it is the same all over the tree.
    context: Option<Context>,
}

#[derive(Debug, Clone, Serialize)]
struct SubjectWords {
    resource_type: String,
    resource_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    relation: Option<String>,
}

impl From<&Words> for CheckWords {
    fn from(words: &Words) -> Self {
        Self {
            resource_type: words.resource_type.clone(),
            resource_id: words.resource_id.clone(),
            relation: words.relation.clone(),
            subject: SubjectWords {
                resource_type: words.subject_type.clone(),
                resource_id: words.subject_id.clone(),
                relation: words.subject_relation.clone(),
            },
            context: None,
        }
    }
}

fn decision(value: Value) -> &'static str {
    match value {
        Value::True => "matched",
        Value::False => "not_matched",
        Value::Unknown => "eval_policy",
    }
}

impl NodeOut {
    /// The tree of a check.
    pub(crate) fn tree(explanation: &Explanation, context: Option<&Context>) -> Option<Self> {
        let mut root = match &explanation.root.step {
            Step::Check(words) => Self::check(words, &explanation.root),
            _ => return None,
        };
        root.check.context = context.cloned();
        Some(root)
    }

    fn check(words: &Words, node: &Node) -> Self {
        let mut out = Self {
            check: words.into(),
            policy: None,
            decision: decision(node.value),
            processing_time: node.time,
            children: Vec::new(),
        };
        // What decides a check by itself is the node of the check, with the policy that it hangs on.
        if let [
            Node {
                step: Step::Warrant { policy, .. },
                children,
                value,
                ..
            },
        ] = node.children.as_slice()
            && children.is_empty()
        {
            if policy.is_some() && *value != Value::False {
                out.decision = "eval_policy";
            }
            out.policy.clone_from(policy);
            return out;
        }
        Self::steps(words, &node.children, &mut out.children);
        out
    }

    /// Operators have no node of their own: what they combine stands below the relation whose rule has them.
    fn steps(words: &Words, steps: &[Node], out: &mut Vec<Self>) {
        for node in steps {
            match &node.step {
                Step::Check(words) => out.push(Self::check(words, node)),
                Step::Warrant { warrant, policy, .. } => {
                    out.push(Self::warrant(warrant, policy.as_deref(), node))
                }
                Step::Operator(_) => Self::steps(words, &node.children, out),
                Step::Policy { name, .. } => out.push(Self {
                    check: words.into(),
                    policy: Some(name.clone()),
                    decision: decision(node.value),
                    processing_time: node.time,
                    children: Vec::new(),
                }),
                Step::NoEdge { .. } => {}
            }
        }
    }

    fn warrant(warrant: &Words, policy: Option<&str>, node: &Node) -> Self {
        let mut behind = Vec::new();
        Self::steps(warrant, &node.children, &mut behind);
        // Behind a group is the check of its members, and that is the hop.
        if warrant.subject_relation.is_some()
            && let Some(mut members) = behind.pop()
        {
            if members.policy.is_none() {
                members.policy = policy.map(str::to_owned);
            }
            return members;
        }
        let own = match (policy, node.value, node.children.is_empty()) {
            (Some(_), Value::True | Value::Unknown, _) => "eval_policy",
            (Some(_), Value::False, true) => "not_matched",
            (Some(_), Value::False, false) => "eval_policy",
            (None, value, _) => decision(value),
        };
        Self {
            check: warrant.into(),
            policy: policy.map(str::to_owned),
            decision: own,
            processing_time: node.time,
            children: behind,
        }
    }
}

/// The full tree, with every step and every reason.
#[derive(Debug, Serialize)]
pub(crate) struct ExplanationOut {
    root: StepOut,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

#[derive(Debug, Serialize)]
struct StepOut {
    /// `check`, `warrant`, `operator`, `policy` or `no_edge`.
    step: &'static str,
    /// `type:id#relation@type:id`, for a check and a warrant; `type:id#relation@type` for a missing edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    tuple: Option<String>,
    /// `any_of`, `all_of`, `none_of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<&'static str>,
    /// The name of a policy of the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The expression of a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// The column that says what a warrant says, of a bound relation.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_in: Option<String>,
    value: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Nanoseconds.
    processing_time: u64,
    children: Vec<StepOut>,
}

impl From<Explanation> for ExplanationOut {
    fn from(explanation: Explanation) -> Self {
        Self {
            root: explanation.root.into(),
            truncated: explanation.truncated,
        }
    }
}

impl From<Node> for StepOut {
    fn from(node: Node) -> Self {
        let mut out = Self {
            step: "check",
            tuple: None,
            operator: None,
            name: None,
            policy: None,
            held_in: None,
            value: match node.value {
                Value::True => "true",
                Value::Unknown => "unknown",
                Value::False => "false",
            },
            reason: node.reason,
            processing_time: node.time,
            children: node.children.into_iter().map(Self::from).collect(),
        };
        match node.step {
            Step::Check(words) => out.tuple = Some(words.to_string()),
            Step::Warrant {
                warrant,
                policy,
                held_in,
            } => {
                out.step = "warrant";
                out.tuple = Some(warrant.to_string());
                out.policy = policy;
                out.held_in = held_in;
            }
            Step::Operator(op) => {
                out.step = "operator";
                out.operator = Some(op.keyword());
            }
            Step::Policy { name, expression } => {
                out.step = "policy";
                out.name = Some(name);
                out.policy = Some(expression);
            }
            Step::NoEdge {
                resource_type,
                resource_id,
                relation,
                subject_type,
            } => {
                out.step = "no_edge";
                out.tuple = Some(format!("{resource_type}:{resource_id}#{relation}@{subject_type}"));
            }
        }
        out
    }
}
