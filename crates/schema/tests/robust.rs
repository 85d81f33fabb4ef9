//! Whatever is put in, an answer comes out, and soon.
#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;
use rowgate_schema::{compile, format, from_json, parse, render, resolve, to_json};
use serde_json::{Value, json};

/// Every way through the crate.
fn everything(source: &str) {
    let parsed = parse(source);
    assert_eq!(
        parsed.schema.is_none(),
        parsed.diagnostics.iter().any(|d| d.is_error())
    );
    for diagnostic in &parsed.diagnostics {
        render(diagnostic, source, "fuzz", false);
        diagnostic.line_col(source).unwrap();
    }
    let compiled = compile(source);
    for diagnostic in compiled
        .as_ref()
        .map_or_else(|errors| errors, |(_, warnings)| warnings)
    {
        render(diagnostic, source, "fuzz", true);
    }
    let Some(schema) = parsed.schema else {
        assert!(compiled.is_err());
        return;
    };
    let text = format(&schema);
    let again = parse(&text).schema.unwrap();
    assert_eq!(format(&again), text);
    let names: Vec<&str> = schema.types.iter().map(|def| def.name.text.as_str()).collect();
    if let Ok((model, _)) = compiled {
        assert_eq!(
            from_json(&to_json(model.schema())).schema.unwrap(),
            schema,
            "{names:?}"
        );
    }
}

fn soup() -> impl Strategy<Value = String> {
    const TOKENS: &[&str] = &[
        "version 0.3",
        "version",
        "0.1",
        "type",
        "relation",
        "inherit",
        "if",
        "on",
        "policy",
        "any_of",
        "all_of",
        "none_of",
        "a",
        "b",
        "[",
        "]",
        "(",
        ")",
        ",",
        "#",
        "{",
        "}",
        "{ true }",
        "(a map)",
        "// x\n",
        "/// d\n",
        "[a]",
        "[]",
        "[a#b]",
        "\"",
        "`",
        "ü",
        "\u{feff}",
        "\r\n",
        "\t",
        "\0",
        "relation a",
        "relation b []",
        "inherit a if",
        "relation a on b [a]",
        "policy p",
        "policy p() { true }",
        "type a",
        "type b",
    ];
    const BREAKS: &[&str] = &[" ", " ", " ", "\n", "\n  ", "\n    ", "\n        ", "\n\t", ""];
    prop::collection::vec((select(TOKENS), select(BREAKS)), 0..60).prop_map(|parts| {
        parts
            .into_iter()
            .map(|(token, space)| token.to_owned() + space)
            .collect()
    })
}

