//! The canonical text form.
//!
//! The version, then each type in its place, then the policies by name, with an empty line between any two. In a type,
//! first every `relation` line by name, then each `inherit` block by name with an empty line before it. Four spaces a
//! level. Rules and the entries of brackets keep their order, for it may be meant. Comments are not part of a schema and
//! are not printed, except the `///` lines that are a policy's description.

use crate::ast::{PolicyDef, RelationDef, Rule, Schema, SubjectType, TypeDef, Version};
use crate::body;

/// Writes a schema in its canonical form. [`crate::parse`] reads back the same schema, in canonical order.
pub fn format(schema: &Schema) -> String {
    let mut out = format!("version {}\n", schema.version);
    for def in &schema.types {
        out.push('\n');
        type_lines(def, schema.version, &mut out);
    }
    let mut policies: Vec<&PolicyDef> = schema.policies.iter().collect();
    policies.sort_by(|a, b| a.name.text.cmp(&b.name.text));
    for policy in policies {
        out.push('\n');
        policy_lines(policy, &mut out);
    }
    out
}

fn type_lines(def: &TypeDef, version: Version, out: &mut String) {
    push_line(out, 0, &["type ", &def.name.text]);
    let mut relations: Vec<&RelationDef> = def.relations.iter().collect();
    relations.sort_by(|a, b| a.name.text.cmp(&b.name.text));
    for relation in &relations {
        let brackets = match &relation.allowed {
            _ if version < Version::V0_2 => " []".to_owned(),
            None => String::new(),
            Some(allowed) => format!(
                " [{}]",
                allowed.iter().map(subject).collect::<Vec<_>>().join(", ")
            ),
        };
        push_line(out, 1, &["relation ", &relation.name.text, &brackets]);
    }
    for relation in relations {
        if let Some(rule) = &relation.rule {
            out.push('\n');
            push_line(out, 1, &["inherit ", &relation.name.text, " if"]);
            rule_lines(rule, 2, out);
        }
    }
}

fn subject(subject: &SubjectType) -> String {
    match &subject.relation {
        Some(relation) => format!("{}#{}", subject.resource_type.text, relation.text),
        None => subject.resource_type.text.clone(),
    }
}

fn rule_lines(rule: &Rule, level: usize, out: &mut String) {
    match rule {
        Rule::Relation { relation } => push_line(out, level, &["relation ", &relation.text]),
        Rule::On {
            relation,
            edge,
            resource_type,
        } => {
            let parts = [
                "relation ",
                &relation.text,
                " on ",
                &edge.text,
                " [",
                &resource_type.text,
                "]",
            ];
            push_line(out, level, &parts);
        }
        Rule::Policy { policy } => push_line(out, level, &["policy ", &policy.text]),
        Rule::Group { op, rules, .. } => {
            push_line(out, level, &[op.keyword()]);
            rules.iter().for_each(|rule| rule_lines(rule, level + 1, out));
        }
    }
}

fn policy_lines(policy: &PolicyDef, out: &mut String) {
    if let Some(description) = &policy.description {
        for line in description.split('\n') {
            push_line(out, 0, &["///", if line.is_empty() { "" } else { " " }, line]);
        }
    }
    let parameters: Vec<String> = policy
        .parameters
        .iter()
        .map(|parameter| format!("{} {}", parameter.name.text, parameter.ty.keyword()))
        .collect();
    push_line(
        out,
        0,
        &["policy ", &policy.name.text, "(", &parameters.join(", "), ") {"],
    );
    body::indent(&policy.expression, out);
    out.push_str("}\n");
}

fn push_line(out: &mut String, level: usize, parts: &[&str]) {
    for _ in 0..level {
        out.push_str("    ");
    }
    parts.iter().for_each(|part| out.push_str(part));
    out.push('\n');
}
