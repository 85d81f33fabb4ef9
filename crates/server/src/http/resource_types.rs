//! `/fga/v1/resource-types`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rowgate_environment::Write;
use rowgate_schema::ast::{Name, Schema, TypeDef, Version};
use rowgate_schema::{from_json, relations_from_json, resource_type_from_json, resource_type_to_json};
use serde_json::{Map, Value, json};

use super::{by_name, write};
use crate::cursor::List;
use crate::error::{ApiError, Result};
use crate::extract::{Caller, Params, Payload, Segments};
use crate::state::App;
use crate::wire;
use crate::wire::names;

type EnvironmentResult<T> = rowgate_environment::Result<T>;

pub(crate) async fn list(caller: Caller, params: Params) -> Result<Response> {
    let published = caller.read();
    let types = &published.model.schema().types;
    let list = List::new("resource_types", &caller, ());
    by_name::page(&list, &params, types, |def| &def.name.text, resource_type_to_json)
}

pub(crate) async fn get(caller: Caller, Segments(name): Segments<String>) -> Result<Response> {
    match caller.read().model.type_def(&name) {
        Some(def) => Ok(wire::json(&resource_type_to_json(def))),
        None => Err(ApiError::NotFound("ResourceType", name)),
    }
}

/// Creates a type, or replaces the one of that name.
pub(crate) async fn create(caller: Caller, payload: Payload) -> Result<Response> {
    let value = payload.document()?;
    require(&value, &["type", "relations"])?;
    let name = value["type"]
        .as_str()
        .ok_or_else(|| ApiError::invalid("type", "must be a string"))?;
    names::name(name, || "type".into())?;
    let def = resource_type_from_json(&value).map_err(|errors| ApiError::Schema(errors, None))?;
    put(&caller, def, |_, _| Ok(())).await
}

/// Replaces the relations of a type.
pub(crate) async fn update(
    caller: Caller,
    Segments(name): Segments<String>,
    payload: Payload,
) -> Result<Response> {
    let value = payload.document()?;
    require(&value, &["relations"])?;
    let relations =
        relations_from_json(&value["relations"]).map_err(|errors| ApiError::Schema(errors, None))?;
    let def = TypeDef {
        name: Name {
            text: name,
            ..Name::default()
        },
        relations,
    };
    put(&caller, def, |schema, name| position(schema, name).map(|_| ())).await
}

pub(crate) async fn delete(caller: Caller, Segments(name): Segments<String>) -> Result<Response> {
    let edit = move |schema: &Schema| {
        let at = position(schema, &name)?;
        let mut schema = schema.clone();
        schema.types.remove(at);
        Ok(schema)
    };
    write(&caller, Write::Schema(Arc::new(edit))).await?;
    Ok(wire::empty())
}

/// Replaces all types and leaves the policies alone. The answer has the shape of the request: an array, or an object around one.
pub(crate) async fn replace_all(
    State(app): State<App>,
    caller: Caller,
    payload: Payload,
) -> Result<Response> {
    let read = move || {
        let value = payload.document()?;
        let wrapped = value.is_object();
        if wrapped {
            require(&value, &["resource_types"])?;
        }
        let types = if wrapped {
            value["resource_types"].clone()
        } else {
            value
        };
        if !types.is_array() {
            return Err(ApiError::BadRequest("expected an array of resource types".into()));
        }
        let parsed = from_json(&json!({"resource_types": types}));
        let schema = parsed.schema.ok_or(ApiError::Schema(parsed.diagnostics, None))?;
        Ok((wrapped, schema.types))
    };
    let (wrapped, types) = app.long(read).await??;
    let answer: Vec<Value> = types.iter().map(resource_type_to_json).collect();
    let edit = move |schema: &Schema| {
        let policies = schema.policies.clone();
        Ok(Schema {
            version: Version::default(),
            types: types.clone(),
            policies,
        })
    };
    write(&caller, Write::Schema(Arc::new(edit))).await?;
    Ok(if wrapped {
        wire::json(&json!({"resource_types": answer}))
    } else {
        wire::json(&answer)
    })
}

async fn put(
    caller: &Caller,
    def: TypeDef,
    allowed: impl Fn(&Schema, &str) -> EnvironmentResult<()> + Send + Sync + 'static,
) -> Result<Response> {
    let answer = resource_type_to_json(&def);
    let edit = move |schema: &Schema| {
        allowed(schema, &def.name.text)?;
        // What these endpoints say is of the newest version; it has everything that the older ones have.
        let mut schema = Schema {
            version: Version::default(),
            ..schema.clone()
        };
        match position(&schema, &def.name.text) {
            Ok(at) => schema.types[at] = def.clone(),
            Err(_) => schema.types.push(def.clone()),
        }
        Ok(schema)
    };
    write(caller, Write::Schema(Arc::new(edit))).await?;
    Ok(wire::json(&answer))
}

fn position(schema: &Schema, name: &str) -> EnvironmentResult<usize> {
    let at = schema.types.iter().position(|def| def.name.text == name);
    at.ok_or_else(|| rowgate_environment::Error::NotFound {
        kind: "ResourceType",
        key: name.to_owned(),
    })
}

/// Fields that must be there.
pub(crate) fn require(value: &Value, fields: &[&'static str]) -> Result<()> {
    let empty = Map::new();
    let object = match value {
        Value::Object(object) => object,
        Value::Null => &empty,
        _ => return Err(ApiError::BadRequest("expected an object".into())),
    };
    match fields
        .iter()
        .find(|field| object.get(**field).is_none_or(Value::is_null))
    {
        Some(field) => Err(ApiError::missing(*field)),
        None => Ok(()),
    }
}
