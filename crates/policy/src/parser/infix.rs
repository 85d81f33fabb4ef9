//! Operators and their precedence.

use super::{Parsed, Parser, check_height};
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::error::{ErrorCode, PolicyError};
use crate::lexer::TokenKind;
use crate::limits::MAX_PATTERNS;
use crate::pattern::Pattern;

/// How tightly a prefix operator binds.
pub(super) const NOT: u16 = 50;
pub(super) const SIGN: u16 = 90;
const POWER: u16 = 100;

/// What an operator between two operands builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Infix {
    Pipe,
    Or,
    And,
    Matches,
    Coalesce,
    Binary(BinaryOp),
}

fn infix(text: &str) -> Option<(Infix, u16)> {
    use BinaryOp::*;
    use Infix::*;
    Some(match text {
        "|" => (Pipe, 0),
        "or" | "||" => (Or, 10),
        "and" | "&&" => (And, 15),
        "==" => (Binary(Eq), 20),
        "!=" => (Binary(Ne), 20),
        "<" => (Binary(Lt), 20),
        ">" => (Binary(Gt), 20),
        "<=" => (Binary(Le), 20),
        ">=" => (Binary(Ge), 20),
        "in" => (Binary(In), 20),
        "matches" => (Matches, 20),
        "contains" => (Binary(Contains), 20),
        "startsWith" => (Binary(StartsWith), 20),
        "endsWith" => (Binary(EndsWith), 20),
        ".." => (Binary(Range), 25),
        "+" => (Binary(Add), 30),
        "-" => (Binary(Sub), 30),
        "*" => (Binary(Mul), 60),
        "/" => (Binary(Div), 60),
        "%" => (Binary(Mod), 60),
        "**" | "^" => (Binary(Pow), POWER),
        "??" => (Coalesce, 500),
        _ => return None,
    })
}

/// Operators that can be written `a not in b`.
fn negatable(text: &str) -> bool {
    matches!(text, "in" | "matches" | "contains" | "startsWith" | "endsWith")
}