fn json_soup() -> impl Strategy<Value = Value> {
    const WORDS: &[&str] = &[
        "a", "b", "any_of", "none_of", "a#b", "#", "", "0.1", "0.3", "expr", "map", "a }", "doc",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        select(WORDS).prop_map(Value::from),
    ];
    const KEYS: &[&str] = &[
        "version",
        "resource_types",
        "policies",
        "type",
        "relations",
        "allowed_types",
        "inherit_if",
        "of_type",
        "with_relation",
        "rules",
        "policy",
        "name",
        "parameters",
        "expression",
        "language",
        "description",
        "a",
        "b",
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((select(KEYS), inner), 0..6).prop_map(|fields| {
                fields
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens_in_any_order_do_not_panic(source in soup()) {
        everything(&source);
    }

    #[test]
    fn a_schema_with_something_cut_out_does_not_panic(from in 0usize..800, length in 0usize..40) {
        let source = include_str!("seeds/conditional-roles.fga");
        let from = from.min(source.len());
        let to = (from + length).min(source.len());
        everything(&[&source[..from], &source[to..]].concat());
    }

    #[test]
    fn any_text_does_not_panic(source in "\\PC{0,200}") {
        everything(&source);
    }

    #[test]
    fn any_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        everything(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_json_does_not_panic(value in json_soup(), types in prop::collection::vec(json_soup(), 0..3)) {
        for value in [value, json!({"resource_types": types})] {
            if let Some(schema) = from_json(&value).schema {
                format(&schema);
                let _ = resolve(schema);
            }
        }
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    for operators in ["any_of ", "any_of none_of ", "all_of\n"] {
        let nest = operators.repeat(100_000 / operators.split_whitespace().count());
        let source = format!("version 0.3\ntype t\nrelation x []\ninherit x if {nest} relation x");
        let source = &source[..source.len().min(1 << 20)];
        let found = parse(source).diagnostics;
        assert!(
            support::codes(&found).contains(&"nesting_too_deep"),
            "{operators}"
        );
    }
    let repeated = "relation a ".repeat(90_000);
    parse(&format!(
        "version 0.3 type t relation x [] inherit x if {repeated}"
    ));
}

#[test]
fn deep_nesting_in_json_is_an_error_and_not_a_crash() {
    let mut rule = json!({"inherit_if": "x"});
    for _ in 0..10_000 {
        let mut outer = json!({"inherit_if": "any_of", "rules": [null]});
        outer["rules"][0] = rule;
        rule = outer;
    }
    let mut value = json!({"resource_types": [{"type": "t", "relations": {"x": null}}]});
    value["resource_types"][0]["relations"]["x"] = rule;
    assert_eq!(
        support::codes(&from_json(&value).diagnostics),
        ["nesting_too_deep"]
    );
    // Taken apart by hand: dropping it at once would go as deep as it is nested.
    let mut rest = value["resource_types"][0]["relations"]["x"].take();
    while rest["rules"].is_array() {
        rest = rest["rules"][0].take();
    }
}

#[test]
fn sixty_four_operators_are_not_too_deep() {
    let nest = "any_of none_of ".repeat(32);
    let source = format!("version 0.3 type t relation a [t] relation x [] inherit x if {nest} relation a");
    assert!(compile(&source).is_ok());
    let schema = parse(&source).schema.unwrap();
    assert_eq!(from_json(&to_json(&schema)).schema.unwrap(), schema);
    assert_eq!(parse(&format(&schema)).schema.unwrap(), schema);
}

#[test]
fn ten_thousand_lines_take_well_under_a_second() {
    let mut source = String::from("version 0.3\n\ntype user\n");
    let mut types = 0;
    while source.lines().count() < 10_000 {
        write!(
            source,
            "
type type{types}
    relation parent [type{types}]
    relation owner [user, type{types}#owner]
    relation blocked [user]
    relation editor [user]
    relation viewer []

    inherit editor if
        any_of
            relation owner
            relation editor on parent [type{types}]

    inherit viewer if
        all_of
            any_of
                relation editor
                relation viewer on parent [type{types}]
            none_of
                relation blocked

policy open{types}(hour integer) {{
    hour > 8
}}
"
        )
        .unwrap();
        types += 1;
    }
    let start = Instant::now();
    let parsed = parse(&source);
    let parsing = start.elapsed();
    let compiled = compile(&source);
    let both = start.elapsed() - parsing;
    println!(
        "{} lines: parsed in {parsing:?}, compiled in {both:?}",
        source.lines().count()
    );
    assert!(parsed.schema.is_some());
    assert!(compiled.is_ok());
    assert!(both < Duration::from_secs(1), "{both:?}");
}

#[test]
fn the_largest_nonsense_is_refused_in_time() {
    for piece in [
        "type ",
        "relation ",
        "policy p(",
        "inherit x if any_of ",
        "[ ",
        "} ",
        "\" ",
        "type a relation b [c] ",
        "relaton ",
        "any_fo a ",
        "inherit x if something ",
        "policy p(a, ",
    ] {
        let source = piece.repeat((1 << 20) / piece.len());
        let start = Instant::now();
        assert!(compile(&source).is_err());
        println!("a mebibyte of {piece:?}: {:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
