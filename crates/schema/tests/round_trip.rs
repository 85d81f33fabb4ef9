//! Text and JSON say the same: generated schemas survive every way around.

use proptest::prelude::*;
use proptest::sample::select;
use rowgate_policy::ParamType;
use rowgate_schema::ast::*;
use rowgate_schema::{
    format, from_json, parse, policy_from_json, policy_to_json, relations_from_json, resource_type_from_json,
    resource_type_to_json, to_json,
};
use serde_json::json;

/// Names, keywords among them, since those are names where a name stands.
fn name() -> impl Strategy<Value = Name> {
    const WORDS: &[&str] = &[
        "type", "relation", "inherit", "if", "on", "policy", "version", "user", "a-b", "0", "_",
    ];
    prop_oneof![1 => select(WORDS).prop_map(String::from), 4 => "[A-Za-z0-9_-]{1,6}"].prop_map(|text| Name {
        text,
        span: Span::default(),
    })
}

fn relation_name() -> impl Strategy<Value = Name> {
    name().prop_filter("operators are reserved", |name| {
        GroupOp::parse(&name.text).is_none()
    })
}

fn subject() -> impl Strategy<Value = SubjectType> {
    (name(), proptest::option::of(name())).prop_map(|(resource_type, relation)| SubjectType {
        resource_type,
        relation,
    })
}

fn rule(version: Version) -> impl Strategy<Value = Rule> {
    let relation = relation_name()
        .prop_map(|relation| Rule::Relation { relation })
        .boxed();
    let on = (relation_name(), relation_name(), name())
        .prop_map(|(relation, edge, resource_type)| Rule::On {
            relation,
            edge,
            resource_type,
        })
        .boxed();
    let policy = name().prop_map(|policy| Rule::Policy { policy }).boxed();
    let leaf = if version == Version::V0_3 {
        prop_oneof![relation, on, policy].boxed()
    } else {
        prop_oneof![relation, on].boxed()
    };
    leaf.prop_recursive(5, 24, 4, |inner| {
        let op = select(vec![GroupOp::AnyOf, GroupOp::AllOf, GroupOp::NoneOf]);
        (op, prop::collection::vec(inner, 1..4)).prop_map(|(op, rules)| Rule::Group {
            op,
            rules,
            span: Span::default(),
        })
    })
}

fn relation(version: Version) -> impl Strategy<Value = RelationDef> {
    let allowed = prop::collection::vec(subject(), 0..4);
    let allowed = proptest::option::weighted(0.8, allowed)
        .prop_map(move |allowed| allowed.filter(|_| version > Version::V0_1));
    (relation_name(), allowed, proptest::option::of(rule(version)))
        .prop_map(|(name, allowed, rule)| RelationDef { name, allowed, rule })
}

fn type_def(version: Version) -> impl Strategy<Value = TypeDef> {
    (name(), prop::collection::vec(relation(version), 0..5)).prop_map(|(name, mut relations)| {
        unique(&mut relations, |relation| &relation.name);
        TypeDef { name, relations }
    })
}

/// Bodies whose braces match, with strings, comments and lines of every indentation.
fn expression() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "a",
        " ",
        "  ",
        "\t",
        "\n",
        "\n\n",
        "\n    ",
        "&&",
        "{",
        "}",
        "\"}\"",
        "'{'",
        "`\n  raw }\n`",
        "// }\n",
        "/* { */",
        "\"\\\"\"",
        "ü",
        "\u{a0}",
        "\\",
        "`",
        "\"",
        "'",
        "let x = 1;",
    ];
    prop::collection::vec(select(PARTS), 0..24)
        .prop_map(|parts| parts.concat().trim().to_owned())
        .prop_filter("a body ends where it ends", |text| {
            policy_from_json(&json!({"name": "p", "expression": text})).is_ok()
        })
}

fn policy() -> impl Strategy<Value = PolicyDef> {
    let parameter = (name(), select(ParamType::ALL.to_vec())).prop_map(|(name, ty)| Parameter { name, ty });
    let description = proptest::option::of(select(vec![
        "",
        "one line",
        " two\n\n  lines ",
        "/ slash",
        "\n",
        "ünicode } {",
    ]));
    (
        name(),
        description,
        prop::collection::vec(parameter, 0..4),
        expression(),
    )
        .prop_map(|(name, description, parameters, expression)| PolicyDef {
            name,
            description: description.map(String::from),
            parameters,
            expression,
            ..PolicyDef::default()
        })
}

fn schema() -> impl Strategy<Value = Schema> {
    select(vec![Version::V0_1, Version::V0_2, Version::V0_3]).prop_flat_map(|version| {
        let policies = if version == Version::V0_3 { 0..4 } else { 0..1 };
        let types = prop::collection::vec(type_def(version), 0..5);
        (types, prop::collection::vec(policy(), policies)).prop_map(move |(types, mut policies)| {
            unique(&mut policies, |policy| &policy.name);
            Schema {
                version,
                types,
                policies,
            }
        })
    })
}

fn unique<T>(items: &mut Vec<T>, name: impl Fn(&T) -> &Name) {
    let mut seen = std::collections::HashSet::new();
    items.retain(|item| seen.insert(name(item).text.clone()));
}

