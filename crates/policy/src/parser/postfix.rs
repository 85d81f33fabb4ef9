//! What follows an operand: `.member`, `?.member`, `[index]`, `[from:to]`, `.Method()`.

use super::{Parsed, Parser};
use crate::ast::{Expr, ExprKind};
use crate::builtins::Method;
use crate::error::{ErrorCode, PolicyError};
use crate::lexer::TokenKind;
use crate::suggest::did_you_mean;

impl Parser<'_> {
    pub(super) fn postfix(&mut self, mut expr: Box<Expr>, start: usize) -> Parsed {
        let mut chained = false;
        loop {
            let optional = self.is("?.");
            if optional || self.is(".") {
                self.next();
                expr = if optional && self.is("[") {
                    self.bracket(expr, start, true)?
                } else {
                    self.member(expr, start, optional)?
                };
                chained |= optional;
            } else if self.is("[") {
                expr = self.bracket(expr, start, false)?;
            } else {
                break;
            }
        }
        // A `?.` that finds nothing ends the whole chain, so the chain is a node.
        if chained {
            self.node(ExprKind::Chain(expr), self.since(start))
        } else {
            Ok(expr)
        }
    }

    fn member(&mut self, object: Box<Expr>, start: usize, optional: bool) -> Parsed {
        if self.peek().kind != TokenKind::Word {
            return Err(self.unexpected().help("a name comes after the dot"));
        }
        let (name, span) = (self.text(), self.span());
        self.next();
        if self.is("(") {
            let Some(method) = Method::parse(name) else {
                let help = did_you_mean(name, Method::ALL.iter().map(|method| method.name()));
                let error = PolicyError::new(
                    ErrorCode::UnknownFunction,
                    span,
                    format!("`{name}` is not a method"),
                );
                return Err(error.help(help.unwrap_or_else(|| {
                    "only dates and durations have methods; functions are called `name(value)`".to_owned()
                })));
            };
            let arguments = self.arguments(Vec::new(), None)?;
            return self.node(ExprKind::Method(method, object, arguments), self.since(start));
        }
        if !optional && let Some(variable) = self.env_key(&object, name)? {
            return self.node(variable, self.since(start));
        }
        let kind = ExprKind::Member {
            object,
            name: name.to_owned(),
            optional,
        };
        self.node(kind, self.since(start))
    }

    /// At `[`: an index or a slice.
    fn bracket(&mut self, object: Box<Expr>, start: usize, optional: bool) -> Parsed {
        self.next();
        let index = if self.is(":") {
            None
        } else {
            Some(self.expression(0)?)
        };
        if self.accept(":") {
            let to = if self.is("]") {
                None
            } else {
                Some(self.expression(0)?)
            };
            self.expect("]")?;
            let kind = ExprKind::Slice {
                object,
                from: index,
                to,
            };
            return self.node(kind, self.since(start));
        }
        self.expect("]")?;
        let Some(index) = index else {
            return Err(self.unexpected());
        };
        // A constant key is a member, however it is written.
        if let ExprKind::Str(name) = index.kind {
            if !optional && let Some(variable) = self.env_key(&object, &name)? {
                return self.node(variable, self.since(start));
            }
            return self.node(
                ExprKind::Member {
                    object,
                    name,
                    optional,
                },
                self.since(start),
            );
        }
        self.node(
            ExprKind::Index {
                object,
                index,
                optional,
            },
            self.since(start),
        )
    }
}
