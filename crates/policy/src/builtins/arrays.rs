//! Arrays, apart from the functions that take a predicate.

use super::Builtin;
use super::call::Call;
use crate::ast::Expr;
use crate::eval::{Eval, Machine, as_float};
use crate::fail::Fail;
use crate::limits::MAX_VALUE_DEPTH;
use crate::value::{Seq, Value};

pub(super) fn call<'a>(machine: &mut Machine<'a>, function: Builtin, call: &Call<'a>) -> Eval<'a> {
    let seq = call.seq(machine, 0)?;
    match function {
        Builtin::First => Ok(seq.get(0).unwrap_or(Value::Nil)),
        Builtin::Last => Ok(seq
            .len()
            .checked_sub(1)
            .and_then(|last| seq.get(last))
            .unwrap_or(Value::Nil)),
        Builtin::Take => take(machine, call, &seq),
        Builtin::Count => {
            let mut count = 0;
            for item in seq.iter() {
                machine.steps(1)?;
                let Value::Bool(truth) = item else {
                    let why = format!("an element is {}, expected a boolean", item.kind());
                    return Err(call.wrong(machine, why));
                };
                count += i64::from(truth);
            }
            Ok(Value::Int(count))
        }
        Builtin::Sum => {
            let items = items(machine, &seq)?;
            let Some(list) = call.arguments.first() else {
                return Ok(Value::Nil);
            };
            machine.total(call.expr, list, items)
        }
        Builtin::Reverse => {
            let mut items = items(machine, &seq)?;
            items.reverse();
            built(machine, items)
        }
        Builtin::Uniq => uniq(machine, &seq),
        Builtin::Concat => {
            let mut all = Vec::new();
            for at in 0..call.values.len() {
                let seq = call.seq(machine, at)?;
                all.extend(items(machine, &seq)?);
            }
            built(machine, all)
        }
        Builtin::Flatten => {
            let mut flat = Vec::new();
            flatten(machine, &seq, 0, &mut flat)?;
            built(machine, flat)
        }
        Builtin::Sort => {
            let items = items(machine, &seq)?;
            let pairs = items.into_iter().map(|item| (item.clone(), item)).collect();
            let order = call.values.get(1);
            let Some(list) = call.arguments.first() else {
                return Ok(Value::Nil);
            };
            let sorted = machine.sorted(call.expr, list, pairs, order)?;
            built(machine, sorted)
        }
        _ => Err(call.wrong(machine, "not a function of arrays")),
    }
}

fn built<'a>(machine: &mut Machine<'a>, items: Vec<Value<'a>>) -> Eval<'a> {
    machine.list(items).map(|list| Value::Array(Seq::Built(list)))
}

/// The elements as values, paid for first.
fn items<'a>(machine: &mut Machine<'a>, seq: &Seq<'a>) -> Result<Vec<Value<'a>>, Fail> {
    machine.steps(seq.len())?;
    Ok(seq.iter().collect())
}

fn take<'a>(machine: &mut Machine<'a>, call: &Call<'a>, seq: &Seq<'a>) -> Eval<'a> {
    let count = call.int(machine, 1)?;
    let Ok(count) = u64::try_from(count) else {
        return Err(call.mismatch(machine, 1, "a number of elements"));
    };
    let count = count.min(seq.len());
    machine.steps(count)?;
    let items = (0..count).map_while(|at| seq.get(at)).collect();
    built(machine, items)
}

fn uniq<'a>(machine: &mut Machine<'a>, seq: &Seq<'a>) -> Eval<'a> {
    let mut kept: Vec<Value<'a>> = Vec::new();
    for item in seq.iter() {
        machine.steps(1 + kept.len() as u64)?;
        let mut known = false;
        for other in &kept {
            known = known || machine.equal(other, &item)?;
        }
        if !known {
            kept.push(item);
        }
    }
    built(machine, kept)
}

fn flatten<'a>(
    machine: &mut Machine<'a>,
    seq: &Seq<'a>,
    depth: u32,
    flat: &mut Vec<Value<'a>>,
) -> Result<(), Fail> {
    if depth > MAX_VALUE_DEPTH {
        return Err(Fail::fatal("a value is nested too deeply"));
    }
    for item in seq.iter() {
        machine.steps(1)?;
        match item {
            Value::Array(inner) => flatten(machine, &inner, depth + 1, flat)?,
            item => flat.push(item),
        }
    }
    Ok(())
}

impl<'a> Machine<'a> {
    /// The sum of values that are all numbers or all durations; 0 for none.
    pub(crate) fn total(&mut self, expr: &'a Expr, list: &'a Expr, values: Vec<Value<'a>>) -> Eval<'a> {
        let mut sum = Value::Int(0);
        for (at, value) in values.into_iter().enumerate() {
            self.steps(1)?;
            let next = match (&sum, &value) {
                (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
                (Value::Duration(a), Value::Duration(b)) => a.checked_add(*b).map(Value::Duration),
                (_, Value::Duration(_)) if at == 0 => Some(value),
                (a, b) => match (as_float(a), as_float(b)) {
                    (Some(a), Some(b)) => Some(a + b).filter(|sum| sum.is_finite()).map(Value::Float),
                    _ => {
                        let why = format!("an element is {}, expected a number", value.kind());
                        return Err(self.wrong(expr, [list], why));
                    }
                },
            };
            sum = next.ok_or_else(|| self.wrong(expr, [list], "the result is too large"))?;
        }
        Ok(sum)
    }
}
