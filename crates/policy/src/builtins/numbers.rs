//! Numbers: rounding, extremes and averages, bits.

use super::Builtin;
use super::call::Call;
use crate::eval::{Eval, Machine, as_float};
use crate::fail::Fail;
use crate::value::{Value, compare_numbers};

pub(super) fn call<'a>(machine: &mut Machine<'a>, function: Builtin, call: &Call<'a>) -> Eval<'a> {
    match function {
        Builtin::Abs => match call.value(0) {
            Value::Int(i) => i
                .checked_abs()
                .map(Value::Int)
                .ok_or_else(|| call.wrong(machine, TOO_LARGE)),
            Value::Float(f) => Ok(Value::Float(f.abs())),
            _ => Err(call.mismatch(machine, 0, "a number")),
        },
        Builtin::Ceil => float(machine, call).map(|f| Value::Float(f.ceil())),
        Builtin::Floor => float(machine, call).map(|f| Value::Float(f.floor())),
        Builtin::Round => float(machine, call).map(|f| Value::Float(f.round())),
        Builtin::Max | Builtin::Min => extreme(machine, call, function == Builtin::Max),
        Builtin::Mean => mean(machine, call),
        Builtin::Median => median(machine, call),
        _ => bits(machine, function, call),
    }
}

const TOO_LARGE: &str = "the result is too large";

fn float<'a>(machine: &Machine<'a>, call: &Call<'a>) -> Result<f64, Fail> {
    as_float(call.value(0)).ok_or_else(|| call.mismatch(machine, 0, "a number"))
}

/// The numbers among the arguments, those in arrays included.
fn numbers<'a>(machine: &mut Machine<'a>, call: &Call<'a>) -> Result<Vec<Value<'a>>, Fail> {
    let mut numbers = Vec::new();
    for (at, value) in call.values.iter().enumerate() {
        match value {
            Value::Int(_) | Value::Float(_) => numbers.push(value.clone()),
            Value::Array(seq) => {
                for item in seq.iter() {
                    machine.steps(1)?;
                    if !matches!(item, Value::Int(_) | Value::Float(_)) {
                        let why = format!("an element is {}, expected a number", item.kind());
                        return Err(call.wrong(machine, why));
                    }
                    numbers.push(item);
                }
            }
            _ => return Err(call.mismatch(machine, at, "a number or an array of numbers")),
        }
    }
    Ok(numbers)
}

fn extreme<'a>(machine: &mut Machine<'a>, call: &Call<'a>, greatest: bool) -> Eval<'a> {
    let numbers = numbers(machine, call)?;
    let best = numbers.into_iter().reduce(|best, number| {
        let replaces = compare_numbers(&number, &best)
            .is_some_and(|order| if greatest { order.is_gt() } else { order.is_lt() });
        if replaces { number } else { best }
    });
    best.ok_or_else(|| call.wrong(machine, "the array is empty"))
}

#[allow(clippy::cast_precision_loss)]
fn mean<'a>(machine: &mut Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    let numbers = numbers(machine, call)?;
    let sum: f64 = numbers.iter().filter_map(as_float).sum();
    finite(machine, call, sum / numbers.len().max(1) as f64)
}

fn median<'a>(machine: &mut Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    let mut floats: Vec<f64> = numbers(machine, call)?.iter().filter_map(as_float).collect();
    floats.sort_by(f64::total_cmp);
    let middle = floats.len() / 2;
    let value = match (
        floats.get(middle),
        middle.checked_sub(1).and_then(|below| floats.get(below)),
    ) {
        (Some(upper), Some(lower)) if floats.len().is_multiple_of(2) => f64::midpoint(*lower, *upper),
        (Some(value), _) => *value,
        (None, _) => 0.0,
    };
    finite(machine, call, value)
}

fn finite<'a>(machine: &Machine<'a>, call: &Call<'a>, value: f64) -> Eval<'a> {
    if value.is_finite() {
        Ok(Value::Float(value))
    } else {
        Err(call.wrong(machine, TOO_LARGE))
    }
}

fn bits<'a>(machine: &mut Machine<'a>, function: Builtin, call: &Call<'a>) -> Eval<'a> {
    let a = call.int(machine, 0)?;
    if function == Builtin::BitNot {
        return Ok(Value::Int(!a));
    }
    let b = call.int(machine, 1)?;
    let shift = || match u32::try_from(b) {
        Ok(shift) => Ok(shift),
        Err(_) => Err(call.wrong(machine, "the shift is negative or too large")),
    };
    Ok(Value::Int(match function {
        Builtin::BitAnd => a & b,
        Builtin::BitOr => a | b,
        Builtin::BitXor => a ^ b,
        Builtin::BitNand => a & !b,
        Builtin::BitShl => a.checked_shl(shift()?).unwrap_or(0),
        Builtin::BitShr => a >> shift()?.min(63),
        Builtin::BitUshr => a.cast_unsigned().checked_shr(shift()?).unwrap_or(0).cast_signed(),
        _ => return Err(call.wrong(machine, "not a function of numbers")),
    }))
}
