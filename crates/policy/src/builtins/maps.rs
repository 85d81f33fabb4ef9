//! Maps.

use super::Builtin;
use super::call::Call;
use crate::eval::{Eval, Machine, from_end};
use crate::value::{Seq, Table, Value};

pub(super) fn call<'a>(machine: &mut Machine<'a>, function: Builtin, call: &Call<'a>) -> Eval<'a> {
    match function {
        Builtin::Get => return get(machine, call),
        Builtin::FromPairs => return from_pairs(machine, call),
        _ => {}
    }
    let table = call.table(machine, 0)?;
    machine.steps(table.len() as u64)?;
    let mut items = Vec::with_capacity(table.len());
    for (key, value) in table.iter() {
        items.push(match function {
            Builtin::Keys => key,
            Builtin::Values => value,
            _ => Value::Array(Seq::Built(machine.list(vec![key, value])?)),
        });
    }
    Ok(Value::Array(Seq::Built(machine.list(items)?)))
}

/// A member or an element, nil when there is none.
fn get<'a>(machine: &mut Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    match call.value(0) {
        Value::Nil => Ok(Value::Nil),
        Value::Map(table) => {
            let key = call.value(1);
            if let Table::Built(dict) = table {
                machine.steps(dict.entries.len() as u64)?;
            } else if key.as_str().is_none() {
                return Err(call.mismatch(machine, 1, "a string"));
            }
            Ok(table.get_value(key).unwrap_or(Value::Nil))
        }
        Value::Array(seq) => {
            let position = call.int(machine, 1)?;
            Ok(from_end(position, seq.len())
                .and_then(|at| seq.get(at))
                .unwrap_or(Value::Nil))
        }
        _ => Err(call.mismatch(machine, 0, "a map or an array")),
    }
}

fn from_pairs<'a>(machine: &mut Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    let seq = call.seq(machine, 0)?;
    let mut entries: Vec<(Value<'a>, Value<'a>)> = Vec::new();
    for item in seq.iter() {
        machine.steps(1)?;
        let pair = match &item {
            Value::Array(pair) if pair.len() == 2 => pair.get(0).zip(pair.get(1)),
            _ => None,
        };
        let Some((key, value)) = pair.filter(|(key, _)| !matches!(key, Value::Array(_) | Value::Map(_)))
        else {
            return Err(call.wrong(machine, "every element must be a pair of a key and a value"));
        };
        machine.read_key(&key, entries.len() as u64)?;
        match entries.iter_mut().find(|(known, _)| known.same_scalar(&key)) {
            Some(entry) => entry.1 = value,
            None => entries.push((key, value)),
        }
    }
    machine.dict(entries).map(Value::Map)
}
