//! Calling a function: its arguments, checked as they are taken.

use super::{Builtin, arrays, convert, inject, maps, numbers, strings, time};
use crate::ast::Expr;
use crate::eval::{Eval, Machine};
use crate::fail::Fail;
use crate::value::{Seq, Str, Table, Value};

/// A call with its arguments evaluated.
pub(super) struct Call<'a> {
    pub(super) expr: &'a Expr,
    pub(super) arguments: &'a [Expr],
    pub(super) values: Vec<Value<'a>>,
}

impl<'a> Machine<'a> {
    pub(crate) fn call(&mut self, expr: &'a Expr, function: Builtin, arguments: &'a [Expr]) -> Eval<'a> {
        // `count` and `sum` work with and without a predicate.
        if function.predicate().is_some_and(|at| at < arguments.len()) {
            return self.each(expr, function, arguments);
        }
        let call = Call {
            expr,
            arguments,
            values: self.all_of(arguments)?,
        };
        self.steps(1)?;
        use Builtin::*;
        match function {
            Len | Type | Int | Float | String | ToJson | FromJson | ToBase64 | FromBase64 => {
                convert::call(self, function, &call)
            }
            Abs | Ceil | Floor | Round | Max | Min | Mean | Median | BitAnd | BitOr | BitXor | BitNand
            | BitNot | BitShl | BitShr | BitUshr => numbers::call(self, function, &call),
            Trim | TrimPrefix | TrimSuffix | Upper | Lower | Split | SplitAfter | Replace | Repeat | Join
            | IndexOf | LastIndexOf | HasPrefix | HasSuffix => strings::call(self, function, &call),
            First | Last | Take | Reverse | Uniq | Concat | Flatten | Sort | Count | Sum => {
                arrays::call(self, function, &call)
            }
            Get | Keys | Values | ToPairs | FromPairs => maps::call(self, function, &call),
            Now | Duration | Date | Timezone => time::call(self, function, &call),
            GetMetadata | ExpiresIn => inject::call(self, function, &call),
            All | None | Any | One | Filter | Map | Find | FindIndex | FindLast | FindLastIndex | GroupBy
            | SortBy | Reduce | JwtClaim => Err(Fail::wrong([], "an argument is missing".to_owned())),
        }
    }
}

impl<'a> Call<'a> {
    pub(super) fn value(&self, at: usize) -> &Value<'a> {
        self.values.get(at).unwrap_or(&Value::Nil)
    }

    pub(super) fn has(&self, at: usize) -> bool {
        at < self.values.len()
    }

    /// The argument is not what the function needs.
    pub(super) fn mismatch(&self, machine: &Machine<'a>, at: usize, wanted: &str) -> Fail {
        match self.arguments.get(at) {
            Some(operand) => machine.mismatch(self.expr, operand, self.value(at), wanted),
            None => self.wrong(machine, format!("expected {wanted}")),
        }
    }

    /// The function has no value for these arguments.
    pub(super) fn wrong(&self, machine: &Machine<'a>, why: impl std::fmt::Display) -> Fail {
        machine.wrong(self.expr, self.arguments, why)
    }

    pub(super) fn text(&self, machine: &Machine<'a>, at: usize) -> Result<Str<'a>, Fail> {
        match self.value(at) {
            Value::Str(text) => Ok(text.clone()),
            _ => Err(self.mismatch(machine, at, "a string")),
        }
    }

    pub(super) fn int(&self, machine: &Machine<'a>, at: usize) -> Result<i64, Fail> {
        self.value(at)
            .as_integer()
            .ok_or_else(|| self.mismatch(machine, at, "an integer"))
    }

    pub(super) fn seq(&self, machine: &Machine<'a>, at: usize) -> Result<Seq<'a>, Fail> {
        match self.value(at) {
            Value::Array(seq) => Ok(seq.clone()),
            _ => Err(self.mismatch(machine, at, "an array")),
        }
    }

    pub(super) fn table(&self, machine: &Machine<'a>, at: usize) -> Result<Table<'a>, Fail> {
        match self.value(at) {
            Value::Map(table) => Ok(table.clone()),
            _ => Err(self.mismatch(machine, at, "a map")),
        }
    }
}
