//! Keywords, and words that are probably meant as one.
//!
//! Where only a keyword can stand, anything else is an error, so nothing is lost by reading a misspelt keyword as what it was
//! meant to be: the mistake is reported, and what follows it is read as its author sees it.

use rowgate_policy::suggest;

use super::Parser;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lexer::{Kind, Token};

/// What begins a statement.
const STATEMENTS: [&str; 4] = ["type", "relation", "inherit", "policy"];

/// What begins a statement or a rule.
const KEYWORDS: [&str; 7] = [
    "type", "relation", "inherit", "policy", "any_of", "all_of", "none_of",
];

/// A longer word is not a misspelt keyword.
const LONGEST: usize = 12;

/// What begins a statement, for messages.
pub(super) const A_STATEMENT: &str = "`type`, `relation`, `inherit` or `policy`";

impl<'s> Parser<'s> {
    /// The keyword that a token is, or is probably meant as.
    pub(super) fn keyword(&self, token: Token) -> Option<&'static str> {
        if token.kind != Kind::Ident {
            return None;
        }
        let text = self.text(token);
        let exact = KEYWORDS.into_iter().find(|keyword| *keyword == text);
        // Guessing takes time, and is of no use once there are more errors than are shown.
        let guess = text.len() <= LONGEST && self.sink.has_room(Severity::Error);
        exact.or_else(|| guess.then(|| suggest::nearest(text, KEYWORDS))?)
    }

    /// Takes the keyword that stands here, and reports it if it is misspelt. `expected` is what can stand here.
    pub(super) fn take_keyword(&mut self, expected: &str) -> Token {
        let token = self.peek();
        let keyword = self.keyword(token).filter(|keyword| *keyword != self.text(token));
        if let Some(keyword) = keyword {
            let error = self.expected_error(expected);
            self.soft(error.help(format!("did you mean `{keyword}`?")));
        }
        self.next()
    }

    /// Takes the `word` that belongs here, or reports that it is missing. What stands here instead is taken if it is almost
    /// that word, or if `instead` says that it was meant to be.
    /// Says whether the word, or something for it, was there.
    pub(super) fn take_word(&mut self, word: &'static str, instead: bool, help: String) -> bool {
        let token = self.peek();
        if self.is_word(token, word) {
            self.next();
            return true;
        }
        let near = suggest::did_you_mean(self.text(token), [word]).filter(|_| token.kind == Kind::Ident);
        let taken = near.is_some() || instead;
        let error = self.expected_error(&format!("`{word}`"));
        self.soft(error.help(near.unwrap_or(help)));
        if taken {
            self.next();
        }
        taken
    }

    /// Whether a token goes on with its line and is no keyword.
    pub(super) fn is_stray(&self, token: Token) -> bool {
        token.kind == Kind::Ident && !token.first && self.keyword(token).is_none()
    }

    /// Whether a token begins a statement, in this spelling.
    pub(super) fn is_statement(&self, token: Token) -> bool {
        token.kind == Kind::Ident && STATEMENTS.contains(&self.text(token))
    }

    /// The error for what begins no statement.
    pub(super) fn no_statement(&self) -> Diagnostic {
        let token = self.peek();
        let rule_word = matches!(self.text(token), "any_of" | "all_of" | "none_of" | "if" | "on");
        let help = match token.kind {
            Kind::Ident if rule_word => Some("rules follow `inherit RELATION if`"),
            Kind::Body => Some("only `policy NAME(parameters)` is followed by a body"),
            _ => None,
        };
        self.expected_error(A_STATEMENT).help_if(help.map(str::to_owned))
    }
}
