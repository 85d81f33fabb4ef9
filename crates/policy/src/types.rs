//! What can be refused before anything is evaluated.
//!
//! Types flow from literals, declared parameters and functions. What comes out of the context is [`Ty::Any`] and fits
//! everywhere; only what can never work is an error.

mod calls;
mod operators;

use crate::ast::{Expr, ExprKind, Injected, Pointer};
use crate::error::{ErrorCode, PolicyError, Refusal};
use crate::param::{Param, ParamType};
use crate::suggest::did_you_mean;

/// The type of an expression, as far as it is known before evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ty {
    /// Known only when evaluated.
    Any,
    Nil,
    Bool,
    Int,
    Float,
    /// An integer or a float.
    Number,
    Str,
    Array,
    Map,
    Time,
    Duration,
    Zone,
}

impl Ty {
    fn of(parameter: ParamType) -> Ty {
        match parameter {
            ParamType::String => Ty::Str,
            ParamType::Integer => Ty::Int,
            ParamType::Boolean => Ty::Bool,
            ParamType::Float => Ty::Float,
            ParamType::Array => Ty::Array,
            ParamType::Map => Ty::Map,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Ty::Any => "any value",
            Ty::Nil => "nil",
            Ty::Bool => "a boolean",
            Ty::Int => "an integer",
            Ty::Float => "a float",
            Ty::Number => "a number",
            Ty::Str => "a string",
            Ty::Array => "an array",
            Ty::Map => "a map",
            Ty::Time => "a date",
            Ty::Duration => "a duration",
            Ty::Zone => "a time zone",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Ty::Int | Ty::Float | Ty::Number)
    }

    /// Whether a value of this type may turn out to be one of these.
    fn may_be(self, wanted: &[Ty]) -> bool {
        self == Ty::Any
            || wanted.contains(&self)
            || (self == Ty::Number && wanted.iter().any(|ty| ty.is_number()))
            || (self.is_number() && wanted.contains(&Ty::Number))
    }

    /// The type of a value that is one or the other.
    fn join(self, other: Ty) -> Ty {
        match (self, other) {
            (a, b) if a == b => a,
            (a, b) if a.is_number() && b.is_number() => Ty::Number,
            _ => Ty::Any,
        }
    }
}

type Typed = Result<Ty, Refusal>;

/// Checks a whole expression. `parameters` are those of a schema policy.
pub(crate) fn check(expr: &Expr, source: &str, parameters: Option<&[Param]>) -> Result<(), Refusal> {
    let mut checker = Checker {
        source,
        parameters,
        locals: Vec::new(),
        items: Vec::new(),
    };
    let ty = checker.ty(expr)?;
    if ty.may_be(&[Ty::Bool]) {
        return Ok(());
    }
    let message = format!(
        "the expression gives {}, a policy must give true or false",
        ty.noun()
    );
    Err(PolicyError::new(
        ErrorCode::NotBoolean,
        expr.span.clone(),
        message,
    ))
}

struct Checker<'s> {
    source: &'s str,
    parameters: Option<&'s [Param]>,
    /// The types of the `let`s around the current place.
    locals: Vec<Ty>,
    /// The types of the elements of the predicates around the current place.
    items: Vec<Ty>,
}

