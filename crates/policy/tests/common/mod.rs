//! What the tables of cases share.

#![allow(dead_code)]

pub mod generate;

use rowgate_policy::{CheckCtx, Context, Env, Metadata, Outcome, Policy, Timestamp, WarrantCtx};
use serde_json::Value;

/// 2026-01-31T12:00:00Z
pub const NOW: Timestamp = Timestamp(1_769_860_800_000_000);

pub fn context(json: &str) -> Context {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

pub fn compile(source: &str) -> Policy {
    Policy::compile_warrant(source).unwrap_or_else(|error| panic!("{error}\n{}", error.snippet(source)))
}

pub fn eval(source: &str, json: &str) -> Outcome {
    compile(source).eval(&Env::new(&context(json), NOW))
}

/// `true`, `false`, or `unknown` with the keys.
pub fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::True => "true".to_owned(),
        Outcome::False => "false".to_owned(),
        Outcome::Unknown(unknown) => format!("unknown {}", unknown.keys.join(" "))
            .trim_end()
            .to_owned(),
    }
}

pub fn answer(source: &str, json: &str) -> String {
    show(&eval(source, json))
}

/// Every line must hold in an empty context.
pub fn all_true(cases: &[&str]) {
    for source in cases {
        let outcome = eval(
            source,
            r#"{"tags": ["a", "b"], "n": 4, "f": 4.5, "user": {"name": "Ann", "age": 30}}"#,
        );
        assert_eq!(outcome, Outcome::True, "{source}");
    }
}

/// Every line is unknown, or refused when compiled.
pub fn never_true(cases: &[&str]) {
    for source in cases {
        if let Ok(policy) = Policy::compile_warrant(source) {
            let context = context(r#"{"tags": ["a", "b"], "n": 4, "f": 4.5, "nothing": null, "word": "x"}"#);
            let outcome = policy.eval(&Env::new(&context, NOW));
            assert!(matches!(outcome, Outcome::Unknown(_)), "{source}: {outcome:?}");
        }
    }
}

pub struct Store(pub Value);

impl Metadata for Store {
    fn get(&self, resource_type: &str, resource_id: &str) -> Option<&Value> {
        self.0.get(format!("{resource_type}:{resource_id}"))
    }
}

pub const CHECK: CheckCtx<'static> = CheckCtx {
    resource_type: "document",
    resource_id: "d1",
    relation: "viewer",
    subject_type: "user",
    subject_id: "ann",
};

pub const WARRANT: WarrantCtx<'static> = WarrantCtx {
    resource_type: "document",
    resource_id: "d1",
    relation: "editor",
    subject_type: "user",
    subject_id: "ann",
    created_at: Timestamp(NOW.0 - 3_600_000_000),
};
