//! Tokens to tree: a Pratt parser that resolves names as it goes.
//!
//! Recursion is bounded by [`MAX_NESTING`], the tree it returns by [`MAX_DEPTH`] and [`MAX_NODES`].

mod call;
mod infix;
mod names;
mod postfix;
mod primary;

use std::ops::Range;

use crate::ast::{Binding, Expr, ExprKind};
use crate::error::{ErrorCode, PolicyError, Refusal};
use crate::lexer::{self, Token, TokenKind};
use crate::limits::{MAX_DEPTH, MAX_NESTING, MAX_NODES, MAX_SOURCE_BYTES};
use crate::param::Param;

type Parsed<T = Box<Expr>> = Result<T, Refusal>;

/// Parses a whole source. `parameters` are the names a schema policy may read; a warrant policy may read any.
pub(crate) fn parse(source: &str, parameters: Option<&[Param]>) -> Parsed<Expr> {
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!("the expression is longer than {MAX_SOURCE_BYTES} bytes");
        return Err(PolicyError::new(ErrorCode::Limit, 0..0, message));
    }
    let tokens = lexer::tokens(source)?;
    let mut parser = Parser {
        source,
        tokens,
        at: 0,
        parameters,
        locals: Vec::new(),
        predicates: 0,
        nesting: 0,
        nodes: 0,
        patterns: 0,
    };
    if parser.peek().kind == TokenKind::End {
        return Err(PolicyError::new(
            ErrorCode::Syntax,
            0..source.len(),
            "the expression is empty",
        ));
    }
    let expr = parser.expression(0)?;
    if parser.peek().kind != TokenKind::End {
        return Err(parser.unexpected());
    }
    Ok(*expr)
}

struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Token>,
    at: usize,
    parameters: Option<&'s [Param]>,
    /// The names bound by `let` around the current place; the index is the slot.
    locals: Vec<String>,
    /// How many predicates enclose the current place.
    predicates: usize,
    nesting: usize,
    nodes: usize,
    patterns: usize,
}

impl<'s> Parser<'s> {
    fn peek(&self) -> &Token {
        // INVARIANT: the last token is `End` and `next` never moves past it.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    /// The text of the current token.
    fn text(&self) -> &'s str {
        self.source.get(self.peek().span.clone()).unwrap_or_default()
    }

    fn span(&self) -> Range<usize> {
        self.peek().span.clone()
    }

    /// From `start` to the end of the token before the current one.
    fn since(&self, start: usize) -> Range<usize> {
        let end = self
            .at
            .checked_sub(1)
            .map_or(start, |before| self.tokens[before].span.end);
        start..end.max(start)
    }

    fn is(&self, punct: &str) -> bool {
        matches!(self.peek().kind, TokenKind::Punct(p) if p == punct)
    }

    fn is_word(&self, word: &str) -> bool {
        self.peek().kind == TokenKind::Word && self.text() == word
    }

    fn accept(&mut self, punct: &str) -> bool {
        let found = self.is(punct);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, punct: &'static str) -> Parsed<()> {
        if self.accept(punct) {
            return Ok(());
        }
        let error = self.unexpected();
        let expected = format!("expected `{punct}`");
        Err(if error.help.is_none() {
            error.help(expected)
        } else {
            error
        })
    }

    /// The error for a token that does not belong here.
    fn unexpected(&self) -> Refusal {
        let message = match &self.peek().kind {
            TokenKind::End => "unexpected end of the expression".to_owned(),
            _ => format!("unexpected `{}`", crate::quote::abbreviate(self.text())),
        };
        let error = PolicyError::new(ErrorCode::Syntax, self.span(), message);
        match &self.peek().kind {
            TokenKind::Punct("=") => error.help("a policy cannot assign; write `==` to compare"),
            TokenKind::Punct(";") => error.help("only `let name = value;` ends with a semicolon"),
            TokenKind::Punct("#") => {
                error.help("`#` is the element inside a predicate, as in `any(list, # > 3)`")
            }
            _ => error,
        }
    }

    /// A node, counted and measured.
    fn node(&mut self, kind: ExprKind, span: Range<usize>) -> Parsed {
        self.count(1, &span)?;
        let expr = Box::new(Expr::new(kind, span));
        check_height(&expr)?;
        Ok(expr)
    }

    fn count(&mut self, nodes: usize, span: &Range<usize>) -> Parsed<()> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            let message = format!("the expression has more than {MAX_NODES} parts");
            return Err(PolicyError::new(ErrorCode::Limit, span.clone(), message));
        }
        Ok(())
    }

    /// An expression whose binary operators bind at least as tightly as `min`.
    fn expression(&mut self, min: u16) -> Parsed {
        if self.nesting >= MAX_NESTING {
            let message = format!("the expression is nested more than {MAX_NESTING} levels deep");
            return Err(PolicyError::new(ErrorCode::Limit, self.span(), message));
        }
        self.nesting += 1;
        let expr = match (min, self.is_word("let"), self.is_word("if")) {
            (0, true, _) => self.bindings(),
            (0, _, true) => self.if_else(),
            _ => self.operators(min),
        };
        self.nesting -= 1;
        expr
    }

    /// `let a = b; let c = d; e`
    fn bindings(&mut self) -> Parsed {
        let start = self.span().start;
        let outer = self.locals.len();
        let mut bindings = Vec::new();
        while self.is_word("let") {
            self.next();
            let span = self.span();
            let name = self.binding_name()?;
            if !self.accept("=") {
                return Err(self.unexpected().help("a binding is written `let name = value;`"));
            }
            let value = *self.expression(0)?;
            self.expect(";")?;
            self.locals.push(name.clone());
            bindings.push(Binding { name, span, value });
        }
        let body = self.expression(0)?;
        self.locals.truncate(outer);
        self.node(ExprKind::Let { bindings, body }, self.since(start))
    }

    /// `if a { b } else { c }`, `else if` included.
    fn if_else(&mut self) -> Parsed {
        let start = self.span().start;
        self.next();
        let test = self.expression(0)?;
        let then = self.block()?;
        if !self.is_word("else") {
            return Err(self.unexpected().help("an `if` needs an `else`"));
        }
        self.next();
        let otherwise = if self.is_word("if") {
            self.expression(0)?
        } else {
            self.block()?
        };
        self.node(
            ExprKind::Conditional {
                test,
                then,
                otherwise,
            },
            self.since(start),
        )
    }

    fn block(&mut self) -> Parsed {
        self.expect("{")?;
        let expr = self.expression(0)?;
        self.expect("}")?;
        Ok(expr)
    }
}

fn check_height(expr: &Expr) -> Parsed<()> {
    if expr.height > MAX_DEPTH {
        let message = format!("the expression is more than {MAX_DEPTH} operations deep");
        let error = PolicyError::new(ErrorCode::Limit, expr.span.clone(), message);
        return Err(error.help("name the parts with `let`, or use a list"));
    }
    Ok(())
}
