//! Tokens to a [`Schema`].
//!
//! The parser goes on after an error: at the next `type`, `relation`, `inherit` or `policy`. Some errors leave nothing out
//! (a list without rules, an unknown parameter type); then the schema is still complete enough to be resolved, so that
//! its other errors come at once. See [`Outcome::complete`].

mod policy;
mod recover;
mod rule;
mod types;
mod words;

pub(crate) use policy::unknown_type;

use crate::ast::{Name, Schema, Span, Version};
use crate::diagnostic::{Diagnostic, Sink, shown};
use crate::lexer::{self, Kind, Token, Tokens};
use crate::limits::MAX_SOURCE_BYTES;
use types::OpenType;

/// What a source was read as.
pub(crate) struct Outcome {
    pub schema: Schema,
    pub sink: Sink,
    /// Whether the schema declares everything the source does, so that resolving it finds no error that is not there.
    pub complete: bool,
    /// Bodies of policies whose parameters are not all known.
    pub unreadable: Vec<Span>,
}

pub(crate) fn run(source: &str) -> Outcome {
    let mut sink = Sink::default();
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "the schema has {} bytes; the limit is {MAX_SOURCE_BYTES}",
            source.len()
        );
        sink.push(Diagnostic::error("source_too_large", message));
        return Outcome {
            schema: Schema::default(),
            sink,
            complete: false,
            unreadable: Vec::new(),
        };
    }
    let tokens = lexer::lex(source, &mut sink);
    let complete = !sink.has_errors();
    let mut parser = Parser {
        tokens,
        at: 0,
        sink,
        complete,
        version: Version::default(),
        schema: Schema::default(),
        open: None,
        ignored_brackets: None,
        unreadable: Vec::new(),
    };
    parser.schema();
    let Parser {
        schema,
        sink,
        complete,
        unreadable,
        ..
    } = parser;
    Outcome {
        schema,
        sink,
        complete,
        unreadable,
    }
}

struct Parser<'s> {
    tokens: Tokens<'s>,
    at: usize,
    sink: Sink,
    complete: bool,
    version: Version,
    schema: Schema,
    open: Option<OpenType>,
    /// The first brackets of a version 0.1 schema that say something.
    ignored_brackets: Option<Span>,
    unreadable: Vec<Span>,
}

/// A parse that gave up its statement; the error is already reported.
struct Abandoned;

type Parse<T> = Result<T, Abandoned>;

impl<'s> Parser<'s> {
    fn peek_at(&self, ahead: usize) -> Token {
        let last = self.tokens.all.len() - 1;
        self.tokens.all[(self.at + ahead).min(last)]
    }

    fn peek(&self) -> Token {
        self.peek_at(0)
    }

