//! Contexts: each key right, missing or of a wrong type.

use crate::expressions::KEYS;
use crate::policies::Context;
use rowgate_policy::ParamType;
use serde_json::{Value as Json, json};

/// The context that a number per key chooses. Zero leaves the key out.
pub fn build(choices: &[u8; 6]) -> Context {
    let entry = |(&(key, ty), choice): (&(&str, ParamType), &u8)| Some((key.to_owned(), value(ty, *choice)?));
    KEYS.iter().zip(choices).filter_map(entry).collect()
}

fn value(ty: ParamType, choice: u8) -> Option<Json> {
    let (first, second, wrong) = match ty {
        ParamType::String => (json!("x"), json!("y"), json!(7)),
        ParamType::Integer => (json!(5), json!(2), json!("5")),
        ParamType::Boolean => (json!(true), json!(false), json!("true")),
        ParamType::Float => (json!(1.25), json!(3), json!([])),
        ParamType::Array => (json!(["x", "y"]), json!([]), json!("x")),
        ParamType::Map => (json!({"a": "x"}), json!({}), json!(["a"])),
    };
    match choice % 8 {
        0 | 1 => None,
        2 | 3 => Some(first),
        4 | 5 => Some(second),
        6 => Some(wrong),
        _ => Some(Json::Null),
    }
}
