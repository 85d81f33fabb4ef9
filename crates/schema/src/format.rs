//! The canonical text form.
//!
//! The version, then each type in its place, then the policies by name, with an empty line between any two. In a type,
//! first every `relation` line by name, then each `inherit` block by name with an empty line before it. Four spaces a
//! level. Rules and the entries of brackets keep their order, for it may be meant. Comments are not part of a schema: a schema is
//! printed with the `///` lines that are a policy's description and no others, a source with all that it has.

use crate::ast::{PolicyDef, RelationDef, Rule, Schema, SubjectType, TypeDef, Version};
use crate::body;
use crate::comments::{Comments, Declaration};

/// Writes a schema in its canonical form. [`crate::parse`] reads back the same schema, in canonical order.
pub fn format(schema: &Schema) -> String {
    write(schema, &Comments::default())
}

/// Writes a source in the canonical form of the schema that was read from it, with its comments. Each stays with the declaration that it is above or
/// beside.
pub fn format_source(source: &str, schema: &Schema) -> String {
    write(schema, &Comments::of(source, schema))
}

fn write(schema: &Schema, comments: &Comments<'_>) -> String {
    let mut out = String::new();
    let version = schema.version.to_string();
    let mut writer = Writer {
        out: &mut out,
        comments,
    };
    writer.declare(Declaration::Version, 0, &["version ", &version]);
    for def in &schema.types {
        writer.out.push('\n');
        writer.type_lines(def, schema.version);
    }
    let mut policies: Vec<&PolicyDef> = schema.policies.iter().collect();
    policies.sort_by(|a, b| a.name.text.cmp(&b.name.text));
    for policy in policies {
        writer.out.push('\n');
        writer.above(Declaration::Policy(policy.name.span.start), 0);
        policy_lines(policy, writer.out);
    }
    if !comments.last().is_empty() {
        out.push('\n');
    }
    for text in comments.last() {
        push_line(&mut out, 0, &[text]);
    }
    out
}

struct Writer<'w> {
    out: &'w mut String,
    comments: &'w Comments<'w>,
}

impl Writer<'_> {
    fn type_lines(&mut self, def: &TypeDef, version: Version) {
        let name = def.name.text.as_str();
        self.declare(Declaration::Type(def.name.span.start), 0, &["type ", name]);
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
            let declaration = Declaration::Relation(relation.name.span.start);
            self.declare(declaration, 1, &["relation ", &relation.name.text, &brackets]);
        }
        for relation in relations {
            if let Some(rule) = &relation.rule {
                self.out.push('\n');
                let declaration = Declaration::Inherit(relation.name.span.start);
                self.declare(declaration, 1, &["inherit ", &relation.name.text, " if"]);
                rule_lines(rule, 2, self.out);
            }
        }
    }

    /// The line of a declaration, with its comments.
    fn declare(&mut self, declaration: Declaration, level: usize, parts: &[&str]) {
        self.above(declaration, level);
        match self.comments.beside(declaration) {
            Some(beside) => push_line(self.out, level, &[parts, &[" ", beside]].concat()),
            None => push_line(self.out, level, parts),
        }
    }

    fn above(&mut self, declaration: Declaration, level: usize) {
        for text in self.comments.above(declaration) {
            push_line(self.out, level, &[text]);
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
