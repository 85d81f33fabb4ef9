//! Entries that are a short text, or a map where there is more to say.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::notation::{Object, Warrant};
use crate::scenario::{ExpectedRow, JsonObject, Resource, SchemaError};

/// A warrant: `ticket:7#creator@user:ann`, or `{warrant: …, policy: …}`.
pub(super) struct WarrantEntry(pub(super) Warrant);

/// A resource: `document:d1`, or `{id: "document:d1", meta: {…}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceMap {
    id: Object,
    meta: Option<JsonObject>,
}

pub(super) struct ResourceEntry(ResourceMap);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WarrantMap {
    warrant: String,
    policy: Option<String>,
}

/// A row: `ticket:7#viewer`, or `{row: …, implicit: …, warrant: …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowMap {
    row: String,
    implicit: Option<bool>,
    warrant: Option<String>,
}

pub(super) struct RowEntry(pub(super) ExpectedRow);

/// An error of a schema: its code, or `{code: …, message: …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaErrorMap {
    code: String,
    message: Option<String>,
}

pub(super) struct SchemaErrorEntry(SchemaErrorMap);

/// Reads either a text or a map.
struct TextOrMap<T, M> {
    wanted: &'static str,
    text: fn(&str) -> Result<T, String>,
    map: fn(M) -> Result<T, String>,
    of: PhantomData<M>,
}

impl<T, M> TextOrMap<T, M> {
    fn new(
        wanted: &'static str,
        text: fn(&str) -> Result<T, String>,
        map: fn(M) -> Result<T, String>,
    ) -> Self {
        Self {
            wanted,
            text,
            map,
            of: PhantomData,
        }
    }
}

impl<'de, T, M: Deserialize<'de>> Visitor<'de> for TextOrMap<T, M> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.text)(text).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let map = M::deserialize(MapAccessDeserializer::new(map))?;
        (self.map)(map).map_err(de::Error::custom)
    }
}

pub(super) fn warrant(text: &str, policy: Option<String>) -> Result<Warrant, String> {
    let mut warrant: Warrant = text.parse().map_err(|error| format!("{error}"))?;
    if policy.is_some() && warrant.policy.is_some() {
        return Err("the policy stands twice: in `[…]` and under `policy`; keep one".to_owned());
    }
    warrant.policy = warrant.policy.or(policy);
    Ok(warrant)
}

fn row(text: &str) -> Result<String, String> {
    match text.rsplit_once('#') {
        Some((object, relation)) if object.parse::<Object>().is_ok() && !relation.is_empty() => {
            Ok(text.to_owned())
        }
        _ => Err(format!(
            "`{text}` is not a row; write it as `resource#relation`, like `ticket:7#viewer`"
        )),
    }
}

impl<'de> Deserialize<'de> for WarrantEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrMap::new(
            "a warrant like `ticket:7#creator@user:ann`, or a map with `warrant` and `policy`",
            |text| warrant(text, None).map(Self),
            |map: WarrantMap| warrant(&map.warrant, map.policy).map(Self),
        ))
    }
}

impl<'de> Deserialize<'de> for ResourceEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrMap::new(
            "a resource like `document:d1`, or a map with `id` and `meta`",
            |text| {
                let id = text
                    .parse()
                    .map_err(|error: crate::notation::NotationError| error.to_string())?;
                Ok(Self(ResourceMap { id, meta: None }))
            },
            |map: ResourceMap| Ok(Self(map)),
        ))
    }
}

impl<'de> Deserialize<'de> for RowEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrMap::new(
            "a row like `ticket:7#viewer`, or a map with `row`, `implicit` and `warrant`",
            |text| {
                Ok(Self(ExpectedRow {
                    row: row(text)?,
                    implicit: None,
                    warrant: None,
                }))
            },
            |map: RowMap| {
                let warrant = map.warrant.map(|text| warrant(&text, None)).transpose()?;
                Ok(Self(ExpectedRow {
                    row: row(&map.row)?,
                    implicit: map.implicit,
                    warrant,
                }))
            },
        ))
    }
}

impl<'de> Deserialize<'de> for SchemaErrorEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrMap::new(
            "the code of an error, or a map with `code` and `message`",
            |code| {
                Ok(Self(SchemaErrorMap {
                    code: code.to_owned(),
                    message: None,
                }))
            },
            |map: SchemaErrorMap| Ok(Self(map)),
        ))
    }
}

impl ResourceEntry {
    pub(super) fn into_resource(self) -> Resource {
        Resource {
            object: self.0.id,
            meta: self.0.meta,
        }
    }
}

impl SchemaErrorEntry {
    pub(super) fn into_error(self) -> SchemaError {
        SchemaError {
            code: self.0.code,
            message: self.0.message,
        }
    }
}
