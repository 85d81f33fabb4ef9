//! The types of operators.

use super::{Checker, Ty, Typed};
use crate::ast::{BinaryOp, Expr, ExprKind, Injected, UnaryOp};
use crate::error::{ErrorCode, PolicyError, Refusal};

impl Checker<'_> {
    pub(super) fn unary(&mut self, expr: &Expr, op: UnaryOp, operand: &Expr) -> Typed {
        let ty = self.ty(operand)?;
        if op == UnaryOp::Not {
            if ty.may_be(&[Ty::Bool]) {
                return Ok(Ty::Bool);
            }
            let message = format!("{} is {}, expected a boolean", self.quote(operand), ty.noun());
            let help = "`not` binds more tightly than comparisons: write `not (a == b)`, or `a not in b`";
            return Err(self.error(expr, message).help(help));
        }
        let wanted: &[Ty] = if op == UnaryOp::Neg {
            &[Ty::Int, Ty::Float, Ty::Duration]
        } else {
            &[Ty::Int, Ty::Float]
        };
        if ty.may_be(wanted) {
            return Ok(ty);
        }
        Err(self.error(
            expr,
            format!("{} is {}, expected a number", self.quote(operand), ty.noun()),
        ))
    }

    pub(super) fn binary(&mut self, expr: &Expr, op: BinaryOp, left: &Expr, right: &Expr) -> Typed {
        if op == BinaryOp::In
            && let Some(ty) = self.in_env(left, right)?
        {
            return Ok(ty);
        }
        let (a, b) = (self.ty(left)?, self.ty(right)?);
        let fits = match op {
            BinaryOp::Eq | BinaryOp::Ne => equatable(a, b),
            BinaryOp::Lt | BinaryOp::Gt | BinaryOp::Le | BinaryOp::Ge => orderable(a, b),
            BinaryOp::In => b.may_be(&[Ty::Array, Ty::Map, Ty::Nil]),
            BinaryOp::Contains | BinaryOp::StartsWith | BinaryOp::EndsWith => {
                a.may_be(&[Ty::Str, Ty::Nil]) && b.may_be(&[Ty::Str, Ty::Nil])
            }
            BinaryOp::Range => {
                let result = if a.may_be(&[Ty::Int]) && b.may_be(&[Ty::Int]) {
                    Some(Ty::Array)
                } else {
                    None
                };
                return result.ok_or_else(|| self.unfit(expr, op, a, b, right));
            }
            _ => return arithmetic(op, a, b).ok_or_else(|| self.unfit(expr, op, a, b, right)),
        };
        if fits {
            Ok(Ty::Bool)
        } else {
            Err(self.unfit(expr, op, a, b, right))
        }
    }

    /// `"name" in $env` is the one way a schema policy may look at `$env`, and the name must be declared.
    fn in_env(&mut self, left: &Expr, right: &Expr) -> Result<Option<Ty>, Refusal> {
        let (Some(parameters), ExprKind::Injected(Injected::Env), ExprKind::Str(name)) =
            (self.parameters, &right.kind, &left.kind)
        else {
            return Ok(None);
        };
        if parameters.iter().any(|parameter| parameter.name == *name) {
            return Ok(Some(Ty::Bool));
        }
        let known = parameters.iter().map(|parameter| parameter.name.as_str());
        let help = crate::suggest::did_you_mean(name, known);
        let message = format!("`{name}` is not a parameter of this policy");
        Err(PolicyError::new(ErrorCode::Undeclared, left.span.clone(), message).help_if(help))
    }

    fn unfit(&self, expr: &Expr, op: BinaryOp, a: Ty, b: Ty, right: &Expr) -> Refusal {
        let message = format!(
            "`{}` cannot be applied to {} and {}",
            op.symbol(),
            a.noun(),
            b.noun()
        );
        let help = match (op, a, b) {
            (BinaryOp::Mod, _, _) => Some("`%` needs integers: write `int(value)`".to_owned()),
            (BinaryOp::Contains, Ty::Array, _) => {
                Some(format!("write `{} in list`", self.quote(right).trim_matches('`')))
            }
            (_, Ty::Time, Ty::Str) | (_, Ty::Str, Ty::Time) => {
                Some("write `date(text)` for a date".to_owned())
            }
            (_, Ty::Duration, Ty::Str) | (_, Ty::Str, Ty::Duration) => {
                Some("write `duration(text)` for a duration".to_owned())
            }
            (op, Ty::Bool, _) | (op, _, Ty::Bool) if op.is_ordering() => {
                Some("booleans have no order".to_owned())
            }
            _ => None,
        };
        self.error(expr, message).help_if(help)
    }
}

fn equatable(a: Ty, b: Ty) -> bool {
    a == Ty::Nil || b == Ty::Nil || b == Ty::Any || a.may_be(&[b]) || (a.is_number() && b.is_number())
}

fn orderable(a: Ty, b: Ty) -> bool {
    let ordered = [Ty::Int, Ty::Float, Ty::Number, Ty::Str, Ty::Time, Ty::Duration];
    a.may_be(&ordered) && b.may_be(&ordered) && equatable(a, b)
}

/// The type of an arithmetic operation, `None` if it can never work.
fn arithmetic(op: BinaryOp, a: Ty, b: Ty) -> Option<Ty> {
    use BinaryOp::*;
    if op == Mod {
        return (a.may_be(&[Ty::Int]) && b.may_be(&[Ty::Int])).then_some(Ty::Int);
    }
    if a.is_number() && b.is_number() {
        return Some(match (op, a, b) {
            (Div | Pow, _, _) | (_, Ty::Float, _) | (_, _, Ty::Float) => Ty::Float,
            (_, Ty::Int, Ty::Int) => Ty::Int,
            _ => Ty::Number,
        });
    }
    match (op, a, b) {
        (Add, Ty::Str, Ty::Str) => Some(Ty::Str),
        (Add, Ty::Time, Ty::Duration) | (Add, Ty::Duration, Ty::Time) | (Sub, Ty::Time, Ty::Duration) => {
            Some(Ty::Time)
        }
        (Sub, Ty::Time, Ty::Time) | (Add | Sub, Ty::Duration, Ty::Duration) => Some(Ty::Duration),
        (Mul, Ty::Duration, number) | (Mul, number, Ty::Duration)
            if number.is_number() || number == Ty::Any =>
        {
            Some(Ty::Duration)
        }
        (Div, Ty::Duration, Ty::Duration | Ty::Any) | (Div, Ty::Any, Ty::Duration) => Some(Ty::Float),
        (Add, Ty::Str, Ty::Any) | (Add, Ty::Any, Ty::Str) => Some(Ty::Str),
        (Add | Sub, Ty::Time | Ty::Duration, Ty::Any) | (Add | Sub, Ty::Any, Ty::Time | Ty::Duration) => {
            Some(Ty::Any)
        }
        (Div | Pow, Ty::Any, other) | (Div | Pow, other, Ty::Any)
            if other.is_number() || other == Ty::Any =>
        {
            // A duration divided by a duration is a float as well.
            Some(Ty::Float)
        }
        (Mul, Ty::Any, other) | (Mul, other, Ty::Any) if other.is_number() || other == Ty::Any => {
            Some(Ty::Any)
        }
        (Add | Sub, Ty::Any, other) | (Add | Sub, other, Ty::Any) if other.is_number() => Some(Ty::Number),
        (Add | Sub, Ty::Any, Ty::Any) => Some(Ty::Any),
        _ => None,
    }
}
