//! Ids and keys: an id is a text, a key is what the columns of a table hold.
//!
//! A cast never raises: what is not the canonical form of a key is null, and names no row.

use crate::shape::KeyType;
use crate::sql::quote;

/// The text of one key column as a part of an id.
fn part_text(key: &str, ty: KeyType, parts: usize) -> String {
    match ty {
        KeyType::Text if parts > 1 => format!("replace(replace({key}::text, '~', '~0'), '/', '~1')"),
        _ => format!("{key}::text"),
    }
}

/// The id that key columns make up.
pub(crate) fn id(keys: &[(String, KeyType)]) -> String {
    let parts: Vec<String> = keys
        .iter()
        .map(|(key, ty)| part_text(key, *ty, keys.len()))
        .collect();
    parts.join(" || '/' || ")
}

/// The keys that an id stands for; null where it stands for none.
pub(crate) fn keys(id: &str, types: &[KeyType]) -> Vec<String> {
    match types {
        [ty] => vec![cast(id, *ty)],
        _ => {
            let count = types.len();
            types
                .iter()
                .enumerate()
                .map(|(index, ty)| cast(&part(id, index + 1, count), *ty))
                .collect()
        }
    }
}

/// The n-th part of a composite id, unescaped; null where the id is not canonical or has another number of parts.
fn part(id: &str, index: usize, count: usize) -> String {
    let raw = format!("split_part({id}, '/', {index})");
    let plain = format!("replace(replace({raw}, '~1', '/'), '~0', '~')");
    let again = format!("replace(replace({plain}, '~', '~0'), '/', '~1')");
    let slashes = format!("length({id}) - length(replace({id}, '/', ''))");
    format!(
        "case when {slashes} = {} and {again} = {raw} then {plain} end",
        count - 1
    )
}

/// A text as a key.
pub(crate) fn cast(text: &str, ty: KeyType) -> String {
    let text = if text.starts_with("case ") {
        format!("({text})")
    } else {
        text.to_owned()
    };
    match ty {
        KeyType::Text => text,
        // Eighteen digits always fit; of nineteen it depends.
        KeyType::Integer => format!(
            "case when {text} ~ '^(0|-?[1-9][0-9]{{0,17}})$' then {text}::bigint \
             when {text} ~ '^-?[1-9][0-9]{{18}}$' then \
             case when {text}::numeric between -9223372036854775808 and 9223372036854775807 then {text}::bigint end end"
        ),
        KeyType::Uuid => format!(
            "case when {text} ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' then {text}::uuid end"
        ),
    }
}

/// The test that text keys are ids at all: `*` stands for everybody and is no id.
pub(crate) fn is_id(key: &str, ty: KeyType) -> Option<String> {
    (ty == KeyType::Text).then(|| format!("{key} not in ('', {})", quote::text("*")))
}
