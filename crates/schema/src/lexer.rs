//! Source text to tokens. A policy's body is one token: its language is not ours.

use crate::ast::Span;
use crate::body;
use crate::diagnostic::{Diagnostic, Sink, shown};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword; which one, its place decides.
    Ident,
    /// What stands where a version number is expected.
    Version,
    LBracket,
    RBracket,
    LParen,
    RParen,
    Comma,
    Hash,
    /// `{ … }` with everything inside.
    Body,
    /// A `}` that closes nothing.
    RBrace,
    /// The end of the source; always the last token.
    End,
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub kind: Kind,
    pub span: Span,
    /// The line, from 0.
    pub line: u32,
    /// The column for the layout rule, from 0: characters, with tabs advancing to the next multiple of four.
    pub col: u32,
    /// The column of the first token of its line.
    pub indent: u32,
    /// Whether it is that first token.
    pub first: bool,
}

/// A comment and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comment {
    /// The index of the token after it.
    pub below: usize,
    /// All of it, without the end of the line.
    pub span: Span,
    /// The line, from 0.
    pub line: u32,
    /// Whether nothing stands before it on its line.
    pub alone: bool,
}

/// The tokens of a source, and the `///` lines that stand directly above a token.
pub(crate) struct Tokens<'s> {
    pub all: Vec<Token>,
    /// (index of the token below, span of the text after `///`), in order.
    pub docs: Vec<(usize, Span)>,
    /// All comments, in order.
    pub comments: Vec<Comment>,
    /// What was left out because it can be no token, in order.
    pub stray: Vec<Span>,
    pub source: &'s str,
}

struct Lexer<'s, 'd> {
    source: &'s str,
    at: usize,
    line: u32,
    col: u32,
    /// The column of the first token of this line, once there is one.
    indent: Option<u32>,
    out: Tokens<'s>,
    /// The line of the last character that was no token, and the advice given about it.
    advice: Option<(u32, Option<&'static str>)>,
    sink: &'d mut Sink,
}

/// Reads all tokens. What cannot be one is reported and left out.
pub(crate) fn lex<'s>(source: &'s str, sink: &mut Sink) -> Tokens<'s> {
    let mut lexer = Lexer {
        source,
        at: if source.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        },
        line: 0,
        col: 0,
        indent: None,
        out: Tokens {
            all: Vec::new(),
            docs: Vec::new(),
            comments: Vec::new(),
            stray: Vec::new(),
            source,
        },
        advice: None,
        sink,
    };
    while lexer.next() {}
    lexer.out
}

/// Whether the word at the start of `rest` is followed by a number with a point, which nothing but a version has.
fn is_number(rest: &str) -> bool {
    let word = rest.split_whitespace().nth(1).unwrap_or_default();
    word.split_once('.')
        .is_some_and(|(major, _)| major.bytes().all(|digit| digit.is_ascii_digit()))
}

fn is_bracket(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LBracket | Kind::RBracket | Kind::LParen | Kind::RParen
    )
}

