//! Decision trees as text, with the reason for each no.
//!
//! ```text
//! ✖ ticket:7#viewer@user:ann
//! └─ ✖ any_of
//!    ├─ ✖ no warrant `ticket:7#creator@user:ann`
//!    └─ ✖ no `ticket:7#assignee@user:ann` in column `assignee_id` of table `public.ticket`
//! ```

use std::fmt;

use rowgate_engine::explain;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::scenario::Value;

/// One step of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What was asked here.
    pub step: Step,
    /// How it came out.
    pub value: Value,
    /// Why, for a no or an unknown.
    pub reason: Option<String>,
    /// What it was decided by.
    pub children: Vec<Node>,
}

/// What a node asks. Tuples are in the short notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Does the subject have the relation?
    Check(String),
    /// Is there this warrant, does its policy hold, and what is behind it?
    Warrant {
        /// The warrant.
        warrant: String,
        /// Its policy.
        policy: Option<String>,
        /// Where a row says it; none for a stored warrant.
        held_in: Option<String>,
    },
    /// `any_of`, `all_of`, `none_of`.
    Operator(String),
    /// A policy of the schema, by name.
    Policy(String),
    /// A rule over an edge that no warrant provides: `ticket:7#parent@organization:…`.
    NoEdge(String),
}

impl Node {
    /// Every reason in the tree, each as a line of the text form shows it.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        self.collect(&mut reasons);
        reasons
    }

    fn collect(&self, reasons: &mut Vec<String>) {
        if self.reason.is_some() {
            reasons.push(self.line(false));
        }
        self.children.iter().for_each(|child| child.collect(reasons));
    }

    /// The text of the node itself. Below the root, a reason that names what was asked stands alone.
    fn line(&self, root: bool) -> String {
        let label = match &self.step {
            Step::Check(tuple) => tuple.clone(),
            Step::Warrant {
                warrant,
                policy,
                held_in,
            } => {
                let through = match (self.children.is_empty(), held_in) {
                    (false, _) => "through ",
                    (true, None) => "warrant ",
                    (true, Some(_)) => "",
                };
                let held_in = held_in.as_ref().map(|place| format!(" in {place}"));
                let policy = policy.as_ref().map(|policy| format!(" [{policy}]"));
                let beside = held_in.or(policy).unwrap_or_default();
                format!("{through}`{warrant}`{beside}")
            }
            Step::Operator(name) => name.clone(),
            Step::Policy(name) => format!("policy `{name}`"),
            Step::NoEdge(edge) => format!("through `{edge}`"),
        };
        match &self.reason {
            None => label,
            Some(reason) => {
                let says_it_all = match &self.step {
                    Step::Check(tuple) => {
                        *reason == format!("no warrant `{tuple}`")
                            || reason.starts_with(&format!("no `{tuple}` in "))
                    }
                    Step::NoEdge(_) => true,
                    _ => false,
                };
                if says_it_all && !root {
                    reason.clone()
                } else {
                    format!("{label}: {reason}")
                }
            }
        }
    }

    fn write(&self, out: &mut String, before: &str, root: bool) {
        let mark = match self.value {
            Value::True => '✔',
            Value::Unknown => '?',
            Value::False => '✖',
        };
        let line = self.line(root);
        // A policy may be of several lines, and is somebody else's text.
        let words = line.split(|char: char| char.is_whitespace() || char.is_control());
        let line = words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        out.push(mark);
        out.push(' ');
        out.push_str(&line);
        out.push('\n');
        for (at, child) in self.children.iter().enumerate() {
            let last = at + 1 == self.children.len();
            out.push_str(before);
            out.push_str(if last { "└─ " } else { "├─ " });
            child.write(
                out,
                &format!("{before}{}", if last { "   " } else { "│  " }),
                false,
            );
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out, "", true);
        f.write_str(&out)
    }
}

impl From<rowgate_engine::Value> for Value {
    fn from(value: rowgate_engine::Value) -> Self {
        match value {
            rowgate_engine::Value::True => Self::True,
            rowgate_engine::Value::Unknown => Self::Unknown,
            rowgate_engine::Value::False => Self::False,
        }
    }
}

