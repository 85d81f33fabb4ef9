//! Strings: `"…"` and `'…'` with escapes, raw back-ticks without.

use super::{Lexer, TokenKind};
use crate::error::{ErrorCode, PolicyError, Refusal};

impl Lexer<'_> {
    pub(super) fn raw_string(&mut self) -> Result<TokenKind, Refusal> {
        let start = self.at;
        self.bump();
        let text = self.take_while(|c| c != '`');
        if self.bump().is_none() {
            return Err(unterminated(start..self.at));
        }
        Ok(TokenKind::Str(text.to_owned()))
    }

    pub(super) fn string(&mut self, quote: char) -> Result<TokenKind, Refusal> {
        let start = self.at;
        self.bump();
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| c != quote && c != '\\' && c != '\n'));
            match self.bump() {
                Some(c) if c == quote => return Ok(TokenKind::Str(text)),
                Some('\\') => text.push(self.escape()?),
                _ => return Err(unterminated(start..self.at)),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, Refusal> {
        let start = self.at - 1;
        let escaped = match self.bump() {
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('v') => Some('\u{b}'),
            Some(c @ ('\\' | '\'' | '"' | '`' | '/')) => Some(c),
            Some('x') => self.code(16, 2),
            Some('u') => self.unicode(),
            Some('U') => self.code(16, 8),
            Some('0'..='7') => {
                self.at -= 1;
                self.code(8, 3)
            }
            _ => None,
        };
        escaped.ok_or_else(|| {
            let help = "write `\\\\` for a backslash, or use a raw string in back-ticks";
            PolicyError::new(ErrorCode::Syntax, start..self.at, "unknown escape in the string").help(help)
        })
    }

    /// `\u00e9`, `\u{e9}`, or two halves of a surrogate pair as JSON writes them.
    fn unicode(&mut self) -> Option<char> {
        if self.peek() == Some('{') {
            self.bump();
            let digits = self.take_while(|c| c.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16).ok()?;
            return if self.bump() == Some('}') {
                char::from_u32(code)
            } else {
                None
            };
        }
        let high = self.digits(16, 4)?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high);
        }
        if !self.rest().starts_with("\\u") {
            return None;
        }
        self.at += 2;
        let low = self
            .digits(16, 4)?
            .checked_sub(0xDC00)
            .filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + ((high - 0xD800) << 10) + low)
    }

    fn code(&mut self, radix: u32, digits: usize) -> Option<char> {
        self.digits(radix, digits).and_then(char::from_u32)
    }

    fn digits(&mut self, radix: u32, count: usize) -> Option<u32> {
        let mut left = count;
        let digits = self.take_while(|c| {
            let keep = left > 0 && c.is_digit(radix);
            left = left.saturating_sub(1);
            keep
        });
        if digits.len() == count {
            u32::from_str_radix(digits, radix).ok()
        } else {
            None
        }
    }
}

fn unterminated(span: std::ops::Range<usize>) -> Refusal {
    PolicyError::new(ErrorCode::Syntax, span, "the string is never closed")
}
