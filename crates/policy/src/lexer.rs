//! Text to tokens.

mod number;
mod string;

use std::ops::Range;

use crate::error::{ErrorCode, PolicyError, Refusal};

/// A token and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
}

/// The kinds of token. Keywords are words: whether `in` is an operator or a member is the parser's business.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    Int(i64),
    Float(f64),
    Str(String),
    Word,
    Punct(&'static str),
    End,
}

/// Longest first among those that share a beginning.
const PUNCTUATION: [&str; 32] = [
    "??", "?.", "?", "..", ".", "==", "=", "!=", "!", "<=", "<", ">=", ">", "&&", "||", "|", "**", "*", "+",
    "-", "/", "%", "^", "(", ")", "[", "]", "{", "}", ",", ":", ";",
];

/// Splits a source into tokens, the last of which is [`TokenKind::End`].
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, Refusal> {
    let mut lexer = Lexer { source, at: 0 };
    let mut tokens = Vec::with_capacity(source.len() / 4 + 1);
    loop {
        lexer.skip_blank()?;
        let start = lexer.at;
        let kind = lexer.token()?;
        let end = kind == TokenKind::End;
        tokens.push(Token {
            kind,
            span: start..lexer.at,
        });
        if end {
            return Ok(tokens);
        }
    }
}

/// Whether an identifier can begin with this character.
pub(crate) fn begins_word(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphabetic()
}

fn continues_word(c: char) -> bool {
    begins_word(c) || c.is_numeric()
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take_while(&mut self, mut keep: impl FnMut(char) -> bool) -> &'s str {
        let rest = self.rest();
        let length = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn skip_blank(&mut self) -> Result<(), Refusal> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if let Some(comment) = self.rest().strip_prefix("/*") {
                let Some(length) = comment.find("*/") else {
                    let span = self.at..self.source.len();
                    return Err(PolicyError::new(
                        ErrorCode::Syntax,
                        span,
                        "the comment is never closed",
                    ));
                };
                self.at += length + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<TokenKind, Refusal> {
        let Some(c) = self.peek() else {
            return Ok(TokenKind::End);
        };
        match c {
            '"' | '\'' => self.string(c),
            '`' => self.raw_string(),
            '#' => {
                self.at += 1;
                Ok(TokenKind::Punct("#"))
            }
            '0'..='9' => self.number(),
            '.' if self.peek_second().is_some_and(|c| c.is_ascii_digit()) => self.number(),
            c if begins_word(c) => {
                self.take_while(continues_word);
                Ok(TokenKind::Word)
            }
            c => self.punctuation(c),
        }
    }

    fn punctuation(&mut self, c: char) -> Result<TokenKind, Refusal> {
        let rest = self.rest();
        let mut found = PUNCTUATION.into_iter().find(|p| rest.starts_with(p));
        // In `a ?.5 : b` the dot belongs to the number.
        if found == Some("?.") && rest[2..].starts_with(|c: char| c.is_ascii_digit()) {
            found = Some("?");
        }
        let Some(punct) = found else {
            let error = PolicyError::new(
                ErrorCode::Syntax,
                self.at..self.at + c.len_utf8(),
                format!("unexpected `{c}`"),
            );
            return Err(if c == '&' {
                error.help("write `&&` for a logical and")
            } else {
                error
            });
        };
        self.at += punct.len();
        Ok(TokenKind::Punct(punct))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<String> {
        let tokens = tokens(source).unwrap_or_else(|e| panic!("{source}: {e}"));
        let show = |token: &Token| match &token.kind {
            TokenKind::Word => format!("w:{}", &source[token.span.clone()]),
            TokenKind::Punct(p) => (*p).to_owned(),
            TokenKind::Int(i) => format!("i:{i}"),
            TokenKind::Float(f) => format!("f:{f:?}"),
            TokenKind::Str(s) => format!("s:{s}"),
            TokenKind::End => "end".to_owned(),
        };
        tokens.iter().take(tokens.len() - 1).map(show).collect()
    }

    #[test]
    fn tokens_are_the_longest_that_fit() {
        for (source, expected) in [
            ("a??b", "w:a ?? w:b"),
            ("a?.b", "w:a ?. w:b"),
            ("a?.5:1", "w:a ? f:0.5 : i:1"),
            ("1..3", "i:1 .. i:3"),
            ("1.5e2", "f:150.0"),
            ("1_000", "i:1000"),
            ("0xFF 0o17 0b11", "i:255 i:15 i:3"),
            ("notes not in_box $env", "w:notes w:not w:in_box w:$env"),
            ("größe #acc", "w:größe # w:acc"),
            (r#""a\n\x41\u00e9\"" 'it''s'"#, "s:a\nAé\" s:it s:s"),
            ("`raw \\n`", "s:raw \\n"),
            ("a /* c */ + // d\n b", "w:a + w:b"),
            ("2**3 != 4", "i:2 ** i:3 != i:4"),
        ] {
            assert_eq!(kinds(source).join(" "), expected, "{source}");
        }
    }

    #[test]
    fn malformed_tokens_are_errors_with_a_place() {
        for (source, column) in [
            ("a == \"x", 6),
            ("`x", 1),
            ("/* x", 1),
            ("'a\nb'", 1),
            (r#""\q""#, 2),
            (r#""\u12""#, 2),
            ("99999999999999999999", 1),
            ("0x", 1),
            ("1e999", 1),
            ("12ab", 1),
            ("a & b", 3),
            ("é @", 3),
        ] {
            let error = tokens(source).expect_err(source);
            let error = (*error).locate(source);
            assert_eq!((error.line, error.column), (1, column), "{source}: {error}");
        }
    }
}
