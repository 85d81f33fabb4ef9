//! Numbers: `42`, `1_000`, `0xff`, `0o17`, `0b11`, `4.2`, `.5`, `1e-3`.

use super::{Lexer, TokenKind, continues_word};
use crate::error::{ErrorCode, PolicyError, Refusal};

impl Lexer<'_> {
    pub(super) fn number(&mut self) -> Result<TokenKind, Refusal> {
        let start = self.at;
        let radix = match self.rest().as_bytes() {
            [b'0', b'x' | b'X', ..] => Some(16),
            [b'0', b'o' | b'O', ..] => Some(8),
            [b'0', b'b' | b'B', ..] => Some(2),
            _ => None,
        };
        let number = match radix {
            Some(radix) => self.radix(radix),
            None => self.decimal(),
        };
        // `12ab` is one mistake, not a number and a word.
        let trailing = self.take_while(continues_word);
        let span = start..self.at;
        match number {
            Some(number) if trailing.is_empty() => Ok(number),
            Some(_) => Err(PolicyError::new(
                ErrorCode::Syntax,
                span,
                "this is neither a number nor a name",
            )),
            None => Err(PolicyError::new(
                ErrorCode::Constant,
                span,
                "the number cannot be represented",
            )),
        }
    }

    fn radix(&mut self, radix: u32) -> Option<TokenKind> {
        self.at += 2;
        let digits = self.take_while(|c| c == '_' || c.is_digit(radix));
        i64::from_str_radix(&digits.replace('_', ""), radix)
            .ok()
            .map(TokenKind::Int)
    }

    fn decimal(&mut self) -> Option<TokenKind> {
        let start = self.at;
        let digit = |c: char| c == '_' || c.is_ascii_digit();
        self.take_while(digit);
        let mut float = false;
        // `1..3` is a range and `1.x` a member: a fraction needs a digit.
        if self.peek() == Some('.') && self.peek_second().is_some_and(|c| c.is_ascii_digit()) {
            float = true;
            self.bump();
            self.take_while(digit);
        }
        if self.exponent() {
            float = true;
        }
        let text = self.source.get(start..self.at)?.replace('_', "");
        if float {
            text.parse()
                .ok()
                .filter(|f: &f64| f.is_finite())
                .map(TokenKind::Float)
        } else {
            text.parse().ok().map(TokenKind::Int)
        }
    }

    fn exponent(&mut self) -> bool {
        let begin = self.at;
        if !matches!(self.peek(), Some('e' | 'E')) {
            return false;
        }
        self.bump();
        if matches!(self.peek(), Some('+' | '-')) {
            self.bump();
        }
        if self.take_while(|c| c.is_ascii_digit()).is_empty() {
            self.at = begin;
            return false;
        }
        true
    }
}
