//! The rule after `inherit … if`.

use super::recover::{A_RULE, RULE_HELP};
use super::{Abandoned, Parse, Parser};
use crate::ast::{GroupOp, Name, Rule, Span};
use crate::diagnostic::Diagnostic;
use crate::layout::Nest;
use crate::lexer::{Kind, Token};
use crate::limits::MAX_RULE_DEPTH;

/// What removes any doubt about the layout.
const LAYOUT_HELP: &str = "put the rules of an operator on lines of their own, indented below it";

/// What a token that may continue a rule list starts.
#[derive(Clone, Copy)]
enum Starts {
    Operator(GroupOp),
    Relation,
    Policy,
    /// `policy p(…)` without a body: a reference with arguments, which there are not.
    PolicyWithArguments,
    /// No rule: the lists end here.
    Nothing,
}

impl Parser<'_> {
    fn starts(&self) -> Starts {
        self.starts_at(0)
    }

    /// What starts `ahead` tokens from here.
    fn starts_at(&self, ahead: usize) -> Starts {
        let [word, name, after] = [0, 1, 2].map(|further| self.peek_at(ahead + further));
        let Some(keyword) = self.keyword(word) else {
            return Starts::Nothing;
        };
        if let Some(op) = GroupOp::parse(keyword) {
            return Starts::Operator(op);
        }
        match keyword {
            _ if name.kind != Kind::Ident => Starts::Nothing,
            "relation" if after.kind != Kind::LBracket => Starts::Relation,
            "policy" if after.kind != Kind::LParen => Starts::Policy,
            "policy" if !self.is_definition(ahead) => Starts::PolicyWithArguments,
            _ => Starts::Nothing,
        }
    }

    /// Whether a rule starts `ahead` tokens from here.
    pub(super) fn starts_rule(&self, ahead: usize) -> bool {
        !matches!(self.starts_at(ahead), Starts::Nothing)
    }

    /// Whether `policy NAME (` here starts a definition and not a reference with arguments, which would be a list of
    /// names without types and without a body after it.
    fn is_definition(&self, ahead: usize) -> bool {
        let first = ahead + 3;
        let mut ahead = first;
        loop {
            match [self.peek_at(ahead).kind, self.peek_at(ahead + 1).kind] {
                [Kind::RParen, after] => return after == Kind::Body,
                [Kind::Ident, Kind::Comma] if ahead < first + 1000 => ahead += 2,
                [Kind::Ident, Kind::RParen] => ahead += 1,
                _ => return true,
            }
        }
    }

    /// Reads the one rule of an `inherit`; `None` when there is none, which is reported. Further rules are refused.
    pub(super) fn rule(&mut self, inherit: Token, relation: &Name) -> Option<Rule> {
        let rule = self.one_rule(inherit);
        if rule.is_none() {
            self.skip_rules(inherit);
            return None;
        }
        let mut refused = false;
        loop {
            let joint = match self.text(self.peek()) {
                "or" if self.starts_rule(1) => Some("put the rules under `any_of`"),
                "and" if self.starts_rule(1) => Some("put the rules under `all_of`"),
                _ if self.is_second_rule(inherit) => None,
                _ => return rule,
            };
            if !std::mem::replace(&mut refused, true) {
                let message = format!("`inherit {} if` takes one rule, found another", relation.text);
                let error = Diagnostic::error("wrong_arity", message).at(self.peek().span);
                self.soft(error.help(joint.unwrap_or("put the rules under `any_of` or `all_of`")));
            }
            if joint.is_some() {
                self.next();
            }
            // Read to get past it, errors and all.
            if self.one_rule(inherit).is_none() {
                self.skip_rules(inherit);
            }
        }
    }

    /// Whether what follows a complete rule can only be meant as a second one.
    pub(super) fn is_second_rule(&self, inherit: Token) -> bool {
        let token = self.peek();
        match self.starts() {
            Starts::Nothing => false,
            // Without brackets it may be a relation of the type; then it starts a line no deeper than `inherit`.
            Starts::Relation => {
                !token.first || token.col > inherit.col || self.is_word(self.peek_at(2), "on")
            }
            _ => true,
        }
    }

    /// Reads one rule; `None` when it is not one, which is reported.
    fn one_rule(&mut self, inherit: Token) -> Option<Rule> {
        let mut nest = Nest::new(inherit.col);
        let mut too_deep = false;
        // Whether a part of it is left out.
        let mut broken = false;
        loop {
            let token = self.peek();
            if token.kind == Kind::End {
                break;
            }
            nest.line(token);
            if nest.is_complete() {
                break;
            }
            let starts = self.starts();
            if let Starts::Operator(op) = starts
                && nest.same_operator(op)
            {
                let message = format!(
                    "this `{0}` may stand inside the `{0}` before it or beside it; read as beside it",
                    op.keyword()
                );
                let warning = Diagnostic::warning("ambiguous_layout", message).at(token.span);
                self.sink.push(warning.help(LAYOUT_HELP));
            }
            if !matches!(starts, Starts::Nothing) {
                self.warn_if_ambiguous(&mut nest, token);
            }
            match starts {
                Starts::Nothing if self.is_misplaced(token, inherit) => match self.bare_rule(inherit) {
                    Ok(rule) => nest.leaf(rule),
                    Err(Abandoned) if nest.depth() == 0 => return None,
                    Err(Abandoned) => broken = true,
                },
                Starts::Nothing => break,
                Starts::Operator(op) => {
                    self.take_keyword(A_RULE);
                    if nest.depth() < MAX_RULE_DEPTH {
                        nest.open(op, token, self.peek());
                    } else if !std::mem::replace(&mut too_deep, true) {
                        let message = format!("more than {MAX_RULE_DEPTH} operators inside one another");
                        self.hard(Diagnostic::error("nesting_too_deep", message).at(token.span));
                    }
                }
                leaf => match self.leaf(leaf) {
                    Ok(rule) => nest.leaf(rule),
                    Err(Abandoned) if nest.depth() == 0 => return None,
                    Err(Abandoned) => {
                        broken = true;
                        self.skip_to_rule(inherit);
                    }
                },
            }
            if nest.is_complete() {
                break;
            }
        }
        let rule = nest.finish();
        match &rule {
            _ if broken => {}
            Some(rule) if !too_deep => self.refuse_empty(rule),
            Some(_) => {}
            None => {
                self.expected_with_help(A_RULE, RULE_HELP);
            }
        }
        rule
    }

    fn warn_if_ambiguous(&mut self, nest: &mut Nest, token: Token) {
        let Some(ambiguity) = nest.ambiguity(token) else {
            return;
        };
        let taken_by = ambiguity.taken_by.keyword();
        let message = match ambiguity.around {
            Some(around) => format!(
                "this rule may belong to `{taken_by}` or to the `{}` around it; read as part of `{taken_by}`",
                around.keyword()
            ),
            None => format!("this line may or may not belong to `{taken_by}`; read as part of it"),
        };
        let words = self.peek_at(1).span;
        let span = if self.peek_at(1).kind == Kind::Ident && self.is_statement(token) {
            Span {
                start: token.span.start,
                end: words.end,
            }
        } else {
            token.span
        };
        let warning = Diagnostic::warning("ambiguous_layout", message).at(span);
        self.sink.push(warning.help(LAYOUT_HELP));
    }

    fn leaf(&mut self, starts: Starts) -> Parse<Rule> {
        self.take_keyword(A_RULE);
        let name = self.name("a name")?;
        match starts {
            Starts::Policy => Ok(Rule::Policy { policy: name }),
            Starts::PolicyWithArguments => {
                let message = format!("policy `{}` is named in a rule without arguments", name.text);
                let open = self.peek().span;
                while !self.eat(Kind::RParen) {
                    self.next();
                }
                let end = self.tokens.all[self.at - 1].span.end;
                let help = "its parameters are read from the context of the check";
                let error = Diagnostic::error("wrong_arity", message).at(Span {
                    start: open.start,
                    end,
                });
                self.soft(error.help(help));
                Ok(Rule::Policy { policy: name })
            }
            _ => self.relation(name),
        }
    }

    /// What follows `relation R`: nothing, or `on EDGE [TYPE]`.
    pub(super) fn relation(&mut self, relation: Name) -> Parse<Rule> {
        let [word, edge, bracket] = [0, 1, 2].map(|ahead| self.peek_at(ahead));
        let instead = self.is_stray(word) && edge.kind == Kind::Ident && bracket.kind == Kind::LBracket;
        if !instead && !self.is_word(word, "on") {
            return Ok(Rule::Relation { relation });
        }
        let help = format!("write `relation {} on {} [TYPE]`", relation.text, self.text(edge));
        self.take_word("on", instead, help);
        self.on(relation)
    }

    /// `EDGE [TYPE]` after `on`.
    fn on(&mut self, relation: Name) -> Parse<Rule> {
        let edge = self.name("a relation of this type after `on`")?;
        let bracket = self.peek();
        if bracket.kind != Kind::LBracket {
            let help = format!("say which type `{0}` leads to: `on {0} [TYPE]`", edge.text);
            return Err(self.expected_with_help("`[`", help));
        }
        let subjects = self.subjects()?;
        let close = self.tokens.all[self.at - 1].span;
        let found = subjects.len();
        let group = subjects.iter().find_map(|subject| subject.relation.clone());
        let Some(first) = subjects.into_iter().next() else {
            let span = Span {
                start: bracket.span.start,
                end: close.end,
            };
            let message = format!("`on {}` takes one type, found none", edge.text);
            self.hard(Diagnostic::error("wrong_arity", message).at(span));
            return Err(Abandoned);
        };
        if found > 1 {
            let span = Span {
                start: bracket.span.start,
                end: close.end,
            };
            let message = format!("`on {}` takes one type, found {found}", edge.text);
            let error = Diagnostic::error("wrong_arity", message).at(span);
            self.soft(error.help("write one rule for each type, under `any_of`"));
        }
        if let Some(group) = group {
            let message = format!("`on {}` takes a type, not a group", edge.text);
            let error = Diagnostic::error("wrong_arity", message).at(group.span);
            self.soft(error.help(format!("leave out `#{}`", group.text)));
        }
        Ok(Rule::On {
            relation,
            edge,
            resource_type: first.resource_type,
        })
    }

    /// Reports operators without rules.
    fn refuse_empty(&mut self, rule: &Rule) {
        let Rule::Group { op, rules, span } = rule else {
            return;
        };
        if rules.is_empty() {
            let message = format!("`{}` has no rules", op.keyword());
            let error = Diagnostic::error("empty_operator", message).at(*span);
            self.soft(error.help("its rules follow it on lines of their own, indented below it"));
        }
        rules.iter().for_each(|rule| self.refuse_empty(rule));
    }
}
