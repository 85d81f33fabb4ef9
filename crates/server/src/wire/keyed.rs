//! JSON with keys of the client's own: contexts and metadata. No key may stand twice in its object, at any depth: which of
//! the two counts is not the same for everybody who reads it.

use rowgate_schema::Document;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::{Map, Value};

/// An optional field that is such an object.
pub(crate) fn keyed<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Map<String, Value>>, D::Error> {
    let document = Option::<Document>::deserialize(deserializer)?;
    document
        .map(|document| object(document).map_err(Error::custom))
        .transpose()
}

/// The object that a document is, or what is wrong with it.
pub(crate) fn object(document: Document) -> Result<Map<String, Value>, String> {
    match document.into_value() {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("must be a JSON object".into()),
        Err(repeated) => Err(repeated.first().map_or_else(String::new, |first| {
            let place = first.path.as_deref().unwrap_or_default();
            format!("{place}: {}", first.message)
        })),
    }
}
