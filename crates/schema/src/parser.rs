//! Tokens to a [`Schema`].
//!
//! The parser goes on after an error: at the next `type`, `relation`, `inherit` or `policy`. Some errors leave nothing out
//! (a list without rules, an unknown parameter type); then the schema is still complete enough to be resolved, so that
//! its other errors come at once. See [`Outcome::complete`].

mod policy;
mod rule;

pub(crate) use policy::unknown_type;

use std::collections::HashMap;

use crate::ast::{Name, RelationDef, Rule, Schema, Span, SubjectType, TypeDef, Version};
use crate::diagnostic::{Diagnostic, Sink};
use crate::lexer::{self, Kind, Token, Tokens};
use crate::limits::MAX_SOURCE_BYTES;
use crate::suggest;

/// What a source was read as.
pub(crate) struct Outcome {
    pub schema: Schema,
    pub sink: Sink,
    /// Whether the schema holds everything the source says, errors or not.
    pub complete: bool,
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
    };
    parser.schema();
    Outcome {
        schema: parser.schema,
        sink: parser.sink,
        complete: parser.complete,
    }
}

/// The type whose body is being read.
#[derive(Default)]
struct OpenType {
    def: TypeDef,
    /// Rules by the relation they name; it may be declared later.
    rules: Vec<(Name, Rule)>,
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
}