    fn text(&self, token: Token) -> &'s str {
        &self.tokens.source[token.span.start as usize..token.span.end as usize]
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at = (self.at + 1).min(self.tokens.all.len() - 1);
        token
    }

    fn is_word(&self, token: Token, word: &str) -> bool {
        token.kind == Kind::Ident && self.text(token) == word
    }

    /// Reports an error that leaves out nothing that other parts refer to.
    fn soft(&mut self, error: Diagnostic) {
        if !error.span.is_some_and(|span| self.follows_stray(span)) {
            self.sink.push(error);
        }
    }

    /// Reports an error after which other errors may only follow from it.
    fn hard(&mut self, error: Diagnostic) {
        self.complete = false;
        self.soft(error);
    }

    /// Whether a character that means nothing stands directly before, on the same line. It is reported already, and what is
    /// wrong here is most likely that.
    fn follows_stray(&self, span: Span) -> bool {
        let stray = &self.tokens.stray;
        let before = stray.partition_point(|stray| stray.end <= span.start);
        let Some(last) = before.checked_sub(1).and_then(|at| stray.get(at)) else {
            return false;
        };
        let between = self.tokens.source.get(last.end as usize..span.start as usize);
        between.is_some_and(|text| text.chars().all(|c| c == ' ' || c == '\t'))
    }

    /// How a message names a token.
    fn found(&self, token: Token) -> String {
        match token.kind {
            Kind::End => "the end of the schema".to_owned(),
            Kind::Body => "`{`".to_owned(),
            _ => format!("`{}`", shown(self.text(token))),
        }
    }

    /// The error that something else should stand here. At the end of the schema it is placed at the last word.
    fn expected_error(&self, what: &str) -> Diagnostic {
        let token = self.peek();
        let message = format!("expected {what}, found {}", self.found(token));
        let at_end = token.kind == Kind::End && self.at > 0;
        let place = if at_end {
            self.tokens.all[self.at - 1].span
        } else {
            token.span
        };
        Diagnostic::error("syntax_error", message).at(place)
    }

    fn expected(&mut self, what: &str) -> Abandoned {
        let error = self.expected_error(what);
        self.hard(error);
        Abandoned
    }

    fn expected_with_help(&mut self, what: &str, help: impl Into<String>) -> Abandoned {
        let error = self.expected_error(what).help(help);
        self.hard(error);
        Abandoned
    }

    fn name(&mut self, what: &str) -> Parse<Name> {
        let token = self.peek();
        // The next statement is not the name that this one lacks.
        if token.kind != Kind::Ident || (token.first && self.is_statement(token)) {
            return Err(self.expected(what));
        }
        self.next();
        Ok(Name {
            text: self.text(token).to_owned(),
            span: token.span,
        })
    }

    /// Takes the token if it is of this kind.
    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.peek().kind == kind;
        if found {
            self.next();
        }
        found
    }

    /// Moves to the next statement, or the end.
    fn skip_to_statement(&mut self) {
        while self.peek().kind != Kind::End && !self.is_statement(self.peek()) {
            self.next();
        }
    }

    fn schema(&mut self) {
        self.version();
        loop {
            let token = self.peek();
            let result = match self.keyword(token) {
                _ if token.kind == Kind::End => break,
                Some("type") => self.type_line(),
                Some("relation") => self.relation_line(),
                Some("inherit") => self.inherit_block(),
                Some("policy") => self.policy_block(),
                _ => Err(self.unexpected_statement()),
            };
            if result.is_err() {
                self.skip_to_statement();
            }
        }
        self.close_type();
        self.schema.version = self.version;
        if let Some(span) = self.ignored_brackets {
            let warning = Diagnostic::warning("brackets_ignored", "version 0.1 does not restrict subjects")
                .at(span)
                .help("write `version 0.2` or later to have brackets enforced");
            self.sink.push(warning);
        }
    }

    fn version(&mut self) {
        let word = self.peek();
        let misspelt = self.peek_at(1).kind == Kind::Version && !self.is_word(word, "version");
        if misspelt {
            self.take_word("version", true, "start the schema with `version 0.3`".to_owned());
        } else if self.is_word(word, "version") {
            self.next();
        } else {
            // Where no statement begins, that is said, and enough.
            if word.kind == Kind::Ident && self.keyword(word).is_none() {
                return;
            }
            let warning = Diagnostic::warning("missing_version", "no `version` line; read as version 0.3")
                .at(word.span)
                .help("start the schema with `version 0.3`");
            self.sink.push(warning);
            return;
        }
        let number = self.peek();
        if number.kind != Kind::Version {
            self.expected("a version number");
            return;
        }
        self.next();
        match Version::parse(self.text(number)) {
            Some(version) => self.version = version,
            None => {
                let message = format!("version {} is not supported", self.found(number));
                let error = Diagnostic::error("unsupported_version", message).at(number.span);
                self.soft(error.help("supported versions are 0.1, 0.2 and 0.3"));
            }
        }
    }

    fn unexpected_statement(&mut self) -> Abandoned {
        let token = self.peek();
        let error = if self.is_word(token, "version") {
            Diagnostic::error("syntax_error", "`version` stands in the first line only").at(token.span)
        } else {
            self.no_statement()
        };
        self.next();
        self.hard(error);
        Abandoned
    }
}