/// The order of the canonical form: relations by name within their type, policies by name.
fn normalise(mut schema: Schema) -> Schema {
    for def in &mut schema.types {
        def.relations.sort_by(|a, b| a.name.text.cmp(&b.name.text));
    }
    schema.policies.sort_by(|a, b| a.name.text.cmp(&b.name.text));
    schema
}

fn read(text: &str) -> Schema {
    let parsed = parse(text);
    parsed
        .schema
        .unwrap_or_else(|| panic!("{:#?}\n{text}", parsed.diagnostics))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_reads_back(schema in schema()) {
        let text = format(&schema);
        let parsed = parse(&text);
        for diagnostic in &parsed.diagnostics {
            prop_assert_eq!(diagnostic.code, "missing_brackets", "{}\n{}", diagnostic, text);
        }
        let again = parsed.schema.unwrap();
        prop_assert_eq!(&again, &normalise(schema));
        prop_assert_eq!(format(&again), text);
    }

    #[test]
    fn json_reads_back(schema in schema()) {
        let value = to_json(&schema);
        let parsed = from_json(&value);
        prop_assert_eq!(&parsed.diagnostics, &[]);
        prop_assert_eq!(parsed.schema.unwrap(), schema);
        let value = serde_json::from_str(&value.to_string()).unwrap();
        prop_assert_eq!(from_json(&value).diagnostics, []);
    }

    #[test]
    fn text_to_json_and_back_twice_is_the_same(schema in schema()) {
        let text = format(&schema);
        let value = to_json(&read(&text));
        let text_again = format(&from_json(&value).schema.unwrap());
        prop_assert_eq!(&text_again, &text);
        prop_assert_eq!(to_json(&read(&text_again)), value);
    }

    #[test]
    fn windows_line_ends_say_the_same(schema in schema()) {
        let text = format(&schema);
        let windows = read(&text.replace('\n', "\r\n"));
        let windows_text = format(&windows);
        prop_assert_eq!(windows_text, text);
    }

    #[test]
    fn single_objects_read_back(def in type_def(Version::V0_3), policy in policy()) {
        let value = resource_type_to_json(&def);
        prop_assert_eq!(resource_type_from_json(&value).unwrap(), def.clone());
        prop_assert_eq!(relations_from_json(&value["relations"]).unwrap(), def.relations);
        prop_assert_eq!(policy_from_json(&policy_to_json(&policy)).unwrap(), policy);
    }
}

/// A text with comments put above lines and behind them, numbered, and never inside a policy. How many.
fn commented(text: &str, places: &[bool]) -> (String, usize) {
    let mut out = String::new();
    let (mut count, mut inside) = (0, false);
    let mut places = places.iter().cycle();
    let mut wanted = || places.next() == Some(&true);
    for line in text.lines() {
        let begins = line.starts_with("policy ");
        if !inside && !line.starts_with("///") && wanted() {
            out.push_str(&format!("  // comment {count};\n"));
            count += 1;
        }
        out.push_str(line);
        if !inside && !begins && !line.is_empty() && !line.starts_with("///") && wanted() {
            out.push_str(&format!(" // comment {count};"));
            count += 1;
        }
        out.push('\n');
        inside = (inside || begins) && line != "}";
    }
    (out, count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn comments_are_kept(schema in schema(), places in proptest::collection::vec(any::<bool>(), 1..12)) {
        let (source, count) = commented(&format(&schema), &places);
        let read_back = read(&source);
        let text = rowgate_schema::format_source(&source, &read_back);
        for number in 0..count {
            prop_assert_eq!(text.matches(&format!("// comment {number};")).count(), 1, "{}\nbecame\n{}", source, text);
        }
        let again = read(&text);
        prop_assert_eq!(&again, &normalise(read_back));
        prop_assert_eq!(rowgate_schema::format_source(&text, &again), text);
    }
}

#[test]
fn comments_stay_with_what_they_are_about() {
    let source = "// Of the shop.
version 0.3 // the newest
// People.
type user // who signs in

// A ticket.
type ticket
    // Who may look.
    relation viewer [user]
    relation owner [user] // one
    inherit viewer if // or more
        any_of
            // The owner may.
            relation owner
            relation boss // and the boss

    // Nobody above.
    relation boss [user]
/// Small amounts.
// Not the description.
policy small(amount integer) {
    // inside
    amount < 3
}
/// No bound.
policy any() { true } // at the end
// Below everything.
/// And this.
";
    let expected = "// Of the shop.
version 0.3 // the newest

// People.
type user // who signs in

// A ticket.
type ticket
    // Nobody above.
    relation boss [user]
    relation owner [user] // one
    // Who may look.
    relation viewer [user]

    // The owner may.
    // and the boss
    inherit viewer if // or more
        any_of
            relation owner
            relation boss

// at the end
/// No bound.
policy any() {
    true
}

/// Small amounts.
// Not the description.
policy small(amount integer) {
    // inside
    amount < 3
}

// Below everything.
/// And this.
";
    let text = rowgate_schema::format_source(source, &read(source));
    assert_eq!(text, expected);
    assert_eq!(rowgate_schema::format_source(&text, &read(&text)), expected);
}
