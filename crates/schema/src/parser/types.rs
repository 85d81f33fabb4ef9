//! `type NAME`, its relations and its `inherit` blocks.

use std::collections::HashMap;

use rowgate_policy::suggest;

use super::words::A_STATEMENT;
use super::{Abandoned, Parse, Parser};
use crate::ast::{Name, RelationDef, Rule, SubjectType, TypeDef, Version};
use crate::diagnostic::Diagnostic;
use crate::lexer::{Kind, Token};

/// The type whose body is being read.
#[derive(Default)]
pub(super) struct OpenType {
    def: TypeDef,
    /// Rules by the relation they name; it may be declared later.
    rules: Vec<(Name, Rule)>,
}

impl Parser<'_> {
    pub(super) fn type_line(&mut self) -> Parse<()> {
        self.close_type();
        self.take_keyword(A_STATEMENT);
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
    pub(super) fn close_type(&mut self) {
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
                self.soft(
                    Diagnostic::error("undeclared_relation", message)
                        .at(name.span)
                        .help(help),
                );
                continue;
            };
            if relation.rule.is_some() {
                let message = format!("a second `inherit {}` in type `{}`", name.text, def.name.text);
                let error = Diagnostic::error("duplicate_inherit", message).at(name.span);
                self.soft(error.help("a relation has one rule: put both under one `any_of`"));
            } else {
                relation.rule = Some(rule);
            }
        }
        self.schema.types.push(def);
    }

    /// Whether the open type declares a relation, so far.
    pub(super) fn declares(&self, relation: &str) -> bool {
        let relations = self.open.iter().flat_map(|open| &open.def.relations);
        relations.into_iter().any(|known| known.name.text == relation)
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

    pub(super) fn relation_line(&mut self) -> Parse<()> {
        let word = self.take_keyword(A_STATEMENT);
        self.inside_type(word);
        let name = self.name("a name after `relation`")?;
        let next = self.peek();
        let allowed = if next.kind == Kind::LBracket {
            Some(self.subjects()?)
        } else if self.is_word(next, "on") {
            let error = Diagnostic::error("syntax_error", "a rule stands outside of an `inherit` block");
            self.hard(error.at(word.span).help("rules follow `inherit RELATION if`"));
            self.skip_rules(word);
            return Ok(());
        } else if self.is_stray(next) || next.kind == Kind::LParen {
            self.without_its_brackets(&name);
            None
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

    /// Reports subjects that stand without brackets, and skips them: the rest of the line.
    fn without_its_brackets(&mut self, name: &Name) {
        let next = self.peek();
        let help = if next.kind == Kind::LParen {
            format!("subjects stand in brackets: `relation {} [user]`", name.text)
        } else {
            format!("write `relation {} [{}]`", name.text, self.text(next))
        };
        let error = self.expected_error("`[`").help(help);
        self.soft(error);
        while self.peek().kind != Kind::End && !self.peek().first && !self.is_statement(self.peek()) {
            self.next();
        }
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
    pub(super) fn subjects(&mut self) -> Parse<Vec<SubjectType>> {
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

    pub(super) fn inherit_block(&mut self) -> Parse<()> {
        let word = self.take_keyword(A_STATEMENT);
        self.inside_type(word);
        let name = self.name("a relation after `inherit`")?;
        let instead = !self.starts_rule(0) && self.starts_rule(1);
        let help = format!("write `inherit {} if` and then one rule", name.text);
        let found = self.take_word("if", instead, help);
        if !found && !self.starts_rule(0) {
            // That there is no rule either need not be said.
            self.complete = false;
            self.skip_rules(word);
            return Ok(());
        }
        let rule = self.rule(word, &name);
        if let (Some(open), Some(rule)) = (&mut self.open, rule) {
            open.rules.push((name, rule));
        }
        Ok(())
    }
}
