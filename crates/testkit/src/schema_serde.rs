//! A schema within a saved world: its JSON form.

use rowgate_schema::ast::Schema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<S: Serializer>(schema: &Schema, serializer: S) -> Result<S::Ok, S::Error> {
    rowgate_schema::to_json(schema).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Schema, D::Error> {
    let json = serde_json::Value::deserialize(deserializer)?;
    let parsed = rowgate_schema::from_json(&json);
    parsed
        .schema
        .ok_or_else(|| D::Error::custom(format!("{:?}", parsed.diagnostics)))
}
