//! A small grammar of policy expressions, as numbers that shrink.

use rowgate_policy::ParamType;
use std::collections::BTreeMap;

/// The context keys that expressions read, with the type that a schema policy declares.
pub const KEYS: [(&str, ParamType); 6] = [
    ("s", ParamType::String),
    ("n", ParamType::Integer),
    ("b", ParamType::Boolean),
    ("f", ParamType::Float),
    ("l", ParamType::Array),
    ("m", ParamType::Map),
];

/// Atoms that read keys of the context only; they may stand in every policy.
const PLAIN: [(&str, &[&str]); 18] = [
    ("true", &[]),
    ("b", &["b"]),
    ("s == \"x\"", &["s"]),
    ("s != \"x\"", &["s"]),
    ("not (s == \"y\")", &["s"]),
    ("n > 3", &["n"]),
    ("n <= 3", &["n"]),
    ("n % 2 == 0", &["n"]),
    ("n != 3", &["n"]),
    ("f < 1.5", &["f"]),
    ("\"x\" in l", &["l"]),
    ("\"x\" not in l", &["l"]),
    ("s in [\"x\", \"y\"]", &["s"]),
    ("s in l", &["s", "l"]),
    ("m.a == \"x\"", &["m"]),
    ("m?.a != \"x\"", &["m"]),
    ("not b", &["b"]),
    ("false", &[]),
];

/// Atoms that read the check or the metadata of a resource; they may stand in every policy.
const WORLDLY: [&str; 9] = [
    "check_ctx.subject_id == \"a\"",
    "check_ctx.subject_id != \"b\"",
    "check_ctx.resource_id == \"a\"",
    "check_ctx.resource_id != check_ctx.subject_id",
    "check_ctx.relation == \"r1\"",
    "get_metadata(check_ctx.resource_type, check_ctx.resource_id).s == \"x\"",
    "get_metadata(check_ctx.subject_type, check_ctx.subject_id).n > 3",
    "get_metadata(\"t0\", \"a\").s != \"x\"",
    "get_metadata(\"t1\", \"b\").n <= 3",
];

/// Atoms that only a warrant's policy may read.
const OF_WARRANT: [&str; 4] = [
    "warrant_ctx.subject_id != \"b\"",
    "warrant_ctx.resource_id == check_ctx.resource_id",
    "warrant_ctx.relation == check_ctx.relation",
    "s == warrant_ctx.subject_id",
];

/// One atom of an expression and how it is joined to what stands before it.
#[derive(Debug, Clone, Copy)]
pub struct AtomPlan {
    /// Which atom.
    pub atom: u8,
    /// Whether it is negated.
    pub negated: bool,
    /// `or` rather than `and`.
    pub or: bool,
}

/// An expression: atoms, joined from left to right.
#[derive(Debug, Clone)]
pub struct ExpressionPlan(pub Vec<AtomPlan>);

impl ExpressionPlan {
    /// The text for a schema policy and the parameters that it must declare.
    pub fn for_schema(&self) -> (String, BTreeMap<&'static str, ParamType>) {
        let mut params = BTreeMap::new();
        let text = self.text(|number| {
            let number = number % (PLAIN.len() + WORLDLY.len());
            let Some((text, keys)) = PLAIN.get(number) else {
                return WORLDLY[number - PLAIN.len()];
            };
            params.extend(KEYS.iter().filter(|(key, _)| keys.contains(key)).copied());
            text
        });
        (text, params)
    }

    /// The text for a warrant.
    pub fn for_warrant(&self) -> String {
        let plain = PLAIN.iter().map(|(text, _)| *text);
        let atoms: Vec<&str> = plain.chain(WORLDLY).chain(OF_WARRANT).collect();
        self.text(|number| atoms[number % atoms.len()])
    }

    fn text<'a>(&self, mut atom: impl FnMut(usize) -> &'a str) -> String {
        let mut text = String::new();
        for plan in &self.0 {
            let atom = atom(plan.atom.into());
            let atom = if plan.negated {
                format!("not ({atom})")
            } else {
                atom.to_owned()
            };
            text = match (text.is_empty(), plan.or) {
                (true, _) => atom,
                (false, true) => format!("({text}) or ({atom})"),
                (false, false) => format!("({text}) and ({atom})"),
            };
        }
        if text.is_empty() { "true".to_owned() } else { text }
    }

    /// How many different atoms there are.
    pub const ATOMS: u8 = (PLAIN.len() + WORLDLY.len() + OF_WARRANT.len()) as u8;
}
