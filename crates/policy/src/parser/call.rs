//! Calls: `f(a, b)`, `a | f(b)`, and predicates.

use super::{Parsed, Parser};
use crate::ast::{Expr, ExprKind};
use crate::builtins::Builtin;
use crate::error::{ErrorCode, PolicyError};
use crate::lexer::TokenKind;
use crate::suggest::did_you_mean;

impl Parser<'_> {
    /// Whether the word at hand is called. A name that is not called may be that of a function: `count > 3`.
    pub(super) fn call_follows(&self) -> bool {
        self.tokens
            .get(self.at + 1)
            .is_some_and(|token| token.kind == TokenKind::Punct("("))
    }

    /// `f(a, b)`
    pub(super) fn call(&mut self) -> Parsed {
        let start = self.span().start;
        self.call_with(Vec::new(), start)
    }

    /// `first | f(b)`; the `|` has been read.
    pub(super) fn pipe(&mut self, first: Expr, start: usize) -> Parsed {
        if self.peek().kind != TokenKind::Word || !self.call_follows() {
            let help = "after `|` comes a call, as in `list | count(# > 3)`; a logical or is `||`";
            return Err(self.unexpected().help(help));
        }
        let call = self.call_with(vec![first], start)?;
        self.postfix(call, start)
    }

    fn call_with(&mut self, given: Vec<Expr>, start: usize) -> Parsed {
        let (name, span) = (self.text(), self.span());
        let Some(function) = Builtin::parse(name) else {
            let help = did_you_mean(name, Builtin::ALL.iter().map(|function| function.name()));
            let error = PolicyError::new(
                ErrorCode::UnknownFunction,
                span,
                format!("`{name}` is not a function"),
            );
            return Err(error.help_if(help));
        };
        self.next();
        let arguments = self.arguments(given, Some(function))?;
        let signature = function.signature();
        if arguments.len() < signature.min || arguments.len() > signature.max {
            let wanted = match (signature.min, signature.max) {
                (min, max) if min == max => format!("{min}"),
                (min, usize::MAX) => format!("at least {min}"),
                (min, max) => format!("{min} to {max}"),
            };
            let message = format!("`{name}` takes {wanted} arguments, got {}", arguments.len());
            return Err(PolicyError::new(ErrorCode::Arity, self.since(start), message));
        }
        self.node(ExprKind::Call(function, arguments), self.since(start))
    }

    /// `(a, b)`, after the arguments already given by a pipe.
    pub(super) fn arguments(&mut self, given: Vec<Expr>, function: Option<Builtin>) -> Parsed<Vec<Expr>> {
        self.expect("(")?;
        let mut arguments = given;
        while !self.is(")") {
            let predicate = function.is_some_and(|f| f.signature().want(arguments.len()).is_predicate());
            arguments.push(*if predicate {
                self.predicate()?
            } else {
                self.expression(0)?
            });
            if !self.is(")") {
                self.expect(",")?;
            }
        }
        self.next();
        Ok(arguments)
    }

    /// `{# > 3}` or `# > 3`
    fn predicate(&mut self) -> Parsed {
        let start = self.span().start;
        self.predicates += 1;
        let body = if self.is("{") {
            self.block()
        } else {
            self.expression(0)
        };
        self.predicates -= 1;
        let body = body?;
        self.node(ExprKind::Predicate(body), self.since(start))
    }
}
