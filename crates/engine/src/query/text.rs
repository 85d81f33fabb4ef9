//! The text of a query.
//!
//! ```text
//! query     = "select" ["explicit"] ( resources | subjects )
//! resources = list "where" RESOURCE "is" list            types … relations
//! subjects  = list "of" "type" list "for" RESOURCE       relations … types
//! list      = "*" | NAME { "," NAME }
//! ```
//!
//! Keywords are case-insensitive whole words; names are case-sensitive.

use std::ops::Range;

use crate::names::{is_id, is_name};

/// Longest query that is read, in bytes.
pub const MAX_QUERY: usize = 16 * 1024;

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Stored warrants and group membership only; rules do not apply.
    pub explicit: bool,
    /// What is selected.
    pub select: Select,
}

/// The two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// `select TYPES where SUBJECT is RELATIONS`
    Resources {
        /// Types of the resources wanted.
        types: Names,
        /// The subject.
        subject: Reference,
        /// Relations, one of which must hold.
        relations: Names,
    },
    /// `select RELATIONS of type TYPES for RESOURCE`
    Subjects {
        /// Relations, one of which must hold.
        relations: Names,
        /// Types of the subjects wanted.
        types: Names,
        /// The resource.
        resource: Reference,
    },
}

/// `*`, or names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// `*`
    All,
    /// As listed.
    These(Vec<String>),
}

/// `type:id`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Type.
    pub resource_type: String,
    /// Id.
    pub id: String,
}

/// What is wrong with the text of a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at column {})", .span.start + 1)]
pub struct QueryError {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes.
    pub span: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Comma,
    Star,
}

/// Parses a query.
///
/// # Errors
/// [`QueryError`] with the place.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    if text.len() > MAX_QUERY {
        let message = format!("the query is longer than {MAX_QUERY} bytes");
        return Err(QueryError {
            message,
            span: MAX_QUERY..text.len(),
        });
    }
    let mut parser = Parser {
        tokens: tokens(text),
        at: 0,
        end: text.len(),
    };
    parser.query()
}

fn tokens(text: &str) -> Vec<(Token<'_>, Range<usize>)> {
    let mut out = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, char)) = rest.next() {
        match char {
            _ if char.is_whitespace() => {}
            ',' => out.push((Token::Comma, start..start + 1)),
            _ => {
                let mut end = start + char.len_utf8();
                while let Some((at, next)) = rest.next_if(|(_, next)| !next.is_whitespace() && *next != ',') {
                    end = at + next.len_utf8();
                }
                let word = &text[start..end];
                out.push((
                    if word == "*" {
                        Token::Star
                    } else {
                        Token::Word(word)
                    },
                    start..end,
                ));
            }
        }
    }
    out
}

