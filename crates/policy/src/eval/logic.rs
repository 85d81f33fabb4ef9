//! Three-valued logic, and the two ways to choose a value.

use super::{Eval, Machine, Slot, combine};
use crate::ast::{Binding, Expr};
use crate::fail::Fail;
use crate::value::Value;

impl<'a> Machine<'a> {
    /// The truth of an operand of a logical operator.
    #[inline]
    pub(crate) fn truth(&mut self, expr: &'a Expr) -> Result<bool, Fail> {
        match self.eval(expr) {
            Ok(Value::Bool(truth)) => Ok(truth),
            Ok(other) => {
                let message = format!("{} is {}, expected a boolean", self.quote(expr), other.kind());
                Err(Fail::wrong(self.reads(expr), message))
            }
            Err(fail) => Err(fail.settle()),
        }
    }

    /// False if any operand is, else unknown if any operand is, else true.
    pub(super) fn and(&mut self, items: &'a [Expr]) -> Eval<'a> {
        self.until(items, false)
    }

    /// True if any operand is, else unknown if any operand is, else false.
    pub(super) fn or(&mut self, items: &'a [Expr]) -> Eval<'a> {
        self.until(items, true)
    }

    fn until(&mut self, items: &'a [Expr], decisive: bool) -> Eval<'a> {
        let mut unknown = None;
        for item in items {
            match self.truth(item) {
                Ok(truth) if truth == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(fail) => unknown = Some(combine(unknown, fail)?),
            }
        }
        unknown.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    pub(super) fn conditional(&mut self, test: &'a Expr, then: &'a Expr, otherwise: &'a Expr) -> Eval<'a> {
        if self.truth(test)? {
            self.eval(then)
        } else {
            self.eval(otherwise)
        }
    }

    /// The right side where the left is nil or absent. An operation that failed is neither.
    pub(super) fn coalesce(&mut self, left: &'a Expr, right: &'a Expr) -> Eval<'a> {
        match self.eval(left) {
            Ok(Value::Nil) => self.eval(right),
            Err(fail) if fail.is_absent() => self.eval(right),
            other => other,
        }
    }

    pub(super) fn bindings(&mut self, bindings: &'a [Binding], body: &'a Expr) -> Eval<'a> {
        let outer = self.slots.len();
        let result = self.bind(bindings).and_then(|()| self.eval(body));
        self.slots.truncate(outer);
        result
    }

    /// Binds names for what follows.
    pub(crate) fn bind(&mut self, bindings: &'a [Binding]) -> Result<(), Fail> {
        for binding in bindings {
            let value = match self.eval(&binding.value) {
                Err(fail) if fail.is_fatal() => return Err(fail),
                value => value,
            };
            self.slots.push(Slot {
                value,
                definition: &binding.value,
            });
        }
        Ok(())
    }
}
