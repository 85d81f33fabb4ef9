//! The evaluator: a walk over the tree with a budget of steps.
//!
//! Every way to have no value is a [`Fail`]; only `&&`, `||`, `any`, `all`, `none`, `in`, `??` and `?.` look past one.

mod access;
mod logic;
mod machine;
mod operators;
mod predicate;
mod reads;

pub(crate) use access::{FIELDS, from_end};
pub(crate) use machine::{Eval, Frame, Machine, Slot};
pub(crate) use operators::arithmetic::{as_float, between, shift};

use crate::ast::{Expr, ExprKind};
use crate::builtins::Builtin;
use crate::fail::Fail;
use crate::value::{Seq, Str, Value};

impl<'a> Machine<'a> {
    /// The value of an expression.
    pub(crate) fn eval(&mut self, expr: &'a Expr) -> Eval<'a> {
        self.steps(1)?;
        match &expr.kind {
            ExprKind::Nil => Ok(Value::Nil),
            ExprKind::Bool(b) => Ok(Value::Bool(*b)),
            ExprKind::Int(i) => Ok(Value::Int(*i)),
            ExprKind::Float(f) => Ok(Value::Float(*f)),
            ExprKind::Str(text) => Ok(Value::Str(Str::Borrowed(text))),
            ExprKind::Variable { name, ty } => self.variable(name, *ty),
            ExprKind::Local { slot, .. } => self.local(*slot),
            ExprKind::Injected(injected) => self.injected(*injected),
            ExprKind::Pointer(pointer) => self.pointer(*pointer),
            ExprKind::Member {
                object,
                name,
                optional,
            } => self.member(expr, object, name, *optional),
            ExprKind::Index {
                object,
                index,
                optional,
            } => self.index(expr, object, index, *optional),
            ExprKind::Chain(inner) => self.chain(inner),
            ExprKind::Coalesce(left, right) => self.coalesce(left, right),
            ExprKind::Conditional {
                test,
                then,
                otherwise,
            } => self.conditional(test, then, otherwise),
            ExprKind::Let { bindings, body } => self.bindings(bindings, body),
            ExprKind::Call(Builtin::JwtClaim, arguments) if arguments.len() == 1 => {
                self.claim(expr, &arguments[0])
            }
            _ => self.operation(expr).map_err(Fail::settle),
        }
    }

    /// Expressions whose failure is never an absence of the value itself.
    fn operation(&mut self, expr: &'a Expr) -> Eval<'a> {
        match &expr.kind {
            ExprKind::And(items) => self.and(items),
            ExprKind::Or(items) => self.or(items),
            ExprKind::Unary(op, operand) => self.unary(expr, *op, operand),
            ExprKind::Binary(op, left, right) => self.binary(expr, *op, left, right),
            ExprKind::Matches {
                text,
                pattern,
                compiled,
            } => self.matches(expr, text, pattern, compiled.as_ref()),
            ExprKind::Slice { object, from, to } => self.slice(expr, object, from.as_deref(), to.as_deref()),
            ExprKind::Array(items) => self.array(items),
            ExprKind::Map(entries) => self.map(expr, entries),
            ExprKind::Call(function, arguments) => self.call(expr, *function, arguments),
            ExprKind::Method(method, object, arguments) => self.method(expr, *method, object, arguments),
            ExprKind::Predicate(body) => self.eval(body),
            _ => Err(Fail::wrong([], "this cannot be evaluated".to_owned())),
        }
    }

    fn array(&mut self, items: &'a [Expr]) -> Eval<'a> {
        let items = self.all_of(items)?;
        Ok(Value::Array(Seq::Built(self.list(items)?)))
    }

    fn map(&mut self, expr: &'a Expr, entries: &'a [(Expr, Expr)]) -> Eval<'a> {
        let mut built = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let (name, value) = self.both(key, value)?;
            if name.as_str().is_none() {
                return Err(self.mismatch(expr, key, &name, "a string as the key"));
            }
            built.push((name, value));
        }
        self.dict(built).map(Value::Map)
    }

    /// The values of several expressions, or everything that is wrong with them.
    pub(crate) fn all_of(&mut self, exprs: &'a [Expr]) -> Result<Vec<Value<'a>>, Fail> {
        let mut values = Vec::with_capacity(exprs.len());
        let mut failed: Option<Fail> = None;
        for expr in exprs {
            match self.eval(expr) {
                Ok(value) => values.push(value),
                Err(fail) => failed = Some(combine(failed, fail)?),
            }
        }
        match failed {
            Some(fail) => Err(fail.settle()),
            None => Ok(values),
        }
    }

    /// The values of two operands, or everything that is wrong with them.
    #[inline]
    pub(crate) fn both(&mut self, left: &'a Expr, right: &'a Expr) -> Result<(Value<'a>, Value<'a>), Fail> {
        let fail = match self.eval(left) {
            Ok(left) if let Some(right) = literal(right) => return Ok((left, right)),
            Ok(left) => return Ok((left, self.eval(right).map_err(Fail::settle)?)),
            Err(fail) => combine(None, fail)?,
        };
        match self.eval(right) {
            Ok(_) => Err(fail.settle()),
            Err(other) => Err(combine(Some(fail), other)?.settle()),
        }
    }
}

/// The value of a literal, which costs nothing.
fn literal(expr: &Expr) -> Option<Value<'_>> {
    Some(match &expr.kind {
        ExprKind::Str(text) => Value::Str(Str::Borrowed(text)),
        ExprKind::Int(i) => Value::Int(*i),
        ExprKind::Float(f) => Value::Float(*f),
        ExprKind::Bool(b) => Value::Bool(*b),
        _ => return None,
    })
}

/// Adds a failure to those before it; one that ends the evaluation is returned as such.
pub(crate) fn combine(before: Option<Fail>, fail: Fail) -> Result<Fail, Fail> {
    if fail.is_fatal() {
        return Err(fail);
    }
    Ok(match before {
        Some(before) => before.merge(fail),
        None => fail,
    })
}
