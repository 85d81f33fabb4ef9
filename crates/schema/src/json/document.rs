//! JSON text to a value, without losing sight of keys that stand twice.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::Path;
use crate::ast::Span;
use crate::diagnostic::{Diagnostic, Severity, Sink, shown};

/// A JSON value, and the places where one of its objects has a key twice.
///
/// Read as a plain [`Value`], the last of them would count and nobody would be told. Other readers keep the first, so what
/// one program has looked at is not what the next one acts on.
#[derive(Debug)]
pub struct Document {
    value: Value,
    repeated: Sink,
}

impl Document {
    /// The value.
    ///
    /// # Errors
    /// A diagnostic for every key that stands in its object already.
    pub fn into_value(self) -> Result<Value, Vec<Diagnostic>> {
        if self.repeated.has_errors() {
            Err(self.repeated.finish())
        } else {
            Ok(self.value)
        }
    }
}

/// Reads JSON text.
///
/// # Errors
/// What is not JSON, with its place in the text; or the keys that stand twice, with their places in the document.
pub fn parse_json(source: &str) -> Result<Value, Vec<Diagnostic>> {
    match serde_json::from_str::<Document>(source) {
        Ok(document) => document.into_value(),
        Err(error) => Err(vec![not_json(source, &error)]),
    }
}

fn not_json(source: &str, error: &serde_json::Error) -> Diagnostic {
    let text = error.to_string();
    // The place is shown with the line itself.
    let what = text.split(" at line ").next().unwrap_or_default();
    let line_start: usize = source
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let start =
        (line_start + error.column().saturating_sub(1)).min(source.trim_end().len().saturating_sub(1)) as u32;
    Diagnostic::error("syntax_error", format!("this is not JSON: {what}")).at(Span {
        start,
        end: start + 1,
    })
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut repeated = Sink::default();
        let root = Place {
            path: &Path::Root,
            repeated: &mut repeated,
        };
        let value = root.deserialize(deserializer)?;
        Ok(Self { value, repeated })
    }
}

/// Reads the value at one place of a document.
struct Place<'a> {
    path: &'a Path<'a>,
    repeated: &'a mut Sink,
}

impl Place<'_> {
    fn repeats(&mut self, key: &str) {
        let message = format!("the key `{}` stands in its object already", shown(key));
        let error = Diagnostic::error("duplicate_key", message).help("leave one of them out");
        // A hostile document has more of them than anybody will read.
        let placed = if self.repeated.has_room(Severity::Error) {
            error.at_path(self.path.field(key).to_string())
        } else {
            error
        };
        self.repeated.push(placed);
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(value) = items.next_element_seed(Place {
            path: &self.path.item(out.len()),
            repeated: &mut *self.repeated,
        })? {
            out.push(value);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(Place {
                path: &self.path.field(&key),
                repeated: &mut *self.repeated,
            })?;
            match out.entry(key) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(taken) => self.repeats(taken.key()),
            }
        }
        Ok(Value::Object(out))
    }
}
