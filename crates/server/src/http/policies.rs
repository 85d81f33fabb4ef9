//! `/fga/v1/policies`

use std::sync::Arc;

use axum::response::Response;
use rowgate_environment::{Error, Write};
use rowgate_schema::ast::{PolicyDef, Rule, Schema, Version};
use rowgate_schema::{policy_from_json, policy_to_json};
use serde_json::Value;

use super::resource_types::require;
use super::{by_name, write};
use crate::cursor::List;
use crate::error::{ApiError, Result};
use crate::extract::{Caller, Params, Payload, Segments};
use crate::wire;
use crate::wire::names;

type EnvironmentResult<T> = rowgate_environment::Result<T>;

pub(crate) async fn list(caller: Caller, params: Params) -> Result<Response> {
    let search = params.get("search").unwrap_or("");
    let published = caller.read();
    let policies = published.model.schema().policies.iter();
    let policies: Vec<&PolicyDef> = policies
        .filter(|policy| policy.name.text.contains(search))
        .collect();
    let list = List::new("policies", &caller, search);
    by_name::page(
        &list,
        &params,
        &policies,
        |policy| &policy.name.text,
        |policy| policy_to_json(policy),
    )
}

pub(crate) async fn get(caller: Caller, Segments(name): Segments<String>) -> Result<Response> {
    let published = caller.read();
    let found = published
        .model
        .schema()
        .policies
        .iter()
        .find(|policy| policy.name.text == name);
    match found {
        Some(policy) => Ok(wire::json(&policy_to_json(policy))),
        None => Err(ApiError::NotFound("Policy", name)),
    }
}

/// Creates a policy, or replaces the one of that name.
pub(crate) async fn create(caller: Caller, payload: Payload) -> Result<Response> {
    let value = payload.document()?;
    put(&caller, value, |_, _| Ok(())).await
}

/// Replaces a policy.
pub(crate) async fn update(
    caller: Caller,
    Segments(name): Segments<String>,
    payload: Payload,
) -> Result<Response> {
    let mut value = payload.document()?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("name".into(), name.into());
    }
    put(&caller, value, |schema, name| position(schema, name).map(|_| ())).await
}

pub(crate) async fn delete(caller: Caller, Segments(name): Segments<String>) -> Result<Response> {
    let edit = move |schema: &Schema| {
        let at = position(schema, &name)?;
        if let Some(user) = user_of(schema, &name) {
            let message = format!("policy `{name}` is used by `{user}`; change that rule first");
            return Err(Error::Refused {
                code: "invalid_request",
                message,
            });
        }
        let mut schema = schema.clone();
        schema.policies.remove(at);
        Ok(schema)
    };
    write(&caller, Write::Schema(Arc::new(edit))).await?;
    Ok(wire::empty())
}

async fn put(
    caller: &Caller,
    value: Value,
    allowed: impl Fn(&Schema, &str) -> EnvironmentResult<()> + Send + Sync + 'static,
) -> Result<Response> {
    require(&value, &["name", "expression"])?;
    let name = value["name"]
        .as_str()
        .ok_or_else(|| ApiError::invalid("name", "must be a string"))?;
    names::name(name, || "name".into())?;
    let policy = policy_from_json(&value).map_err(|errors| ApiError::Schema(errors, None))?;
    let answer = policy_to_json(&policy);
    let edit = move |schema: &Schema| {
        allowed(schema, &policy.name.text)?;
        // Only the newest version has policies.
        let mut schema = Schema {
            version: Version::default(),
            ..schema.clone()
        };
        match position(&schema, &policy.name.text) {
            Ok(at) => schema.policies[at] = policy.clone(),
            Err(_) => schema.policies.push(policy.clone()),
        }
        Ok(schema)
    };
    write(caller, Write::Schema(Arc::new(edit))).await?;
    Ok(wire::json(&answer))
}

fn position(schema: &Schema, name: &str) -> EnvironmentResult<usize> {
    let at = schema.policies.iter().position(|policy| policy.name.text == name);
    at.ok_or_else(|| Error::NotFound {
        kind: "Policy",
        key: name.to_owned(),
    })
}

/// A relation whose rule uses a policy.
fn user_of(schema: &Schema, policy: &str) -> Option<String> {
    let relations = schema
        .types
        .iter()
        .flat_map(|def| def.relations.iter().map(move |relation| (def, relation)));
    let user = relations
        .into_iter()
        .find(|(_, relation)| relation.rule.as_ref().is_some_and(|rule| uses(rule, policy)));
    user.map(|(def, relation)| format!("{}#{}", def.name.text, relation.name.text))
}

fn uses(rule: &Rule, policy: &str) -> bool {
    match rule {
        Rule::Policy { policy: named } => named.text == policy,
        Rule::Group { rules, .. } => rules.iter().any(|rule| uses(rule, policy)),
        Rule::Relation { .. } | Rule::On { .. } => false,
    }
}