fn is_ident(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

impl<'s> Lexer<'s, '_> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    /// Moves over `bytes` bytes, counting lines and columns.
    fn advance(&mut self, bytes: usize) {
        for c in self.source[self.at..self.at + bytes].chars() {
            match c {
                '\n' => {
                    self.line += 1;
                    self.col = 0;
                    self.indent = None;
                }
                '\t' => self.col = (self.col / 4 + 1) * 4,
                _ => self.col += 1,
            }
        }
        self.at += bytes;
    }

    fn advance_while(&mut self, keep: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.advance(rest.find(|c| !keep(c)).unwrap_or(rest.len()));
    }

    /// Takes `bytes` bytes as a token.
    fn token(&mut self, kind: Kind, bytes: usize) {
        let first = self.indent.is_none();
        let indent = *self.indent.get_or_insert(self.col);
        let span = Span {
            start: self.at as u32,
            end: (self.at + bytes) as u32,
        };
        self.out.all.push(Token {
            kind,
            span,
            line: self.line,
            col: self.col,
            indent,
            first,
        });
        self.advance(bytes);
    }

    /// Reads one token, comment or blank; `false` after the end.
    fn next(&mut self) -> bool {
        self.advance_while(char::is_whitespace);
        let rest = self.rest();
        let Some(c) = rest.chars().next() else {
            self.token(Kind::End, 0);
            return false;
        };
        match c {
            '[' => self.token(Kind::LBracket, 1),
            ']' => self.token(Kind::RBracket, 1),
            '(' => self.token(Kind::LParen, 1),
            ')' => self.token(Kind::RParen, 1),
            ',' => self.token(Kind::Comma, 1),
            '#' => self.token(Kind::Hash, 1),
            '}' => self.token(Kind::RBrace, 1),
            '{' => self.body(),
            '/' if rest.starts_with("//") => self.comment(),
            _ if is_ident(c) => self.ident(),
            _ => self.unexpected(),
        }
        true
    }

    fn ident(&mut self) {
        let rest = self.rest();
        let length = rest.find(|c| !is_ident(c)).unwrap_or(rest.len());
        let first = self.indent.is_none();
        // Whatever stands before a number in the first line is meant as `version`.
        let opens = if self.out.all.is_empty() {
            &rest[..length] == "version" || is_number(rest)
        } else {
            &rest[..length] == "version" && first && is_number(rest)
        };
        self.token(Kind::Ident, length);
        if opens {
            self.advance_while(|c| c == ' ' || c == '\t');
            let rest = self.rest();
            let ends = |c: char| c.is_whitespace() || "{}[]()".contains(c);
            let length = rest.find(ends).unwrap_or(rest.len());
            if length > 0 && !matches!(&rest[..length], "type" | "policy") && !rest.starts_with("//") {
                self.token(Kind::Version, length);
            }
        }
    }

    fn comment(&mut self) {
        let rest = self.rest();
        let length = rest.find('\n').unwrap_or(rest.len());
        let text = rest[..length].strip_suffix('\r').unwrap_or(&rest[..length]);
        let index = self.out.all.len();
        self.out.comments.push(Comment {
            below: index,
            span: Span {
                start: self.at as u32,
                end: (self.at + text.len()) as u32,
            },
            line: self.line,
            alone: self.indent.is_none(),
        });
        let is_doc = text.starts_with("///") && !text.starts_with("////") && self.indent.is_none();
        if is_doc {
            let start = self.at + if text.starts_with("/// ") { 4 } else { 3 };
            let span = Span {
                start: start as u32,
                end: (self.at + text.len()) as u32,
            };
            self.out.docs.push((index, span));
        } else {
            while self.out.docs.pop_if(|(below, _)| *below == index).is_some() {}
        }
        self.advance(length);
    }

    fn body(&mut self) {
        let inside = &self.rest()[1..];
        if let Some(length) = body::end(inside) {
            self.token(Kind::Body, length + 2);
        } else {
            let brace = Span {
                start: self.at as u32,
                end: self.at as u32 + 1,
            };
            let help = "write `}` after the expression; a string or comment left open hides it";
            let error = Diagnostic::error("unclosed_policy_body", "this `{` is never closed");
            self.sink.push(error.at(brace).help(help));
            self.token(Kind::Body, self.rest().len());
        }
    }

    /// One error for a run of characters that start no token.
    fn unexpected(&mut self) {
        let rest = self.rest();
        let known = |c: char| c.is_whitespace() || is_ident(c) || "[](),#{}/".contains(c);
        let length = match rest.char_indices().skip(1).find(|(_, c)| known(*c)) {
            Some((end, _)) => end,
            None => rest.len(),
        };
        let text = &rest[..length];
        let help = match text.chars().next() {
            _ if text.starts_with(":*") => Some("a type in brackets already allows `type:*`"),
            Some(';') => Some("nothing ends with a semicolon outside a policy"),
            Some('"' | '\'' | '`') => Some("names are written without quotes"),
            Some(':') => Some(
                match self.out.all.iter().rev().find(|token| is_bracket(token.kind)) {
                    Some(open) if open.kind == Kind::LBracket => "a group is written `type#relation`",
                    Some(open) if open.kind == Kind::LParen => "a parameter is written `name type`",
                    _ => "nothing stands between a name and what follows it",
                },
            ),
            Some('*') => Some("a type in brackets already allows `type:*`"),
            Some('/') => Some("a comment starts with `//`"),
            Some('=' | '&' | '|' | '!' | '<' | '>') => {
                Some("expressions stand between the braces of a policy")
            }
            _ => None,
        };
        let span = Span {
            start: self.at as u32,
            end: (self.at + length) as u32,
        };
        // Several of a kind on one line are one mistake.
        let known = help.is_some() && self.advice == Some((self.line, help));
        if !known {
            let error = Diagnostic::error("unexpected_character", format!("unexpected `{}`", shown(text)));
            self.sink.push(error.at(span).help_if(help.map(String::from)));
        }
        self.advice = Some((self.line, help));
        self.out.stray.push(span);
        // It still counts as the start of its line.
        let _ = self.indent.get_or_insert(self.col);
        self.advance(length);
    }
}
