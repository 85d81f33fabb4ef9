//! `+ - * / % **`: checked, so that no result is ever wrapped or infinite.

use std::rc::Rc;

use jiff::SignedDuration;

use super::Operands;
use crate::ast::BinaryOp;
use crate::eval::{Eval, Machine};
use crate::fail::Fail;
use crate::value::Value;

impl<'a> Machine<'a> {
    pub(super) fn arithmetic(
        &mut self,
        at: &Operands<'a>,
        op: BinaryOp,
        a: &Value<'a>,
        b: &Value<'a>,
    ) -> Eval<'a> {
        match (a, b) {
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => self.numbers(at, op, a, b),
            (Value::Str(a), Value::Str(b)) if op == BinaryOp::Add => {
                self.build_text(a.len() + b.len())?;
                Ok(Value::text([&**a, &**b].concat()))
            }
            _ => match times(op, a, b) {
                Some(Some(value)) => Ok(value),
                Some(None) => Err(self.overflow(at)),
                None => Err(self.cannot(at, op, a, b)),
            },
        }
    }

    fn numbers(&mut self, at: &Operands<'a>, op: BinaryOp, a: &Value<'a>, b: &Value<'a>) -> Eval<'a> {
        let integers = |op: fn(i64, i64) -> Option<i64>| match (a, b) {
            (Value::Int(a), Value::Int(b)) => Some(op(*a, *b).map(Value::Int)),
            _ => None,
        };
        let exact = match op {
            BinaryOp::Add => integers(i64::checked_add),
            BinaryOp::Sub => integers(i64::checked_sub),
            BinaryOp::Mul => integers(i64::checked_mul),
            BinaryOp::Mod => {
                let (Some(dividend), Some(divisor)) = (a.as_integer(), b.as_integer()) else {
                    let (operand, value) = if a.as_integer().is_none() {
                        (at.left, a)
                    } else {
                        (at.right, b)
                    };
                    return Err(self.mismatch(at.expr, operand, value, "an integer"));
                };
                if divisor == 0 {
                    return Err(self.wrong(at.expr, [at.left, at.right], "division by zero"));
                }
                Some(Some(Value::Int(dividend.wrapping_rem(divisor))))
            }
            _ => None,
        };
        if let Some(exact) = exact {
            return exact.ok_or_else(|| self.overflow(at));
        }
        let (Some(x), Some(y)) = (as_float(a), as_float(b)) else {
            return Err(self.cannot(at, op, a, b));
        };
        let result = match op {
            BinaryOp::Add => x + y,
            BinaryOp::Sub => x - y,
            BinaryOp::Mul => x * y,
            BinaryOp::Div if y == 0.0 => {
                return Err(self.wrong(at.expr, [at.left, at.right], "division by zero"));
            }
            BinaryOp::Div => x / y,
            _ => x.powf(y),
        };
        if result.is_finite() {
            Ok(Value::Float(result))
        } else {
            Err(self.overflow(at))
        }
    }

    fn overflow(&self, at: &Operands<'a>) -> Fail {
        self.wrong(at.expr, [at.left, at.right], "the result is too large")
    }

    fn cannot(&self, at: &Operands<'a>, op: BinaryOp, a: &Value<'a>, b: &Value<'a>) -> Fail {
        let fits = |value: &Value<'_>| matches!(value, Value::Int(_) | Value::Float(_));
        match (fits(a), fits(b)) {
            (true, false) => self.mismatch(at.expr, at.right, b, "a number"),
            (false, true) => self.mismatch(at.expr, at.left, a, "a number"),
            _ => {
                let why = format!(
                    "`{}` cannot be applied to {} and {}",
                    op.symbol(),
                    a.kind(),
                    b.kind()
                );
                self.wrong(at.expr, [at.left, at.right], why)
            }
        }
    }
}

/// The value as a float.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn as_float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}

/// Arithmetic of dates and durations: `None` if the operator does not fit, `Some(None)` if the result does not.
fn times<'a>(op: BinaryOp, a: &Value<'a>, b: &Value<'a>) -> Option<Option<Value<'a>>> {
    Some(match (op, a, b) {
        (BinaryOp::Add, Value::Time(date), Value::Duration(d))
        | (BinaryOp::Add, Value::Duration(d), Value::Time(date)) => shift(date, *d),
        (BinaryOp::Sub, Value::Time(date), Value::Duration(d)) => {
            d.checked_neg().and_then(|d| shift(date, d))
        }
        (BinaryOp::Sub, Value::Time(a), Value::Time(b)) => between(a, b),
        (BinaryOp::Add, Value::Duration(a), Value::Duration(b)) => a.checked_add(*b).map(Value::Duration),
        (BinaryOp::Sub, Value::Duration(a), Value::Duration(b)) => a.checked_sub(*b).map(Value::Duration),
        (BinaryOp::Mul, Value::Duration(d), number) | (BinaryOp::Mul, number, Value::Duration(d)) => {
            scale(*d, number)?
        }
        #[allow(clippy::cast_precision_loss)]
        (BinaryOp::Div, Value::Duration(a), Value::Duration(b)) => Some(*a as f64 / *b as f64)
            .filter(|ratio| ratio.is_finite())
            .map(Value::Float),
        _ => return None,
    })
}

/// A date some nanoseconds later.
pub(crate) fn shift<'a>(date: &jiff::Zoned, nanos: i64) -> Option<Value<'a>> {
    date.checked_add(SignedDuration::from_nanos(nanos))
        .ok()
        .map(|date| Value::Time(Rc::new(date)))
}

/// How much later the first date is than the second.
pub(crate) fn between<'a>(a: &jiff::Zoned, b: &jiff::Zoned) -> Option<Value<'a>> {
    i64::try_from(a.timestamp().duration_since(b.timestamp()).as_nanos())
        .ok()
        .map(Value::Duration)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn scale<'a>(nanos: i64, factor: &Value<'a>) -> Option<Option<Value<'a>>> {
    match factor {
        Value::Int(factor) => Some(nanos.checked_mul(*factor).map(Value::Duration)),
        Value::Float(factor) => {
            let product = nanos as f64 * factor;
            Some((product.abs() < 9.2e18).then_some(Value::Duration(product as i64)))
        }
        _ => None,
    }
}
