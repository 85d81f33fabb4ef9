//! The checked expression tree, for evaluation and for lowering to other languages.
//!
//! Names are resolved: a [`ExprKind::Variable`] is a context key, a [`ExprKind::Local`] a `let`. Chains of `&&` and
//! `||` are flat, and no tree is higher than [`crate::limits::MAX_DEPTH`].

use std::ops::Range;

use crate::builtins::{Builtin, Method};
use crate::param::ParamType;
use crate::pattern::Pattern;

/// An expression and the bytes of the source it was read from.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands in the source, without enclosing parentheses.
    pub span: Range<usize>,
    /// The height of the tree below, at least 1.
    pub(crate) height: u32,
}

/// The kinds of expression.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// `nil`
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// `42`
    Int(i64),
    /// `4.2`
    Float(f64),
    /// `"text"`
    Str(String),
    /// `[a, b]`
    Array(Vec<Expr>),
    /// `{name: a, (key): b}`
    Map(Vec<(Expr, Expr)>),
    /// A key of the context; in a schema policy a declared parameter, with its type.
    Variable {
        /// The key.
        name: String,
        /// The declared type, in a schema policy.
        ty: Option<ParamType>,
    },
    /// A name bound by `let`.
    Local {
        /// The name.
        name: String,
        /// How many bindings enclose this one: its place on the evaluator's stack.
        slot: usize,
    },
    /// `check_ctx`, `warrant_ctx` or `$env`.
    Injected(Injected),
    /// `#`, `#index`, `#acc` inside a predicate.
    Pointer(Pointer),
    /// `object.name`, `object?.name`
    Member {
        /// What has the member.
        object: Box<Expr>,
        /// The member.
        name: String,
        /// Whether it was written `?.`.
        optional: bool,
    },
    /// `object[index]`, `object?.[index]`
    Index {
        /// The array or map.
        object: Box<Expr>,
        /// The position or key.
        index: Box<Expr>,
        /// Whether it was written `?.[`.
        optional: bool,
    },
    /// `object[from:to]`
    Slice {
        /// The array or string.
        object: Box<Expr>,
        /// The first position, 0 when absent.
        from: Option<Box<Expr>>,
        /// The position after the last, the length when absent.
        to: Option<Box<Expr>>,
    },
    /// A chain of members with at least one `?.`: nil when that finds nothing.
    Chain(Box<Expr>),
    /// `not a`, `-a`
    Unary(UnaryOp, Box<Expr>),
    /// `a == b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a && b && c`, at least two
    And(Vec<Expr>),
    /// `a || b || c`, at least two
    Or(Vec<Expr>),
    /// `a ?? b`
    Coalesce(Box<Expr>, Box<Expr>),
    /// `text matches pattern`
    Matches {
        /// The text searched.
        text: Box<Expr>,
        /// The regular expression.
        pattern: Box<Expr>,
        /// The pattern compiled, when it is a constant.
        compiled: Option<Pattern>,
    },
    /// `a ? b : c`, `if a { b } else { c }`
    Conditional {
        /// The condition.
        test: Box<Expr>,
        /// The value when it holds.
        then: Box<Expr>,
        /// The value when it does not.
        otherwise: Box<Expr>,
    },
    /// `let a = b; c`
    Let {
        /// The bindings in order; each sees those before it.
        bindings: Vec<Binding>,
        /// The value.
        body: Box<Expr>,
    },
    /// A call of a built-in function. Predicates are arguments of kind [`ExprKind::Predicate`].
    Call(Builtin, Vec<Expr>),
    /// `object.Method(arguments)`, of dates and durations.
    Method(Method, Box<Expr>, Vec<Expr>),
    /// The body of a predicate: `{# > 3}`
    Predicate(Box<Expr>),
}

/// One `let`.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The name it binds.
    pub name: String,
    /// Where the name stands in the source.
    pub span: Range<usize>,
    /// The definition.
    pub value: Expr,
}

