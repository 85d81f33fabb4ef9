//! Operators between two values.

use std::cmp::Ordering;

use super::machine::too_deep;
use super::{Eval, Machine, combine};
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::fail::Fail;
use crate::limits::{MAX_VALUE_DEPTH, PATTERN_STEPS};
use crate::pattern::Pattern;
use crate::value::{Seq, Table, Value, compare_numbers};

pub(super) mod arithmetic;

impl<'a> Machine<'a> {
    pub(super) fn unary(&mut self, expr: &'a Expr, op: UnaryOp, operand: &'a Expr) -> Eval<'a> {
        if op == UnaryOp::Not {
            return self.truth(operand).map(|truth| Value::Bool(!truth));
        }
        match (op, self.eval(operand)?) {
            (UnaryOp::Neg, Value::Int(i)) => i
                .checked_neg()
                .map(Value::Int)
                .ok_or_else(|| self.wrong(expr, [operand], "the number is too large")),
            (UnaryOp::Neg, Value::Float(f)) => Ok(Value::Float(-f)),
            (UnaryOp::Neg, Value::Duration(d)) => d
                .checked_neg()
                .map(Value::Duration)
                .ok_or_else(|| self.wrong(expr, [operand], "the duration is too long")),
            (_, value @ (Value::Int(_) | Value::Float(_))) => Ok(value),
            (_, other) => Err(self.mismatch(expr, operand, &other, "a number")),
        }
    }

    pub(super) fn binary(
        &mut self,
        expr: &'a Expr,
        op: BinaryOp,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Eval<'a> {
        if op == BinaryOp::In
            && let ExprKind::Array(items) = &right.kind
        {
            return self.listed(expr, left, items);
        }
        let (a, b) = self.both(left, right)?;
        let operands = Operands { expr, left, right };
        match op {
            BinaryOp::Eq => self.equality(&operands, &a, &b).map(Value::Bool),
            BinaryOp::Ne => self.equality(&operands, &a, &b).map(|same| Value::Bool(!same)),
            BinaryOp::Lt => self
                .order(&operands, &a, &b)
                .map(|order| Value::Bool(order.is_lt())),
            BinaryOp::Gt => self
                .order(&operands, &a, &b)
                .map(|order| Value::Bool(order.is_gt())),
            BinaryOp::Le => self
                .order(&operands, &a, &b)
                .map(|order| Value::Bool(order.is_le())),
            BinaryOp::Ge => self
                .order(&operands, &a, &b)
                .map(|order| Value::Bool(order.is_ge())),
            BinaryOp::In => self.membership(&operands, &a, &b).map(Value::Bool),
            BinaryOp::Contains => self.search(&operands, &a, &b, |text, part| text.contains(part)),
            BinaryOp::StartsWith => self.search(&operands, &a, &b, |text, part| text.starts_with(part)),
            BinaryOp::EndsWith => self.search(&operands, &a, &b, |text, part| text.ends_with(part)),
            BinaryOp::Range => match (a.as_integer(), b.as_integer()) {
                (Some(low), Some(high)) => Ok(Value::Array(Seq::Range(low, high))),
                (None, _) => Err(self.mismatch(expr, left, &a, "an integer")),
                (_, None) => Err(self.mismatch(expr, right, &b, "an integer")),
            },
            _ => self.arithmetic(&operands, op, &a, &b),
        }
    }

    /// Values of kinds that can never be equal are a mistake, not a no: a negation must not turn it into a yes.
    fn equality(&mut self, at: &Operands<'a>, a: &Value<'a>, b: &Value<'a>) -> Result<bool, Fail> {
        if a.comparable(b) {
            return self.equal(a, b);
        }
        Err(self.incomparable(at, a, b))
    }

    fn incomparable(&self, at: &Operands<'a>, a: &Value<'a>, b: &Value<'a>) -> Fail {
        // The side that reads the context is to blame; when both do, both are.
        if self.reads(at.left).is_empty() && !self.reads(at.right).is_empty() {
            return self.mismatch(at.expr, at.right, b, a.kind());
        }
        let why = format!("{} is {}, expected {}", self.quote(at.left), a.kind(), b.kind());
        self.wrong(at.expr, [at.left, at.right], why)
    }

    /// Deep equality; parts of different kinds are simply different.
    pub(crate) fn equal(&mut self, a: &Value<'a>, b: &Value<'a>) -> Result<bool, Fail> {
        self.equal_at(a, b, 0)
    }

    fn equal_at(&mut self, a: &Value<'a>, b: &Value<'a>, depth: u32) -> Result<bool, Fail> {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => self.equal_arrays(a, b, depth),
            (Value::Map(a), Value::Map(b)) => self.equal_maps(a, b, depth),
            (Value::Str(x), Value::Str(y)) => {
                self.read_text(x)?;
                Ok(**x == **y)
            }
            _ => Ok(a.same_scalar(b)),
        }
    }

    fn equal_arrays(&mut self, a: &Seq<'a>, b: &Seq<'a>, depth: u32) -> Result<bool, Fail> {
        if depth >= MAX_VALUE_DEPTH {
            return Err(too_deep());
        }
        if a.len() != b.len() {
            return Ok(false);
        }
        for (a, b) in a.iter().zip(b.iter()) {
            self.steps(1)?;
            if !self.equal_at(&a, &b, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn equal_maps(&mut self, a: &Table<'a>, b: &Table<'a>, depth: u32) -> Result<bool, Fail> {
        if depth >= MAX_VALUE_DEPTH {
            return Err(too_deep());
        }
        if a.len() != b.len() {
            return Ok(false);
        }
        for (key, a) in a.iter() {
            // A map that was built is searched from end to end.
            self.steps(if let Table::Built(_) = b {
                1 + b.len() as u64
            } else {
                1
            })?;
            let Some(b) = b.get_value(&key) else {
                return Ok(false);
            };
            if !self.equal_at(&a, &b, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn order(&mut self, at: &Operands<'a>, a: &Value<'a>, b: &Value<'a>) -> Result<Ordering, Fail> {
        if let (Value::Str(a), Value::Str(_)) = (a, b) {
            self.read_text(a)?;
        }
        if let Some(order) = compare(a, b) {
            return Ok(order);
        }
        let ordered = |value: &Value<'_>| {
            matches!(
                value,
                Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Time(_) | Value::Duration(_)
            )
        };
        Err(match (ordered(a), ordered(b)) {
            (false, true) => self.mismatch(at.expr, at.left, a, b.kind()),
            (true, false) => self.mismatch(at.expr, at.right, b, a.kind()),
            (true, true) => self.incomparable(at, a, b),
            (false, false) => self.mismatch(at.expr, at.left, a, "a number, a string, a date or a duration"),
        })
    }

    /// `x in [a, b]`, without building the array. A missing element leaves the answer open unless another is found.
    fn listed(&mut self, expr: &'a Expr, left: &'a Expr, items: &'a [Expr]) -> Eval<'a> {
        let wanted = self.eval(left);
        let mut unknown = match &wanted {
            Ok(_) => None,
            Err(fail) => Some(combine(None, fail.clone())?),
        };
        let mut mismatch = None;
        let mut comparable = items.is_empty();
        for item in items {
            match (&wanted, self.eval(item)) {
                (Ok(wanted), Ok(value)) => {
                    if self.equal(wanted, &value)? {
                        return Ok(Value::Bool(true));
                    }
                    comparable |= wanted.comparable(&value);
                    mismatch = Some(value);
                }
                (Err(_), Ok(_)) => {}
                (_, Err(fail)) => unknown = Some(combine(unknown, fail)?),
            }
        }
        match (unknown, wanted, mismatch) {
            (Some(fail), _, _) => Err(fail.settle()),
            (None, Ok(wanted), Some(element)) if !comparable => {
                Err(self.mismatch(expr, left, &wanted, element.kind()))
            }
            _ => Ok(Value::Bool(false)),
        }
    }

    /// `x in collection`. An array none of whose elements is of the kind looked for is a mistake, not a no.
    fn membership(
        &mut self,
        at: &Operands<'a>,
        wanted: &Value<'a>,
        collection: &Value<'a>,
    ) -> Result<bool, Fail> {
        match collection {
            Value::Nil => Ok(false),
            Value::Array(Seq::Range(low, high)) => match wanted {
                Value::Int(_) | Value::Float(_) => Ok(wanted
                    .as_integer()
                    .is_some_and(|wanted| (*low..=*high).contains(&wanted))),
                other => Err(self.mismatch(at.expr, at.left, other, "a number")),
            },
            Value::Array(seq) => {
                let mut mismatch = None;
                let mut comparable = false;
                for item in seq.iter() {
                    self.steps(1)?;
                    if self.equal(wanted, &item)? {
                        return Ok(true);
                    }
                    comparable |= wanted.comparable(&item);
                    mismatch = Some(item);
                }
                match mismatch {
                    Some(element) if !comparable => {
                        let why = format!(
                            "{} is {}, the elements of {} are not",
                            self.quote(at.left),
                            wanted.kind(),
                            self.quote(at.right)
                        );
                        drop(element);
                        Err(self.wrong(at.expr, [at.left, at.right], why))
                    }
                    _ => Ok(false),
                }
            }
            Value::Map(table) => {
                if let Table::Built(_) = table {
                    self.steps(table.len() as u64)?;
                } else if wanted.as_str().is_none() {
                    return Err(self.mismatch(at.expr, at.left, wanted, "a string"));
                }
                Ok(table.get_value(wanted).is_some())
            }
            other => Err(self.mismatch(at.expr, at.right, other, "an array or a map")),
        }
    }

    /// `contains` and its like; nil contains nothing.
    fn search(
        &mut self,
        at: &Operands<'a>,
        a: &Value<'a>,
        b: &Value<'a>,
        found: impl Fn(&str, &str) -> bool,
    ) -> Eval<'a> {
        match (a, b) {
            (Value::Str(text), Value::Str(part)) => {
                self.read_text(text)?;
                Ok(Value::Bool(found(text, part)))
            }
            (Value::Nil, Value::Str(_) | Value::Nil) | (Value::Str(_), Value::Nil) => Ok(Value::Bool(false)),
            (Value::Str(_) | Value::Nil, other) => Err(self.mismatch(at.expr, at.right, other, "a string")),
            (other, _) => Err(self.mismatch(at.expr, at.left, other, "a string")),
        }
    }

    pub(super) fn matches(
        &mut self,
        expr: &'a Expr,
        text: &'a Expr,
        pattern: &'a Expr,
        compiled: Option<&'a Pattern>,
    ) -> Eval<'a> {
        let (a, b) = self.both(text, pattern)?;
        let (searched, source) = match (&a, &b) {
            (Value::Str(a), Value::Str(b)) => (a, b),
            (Value::Nil, Value::Str(_) | Value::Nil) | (Value::Str(_), Value::Nil) => {
                return Ok(Value::Bool(false));
            }
            (Value::Str(_) | Value::Nil, other) => {
                return Err(self.mismatch(expr, pattern, other, "a string"));
            }
            (other, _) => return Err(self.mismatch(expr, text, other, "a string")),
        };
        self.steps(searched.len() as u64)?;
        if let Some(compiled) = compiled {
            return Ok(Value::Bool(compiled.is_match(searched)));
        }
        self.steps(PATTERN_STEPS + source.len() as u64)?;
        match Pattern::compile(source) {
            Ok(compiled) => Ok(Value::Bool(compiled.is_match(searched))),
            Err(why) => Err(self.wrong(expr, [pattern], why)),
        }
    }
}

/// The expressions behind two values, for messages.
pub(super) struct Operands<'a> {
    expr: &'a Expr,
    left: &'a Expr,
    right: &'a Expr,
}

/// The order of two values of a kind that has one.
pub(crate) fn compare(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => Some((**a).cmp(&**b)),
        (Value::Time(a), Value::Time(b)) => Some(a.timestamp().cmp(&b.timestamp())),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => compare_numbers(a, b),
    }
}
