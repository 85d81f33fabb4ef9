//! Parts of a schema that stand in no text: for those who derive types from something else.

use crate::ast::{GroupOp, Name, RelationDef, Rule, Span, SubjectType, TypeDef};

/// A name without a place.
#[must_use]
pub fn name(text: &str) -> Name {
    Name {
        text: text.to_owned(),
        span: Span::default(),
    }
}

/// A type.
#[must_use]
pub fn type_def(text: &str, relations: Vec<RelationDef>) -> TypeDef {
    TypeDef {
        name: name(text),
        relations,
    }
}

/// A relation that holds by warrants alone, whose subjects are of these types.
#[must_use]
pub fn edge(text: &str, subjects: &[&str]) -> RelationDef {
    let subject = |resource_type: &&str| SubjectType {
        resource_type: name(resource_type),
        relation: None,
    };
    RelationDef {
        name: name(text),
        allowed: Some(subjects.iter().map(subject).collect()),
        rule: None,
    }
}

/// A relation that holds by its rule alone.
#[must_use]
pub fn computed(text: &str, rule: Rule) -> RelationDef {
    RelationDef {
        name: name(text),
        allowed: Some(vec![]),
        rule: Some(rule),
    }
}

/// `relation RELATION`
#[must_use]
pub fn same(relation: &str) -> Rule {
    Rule::Relation {
        relation: name(relation),
    }
}

/// `relation RELATION on EDGE [TYPE]`
#[must_use]
pub fn on(relation: &str, edge: &str, resource_type: &str) -> Rule {
    Rule::On {
        relation: name(relation),
        edge: name(edge),
        resource_type: name(resource_type),
    }
}

/// Several rules under an operator.
#[must_use]
pub fn group(op: GroupOp, rules: Vec<Rule>) -> Rule {
    Rule::Group {
        op,
        rules,
        span: Span::default(),
    }
}

/// `any_of`, or the rule itself when there is one.
#[must_use]
pub fn any(mut rules: Vec<Rule>) -> Rule {
    match rules.len() {
        1 => rules.remove(0),
        _ => group(GroupOp::AnyOf, rules),
    }
}