/// The words a statement starts with.
const STATEMENTS: [&str; 4] = ["type", "relation", "inherit", "policy"];

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

    fn is_statement(&self, token: Token) -> bool {
        token.kind == Kind::Ident && STATEMENTS.contains(&self.text(token))
    }

    /// Reports an error after which the schema still says everything the source does.
    fn soft(&mut self, error: Diagnostic) {
        self.sink.push(error);
    }

    /// Reports an error that leaves something out.
    fn hard(&mut self, error: Diagnostic) {
        self.complete = false;
        self.sink.push(error);
    }

    /// How a message names a token.
    fn found(&self, token: Token) -> String {
        match token.kind {
            Kind::End => "the end of the schema".to_owned(),
            Kind::Body => "`{`".to_owned(),
            _ => {
                let text: String = self
                    .text(token)
                    .chars()
                    .take(40)
                    .flat_map(char::escape_debug)
                    .collect();
                format!("`{text}`")
            }
        }
    }

    fn expected(&mut self, what: &str) -> Abandoned {
        let token = self.peek();
        let message = format!("expected {what}, found {}", self.found(token));
        self.hard(Diagnostic::error("syntax_error", message).at(token.span));
        Abandoned
    }

    fn name(&mut self, what: &str) -> Parse<Name> {
        let token = self.peek();
        if token.kind != Kind::Ident {
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
            let result = match self.text(token) {
                _ if token.kind == Kind::End => break,
                "type" if token.kind == Kind::Ident => self.type_line(),
                "relation" if token.kind == Kind::Ident => self.relation_line(),
                "inherit" if token.kind == Kind::Ident => self.inherit_block(),
                "policy" if token.kind == Kind::Ident => self.policy_block(),
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
        if !self.is_word(word, "version") {
            let warning = Diagnostic::warning("missing_version", "no `version` line; read as version 0.3")
                .at(word.span)
                .help("start the schema with `version 0.3`");
            self.sink.push(warning);
            return;
        }
        self.next();
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
        let token = self.next();
        let text = self.text(token);
        if token.kind == Kind::Ident && text == "version" {
            let error = Diagnostic::error("syntax_error", "`version` stands in the first line only");
            self.hard(error.at(token.span));
            return Abandoned;
        }
        let rule_word = matches!(text, "any_of" | "all_of" | "none_of" | "if" | "on");
        let help = match token.kind {
            Kind::Ident if rule_word => Some("rules follow `inherit RELATION if`".to_owned()),
            Kind::Ident => suggest::did_you_mean(text, STATEMENTS),
            Kind::Body => Some("only `policy NAME(parameters)` is followed by a body".to_owned()),
            _ => None,
        };
        let message = format!(
            "expected `type`, `relation`, `inherit` or `policy`, found {}",
            self.found(token)
        );
        self.hard(
            Diagnostic::error("syntax_error", message)
                .at(token.span)
                .help_if(help),
        );
        Abandoned
    }

    fn type_line(&mut self) -> Parse<()> {
        self.close_type();
        self.next();
        let open = OpenType::default();
        // Opened before its name is read, so that the relations of a type with a broken name are not another type's.
        self.open = Some(open);
        let name = self.name("a name after `type`")?;
        if let Some(open) = &mut self.open {
            open.def.name = name;
        }
        Ok(())
    }

    /// Gives the open type's rules to its relations and adds it to the schema.
    fn close_type(&mut self) {
        let Some(OpenType { mut def, rules }) = self.open.take() else {
            return;
        };
        let mut index: HashMap<&str, usize> = HashMap::new();
        for (at, relation) in def.relations.iter().enumerate() {
            index.entry(&relation.name.text).or_insert(at);
        }
        let places: Vec<Option<usize>> = rules
            .iter()
            .map(|(name, _)| index.get(name.text.as_str()).copied())
            .collect();
        for ((name, rule), place) in rules.into_iter().zip(places) {
            let Some(relation) = place.and_then(|at| def.relations.get_mut(at)) else {
                let message = format!("type `{}` has no relation `{}`", def.name.text, name.text);
                let near =
                    suggest::did_you_mean(&name.text, def.relations.iter().map(|r| r.name.text.as_str()));
                let help = near.unwrap_or_else(|| format!("declare it with `relation {} []`", name.text));
                self.hard(
                    Diagnostic::error("undeclared_relation", message)
                        .at(name.span)
                        .help(help),
                );
                continue;
            };
            if relation.rule.is_some() {
                let message = format!("a second `inherit {}` in type `{}`", name.text, def.name.text);
                let error = Diagnostic::error("duplicate_inherit", message).at(name.span);
                self.hard(error.help("a relation has one rule: put both under one `any_of`"));
            } else {
                relation.rule = Some(rule);
            }
        }
        self.schema.types.push(def);
    }

    /// The open type, or an error that there is none.
    fn inside_type(&mut self, word: Token) {
        if self.open.is_none() {
            let message = format!("`{}` stands outside of a type", self.text(word));
            let error = Diagnostic::error("outside_type", message).at(word.span);
            self.hard(error.help("it belongs below a `type NAME` line"));
            // One such error is enough; what follows is read into a type that is thrown away with the rest.
            self.open = Some(OpenType::default());
        }
    }

    fn relation_line(&mut self) -> Parse<()> {
        let word = self.next();
        self.inside_type(word);
        let name = self.name("a name after `relation`")?;
        let next = self.peek();
        let allowed = if next.kind == Kind::LBracket {
            Some(self.subjects()?)
        } else if self.is_word(next, "on") {
            let error = Diagnostic::error("syntax_error", "a rule stands outside of an `inherit` block");
            self.hard(error.at(word.span).help("rules follow `inherit RELATION if`"));
            return Err(Abandoned);
        } else {
            if self.version >= Version::V0_2 {
                let message = format!("relation `{}` does not say who its subjects may be", name.text);
                let help = format!(
                    "write `relation {0} [user]`, or `relation {0} []` if it is only inherited",
                    name.text
                );
                self.sink.push(
                    Diagnostic::warning("missing_brackets", message)
                        .at(name.span)
                        .help(help),
                );
            }
            None
        };
        let allowed = if self.version == Version::V0_1 {
            self.without_brackets(allowed)
        } else {
            allowed
        };
        if let Some(open) = &mut self.open {
            open.def.relations.push(RelationDef {
                name,
                allowed,
                rule: None,
            });
        }
        Ok(())
    }

    /// Version 0.1 reads brackets and forgets them.
    fn without_brackets(&mut self, allowed: Option<Vec<SubjectType>>) -> Option<Vec<SubjectType>> {
        let first = allowed.as_ref()?.first()?;
        if self.ignored_brackets.is_none() {
            self.ignored_brackets = Some(first.resource_type.span);
        }
        for subject in allowed.iter().flatten() {
            if let Some(relation) = &subject.relation {
                let text = format!("{}#{}", subject.resource_type.text, relation.text);
                let message = format!("`{text}` in brackets needs version 0.2");
                let error = Diagnostic::error("version_too_low", message).at(relation.span);
                self.soft(error.help("write `version 0.2` or later in the first line"));
            }
        }
        None
    }

    /// `[ user, team#member ]`
    fn subjects(&mut self) -> Parse<Vec<SubjectType>> {
        let bracket = self.next();
        let mut subjects = Vec::new();
        if self.eat(Kind::RBracket) {
            return Ok(subjects);
        }
        loop {
            let resource_type = self.name("a type in the brackets")?;
            let relation = if self.eat(Kind::Hash) {
                Some(self.name("a relation after `#`")?)
            } else {
                None
            };
            subjects.push(SubjectType {
                resource_type,
                relation,
            });
            let next = self.peek();
            match next.kind {
                Kind::RBracket => {
                    self.next();
                    return Ok(subjects);
                }
                Kind::Comma => {
                    self.next();
                }
                Kind::Ident if !self.is_statement(next) => {
                    let message = format!("expected `,` or `]`, found {}", self.found(next));
                    let error = Diagnostic::error("syntax_error", message).at(next.span);
                    self.soft(error.help("types in brackets are separated by commas"));
                }
                _ => {
                    let message = format!("expected `,` or `]`, found {}", self.found(next));
                    let error = Diagnostic::error("syntax_error", message)
                        .at(bracket.span)
                        .help("the list that begins here is never closed");
                    self.hard(error);
                    return Err(Abandoned);
                }
            }
        }
    }

    fn inherit_block(&mut self) -> Parse<()> {
        let word = self.next();
        self.inside_type(word);
        let name = self.name("a relation after `inherit`")?;
        if self.is_word(self.peek(), "if") {
            self.next();
        } else {
            let token = self.peek();
            let message = format!("expected `if`, found {}", self.found(token));
            let error = Diagnostic::error("syntax_error", message).at(token.span);
            let help = format!("write `inherit {} if` and then one rule", name.text);
            self.hard(error.help(help));
        }
        let rule = self.rule(word, &name)?;
        if let (Some(open), Some(rule)) = (&mut self.open, rule) {
            open.rules.push((name, rule));
        }
        Ok(())
    }
}