impl From<&explain::Node> for Node {
    fn from(node: &explain::Node) -> Self {
        let step = match &node.step {
            explain::Step::Check(words) => Step::Check(words.to_string()),
            explain::Step::Warrant {
                warrant,
                policy,
                held_in,
            } => Step::Warrant {
                warrant: warrant.to_string(),
                policy: policy.clone(),
                held_in: held_in.clone(),
            },
            explain::Step::Operator(op) => Step::Operator(op.keyword().to_owned()),
            explain::Step::Policy { name, .. } => Step::Policy(name.clone()),
            explain::Step::NoEdge {
                resource_type,
                resource_id,
                relation,
                subject_type,
            } => Step::NoEdge(format!(
                "{resource_type}:{resource_id}#{relation}@{subject_type}:…"
            )),
        };
        Self {
            step,
            value: node.value.into(),
            reason: node.reason.clone(),
            children: node.children.iter().map(Self::from).collect(),
        }
    }
}

/// A node of the `explanation` in a server's answer.
#[derive(Deserialize)]
struct Wire {
    step: String,
    tuple: Option<String>,
    operator: Option<String>,
    name: Option<String>,
    policy: Option<String>,
    held_in: Option<String>,
    value: String,
    reason: Option<String>,
    #[serde(default)]
    children: Vec<Wire>,
}

impl Node {
    /// Reads the `debug_info.explanation.root` of a server's answer; `None` when it is not one.
    pub fn from_json(root: &Json) -> Option<Self> {
        Wire::deserialize(root).ok()?.into_node()
    }
}

impl Wire {
    fn into_node(self) -> Option<Node> {
        let step = match self.step.as_str() {
            "check" => Step::Check(self.tuple?),
            "warrant" => Step::Warrant {
                warrant: self.tuple?,
                policy: self.policy,
                held_in: self.held_in,
            },
            "operator" => Step::Operator(self.operator?),
            "policy" => Step::Policy(self.name?),
            "no_edge" => Step::NoEdge(self.tuple? + ":…"),
            _ => return None,
        };
        let value = match self.value.as_str() {
            "true" => Value::True,
            "unknown" => Value::Unknown,
            "false" => Value::False,
            _ => return None,
        };
        let children = self
            .children
            .into_iter()
            .map(Self::into_node)
            .collect::<Option<_>>()?;
        Some(Node {
            step,
            value,
            reason: self.reason,
            children,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(step: Step, value: Value, reason: Option<&str>, children: Vec<Node>) -> Node {
        Node {
            step,
            value,
            reason: reason.map(str::to_owned),
            children,
        }
    }

    #[test]
    fn draws_a_no_with_its_reasons() {
        let check = |tuple: &str, reason: Option<&str>, children| {
            node(Step::Check(tuple.into()), Value::False, reason, children)
        };
        let policy = node(
            Step::Policy("small".into()),
            Value::False,
            Some("`a <= 1` is false, a is 2"),
            vec![],
        );
        let edge = node(
            Step::NoEdge("t:1#p@o:…".into()),
            Value::False,
            Some("no warrant `t:1#p@o:…`"),
            vec![],
        );
        let operator = node(
            Step::Operator("any_of".into()),
            Value::False,
            None,
            vec![policy, edge],
        );
        let own = check("t:1#w@u:a", Some("no warrant `t:1#w@u:a`"), vec![]);
        let held = "no `t:1#x@u:a` in column `x` of table `public.t`";
        let held = check("t:1#x@u:a", Some(held), vec![]);
        let tree = check("t:1#v@u:a", None, vec![operator, own, held]);
        let expected = "\
✖ t:1#v@u:a
├─ ✖ any_of
│  ├─ ✖ policy `small`: `a <= 1` is false, a is 2
│  └─ ✖ no warrant `t:1#p@o:…`
├─ ✖ no warrant `t:1#w@u:a`
└─ ✖ no `t:1#x@u:a` in column `x` of table `public.t`
";
        assert_eq!(tree.to_string(), expected);
        assert_eq!(tree.reasons().len(), 4);
    }

    #[test]
    fn reads_a_tree_from_an_answer() {
        let json = serde_json::json!({
            "step": "check", "tuple": "t:1#v@u:a", "value": "false", "processing_time": 1, "children": [
                {"step": "no_edge", "tuple": "t:1#p@o", "value": "false", "reason": "no warrant `t:1#p@o:…`",
                 "processing_time": 1, "children": []},
            ],
        });
        let tree = Node::from_json(&json).unwrap();
        assert_eq!(tree.to_string(), "✖ t:1#v@u:a\n└─ ✖ no warrant `t:1#p@o:…`\n");
        assert_eq!(Node::from_json(&serde_json::json!({"step": "guess"})), None);
    }
}
