//! Properties of generated expressions.

mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use common::NOW;
use common::generate::{KEYS, condition, value};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowgate_policy::{Context, Env, ErrorCode, Outcome, Policy};
use serde_json::json;

const TOKENS: &[&str] = &[
    "a",
    "b",
    "user",
    "user.ip",
    "#",
    "#acc",
    "#index",
    ".x",
    "1",
    "2.5",
    "-3",
    "'s'",
    "\"t\"",
    "`r`",
    "true",
    "false",
    "nil",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ";",
    "?",
    "??",
    "?.",
    ".",
    "..",
    "==",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "&&",
    "||",
    "!",
    "not",
    "and",
    "or",
    "in",
    "not in",
    "matches",
    "contains",
    "startsWith",
    "endsWith",
    "+",
    "-",
    "*",
    "/",
    "%",
    "**",
    "^",
    "|",
    "let",
    "=",
    "if",
    "else",
    "any(",
    "all(",
    "map(",
    "filter(",
    "reduce(",
    "len(",
    "count(",
    "sum(",
    "date(",
    "duration('1h')",
    "now()",
    "get(",
    "$env",
    "check_ctx",
    "jwt_claim(",
    "toJSON(",
    "sortBy(",
    "groupBy(",
    "int(",
    "string(",
    "split(",
    "replace(",
    ".Year()",
    ".Hours()",
    "1..5",
    "é",
    "\u{1F600}",
];

/// How many expressions the important properties see; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(4_000)
}

fn evaluate(source: &str) {
    if let Ok(policy) = Policy::compile_warrant(source) {
        let context = common::context(
            r#"{"a": 1, "b": [1, "x", {"x": 2}], "user": {"ip": "10.0.0.1", "n": null}, "x": true}"#,
        );
        let empty = Context::new();
        for context in [&context, &empty] {
            let env = Env::new(context, NOW);
            let explanation = policy.explain(&env);
            assert_eq!(explanation.outcome, policy.eval(&env), "{source}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_never_panics(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..24)) {
        evaluate(&tokens.join(" "));
        evaluate(&tokens.concat());
    }

    #[test]
    fn any_text_never_panics(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        evaluate(&text);
        evaluate(&String::from_utf8_lossy(&bytes));
        evaluate(&format!("a == {text:?}"));
    }

    #[test]
    fn generated_conditions_evaluate(choices in prop::collection::vec(any::<u8>(), 0..96)) {
        evaluate(&condition(&choices));
    }
}

/// The outcome with those keys present whose bit is set; each takes its value from `seeds`.
fn outcome(policy: &Policy, present: u16, seeds: &[u8]) -> Outcome {
    let mut context = Context::new();
    for (at, key) in KEYS.iter().enumerate() {
        if present & (1 << at) != 0 {
            context.insert((*key).to_owned(), value(key, seeds.get(at).copied().unwrap_or(0)));
        }
    }
    policy.eval(&Env::new(&context, NOW))
}

/// How often the property below had something to say.
static DECIDED: AtomicU32 = AtomicU32::new(0);

fn a_missing_key_decides_nothing_in(
    choices: &[u8],
    present: u16,
    seeds: &[u8],
    others: &[Vec<u8>],
) -> Result<(), TestCaseError> {
    let source = condition(choices);
    let policy = match Policy::compile_warrant(&source) {
        Ok(policy) => policy,
        // Now and then a mistake that is plain without evaluating.
        Err(error) if matches!(error.code, ErrorCode::Limit | ErrorCode::Type) => return Ok(()),
        Err(error) => return Err(TestCaseError::fail(format!("{source}: {error}"))),
    };
    let missing = |at: usize| present & (1 << at) == 0;
    let depends = KEYS
        .iter()
        .enumerate()
        .any(|(at, key)| missing(at) && policy.context_keys().iter().any(|k| k == key));
    let without = outcome(&policy, present, seeds);
    if matches!(without, Outcome::Unknown(_)) {
        return Ok(());
    }
    DECIDED.fetch_add(u32::from(depends), Ordering::Relaxed);
    for other in others {
        // What was there keeps its value; what was missing takes any.
        let seeds: Vec<u8> = (0..KEYS.len())
            .map(|at| {
                (if missing(at) { other } else { seeds })
                    .get(at)
                    .copied()
                    .unwrap_or(0)
            })
            .collect();
        prop_assert_eq!(
            &outcome(&policy, u16::MAX, &seeds),
            &without,
            "{} with {:b} {:?}",
            source,
            present,
            seeds
        );
    }
    Ok(())
}

/// What is decided without a key stays decided whatever the key turns out to be: absence never grants.
#[test]
fn a_missing_key_decides_nothing() {
    let seeds = || prop::collection::vec(any::<u8>(), KEYS.len());
    let config = ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new(config);
    let inputs = (
        prop::collection::vec(any::<u8>(), 0..96),
        any::<u16>(),
        seeds(),
        prop::collection::vec(seeds(), 6),
    );
    let result = runner.run(&inputs, |(choices, present, seeds, others)| {
        a_missing_key_decides_nothing_in(&choices, present, &seeds, &others)
    });
    assert!(result.is_ok(), "{result:?}");
    let decided = DECIDED.load(Ordering::Relaxed);
    assert!(
        decided > cases() / 20,
        "only {decided} of {} conditions were decided without a key",
        cases()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A comparison that negates in whatever way is not true of a value that is not there.
    #[test]
    fn an_absent_operand_is_unknown(
        op in prop::sample::select(&[
            "==", "!=", "<", ">=", "in", "not in", "contains", "not contains", "matches", "not matches", "startsWith",
            "not endsWith",
        ][..]),
        other in prop::sample::select(&["a", "b", "'s'", "1", "[1, 2]", "{k: 1}", "map(b, #)", "nil", "gone"][..]),
        left: bool,
    ) {
        let source = if left { format!("gone {op} {other}") } else { format!("{other} {op} gone") };
        for source in [format!("not ({source})"), format!("any([1], {source})"), format!("let v = {source}; !v"), source] {
            if let Ok(policy) = Policy::compile_warrant(&source) {
                let context = json!({"a": 1, "b": ["x"]});
                let outcome = policy.eval(&Env::new(context.as_object().unwrap(), NOW));
                prop_assert!(matches!(outcome, Outcome::Unknown(_)), "{}: {:?}", source, outcome);
            }
        }
    }
}
