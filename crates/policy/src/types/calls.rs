//! The types of calls, and the constants that functions parse.

use jiff::tz::TimeZone;

use super::{Checker, Ty, Typed};
use crate::ast::{BinaryOp, Expr, ExprKind};
use crate::builtins::{Builtin, Method, Want};
use crate::clock::{date, duration};
use crate::error::{ErrorCode, PolicyError, Refusal};

impl Checker<'_> {
    pub(super) fn call(&mut self, function: Builtin, arguments: &[Expr]) -> Typed {
        let signature = function.signature();
        let mut first = Ty::Any;
        for (at, argument) in arguments.iter().enumerate() {
            let want = signature.want(at);
            if want.is_predicate() {
                self.predicate(function, want, arguments, argument)?;
                continue;
            }
            let ty = self.argument(want, argument)?;
            if at == 0 {
                first = ty;
            }
        }
        constants(function, arguments)?;
        Ok(match (function, first) {
            (Builtin::Abs, Ty::Int | Ty::Float) => first,
            _ => signature.result,
        })
    }

    fn argument(&mut self, want: Want, argument: &Expr) -> Typed {
        match want {
            Want::List => self.want(argument, &[Ty::Array], "an array"),
            Want::Map => self.want(argument, &[Ty::Map], "a map"),
            Want::Text => self.want(argument, &[Ty::Str], "a string"),
            Want::Int => self.want(argument, &[Ty::Int], "an integer"),
            Want::Number => self.want(argument, &[Ty::Number], "a number"),
            Want::Numbers => self.want(
                argument,
                &[Ty::Number, Ty::Array],
                "a number or an array of numbers",
            ),
            Want::Span => self.want(argument, &[Ty::Str, Ty::Duration], "a duration"),
            Want::Zone => self.want(argument, &[Ty::Zone, Ty::Str], "a time zone or its name"),
            Want::Date => self.want(argument, &[Ty::Str, Ty::Time], "a string"),
            Want::Any | Want::Test | Want::Body => self.ty(argument),
        }
    }

    fn predicate(
        &mut self,
        function: Builtin,
        want: Want,
        all: &[Expr],
        predicate: &Expr,
    ) -> Result<(), Refusal> {
        // The elements of a range are known to be integers.
        let ranged = all
            .first()
            .is_some_and(|list| matches!(list.kind, ExprKind::Binary(BinaryOp::Range, ..)));
        self.items.push(if ranged { Ty::Int } else { Ty::Any });
        let body = self.ty(predicate);
        self.items.pop();
        let body = body?;
        if want == Want::Test && !body.may_be(&[Ty::Bool]) {
            let message = format!(
                "the predicate of `{}` gives {}, expected a boolean",
                function.name(),
                body.noun()
            );
            return Err(self.error(predicate, message));
        }
        Ok(())
    }

    pub(super) fn method(&mut self, method: Method, object: &Expr, arguments: &[Expr]) -> Typed {
        let wanted: &[Ty] = match method.receiver() {
            Ty::Time => &[Ty::Time],
            Ty::Duration => &[Ty::Duration],
            _ => &[Ty::Time, Ty::Duration],
        };
        self.want(object, wanted, method.receiver_noun())?;
        let wants = method.arguments();
        if wants.len() != arguments.len() {
            let message = format!(
                "`{}` takes {} arguments, got {}",
                method.name(),
                wants.len(),
                arguments.len()
            );
            let place = arguments.first().map_or(0..0, |argument| argument.span.clone());
            return Err(PolicyError::new(ErrorCode::Arity, place, message));
        }
        for (want, argument) in wants.iter().zip(arguments) {
            match want.want() {
                Some(want) => self.argument(want, argument)?,
                None => self.want(argument, &[want.ty()], want.ty().noun())?,
            };
        }
        Ok(method.result())
    }
}

/// A constant that can never be read is refused now rather than unknown later.
fn constants(function: Builtin, arguments: &[Expr]) -> Result<(), Refusal> {
    let constant = |at: usize| match arguments.get(at).map(|argument| &argument.kind) {
        Some(ExprKind::Str(text)) => Some(text.as_str()),
        _ => None,
    };
    let refuse = |at: usize, why: String| {
        let span = arguments.get(at).map_or(0..0, |argument| argument.span.clone());
        Err(PolicyError::new(ErrorCode::Constant, span, why))
    };
    match (function, constant(0)) {
        (Builtin::Duration | Builtin::ExpiresIn, Some(text)) => {
            duration::parse(text).map(drop).or_else(|why| refuse(0, why))
        }
        (Builtin::Timezone, Some(name)) => date::zone(name).map(drop).or_else(|why| refuse(0, why)),
        (Builtin::Date, text) => {
            if let Some(layout) = constant(1) {
                date::check_layout(layout).or_else(|why| refuse(1, why))?;
            }
            if let Some(zone) = constant(2) {
                date::zone(zone).map(drop).or_else(|why| refuse(2, why))?;
            }
            let layout = constant(1);
            if let Some(text) = text
                && (arguments.len() == 1 || layout.is_some())
            {
                date::parse(text, layout, &TimeZone::UTC)
                    .map(drop)
                    .or_else(|why| refuse(0, why))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
