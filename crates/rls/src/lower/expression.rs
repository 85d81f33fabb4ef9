//! The walk over the tree of a policy.

use rowgate_policy::Builtin;
use rowgate_policy::ast::{BinaryOp, Expr, ExprKind, Injected, UnaryOp};

use super::value::{Constant, Kind, Value, bytes, json_text};
use super::{Readable, Unsupported};
use crate::sql::quote;

/// The longest SQL that one policy may become, in bytes.
const MAX_SQL: usize = 32 * 1024;

pub(super) type Lowered = Result<Value, Unsupported>;

pub(super) struct Walk<'a> {
    pub(super) source: &'a str,
    pub(super) readable: &'a Readable<'a>,
    /// The values of the `let`s around the current place.
    pub(super) locals: Vec<Value>,
}

impl Walk<'_> {
    pub(super) fn value(&mut self, expr: &Expr) -> Lowered {
        let value = match &expr.kind {
            ExprKind::Nil => Value::constant(Constant::Nil),
            ExprKind::Bool(truth) => Value::constant(Constant::Bool(*truth)),
            ExprKind::Int(number) => Value::constant(Constant::Int(*number)),
            ExprKind::Float(number) => Value::constant(Constant::Float(*number)),
            ExprKind::Str(text) if text.contains('\0') => {
                return Err(self.no(expr, "Postgres has no text with NUL in it"));
            }
            ExprKind::Str(text) => Value::constant(Constant::Str(text.clone())),
            ExprKind::Variable { name, ty: Some(ty) } => self
                .readable
                .parameter(name, *ty)
                .map_err(|why| self.no(expr, why))?,
            ExprKind::Local { slot, .. } => match self.locals.get(*slot) {
                Some(value) => value.clone(),
                None => return Err(self.no(expr, "the name is not in scope")),
            },
            ExprKind::Member {
                object,
                name,
                optional,
            } => self.member(expr, object, name, *optional)?,
            ExprKind::Unary(op, operand) => self.unary(expr, *op, operand)?,
            ExprKind::Binary(op, left, right) => self.binary(expr, *op, left, right)?,
            ExprKind::And(items) => self.logic(items, "and")?,
            ExprKind::Or(items) => self.logic(items, "or")?,
            ExprKind::Coalesce(left, right) => self.coalesce(expr, left, right)?,
            ExprKind::Conditional {
                test,
                then,
                otherwise,
            } => self.conditional(expr, test, then, otherwise)?,
            ExprKind::Let { bindings, body } => {
                let outer = self.locals.len();
                for binding in bindings {
                    let value = self.value(&binding.value)?;
                    self.locals.push(value);
                }
                let value = self.value(body);
                self.locals.truncate(outer);
                value?
            }
            ExprKind::Call(function, arguments) => self.call(expr, *function, arguments)?,
            ExprKind::Method(method, object, arguments) => self.method(expr, *method, object, arguments)?,
            ExprKind::Matches { .. } => {
                return Err(self.no(expr, "regular expressions in Postgres are of another dialect"));
            }
            _ => return Err(self.no(expr, "this has no exact form in SQL")),
        };
        if value.sql.len() > MAX_SQL {
            return Err(self.no(expr, "its SQL would be too long"));
        }
        Ok(value)
    }

    /// An operand that must be a boolean; null where it is something else.
    pub(super) fn boolean(&mut self, expr: &Expr) -> Result<String, Unsupported> {
        let value = self.value(expr)?;
        match value.kind {
            Kind::Bool => Ok(value.sql),
            Kind::Json => {
                let json = value.sql;
                Ok(format!(
                    "case when jsonb_typeof({json}) = 'boolean' then ({json})::boolean end"
                ))
            }
            _ => Err(self.no(expr, "it is not a boolean")),
        }
    }

    pub(super) fn no(&self, expr: &Expr, reason: impl Into<String>) -> Unsupported {
        Unsupported {
            part: self.source.get(expr.span.clone()).unwrap_or_default().to_owned(),
            reason: reason.into(),
        }
    }

    fn logic(&mut self, items: &[Expr], operator: &str) -> Lowered {
        let parts: Result<Vec<String>, Unsupported> = items
            .iter()
            .map(|item| self.boolean(item).map(|sql| format!("({sql})")))
            .collect();
        Ok(Value::new(Kind::Bool, parts?.join(&format!(" {operator} "))))
    }

    fn unary(&mut self, expr: &Expr, op: UnaryOp, operand: &Expr) -> Lowered {
        if op == UnaryOp::Not {
            let sql = self.boolean(operand)?;
            return Ok(Value::new(Kind::Bool, format!("not ({sql})")));
        }
        let value = self.value(operand)?;
        match (op, value.kind, &value.constant) {
            (UnaryOp::Neg, _, Some(Constant::Int(number))) => match number.checked_neg() {
                Some(number) => Ok(Value::constant(Constant::Int(number))),
                None => Err(self.no(expr, "the number is too large")),
            },
            (UnaryOp::Neg, _, Some(Constant::Float(number))) => Ok(Value::constant(Constant::Float(-number))),
            (UnaryOp::Neg, Kind::Int, _) => {
                let sql = format!("(- nullif({}, (-9223372036854775808)::bigint))", value.sql);
                Ok(Value::new(Kind::Int, sql))
            }
            (UnaryOp::Neg, Kind::Duration, _) => Ok(Self::negated(&value)),
            (UnaryOp::Neg, Kind::Float, _) => Ok(Value::new(Kind::Float, format!("(- ({}))", value.sql))),
            (UnaryOp::Pos, Kind::Int | Kind::Float, _) => Ok(Value {
                absent: None,
                ..value
            }),
            _ => Err(self.no(expr, "the kind of the value is known only when it is evaluated")),
        }
    }

    fn binary(&mut self, expr: &Expr, op: BinaryOp, left: &Expr, right: &Expr) -> Lowered {
        match op {
            BinaryOp::In => self.membership(expr, left, right),
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Gt | BinaryOp::Le | BinaryOp::Ge => {
                let (a, b) = (self.value(left)?, self.value(right)?);
                let sql = super::compare::compare(op, &a, &b).map_err(|why| self.no(expr, why))?;
                Ok(Value::new(Kind::Bool, sql))
            }
            BinaryOp::Contains | BinaryOp::StartsWith | BinaryOp::EndsWith => {
                let (a, b) = (self.value(left)?, self.value(right)?);
                self.search(expr, op, &a, &b)
            }
            BinaryOp::Range => Err(self.no(expr, "a range can only stand after `in`")),
            _ => {
                let (a, b) = (self.value(left)?, self.value(right)?);
                if super::time::concerns(&a, &b) {
                    return self.times(expr, op, &a, &b);
                }
                super::arithmetic::arithmetic(op, &a, &b).map_err(|why| self.no(expr, why))
            }
        }
    }

    fn search(&self, expr: &Expr, op: BinaryOp, a: &Value, b: &Value) -> Lowered {
        if b.kind != Kind::Str {
            return Err(self.no(expr, "what is searched for must be known to be a string"));
        }
        let found = |text: &str| {
            let (text, part) = (bytes(text), bytes(&b.sql));
            match op {
                BinaryOp::Contains => format!("strpos({text}, {part}) > 0"),
                BinaryOp::StartsWith => format!("starts_with({text}, {part})"),
                _ => format!("right({text}, length({part})) = {part}"),
            }
        };
        let sql = match a.kind {
            Kind::Str => found(&a.sql),
            Kind::Json => {
                let json = &a.sql;
                let cases = format!(
                    "case jsonb_typeof({json}) when 'string' then {} when 'null' then false end",
                    found(&json_text(json))
                );
                super::value::given(&b.sql, &cases)
            }
            _ => return Err(self.no(expr, "what is searched must be a string")),
        };
        Ok(Value::new(Kind::Bool, sql))
    }

    fn coalesce(&mut self, expr: &Expr, left: &Expr, right: &Expr) -> Lowered {
        let (a, b) = (self.value(left)?, self.value(right)?);
        if a.kind == Kind::Nil {
            return Ok(b);
        }
        let Some(absent) = &a.absent else {
            return Ok(Value { absent: None, ..a });
        };
        let (kind, first, second) = match (a.kind, b.kind) {
            (x, y) if x == y => (x, a.sql.clone(), b.sql.clone()),
            (Kind::Json, Kind::Str | Kind::Int | Kind::Bool | Kind::Nil) => {
                (Kind::Json, a.sql.clone(), format!("to_jsonb({})", b.sql))
            }
            _ => return Err(self.no(expr, "both sides of `??` must be of one kind")),
        };
        let sql = format!("case when {absent} then {second} else {first} end");
        let absent = b.absent.map(|other| format!("({absent} and {other})"));
        Ok(Value {
            absent,
            ..Value::new(kind, sql)
        })
    }

    fn conditional(&mut self, expr: &Expr, test: &Expr, then: &Expr, otherwise: &Expr) -> Lowered {
        let test = self.boolean(test)?;
        let (then, otherwise) = (self.value(then)?, self.value(otherwise)?);
        if then.kind != otherwise.kind {
            return Err(self.no(expr, "both sides of a condition must be of one kind"));
        }
        let (a, b) = (&then.sql, &otherwise.sql);
        let sql = format!("case when {test} then {a} when not ({test}) then {b} end");
        let absent = |value: &Value| value.absent.clone().unwrap_or_else(|| "false".to_owned());
        let value = Value::new(then.kind, sql);
        if then.absent.is_none() && otherwise.absent.is_none() {
            return Ok(value);
        }
        let absent = format!(
            "coalesce(case when {test} then {} else {} end, false)",
            absent(&then),
            absent(&otherwise)
        );
        Ok(value.absent_when(format!("(({test}) is not null and {absent})")))
    }

    fn member(&mut self, expr: &Expr, object: &Expr, name: &str, optional: bool) -> Lowered {
        if let ExprKind::Injected(Injected::CheckCtx) = object.kind
            && let Some(sql) = self.readable.check.get(name)
        {
            return Ok(Value::new(Kind::Str, sql.clone()));
        }
        if matches!(object.kind, ExprKind::Injected(_)) {
            return Err(self.no(expr, "a policy of the schema cannot read this in SQL"));
        }
        let map = self.value(object)?;
        if map.kind != Kind::Json || optional {
            return Err(self.no(expr, "this has no exact form in SQL"));
        }
        let json = &map.sql;
        let sql = format!(
            "(case when jsonb_typeof({json}) = 'object' then ({json}) -> {} end)",
            quote::text(name)
        );
        let inherited = map.absent.clone().unwrap_or_else(|| "false".to_owned());
        let absent = format!(
            "({inherited} or coalesce(jsonb_typeof({json}) = 'null' or (jsonb_typeof({json}) = 'object' \
             and coalesce(jsonb_typeof({sql}) = 'null', true)), false))"
        );
        Ok(Value::new(Kind::Json, sql).absent_when(absent))
    }

    fn call(&mut self, expr: &Expr, function: Builtin, arguments: &[Expr]) -> Lowered {
        match (function, arguments) {
            (Builtin::JwtClaim, [name]) => match &name.kind {
                ExprKind::Str(name) => Ok(self.readable.claim(name)),
                _ => Err(self.no(expr, "the name of the claim must be a constant")),
            },
            (Builtin::Now | Builtin::Date | Builtin::Duration, arguments) => {
                self.moment(expr, function, arguments)
            }
            (Builtin::GetMetadata, _) => Err(self.no(
                expr,
                "whoever may evaluate it in SQL could read all metadata; bind a column as an attribute",
            )),
            (Builtin::HasPrefix | Builtin::HasSuffix, [text, part]) => {
                let (a, b) = (self.value(text)?, self.value(part)?);
                if a.kind != Kind::Str {
                    return Err(self.no(expr, "what is searched must be known to be a string"));
                }
                let op = if function == Builtin::HasPrefix {
                    BinaryOp::StartsWith
                } else {
                    BinaryOp::EndsWith
                };
                self.search(expr, op, &a, &b)
            }
            (Builtin::Len, [text]) => {
                let value = self.value(text)?;
                match value.kind {
                    Kind::Str => Ok(Value::new(Kind::Int, format!("length({})::bigint", value.sql))),
                    _ => Err(self.no(expr, "`len` is compiled for strings only")),
                }
            }
            _ => Err(self.no(expr, format!("`{}` is not compiled to SQL", function.name()))),
        }
    }
}