impl Checker<'_> {
    fn ty(&mut self, expr: &Expr) -> Typed {
        match &expr.kind {
            ExprKind::Nil => Ok(Ty::Nil),
            ExprKind::Bool(_) => Ok(Ty::Bool),
            ExprKind::Int(_) => Ok(Ty::Int),
            ExprKind::Float(_) => Ok(Ty::Float),
            ExprKind::Str(_) => Ok(Ty::Str),
            ExprKind::Variable { ty, .. } => Ok(ty.map_or(Ty::Any, Ty::of)),
            ExprKind::Local { slot, .. } => Ok(self.locals.get(*slot).copied().unwrap_or(Ty::Any)),
            ExprKind::Injected(Injected::Env) => self.env(expr),
            ExprKind::Injected(_) => Ok(Ty::Map),
            ExprKind::Pointer(Pointer::Item) => Ok(self.items.last().copied().unwrap_or(Ty::Any)),
            ExprKind::Pointer(Pointer::Index) => Ok(Ty::Int),
            ExprKind::Pointer(Pointer::Acc) => Ok(Ty::Any),
            ExprKind::Array(_) | ExprKind::Map(_) => self.literal(expr),
            ExprKind::Member {
                object,
                name,
                optional,
            } => self.member(expr, object, name, *optional),
            ExprKind::Index { object, index, .. } => self.index(object, index),
            ExprKind::Slice { object, from, to } => self.slice(object, from.as_deref(), to.as_deref()),
            // A chain may end early, in nil.
            ExprKind::Chain(inner) => self.ty(inner).map(|_| Ty::Any),
            ExprKind::Unary(op, operand) => self.unary(expr, *op, operand),
            ExprKind::Binary(op, left, right) => self.binary(expr, *op, left, right),
            ExprKind::And(items) | ExprKind::Or(items) => items
                .iter()
                .try_for_each(|item| self.boolean(item))
                .map(|()| Ty::Bool),
            ExprKind::Coalesce(left, right) => {
                let (left, right) = (self.ty(left)?, self.ty(right)?);
                Ok(if left == Ty::Nil { right } else { left.join(right) })
            }
            ExprKind::Matches { text, pattern, .. } => {
                self.want(text, &[Ty::Str, Ty::Nil], "a string")?;
                self.want(pattern, &[Ty::Str, Ty::Nil], "a string")
                    .map(|_| Ty::Bool)
            }
            ExprKind::Conditional {
                test,
                then,
                otherwise,
            } => {
                self.boolean(test)?;
                let then = self.ty(then)?;
                Ok(then.join(self.ty(otherwise)?))
            }
            ExprKind::Let { bindings, body } => {
                let outer = self.locals.len();
                for binding in bindings {
                    let ty = self.ty(&binding.value)?;
                    self.locals.push(ty);
                }
                let ty = self.ty(body);
                self.locals.truncate(outer);
                ty
            }
            ExprKind::Call(function, arguments) => self.call(*function, arguments),
            ExprKind::Method(method, object, arguments) => self.method(*method, object, arguments),
            ExprKind::Predicate(body) => self.ty(body),
        }
    }

    fn error(&self, expr: &Expr, message: impl Into<String>) -> Refusal {
        PolicyError::new(ErrorCode::Type, expr.span.clone(), message)
    }

    fn quote(&self, expr: &Expr) -> String {
        format!(
            "`{}`",
            crate::quote::abbreviate(self.source.get(expr.span.clone()).unwrap_or_default())
        )
    }

    /// The type of an expression that must be one of those given.
    fn want(&mut self, expr: &Expr, wanted: &[Ty], noun: &str) -> Typed {
        let ty = self.ty(expr)?;
        if ty.may_be(wanted) {
            return Ok(ty);
        }
        Err(self.error(
            expr,
            format!("{} is {}, expected {noun}", self.quote(expr), ty.noun()),
        ))
    }

    fn boolean(&mut self, expr: &Expr) -> Result<(), Refusal> {
        self.want(expr, &[Ty::Bool], "a boolean").map(drop)
    }

    /// `$env` as a whole would show a schema policy more than it declares.
    fn env(&self, expr: &Expr) -> Typed {
        if self.parameters.is_none() {
            return Ok(Ty::Map);
        }
        let message = "a schema policy cannot read all of `$env`";
        Err(self
            .error(expr, message)
            .help("write `\"name\" in $env`, or read the declared parameter"))
    }

    fn literal(&mut self, expr: &Expr) -> Typed {
        match &expr.kind {
            ExprKind::Map(entries) => {
                for (key, value) in entries {
                    self.want(key, &[Ty::Str], "a string as the key")?;
                    self.ty(value)?;
                }
                Ok(Ty::Map)
            }
            ExprKind::Array(items) => {
                for item in items {
                    self.ty(item)?;
                }
                Ok(Ty::Array)
            }
            _ => Ok(Ty::Any),
        }
    }

    fn member(&mut self, expr: &Expr, object: &Expr, name: &str, optional: bool) -> Typed {
        if let ExprKind::Injected(injected @ (Injected::CheckCtx | Injected::WarrantCtx)) = object.kind {
            let known = crate::eval::FIELDS.iter().copied();
            let extra = (injected == Injected::WarrantCtx).then_some("created_at");
            let mut names = known.chain(extra);
            if names.clone().any(|field| field == name) {
                return Ok(if optional { Ty::Any } else { Ty::Str });
            }
            let message = format!("`{}` has no member `{name}`", injected.name());
            let help = match did_you_mean(name, names.by_ref()) {
                Some(suggestion) => suggestion,
                None => "its members are resource_type, resource_id, relation, subject_type, subject_id"
                    .to_owned(),
            };
            return Err(PolicyError::new(ErrorCode::Undeclared, expr.span.clone(), message).help(help));
        }
        let wanted: &[Ty] = if optional { &[Ty::Map, Ty::Nil] } else { &[Ty::Map] };
        self.want(object, wanted, "a map").map(|_| Ty::Any)
    }

    fn index(&mut self, object: &Expr, index: &Expr) -> Typed {
        let container = self.want(object, &[Ty::Array, Ty::Map, Ty::Nil], "an array or a map")?;
        match container {
            Ty::Array => self.want(index, &[Ty::Int, Ty::Number], "an integer")?,
            _ => self.want(
                index,
                &[Ty::Int, Ty::Number, Ty::Str, Ty::Bool],
                "an integer or a string",
            )?,
        };
        Ok(Ty::Any)
    }

    fn slice(&mut self, object: &Expr, from: Option<&Expr>, to: Option<&Expr>) -> Typed {
        let ty = self.want(object, &[Ty::Array, Ty::Str], "an array or a string")?;
        for bound in from.into_iter().chain(to) {
            self.want(bound, &[Ty::Int, Ty::Number], "an integer")?;
        }
        Ok(ty)
    }
}
