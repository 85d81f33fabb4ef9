//! Properties of generated expressions.

mod common;

use common::NOW;
use proptest::prelude::*;
use rowgate_policy::{Context, Env, Outcome, Policy};
use serde_json::{Value, json};

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

/// A scalar or a collection, of the kinds the generated expressions compare with.
fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        Just(json!(1.5)),
        Just(json!(2.0)),
        "[ab]{0,2}".prop_map(Value::from),
        Just(json!([])),
        Just(json!([1, "a", true])),
        Just(json!(["a", "b"])),
        Just(json!([1, 2])),
        Just(json!({})),
        Just(json!({"k": 1, "s": "a"})),
        Just(json!({"k": {"k": true}, "l": [1]})),
        Just(json!("2026-01-30")),
        Just(json!("1h")),
    ]
}

/// Operands: two variables that may be absent, their members, and constants.
fn operands() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        4 => Just("x".to_owned()),
        2 => Just("y".to_owned()),
        1 => Just("x.k".to_owned()),
        1 => Just("y.k.k".to_owned()),
        1 => Just("x[0]".to_owned()),
        1 => Just("$env[\"x\"]".to_owned()),
        2 => (-2_i64..3).prop_map(|i| i.to_string()),
        1 => Just("1.5".to_owned()),
        3 => prop_oneof![Just("'a'"), Just("'b'"), Just("''"), Just("nil"), Just("true"), Just("[1, 2]"), Just("['a']"), Just("{k: 1}")]
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 16, 2, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%"), Just("**")],
                inner.clone()
            )
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (
                prop_oneof![
                    Just("len"),
                    Just("abs"),
                    Just("int"),
                    Just("float"),
                    Just("string"),
                    Just("upper"),
                    Just("type"),
                    Just("first"),
                    Just("last"),
                    Just("sum"),
                    Just("max"),
                    Just("min"),
                    Just("mean"),
                    Just("keys"),
                    Just("values"),
                    Just("toJSON"),
                    Just("sort"),
                    Just("uniq"),
                    Just("flatten"),
                    Just("trim"),
                    Just("date"),
                    Just("duration"),
                    Just("reverse"),
                    Just("toPairs"),
                    Just("median"),
                    Just("round"),
                ],
                inner.clone()
            )
                .prop_map(|(f, a)| format!("{f}({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            inner.clone().prop_map(|a| format!("{{k: {a}}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("map({a}, {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("map({a}, [#, {b}])")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("count({a}, # == {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("find({a}, # != {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("filter({a}, # < {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("reduce([1, 2], #acc == {b}, {a})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("(let v = {a}; [v, {b}][0])")),
        ]
    })
    .boxed()
}

/// Conditions without the operators that handle absence in the open.
fn conditions() -> BoxedStrategy<String> {
    let comparison = prop_oneof![
        Just("=="),
        Just("!="),
        Just("<"),
        Just(">"),
        Just("<="),
        Just(">="),
        Just("in"),
        Just("not in"),
        Just("contains"),
        Just("not contains"),
        Just("startsWith"),
        Just("matches"),
        Just("not matches"),
    ];
    let leaf = prop_oneof![
        6 => (operands(), comparison, operands()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => Just("x".to_owned()),
        1 => Just("true".to_owned()),
        1 => Just("false".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) == ({b})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("let v{} = {a}; v{0} || ({b})", a.len() + b.len())),
            (
                prop_oneof![Just("any"), Just("all"), Just("none"), Just("one")],
                operands(),
                inner
            )
                .prop_map(|(f, list, a)| format!("{f}({list}, ({a}) || # == 1)")),
        ]
    })
    .boxed()
}

fn outcome(policy: &Policy, x: Option<&Value>, y: Option<&Value>) -> Outcome {
    let mut context = Context::new();
    for (key, value) in [("x", x), ("y", y)] {
        if let Some(value) = value {
            context.insert(key.to_owned(), value.clone());
        }
    }
    policy.eval(&Env::new(&context, NOW))
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
    fn generated_conditions_evaluate(source in conditions(), x in values(), y in values()) {
        if let Ok(policy) = Policy::compile_warrant(&source) {
            let first = outcome(&policy, Some(&x), Some(&y));
            prop_assert_eq!(first, outcome(&policy, Some(&x), Some(&y)));
            evaluate(&source);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// What is decided without a key stays decided whatever the key turns out to be: absence never grants.
    #[test]
    fn a_missing_key_decides_nothing(source in conditions(), x in values(), others in prop::collection::vec(values(), 4)) {
        let Ok(policy) = Policy::compile_warrant(&source) else { return Ok(()) };
        for x in [None, Some(&x)] {
            let without = outcome(&policy, x, None);
            if matches!(without, Outcome::Unknown(_)) {
                continue;
            }
            for y in &others {
                let with = outcome(&policy, x, Some(y));
                prop_assert_eq!(&with, &without, "{} with x = {:?}, y = {}", source, x, y);
                if x.is_none() {
                    for x in &others {
                        prop_assert_eq!(&outcome(&policy, Some(x), Some(y)), &without, "{} with {} {}", source, x, y);
                    }
                }
            }
        }
    }

    /// A comparison that negates in whatever way is not true of a value that is not there.
    #[test]
    fn an_absent_operand_is_unknown(op in prop::sample::select(&["==", "!=", "<", ">=", "in", "not in", "contains",
        "not contains", "matches", "not matches", "startsWith", "not endsWith"][..]), other in operands(), left: bool) {
        let source = if left { format!("gone {op} {other}") } else { format!("{other} {op} gone") };
        let negated = format!("not ({source})");
        for source in [source, negated] {
            if let Ok(policy) = Policy::compile_warrant(&source) {
                let outcome = outcome(&policy, Some(&json!(1)), Some(&json!("a")));
                prop_assert!(matches!(outcome, Outcome::Unknown(_)), "{}: {:?}", source, outcome);
            }
        }
    }
}
