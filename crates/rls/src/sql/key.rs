//! Ids and keys: an id is a text, a key is what the columns of a table hold.
//!
//! A cast never raises: what is not the canonical form of a key is null, and names no row.

use super::{SCHEMA, within};
use crate::shape::KeyType;
use crate::sql::quote;

/// How key columns make up an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Coding {
    /// One column is the id; several are joined by `/`.
    Plain,
    /// Of a resource type of the authorization API: the organization and the external id.
    Within(String),
    /// The column holds the id that the authorization API gave to a resource.
    Named,
}

/// The text of one key column as a part of an id.
fn part_text(key: &str, ty: KeyType, parts: usize) -> String {
    match ty {
        KeyType::Text if parts > 1 => format!("replace(replace({key}::text, '~', '~0'), '/', '~1')"),
        _ => format!("{key}::text"),
    }
}

/// The id that key columns make up.
pub(crate) fn id(keys: &[(String, KeyType)], coding: &Coding) -> String {
    match (coding, keys) {
        (Coding::Within(ty), [(organization, _), (key, key_type)]) => {
            return within::id(ty, organization, (key, *key_type));
        }
        (Coding::Named, [(key, _)]) => return within::named(key),
        _ => {}
    }
    let parts: Vec<String> = keys
        .iter()
        .map(|(key, ty)| part_text(key, *ty, keys.len()))
        .collect();
    parts.join(" || '/' || ")
}

/// A test that columns make up an id at all, where they may not: a long external id that nothing is called.
pub(crate) fn can_be_none(id: &str, coding: &Coding) -> Option<String> {
    (matches!(coding, Coding::Within(_)) && id.starts_with(SCHEMA)).then(|| format!("{id} is not null"))
}

/// The keys that an id stands for; null where it stands for none.
pub(crate) fn keys(id: &str, types: &[KeyType], coding: &Coding) -> Vec<String> {
    if let Coding::Within(ty) = coding {
        return within::keys(ty, id, types);
    }
    let count = types.len();
    let part = |index: usize| match count {
        1 => id.to_owned(),
        _ => format!("{SCHEMA}.key_part({id}, {index}, {count})"),
    };
    types
        .iter()
        .enumerate()
        .map(|(index, ty)| cast(&part(index + 1), *ty))
        .collect()
}

/// A text as a key. The functions are the store's, whose index of the warrants has what they say of each (its migration `0011_keys.sql`).
fn cast(text: &str, ty: KeyType) -> String {
    match ty {
        KeyType::Text => text.to_owned(),
        KeyType::Integer => format!("rowgate.key_integer({text})"),
        KeyType::Uuid => format!("rowgate.key_uuid({text})"),
    }
}

/// Takes a part of an id out: signature with names, result, body. It raises nothing, whatever the text.
pub(crate) const PART: (&str, &str, &str, &str) = (
    "key_part",
    "id text, part integer, parts integer",
    "text",
    // A `~` stands only before 0 and 1, or writing the part again would not give the same.
    "case when length(id) - length(replace(id, '/', '')) = parts - 1
            and replace(replace(replace(replace(split_part(id, '/', part), '~1', '/'), '~0', '~'), '~', '~0'), '/', '~1') = split_part(id, '/', part)
        then replace(replace(split_part(id, '/', part), '~1', '/'), '~0', '~') end",
);

/// The test that text keys are ids at all: `*` stands for everybody and is no id.
pub(crate) fn is_id(key: &str, ty: KeyType) -> Option<String> {
    (ty == KeyType::Text).then(|| format!("{key} not in ('', {})", quote::text("*")))
}