/// The maps that every expression can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Injected {
    /// `check_ctx`
    CheckCtx,
    /// `warrant_ctx`
    WarrantCtx,
    /// `$env`: all context keys.
    Env,
}

impl Injected {
    /// The name in an expression.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Injected::CheckCtx => "check_ctx",
            Injected::WarrantCtx => "warrant_ctx",
            Injected::Env => "$env",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Injected> {
        [Injected::CheckCtx, Injected::WarrantCtx, Injected::Env]
            .into_iter()
            .find(|i| i.name() == name)
    }
}

/// What a predicate can see of the element at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pointer {
    /// `#`: the element.
    Item,
    /// `#index`: its position.
    Index,
    /// `#acc`: what `reduce` has accumulated.
    Acc,
}

/// Operators before one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `not a`, `!a`
    Not,
    /// `-a`
    Neg,
    /// `+a`
    Pos,
}

/// Operators between two operands that always need both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
    In,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
}

impl BinaryOp {
    /// The operator as it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Gt => ">",
            BinaryOp::Le => "<=",
            BinaryOp::Ge => ">=",
            BinaryOp::In => "in",
            BinaryOp::Contains => "contains",
            BinaryOp::StartsWith => "startsWith",
            BinaryOp::EndsWith => "endsWith",
            BinaryOp::Range => "..",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "**",
        }
    }

    /// Whether the operator orders its operands.
    #[must_use]
    pub fn is_ordering(self) -> bool {
        matches!(self, BinaryOp::Lt | BinaryOp::Gt | BinaryOp::Le | BinaryOp::Ge)
    }
}

impl Expr {
    pub(crate) fn new(kind: ExprKind, span: Range<usize>) -> Expr {
        let mut height = 0;
        kind.each_child(|child| height = height.max(child.height));
        Expr {
            kind,
            span,
            height: height + 1,
        }
    }

    /// Calls `visit` with every direct part of this expression, in source order.
    pub fn each_child<'e>(&'e self, visit: impl FnMut(&'e Expr)) {
        self.kind.each_child(visit);
    }

    /// How many expressions this one consists of, itself included.
    #[must_use]
    pub fn nodes(&self) -> usize {
        let mut count = 1;
        self.each_child(|child| count += child.nodes());
        count
    }
}

impl ExprKind {
    fn each_child<'e>(&'e self, mut visit: impl FnMut(&'e Expr)) {
        match self {
            ExprKind::Nil
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Str(_)
            | ExprKind::Variable { .. }
            | ExprKind::Local { .. }
            | ExprKind::Injected(_)
            | ExprKind::Pointer(_) => {}
            ExprKind::Array(items)
            | ExprKind::And(items)
            | ExprKind::Or(items)
            | ExprKind::Call(_, items) => {
                items.iter().for_each(visit);
            }
            ExprKind::Map(entries) => entries.iter().for_each(|(key, value)| {
                visit(key);
                visit(value);
            }),
            ExprKind::Member { object, .. } => visit(object),
            ExprKind::Index { object, index, .. } => {
                visit(object);
                visit(index);
            }
            ExprKind::Slice { object, from, to } => {
                visit(object);
                from.iter().chain(to).for_each(|bound| visit(bound));
            }
            ExprKind::Chain(inner) | ExprKind::Unary(_, inner) | ExprKind::Predicate(inner) => visit(inner),
            ExprKind::Binary(_, left, right) | ExprKind::Coalesce(left, right) => {
                visit(left);
                visit(right);
            }
            ExprKind::Matches { text, pattern, .. } => {
                visit(text);
                visit(pattern);
            }
            ExprKind::Conditional {
                test,
                then,
                otherwise,
            } => {
                visit(test);
                visit(then);
                visit(otherwise);
            }
            ExprKind::Let { bindings, body } => {
                bindings.iter().for_each(|binding| visit(&binding.value));
                visit(body);
            }
            ExprKind::Method(_, object, arguments) => {
                visit(object);
                arguments.iter().for_each(visit);
            }
        }
    }
}
