//! The rule after `inherit … if`.

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
        let [word, name, after] = [self.peek(), self.peek_at(1), self.peek_at(2)];
        if word.kind != Kind::Ident {
            return Starts::Nothing;
        }
        match self.text(word) {
            "any_of" => Starts::Operator(GroupOp::AnyOf),
            "all_of" => Starts::Operator(GroupOp::AllOf),
            "none_of" => Starts::Operator(GroupOp::NoneOf),
            _ if name.kind != Kind::Ident => Starts::Nothing,
            "relation" if after.kind != Kind::LBracket => Starts::Relation,
            "policy" if after.kind != Kind::LParen => Starts::Policy,
            "policy" if !self.is_definition() => Starts::PolicyWithArguments,
            _ => Starts::Nothing,
        }
    }

    /// Whether `policy NAME (` here starts a definition and not a reference with arguments, which would be a list of
    /// names without types and without a body after it.
    fn is_definition(&self) -> bool {
        let mut ahead = 3;
        loop {
            match [self.peek_at(ahead).kind, self.peek_at(ahead + 1).kind] {
                [Kind::RParen, after] => return after == Kind::Body,
                [Kind::Ident, Kind::Comma] if ahead < 1000 => ahead += 2,
                [Kind::Ident, Kind::RParen] => ahead += 1,
                _ => return true,
            }
        }
    }

    /// Reads the one rule of an `inherit`; `None` when there is none, which is reported. Further rules are refused.
    pub(super) fn rule(&mut self, inherit: Token, relation: &Name) -> Parse<Option<Rule>> {
        let rule = self.one_rule(inherit)?;
        let mut refused = false;
        while rule.is_some() && self.is_second_rule(inherit) {
            if !std::mem::replace(&mut refused, true) {
                let message = format!("`inherit {} if` takes one rule, found another", relation.text);
                let error = Diagnostic::error("wrong_arity", message).at(self.peek().span);
                self.soft(error.help("put the rules under `any_of` or `all_of`"));
            }
            // Read to get past it, errors and all.
            self.one_rule(inherit)?;
        }
        Ok(rule)
    }

    /// Whether what follows a complete rule can only be meant as a second one.
    fn is_second_rule(&self, inherit: Token) -> bool {
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

    fn one_rule(&mut self, inherit: Token) -> Parse<Option<Rule>> {
        let mut nest = Nest::new(inherit.col);
        let mut too_deep = false;
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
                Starts::Nothing => break,
                Starts::Operator(op) => {
                    self.next();
                    if nest.depth() < MAX_RULE_DEPTH {
                        nest.open(op, token, self.peek());
                    } else if !std::mem::replace(&mut too_deep, true) {
                        let message = format!("more than {MAX_RULE_DEPTH} operators inside one another");
                        self.hard(Diagnostic::error("nesting_too_deep", message).at(token.span));
                    }
                }
                leaf => match self.leaf(leaf) {
                    Ok(rule) => nest.leaf(rule),
                    Err(Abandoned) => {
                        self.skip_to_statement();
                        if nest.depth() == 0 {
                            return Ok(None);
                        }
                    }
                },
            }
            if nest.is_complete() {
                break;
            }
        }
        let rule = nest.finish();
        match &rule {
            Some(rule) => {
                if !too_deep {
                    self.refuse_empty(rule);
                }
            }
            None => {
                let token = self.peek();

                let help = "a rule is `relation R`, `relation R on E [T]`, `policy P`, or one of `any_of`, `all_of`, \
                            `none_of` with rules below it";
                self.expected_with_help("a rule", help);
                // What stands here is not a rule: leave it only if it can begin a statement.
                if !self.is_statement(token) {
                    return Err(Abandoned);
                }
            }
        }
        Ok(rule)
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
        self.next();
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
            _ if self.is_word(self.peek(), "on") => self.on(name),
            _ => Ok(Rule::Relation { relation: name }),
        }
    }

    /// `on EDGE [TYPE]`
    fn on(&mut self, relation: Name) -> Parse<Rule> {
        self.next();
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
