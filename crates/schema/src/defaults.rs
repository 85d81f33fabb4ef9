//! What a new environment starts with.

use crate::ast::{GroupOp, Name, RelationDef, Rule, Schema, Span, TypeDef, Version};

/// The types of a new environment: role-based access and pricing tiers over users and tenants, and two types to try
/// things with. Subjects are not restricted.
pub fn default_environment() -> Schema {
    let on = |relation: &str, edge: &str, resource_type: &str| Rule::On {
        relation: name(relation),
        edge: name(edge),
        resource_type: name(resource_type),
    };
    let same = |relation: &str| Rule::Relation {
        relation: name(relation),
    };
    let either = |rules: [Rule; 2]| Rule::Group {
        op: GroupOp::AnyOf,
        rules: rules.into(),
        span: Span::default(),
    };
    let member = |of: &str| on("member", "member", of);
    Schema {
        version: Version::V0_3,
        types: vec![
            ty(
                "user",
                vec![relation("parent", Some(on("parent", "parent", "user")))],
            ),
            ty(
                "tenant",
                vec![
                    relation("admin", None),
                    relation("manager", Some(same("admin"))),
                    relation("member", Some(same("manager"))),
                ],
            ),
            ty("role", vec![relation("member", Some(member("role")))]),
            ty(
                "permission",
                vec![relation(
                    "member",
                    Some(either([member("permission"), member("role")])),
                )],
            ),
            ty(
                "pricing-tier",
                vec![relation("member", Some(member("pricing-tier")))],
            ),
            ty(
                "feature",
                vec![relation(
                    "member",
                    Some(either([member("feature"), member("pricing-tier")])),
                )],
            ),
            ty("document", Vec::new()),
            ty("folder", Vec::new()),
        ],
        policies: Vec::new(),
    }
}

fn name(text: &str) -> Name {
    Name {
        text: text.to_owned(),
        span: Span::default(),
    }
}

fn ty(text: &str, relations: Vec<RelationDef>) -> TypeDef {
    TypeDef {
        name: name(text),
        relations,
    }
}

fn relation(text: &str, rule: Option<Rule>) -> RelationDef {
    RelationDef {
        name: name(text),
        allowed: None,
        rule,
    }
}
