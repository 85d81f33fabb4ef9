//! A [`Schema`] to JSON. Everything keeps its order.

use serde_json::{Map, Value, json};

use crate::ast::{PolicyDef, RelationDef, Rule, Schema, TypeDef, Version};

/// The JSON form of a schema: `version`, `resource_types` and, when there are any, `policies`.
///
/// Relations and policies are maps in JSON, so a schema that declares one twice cannot be written without loss: resolve
/// it first, or take it from [`crate::from_json`].
pub fn to_json(schema: &Schema) -> Value {
    let types: Vec<Value> = schema
        .types
        .iter()
        .map(|def| type_value(def, schema.version))
        .collect();
    let mut out = Map::new();
    out.insert("version".into(), schema.version.number().into());
    out.insert("resource_types".into(), types.into());
    if !schema.policies.is_empty() {
        let policies = schema
            .policies
            .iter()
            .map(|p| (p.name.text.clone(), policy_to_json(p)));
        out.insert("policies".into(), policies.collect::<Map<_, _>>().into());
    }
    out.into()
}

/// The JSON form of one type: `type` and `relations`.
pub fn resource_type_to_json(def: &TypeDef) -> Value {
    type_value(def, Version::default())
}

/// The JSON form of one policy, with its name.
pub fn policy_to_json(policy: &PolicyDef) -> Value {
    let parameters: Vec<Value> = policy
        .parameters
        .iter()
        .map(|parameter| json!({"name": parameter.name.text, "type": parameter.ty.keyword()}))
        .collect();
    let mut out = Map::new();
    out.insert("name".into(), policy.name.text.as_str().into());
    if let Some(description) = &policy.description {
        out.insert("description".into(), description.as_str().into());
    }
    out.insert("language".into(), "expr".into());
    out.insert("parameters".into(), parameters.into());
    out.insert("expression".into(), policy.expression.as_str().into());
    out.into()
}

fn type_value(def: &TypeDef, version: Version) -> Value {
    let relations: Map<String, Value> = def
        .relations
        .iter()
        .map(|relation| (relation.name.text.clone(), relation_value(relation, version)))
        .collect();
    json!({"type": def.name.text, "relations": relations})
}

fn relation_value(relation: &RelationDef, version: Version) -> Value {
    let mut out = Map::new();
    if let (Some(allowed), true) = (&relation.allowed, version >= Version::V0_2) {
        let allowed: Vec<Value> = allowed
            .iter()
            .map(|subject| match &subject.relation {
                Some(relation) => format!("{}#{}", subject.resource_type.text, relation.text).into(),
                None => subject.resource_type.text.as_str().into(),
            })
            .collect();
        out.insert("allowed_types".into(), allowed.into());
    }
    if let Some(rule) = &relation.rule {
        rule_fields(rule, &mut out);
    }
    out.into()
}

fn rule_fields(rule: &Rule, out: &mut Map<String, Value>) {
    match rule {
        Rule::Relation { relation } => {
            out.insert("inherit_if".into(), relation.text.as_str().into());
        }
        Rule::On {
            relation,
            edge,
            resource_type,
        } => {
            out.insert("inherit_if".into(), relation.text.as_str().into());
            out.insert("of_type".into(), resource_type.text.as_str().into());
            out.insert("with_relation".into(), edge.text.as_str().into());
        }
        Rule::Group { op, rules, .. } => {
            let rules: Vec<Value> = rules
                .iter()
                .map(|rule| {
                    let mut fields = Map::new();
                    rule_fields(rule, &mut fields);
                    fields.into()
                })
                .collect();
            out.insert("inherit_if".into(), op.keyword().into());
            out.insert("rules".into(), rules.into());
        }
        Rule::Policy { policy } => {
            out.insert("policy".into(), policy.text.as_str().into());
        }
    }
}
