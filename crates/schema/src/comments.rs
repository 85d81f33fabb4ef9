//! Comments of a source, for its canonical form: each goes with a declaration.
//!
//! A comment of its own line above a declaration stays above it, wherever that goes. One on the line of a declaration stays on it. One among
//! the rules of a relation goes above its `inherit`, and what stands below everything stays there. The `///` lines that describe a policy are part of the
//! schema, and not among these.

use std::collections::HashMap;

use crate::ast::Schema;
use crate::diagnostic::Sink;
use crate::lexer::{self, Comment, Kind, Token, Tokens};

/// What comments go with, by where its name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Declaration {
    Version,
    Type(u32),
    /// A `relation` line of a type.
    Relation(u32),
    /// The rules of a relation, by where its `relation` line has its name.
    Inherit(u32),
    Policy(u32),
}

/// The comments of one source.
#[derive(Debug, Default)]
pub(crate) struct Comments<'a> {
    of: HashMap<Declaration, Attached<'a>>,
    /// Those below everything.
    last: Vec<&'a str>,
}

#[derive(Debug, Default)]
struct Attached<'a> {
    above: Vec<&'a str>,
    beside: Option<&'a str>,
}

impl<'a> Comments<'a> {
    /// The comments of the source that a schema was read from.
    pub(crate) fn of(source: &'a str, schema: &'a Schema) -> Self {
        let tokens = lexer::lex(source, &mut Sink::default());
        let places = places(&tokens, schema);
        let mut out = Self::default();
        for comment in &tokens.comments {
            out.add(&tokens, &places, comment);
        }
        out
    }

    fn add(&mut self, tokens: &Tokens<'a>, places: &[(usize, Declaration)], comment: &Comment) {
        let text = &tokens.source[comment.span.range()];
        let describes = |(below, span): &(usize, crate::ast::Span)| {
            *below == comment.below && span.end == comment.span.end
        };
        if tokens.docs.iter().any(describes)
            && places
                .iter()
                .any(|(at, of)| *at == comment.below && matches!(of, Declaration::Policy(_)))
        {
            return;
        }
        let below = tokens.all.get(comment.below);
        let next = places.iter().find(|(at, _)| *at == comment.below);
        let around = places.iter().rev().find(|(at, _)| *at < comment.below);
        if comment.alone {
            let of = match (next, below) {
                (Some((_, declaration)), _) => Some(*declaration),
                (None, Some(Token { kind: Kind::End, .. }) | None) => None,
                (None, Some(_)) => around.map(|(_, declaration)| *declaration),
            };
            match of {
                Some(declaration) => self.of.entry(declaration).or_default().above.push(text),
                None => self.last.push(text),
            }
            return;
        }
        let Some((at, declaration)) = around else {
            return self.last.push(text);
        };
        let attached = self.of.entry(*declaration).or_default();
        let same_line = tokens
            .all
            .get(*at)
            .is_some_and(|token| token.line == comment.line);
        if same_line && attached.beside.is_none() && !matches!(declaration, Declaration::Policy(_)) {
            attached.beside = Some(text);
        } else {
            attached.above.push(text);
        }
    }

    /// Those above a declaration, in order.
    pub(crate) fn above(&self, declaration: Declaration) -> &[&'a str] {
        self.of.get(&declaration).map_or(&[], |attached| &attached.above)
    }

    /// The one on its line.
    pub(crate) fn beside(&self, declaration: Declaration) -> Option<&'a str> {
        self.of.get(&declaration)?.beside
    }

    /// Those below everything, in order.
    pub(crate) fn last(&self) -> &[&'a str] {
        &self.last
    }
}

/// Where declarations begin: the index of the keyword's token, in order.
fn places(tokens: &Tokens<'_>, schema: &Schema) -> Vec<(usize, Declaration)> {
    let word = |at: usize| -> Option<&str> {
        let token = tokens.all.get(at).filter(|token| token.kind == Kind::Ident)?;
        tokens.source.get(token.span.range())
    };
    let keyword_before = |start: u32, keyword: &str| {
        let found = tokens.all.binary_search_by_key(&start, |token| token.span.start);
        found.ok()?.checked_sub(1).filter(|at| word(*at) == Some(keyword))
    };
    let mut out = Vec::new();
    if word(0) == Some("version") {
        out.push((0, Declaration::Version));
    }
    for (index, def) in schema.types.iter().enumerate() {
        let start = def.name.span.start;
        let Some(begin) = keyword_before(start, "type") else {
            continue;
        };
        out.push((begin, Declaration::Type(start)));
        for relation in &def.relations {
            let start = relation.name.span.start;
            let at = keyword_before(start, "relation");
            out.extend(at.map(|at| (at, Declaration::Relation(start))));
        }
        let next = schema.types.get(index + 1);
        let end = next.and_then(|next| keyword_before(next.name.span.start, "type"));
        for at in begin..end.unwrap_or(tokens.all.len()) {
            // A relation may be called `inherit`, and another one `if`.
            if let (Some("inherit"), Some(name), Some("if")) = (word(at), word(at + 1), word(at + 2))
                && let Some(of) = def
                    .relations
                    .iter()
                    .find(|relation| relation.name.text == name && relation.rule.is_some())
            {
                out.push((at, Declaration::Inherit(of.name.span.start)));
            }
        }
    }
    for policy in &schema.policies {
        let start = policy.name.span.start;
        let at = keyword_before(start, "policy");
        out.extend(at.map(|at| (at, Declaration::Policy(start))));
    }
    out.sort_by_key(|(at, _)| *at);
    out
}
