//! Going on after something that is no rule, so that what is right around it is not blamed for it.

use super::{Parse, Parser};
use crate::ast::Rule;
use crate::lexer::{Kind, Token};

/// What stands after `if` and below an operator, for messages.
pub(super) const A_RULE: &str = "a rule";

/// What a rule looks like.
pub(super) const RULE_HELP: &str = "a rule is `relation R`, `relation R on E [T]`, `policy P`, or one of `any_of`, `all_of`, `none_of` with \
                         rules below it";

impl Parser<'_> {
    /// Moves past what can only be a part of the rule of this `inherit`, or of others like it.
    pub(super) fn skip_rules(&mut self, inherit: Token) {
        loop {
            let token = self.peek();
            let statement = self.is_statement(token) && !self.is_second_rule(inherit);
            if token.kind == Kind::End || statement {
                return;
            }
            self.next();
        }
    }

    /// Whether a token that starts no rule stands where only a rule can: it is no keyword, and not left of the block.
    pub(super) fn is_misplaced(&self, token: Token, inherit: Token) -> bool {
        let outside = token.first && token.col <= inherit.col && inherit.col > 0;
        token.kind == Kind::Ident && self.keyword(token).is_none() && !outside
    }

    /// Reads `R` or `R on E [T]` as the rule that lacks its `relation`. Anything else is reported and left out.
    pub(super) fn bare_rule(&mut self, inherit: Token) -> Parse<Rule> {
        let token = self.peek();
        let text = self.text(token);
        if self.declares(text) || self.is_word(self.peek_at(1), "on") {
            let error = self.expected_error(A_RULE);
            self.soft(error.help(format!("write `relation {text}`")));
            let name = self.name(A_RULE)?;
            return self.relation(name);
        }
        let help = match text {
            "or" | "and" | "not" => "an operator stands before its rules: `any_of`, `all_of` or `none_of`",
            _ => RULE_HELP,
        };
        let abandoned = self.expected_with_help(A_RULE, help);
        self.next();
        self.skip_to_rule(inherit);
        Err(abandoned)
    }

    /// Moves to where a rule or a statement begins.
    pub(super) fn skip_to_rule(&mut self, inherit: Token) {
        loop {
            let token = self.peek();
            let left = token.first && token.col <= inherit.col;
            if token.kind == Kind::End || left || self.is_statement(token) || self.starts_rule(0) {
                return;
            }
            self.next();
        }
    }
}
