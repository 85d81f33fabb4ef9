//! Conversions, `len` and `type`.

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Builtin;
use super::call::Call;
use crate::eval::{Eval, Machine, as_float};
use crate::print;
use crate::value::{Json, Seq, Value, integral};

pub(super) fn call<'a>(machine: &mut Machine<'a>, function: Builtin, call: &Call<'a>) -> Eval<'a> {
    if let Value::Str(text) = call.value(0) {
        machine.read_text(text)?;
    }
    match function {
        Builtin::Len => len(machine, call),
        Builtin::Type => Ok(Value::text(type_name(call.value(0)))),
        Builtin::Int => int(machine, call),
        Builtin::Float => float(machine, call),
        Builtin::String => match call.value(0) {
            Value::Str(text) => Ok(Value::Str(text.clone())),
            value => print::string(machine, value).map(Value::text),
        },
        Builtin::ToJson => print::json(machine, call.value(0)).map(Value::text),
        Builtin::FromJson => {
            let text = call.text(machine, 0)?;
            // The parsed value is larger than its text; both are paid for.
            machine.build_text(text.len().saturating_mul(2))?;
            match serde_json::from_str::<Json>(&text) {
                Ok(json) => owned(machine, &json),
                Err(_) => Err(call.wrong(machine, "the text is not JSON")),
            }
        }
        Builtin::ToBase64 => {
            let text = call.text(machine, 0)?;
            machine.build_text(text.len().saturating_mul(2))?;
            Ok(Value::text(STANDARD.encode(text.as_bytes())))
        }
        Builtin::FromBase64 => {
            let text = call.text(machine, 0)?;
            machine.build_text(text.len())?;
            let decoded = STANDARD
                .decode(text.as_bytes())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            decoded
                .map(Value::text)
                .ok_or_else(|| call.wrong(machine, "the text is not base64 of a text"))
        }
        _ => Err(call.wrong(machine, "not a conversion")),
    }
}

fn len<'a>(machine: &mut Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    let length = match call.value(0) {
        Value::Str(text) => {
            machine.read_text(text)?;
            text.chars().count() as u64
        }
        Value::Array(seq) => seq.len(),
        Value::Map(table) => table.len() as u64,
        _ => return Err(call.mismatch(machine, 0, "an array, a map or a string")),
    };
    i64::try_from(length)
        .map(Value::Int)
        .map_err(|_| call.wrong(machine, "the array is too long"))
}

fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "string",
        Value::Array(_) => "array",
        Value::Map(_) => "map",
        Value::Time(_) => "time.Time",
        Value::Duration(_) => "time.Duration",
        Value::Zone(_) => "time.Location",
    }
}

fn int<'a>(machine: &Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    let (found, wanted) = match call.value(0) {
        Value::Int(i) | Value::Duration(i) => (Some(*i), ""),
        Value::Float(f) => (integral(f.trunc()), "a number that fits an integer"),
        Value::Str(text) => (text.parse().ok(), "the digits of an integer"),
        _ => (None, "a number or a string"),
    };
    match (found, call.value(0)) {
        (Some(int), _) => Ok(Value::Int(int)),
        (None, Value::Str(_) | Value::Float(_)) => {
            let operand = call
                .arguments
                .first()
                .map(|operand| machine.quote(operand))
                .unwrap_or_default();
            Err(call.wrong(machine, format!("{operand} is not {wanted}")))
        }
        (None, _) => Err(call.mismatch(machine, 0, wanted)),
    }
}

fn float<'a>(machine: &Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    match call.value(0) {
        Value::Str(text) => match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Value::Float(float)),
            _ => Err(call.wrong(machine, "the text is not a number")),
        },
        value => as_float(value)
            .map(Value::Float)
            .ok_or_else(|| call.mismatch(machine, 0, "a number or a string")),
    }
}

/// A value of its own from JSON that does not outlive the call. The parser bounds the depth of `json`.
fn owned<'a>(machine: &mut Machine<'a>, json: &Json) -> Eval<'a> {
    Ok(match json {
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => {
            let items = items
                .iter()
                .map(|item| owned(machine, item))
                .collect::<Result<_, _>>()?;
            Value::Array(Seq::Built(machine.list(items)?))
        }
        Json::Object(map) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map {
                entries.push((Value::text(Rc::<str>::from(key.as_str())), owned(machine, value)?));
            }
            Value::Map(machine.dict(entries)?)
        }
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Nil,
        },
    })
}