struct Parser<'a> {
    tokens: Vec<(Token<'a>, Range<usize>)>,
    at: usize,
    end: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|(token, _)| *token)
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(found);
        found
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, QueryError> {
        let span = self
            .tokens
            .get(self.at)
            .map_or(self.end..self.end, |(_, span)| span.clone());
        Err(QueryError {
            message: message.into(),
            span,
        })
    }

    fn query(&mut self) -> Result<Query, QueryError> {
        if !self.keyword("select") {
            return self.error("a query begins with `select`");
        }
        let explicit = self.keyword("explicit");
        if self.peek().is_none() {
            return self.error("incomplete `select` clause: expected `*` or names");
        }
        let first = self.list("`select`")?;
        let select = if self.keyword("where") {
            let subject = self.reference("where")?;
            if !self.keyword("is") {
                return self.error("expected `is` and the relations, as in `where user:ann is viewer`");
            }
            Select::Resources {
                types: first,
                subject,
                relations: self.list("`is`")?,
            }
        } else if self.keyword("of") {
            if !self.keyword("type") {
                return self.error("expected `of type` and the types of the subjects");
            }
            let types = self.list("`of type`")?;
            if self.keyword("where") {
                self.at -= 1;
                return self.error("a query for subjects has a `for` clause and no `where` clause");
            }
            if !self.keyword("for") {
                return self.error("must contain a `for` clause, as in `for document:d1`");
            }
            Select::Subjects {
                relations: first,
                types,
                resource: self.reference("for")?,
            }
        } else if self.keyword("for") {
            self.at -= 1;
            return self.error(
                "a query for resources has a `where` clause and no `for` clause; for subjects add `of type`",
            );
        } else {
            return self.error("must contain a `where` clause or `of type … for …`");
        };
        match self.peek() {
            None => Ok(Query { explicit, select }),
            Some(_) => self.error("unexpected text after the query"),
        }
    }

    fn list(&mut self, after: &str) -> Result<Names, QueryError> {
        if self.peek() == Some(Token::Star) {
            self.at += 1;
            return match self.peek() {
                Some(Token::Comma) => self.error("`*` cannot be mixed with names"),
                _ => Ok(Names::All),
            };
        }
        let mut names = Vec::new();
        loop {
            names.push(self.name(after)?);
            if self.peek() != Some(Token::Comma) {
                return Ok(Names::These(names));
            }
            self.at += 1;
        }
    }

    fn name(&mut self, after: &str) -> Result<String, QueryError> {
        let is_keyword = |word: &str| {
            ["select", "explicit", "where", "is", "for", "of"]
                .iter()
                .any(|keyword| word.eq_ignore_ascii_case(keyword))
        };
        match self.peek() {
            Some(Token::Word(word)) if is_name(word) && !is_keyword(word) => {
                self.at += 1;
                Ok(word.to_owned())
            }
            Some(Token::Star) => self.error("`*` cannot be mixed with names"),
            Some(Token::Word(word)) => self.error(format!(
                "`{word}` is not a name; expected `*` or names after {after}"
            )),
            Some(Token::Comma) | None => self.error(format!("expected `*` or names after {after}")),
        }
    }

    fn reference(&mut self, clause: &str) -> Result<Reference, QueryError> {
        let Some(Token::Word(word)) = self.peek() else {
            return self.error(format!("expected `type:id` after `{clause}`"));
        };
        let Some((resource_type, id)) = word.split_once(':') else {
            return self.error(format!("`{word}` is not of the form `type:id`"));
        };
        if !is_name(resource_type) {
            return self.error(format!("`{resource_type}` is not a type name"));
        }
        if id.contains('#') {
            return self.error(format!("`{word}` is a group; a query takes a resource `type:id`"));
        }
        if !is_id(id) {
            return self.error(format!("`{id}` is not an id"));
        }
        self.at += 1;
        Ok(Reference {
            resource_type: resource_type.to_owned(),
            id: id.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_documented_form() {
        for text in [
            "select document where user:1 is viewer",
            "select explicit document where user:1 is viewer",
            "select document,folder where user:1 is editor , viewer",
            "select * where user:1 is *",
            "SELECT member Of  Type user FOR tenant:acme",
            "select explicit viewer of type user for document:d1",
            "select * of type * for document:d1\n",
            "select permission where role:admin is member",
            "select ticket where user:a@b.com|x:y is viewer",
        ] {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, message, column) in [
            ("", "a query begins with `select`", 0),
            ("select", "incomplete `select` clause: expected `*` or names", 6),
            (
                "select a",
                "must contain a `where` clause or `of type … for …`",
                8,
            ),
            ("select a where b is c", "`b` is not of the form `type:id`", 15),
            (
                "select a where b:1 c",
                "expected `is` and the relations, as in `where user:ann is viewer`",
                19,
            ),
            (
                "select a for b:1",
                "a query for resources has a `where` clause and no `for` clause; for subjects add `of type`",
                9,
            ),
            (
                "select a of type b where c:1",
                "a query for subjects has a `for` clause and no `where` clause",
                19,
            ),
            ("select *,a where b:1 is c", "`*` cannot be mixed with names", 8),
            (
                "select a where b:1#m is c",
                "`b:1#m` is a group; a query takes a resource `type:id`",
                15,
            ),
            ("select a where b:1 is c d", "unexpected text after the query", 24),
            (
                "select a,, where b:1 is c",
                "expected `*` or names after `select`",
                9,
            ),
            ("select a where b: is c", "`` is not an id", 15),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(
                (error.message.as_str(), error.span.start),
                (message, column),
                "{text}"
            );
        }
    }
}
