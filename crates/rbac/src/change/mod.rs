//! What can be changed: one file for each kind of thing. Each function reads the newest state, refuses what is not allowed, and adds its
//! changes to the draft.

pub mod assignments;
pub mod expiry;
pub mod group_assignments;
pub mod groups;
pub mod memberships;
pub mod organizations;
pub mod people;
pub mod permissions;
pub mod resources;
pub mod restore;
pub mod role_permissions;
pub mod roles;
pub mod setup;
pub mod types;
pub mod users;

use serde_json::{Map, Value};

use crate::input::MAX_METADATA;
use crate::{Error, Result};

/// Sets a field of metadata, or takes it away.
fn set(meta: &mut Map<String, Value>, field: &str, value: Option<&str>) {
    match value {
        Some(value) => meta.insert(field.to_owned(), value.into()),
        None => meta.shift_remove(field),
    };
}

/// Merges metadata of the application's own: `null` removes a key.
fn merge(meta: &mut Map<String, Value>, more: &Map<String, Value>) -> Result<()> {
    let mut own = match meta.shift_remove("metadata") {
        Some(Value::Object(own)) => own,
        _ => Map::new(),
    };
    for (key, value) in more {
        match value {
            Value::Null => own.shift_remove(key),
            value => own.insert(key.clone(), value.clone()),
        };
    }
    if own.len() > MAX_METADATA {
        let message = format!(
            "metadata would have {} keys; at most {MAX_METADATA} are allowed",
            own.len()
        );
        return Err(Error::bad("invalid_metadata", message));
    }
    if !own.is_empty() {
        meta.insert("metadata".into(), Value::Object(own));
    }
    Ok(())
}
