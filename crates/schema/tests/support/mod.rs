//! What several test files share.
#![allow(dead_code, clippy::unwrap_used)]

use rowgate_schema::ast::{Rule, Schema};
use rowgate_schema::{Diagnostic, Model, compile, parse};

/// A rule on one line: `any_of(editor, member on parent [team], policy p)`.
pub fn outline(rule: &Rule) -> String {
    match rule {
        Rule::Relation { relation } => relation.text.clone(),
        Rule::On {
            relation,
            edge,
            resource_type,
        } => {
            format!("{} on {} [{}]", relation.text, edge.text, resource_type.text)
        }
        Rule::Policy { policy } => format!("policy {}", policy.text),
        Rule::Group { op, rules, .. } => {
            let rules: Vec<String> = rules.iter().map(outline).collect();
            format!("{}({})", op.keyword(), rules.join(", "))
        }
    }
}

/// The rule of `type#relation` on one line.
pub fn rule_of(schema: &Schema, place: &str) -> String {
    let (ty, relation) = place.split_once('#').unwrap();
    let def = schema.types.iter().find(|def| def.name.text == ty).unwrap();
    let relation = def
        .relations
        .iter()
        .find(|def| def.name.text == relation)
        .unwrap();
    outline(relation.rule.as_ref().unwrap())
}

/// The rule of a relation `x` whose `inherit` is given, and the codes of the warnings, in order.
pub fn layout(inherit: &str) -> (String, Vec<&'static str>) {
    let source = format!("version 0.3\ntype doc\n{inherit}\ntype other\nrelation x []\n");
    let parsed = parse(&source);
    let codes = codes(&parsed.diagnostics);
    let schema = parsed
        .schema
        .unwrap_or_else(|| panic!("{:#?}", parsed.diagnostics));
    let rule = schema.types[0]
        .relations
        .iter()
        .find_map(|relation| relation.rule.as_ref())
        .unwrap();
    (outline(rule), codes)
}

pub fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// A schema without a fault.
pub fn clean(source: &str) -> Model {
    match compile(source) {
        Ok((model, warnings)) => {
            assert!(warnings.is_empty(), "{warnings:#?}");
            model
        }
        Err(diagnostics) => panic!("{diagnostics:#?}"),
    }
}