impl Parser<'_> {
    /// Operands joined by operators that bind at least as tightly as `min`.
    pub(super) fn operators(&mut self, min: u16) -> Parsed {
        let start = self.span().start;
        let mut left = self.operand()?;
        let mut previous = None;
        loop {
            let negated = self.is_word("not");
            if negated && !self.negation_follows(min)? {
                break;
            }
            let Some((op, binding)) = self.infix_here().filter(|(_, binding)| *binding >= min) else {
                break;
            };
            if previous == Some(Infix::Coalesce) && op != Infix::Coalesce && op != Infix::Pipe {
                let message = format!("`??` and `{}` cannot be mixed", self.text());
                let error = PolicyError::new(ErrorCode::Syntax, self.span(), message);
                return Err(error.help("put one of them in parentheses"));
            }
            self.next();
            left = self.infix(left, start, op, binding, previous)?;
            if negated {
                left = self.node(ExprKind::Unary(UnaryOp::Not, left), self.since(start))?;
            }
            previous = Some(op);
        }
        if min == 0 {
            self.ternary(left, start)
        } else {
            Ok(left)
        }
    }

    fn infix_here(&self) -> Option<(Infix, u16)> {
        match self.peek().kind {
            TokenKind::Punct(_) | TokenKind::Word => infix(self.text()),
            _ => None,
        }
    }

    /// At a `not` between operands: moves to the operator it negates, if that binds tightly enough.
    fn negation_follows(&mut self, min: u16) -> Parsed<bool> {
        self.next();
        let binding = self.infix_here().map(|(_, binding)| binding);
        match binding {
            Some(binding) if negatable(self.text()) => {
                if binding < min {
                    self.at -= 1;
                }
                Ok(binding >= min)
            }
            _ => Err(self
                .unexpected()
                .help("between two operands `not` goes before `in`, `contains` and their like")),
        }
    }

    /// Builds one operation; its operator has been read.
    fn infix(
        &mut self,
        left: Box<Expr>,
        start: usize,
        op: Infix,
        binding: u16,
        previous: Option<Infix>,
    ) -> Parsed {
        match op {
            Infix::Pipe => self.pipe(*left, start),
            Infix::Binary(op) if op.is_ordering() => self.comparison(left, start, op, binding),
            Infix::Binary(op) => {
                // `**` groups to the right.
                let right = self.expression(if op == BinaryOp::Pow { binding } else { binding + 1 })?;
                self.node(ExprKind::Binary(op, left, right), self.since(start))
            }
            Infix::Coalesce => {
                let right = self.expression(binding + 1)?;
                self.node(ExprKind::Coalesce(left, right), self.since(start))
            }
            Infix::Matches => self.matches(left, start, binding),
            Infix::And | Infix::Or => {
                let right = self.expression(binding + 1)?;
                self.logic(left, *right, start, op, previous == Some(op))
            }
        }
    }

    /// `a && b`; a chain of the same operator is one flat node.
    fn logic(&mut self, mut left: Box<Expr>, right: Expr, start: usize, op: Infix, chained: bool) -> Parsed {
        let span = self.since(start);
        if chained && let ExprKind::And(items) | ExprKind::Or(items) = &mut left.kind {
            left.height = left.height.max(right.height + 1);
            left.span = span;
            items.push(right);
            check_height(&left)?;
            return Ok(left);
        }
        let items = vec![*left, right];
        self.node(
            if op == Infix::And {
                ExprKind::And(items)
            } else {
                ExprKind::Or(items)
            },
            span,
        )
    }

    /// `a < b`, and `a < b <= c` which means `a < b && b <= c`.
    fn comparison(&mut self, first: Box<Expr>, start: usize, op: BinaryOp, binding: u16) -> Parsed {
        let mut at = self.since(start).end;
        let mut parts = Vec::new();
        let (mut left, mut op, mut begin) = (first, op, start);
        loop {
            let operand = self.span().start;
            let right = self.expression(binding + 1)?;
            let again = match self.infix_here() {
                Some((Infix::Binary(next), _)) if next.is_ordering() => Some((next, right.clone())),
                _ => None,
            };
            let part = self.node(ExprKind::Binary(op, left, right), self.since(begin))?;
            parts.push(*part);
            let Some((next, shared)) = again else { break };
            // A shared operand exists twice, and inside another comparison twice again.
            self.count(shared.nodes(), &shared.span)?;
            self.next();
            at = at.max(self.since(start).end);
            (left, op, begin) = (shared, next, operand);
        }
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => Ok(Box::new(only)),
            (last, _) => {
                parts.extend(last);
                self.node(ExprKind::And(parts), self.since(start))
            }
        }
    }

    fn matches(&mut self, text: Box<Expr>, start: usize, binding: u16) -> Parsed {
        let pattern = self.expression(binding + 1)?;
        let compiled = match &pattern.kind {
            ExprKind::Str(constant) => {
                self.patterns += 1;
                if self.patterns > MAX_PATTERNS {
                    let message = format!("the expression has more than {MAX_PATTERNS} regular expressions");
                    return Err(PolicyError::new(ErrorCode::Limit, pattern.span, message));
                }
                let refuse = |reason| PolicyError::new(ErrorCode::Constant, pattern.span.clone(), reason);
                Some(Pattern::compile(constant).map_err(refuse)?)
            }
            _ => None,
        };
        let kind = ExprKind::Matches {
            text,
            pattern,
            compiled,
        };
        self.node(kind, self.since(start))
    }

    /// `test ? a : b`, `test ?: b`
    fn ternary(&mut self, mut test: Box<Expr>, start: usize) -> Parsed {
        while self.accept("?") {
            let then = if self.is(":") {
                self.count(test.nodes(), &test.span)?;
                test.clone()
            } else {
                self.expression(0)?
            };
            self.expect(":")?;
            let otherwise = self.expression(0)?;
            let kind = ExprKind::Conditional {
                test,
                then,
                otherwise,
            };
            test = self.node(kind, self.since(start))?;
        }
        Ok(test)
    }
}
