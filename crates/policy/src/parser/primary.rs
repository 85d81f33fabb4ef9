//! Operands: literals, names, parentheses, prefix operators.

use super::{Parsed, Parser, infix, names};
use crate::ast::{ExprKind, Pointer, UnaryOp};
use crate::error::{ErrorCode, PolicyError};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// An operand with everything that follows it directly: members, indexes, calls of methods.
    pub(super) fn operand(&mut self) -> Parsed {
        let start = self.span().start;
        let expr = match self.prefix() {
            Some((op, binding)) => self.unary(op, binding)?,
            None if self.is("(") => self.parenthesised()?,
            None => self.primary()?,
        };
        self.postfix(expr, start)
    }

    fn prefix(&self) -> Option<(UnaryOp, u16)> {
        if self.is("!") || self.is_word("not") {
            Some((UnaryOp::Not, infix::NOT))
        } else if self.is("-") {
            Some((UnaryOp::Neg, infix::SIGN))
        } else if self.is("+") {
            Some((UnaryOp::Pos, infix::SIGN))
        } else {
            None
        }
    }

    fn unary(&mut self, op: UnaryOp, binding: u16) -> Parsed {
        let start = self.span().start;
        self.next();
        let operand = self.expression(binding)?;
        // A negative literal is a literal.
        let kind = match (op, &operand.kind) {
            (UnaryOp::Neg, ExprKind::Int(i)) => ExprKind::Int(-i),
            (UnaryOp::Neg, ExprKind::Float(f)) => ExprKind::Float(-f),
            _ => ExprKind::Unary(op, operand),
        };
        self.node(kind, self.since(start))
    }

    fn parenthesised(&mut self) -> Parsed {
        self.next();
        let expr = self.expression(0)?;
        self.expect(")")?;
        Ok(expr)
    }

    fn primary(&mut self) -> Parsed {
        let span = self.span();
        let kind = match &self.peek().kind {
            TokenKind::Int(i) => ExprKind::Int(*i),
            TokenKind::Float(f) => ExprKind::Float(*f),
            TokenKind::Str(s) => ExprKind::Str(s.clone()),
            TokenKind::Word => return self.word(),
            TokenKind::Punct("[") => return self.array(),
            TokenKind::Punct("{") => return self.map(),
            TokenKind::Punct("#") if self.predicates > 0 => return self.pointer(),
            // `.field` inside a predicate is `#.field`; the dot is left for the postfix.
            TokenKind::Punct(".") if self.predicates > 0 => {
                return self.node(ExprKind::Pointer(Pointer::Item), span.start..span.start);
            }
            _ => return Err(self.unexpected()),
        };
        self.next();
        self.node(kind, span)
    }

    fn word(&mut self) -> Parsed {
        let span = self.span();
        let kind = match self.text() {
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "nil" => ExprKind::Nil,
            word if names::is_reserved(word) => {
                return Err(match word {
                    "let" | "if" => self.unexpected().help(format!("put the `{word}` in parentheses")),
                    _ => self
                        .unexpected()
                        .help(format!("to read a key of this name write `$env[\"{word}\"]`")),
                });
            }
            _ if self.call_follows() => return self.call(),
            _ => return self.name(),
        };
        self.next();
        self.node(kind, span)
    }

    fn pointer(&mut self) -> Parsed {
        let start = self.span();
        self.next();
        let mut pointer = Pointer::Item;
        if self.peek().kind == TokenKind::Word && self.span().start == start.end {
            pointer = match self.text() {
                "index" => Pointer::Index,
                "acc" => Pointer::Acc,
                name => {
                    let message = format!("`#{name}` is unknown");
                    let error = PolicyError::new(ErrorCode::Syntax, start.start..self.span().end, message);
                    return Err(error.help("a predicate knows `#`, `#index` and `#acc`"));
                }
            };
            self.next();
        }
        self.node(ExprKind::Pointer(pointer), self.since(start.start))
    }

    fn array(&mut self) -> Parsed {
        let start = self.span().start;
        self.next();
        let mut items = Vec::new();
        while !self.is("]") {
            items.push(*self.expression(0)?);
            if !self.is("]") {
                self.expect(",")?;
            }
        }
        self.next();
        self.node(ExprKind::Array(items), self.since(start))
    }

    fn map(&mut self) -> Parsed {
        let start = self.span().start;
        self.next();
        let mut entries = Vec::new();
        while !self.is("}") {
            let key = self.map_key()?;
            self.expect(":")?;
            entries.push((*key, *self.expression(0)?));
            if !self.is("}") {
                self.expect(",")?;
            }
        }
        self.next();
        self.node(ExprKind::Map(entries), self.since(start))
    }

    fn map_key(&mut self) -> Parsed {
        let span = self.span();
        let key = match &self.peek().kind {
            TokenKind::Word | TokenKind::Int(_) => self.text().to_owned(),
            TokenKind::Str(s) => s.clone(),
            TokenKind::Punct("(") => return self.parenthesised(),
            _ => {
                return Err(self
                    .unexpected()
                    .help("a key is a name, a string, or an expression in parentheses"));
            }
        };
        self.next();
        self.node(ExprKind::Str(key), span)
    }
}
