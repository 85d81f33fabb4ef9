//! Where the rule list of an operator ends.
//!
//! # The layout rule
//!
//! The rules of an `any_of`, `all_of` or `none_of` are shown by indentation, and schemas also travel through places that
//! lose it: documents that flatten it, forms that join everything to one line. Both read, by one rule. Columns count
//! characters from the start of the line; a tab advances to the next multiple of four. Nothing but the extent of an
//! operator's list depends on line breaks, except that a `type`, `relation`, `inherit` or `policy` that starts a line is
//! never the name that the line before it lacks.
//!
//! An operator is *indented* or *flat*, which the token after its keyword decides:
//!
//! 1. That token starts a later line, in a column greater than the operator's own: **indented**, with the operator's
//!    column as its margin.
//! 2. It starts a later line, in a column greater than that of the first token of the operator's line
//!    (`inherit viewer if any_of`, rules below): **indented**, with that first token's column as its margin.
//! 3. It is on the same line, or starts a later line without being indented: **flat**.
//!
//! An **indented** list ends at the first token that starts a line in a column at or left of its margin, and then
//! everything open inside it ends too.
//!
//! A **flat** list goes on as long as rules follow: it ends where a definition, a policy or the source's end follows.
//! `relation X` followed by `[`, and `policy X` followed by `(`, are definitions. Two things end it earlier:
//!
//! * *The same operator again.* An `any_of` directly in an `any_of`, or an `all_of` directly in an `all_of`, would be
//!   redundant. So where a flat list that has a rule stands inside another operator, the same keyword closes it and
//!   stands beside it: `any_of all_of A B all_of C D` is `any_of(all_of(A, B), all_of(C, D))`. A `none_of` in a `none_of`
//!   would mean something; it is read in the same way, as the likelier of the two, with the warning `ambiguous_layout`.
//! * *A line at or left of it.* Inside an indented list, a flat list whose rules begin on its own line ends at the first
//!   token that starts a line in a column at or left of the operator's.
//!
//! A rule that could belong to the open list or to the one around it belongs to the open list, with the warning
//! `ambiguous_layout` at the first such rule. That happens where a flat list directly in a flat list, or an unindented
//! list directly in an indented one, goes on after its first rule. A flat list outside any indented one that takes in a
//! line at or left of its `inherit` gets the same warning when its rules began on its own line.
//!
//! The canonical form indents every list by four and is never ambiguous.

use crate::ast::{GroupOp, Rule, Span};
use crate::lexer::Token;

/// Where an open list ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Before a line that starts at or left of `margin`.
    Indented { margin: u32 },
    /// Where no rule follows. `same_line`: its first rule stands on the line of the operator.
    Flat { same_line: bool },
}

impl Extent {
    fn of(operator: Token, next: Token) -> Self {
        if next.line == operator.line {
            Self::Flat { same_line: true }
        } else if next.col > operator.col {
            Self::Indented { margin: operator.col }
        } else if next.col > operator.indent {
            Self::Indented {
                margin: operator.indent,
            }
        } else {
            Self::Flat { same_line: false }
        }
    }
}

/// An operator whose list is still being read.
#[derive(Debug)]
struct Open {
    op: GroupOp,
    span: Span,
    col: u32,
    extent: Extent,
    rules: Vec<Rule>,
    warned: bool,
}

/// A rule under construction: the operators open around the next token, outermost first.
#[derive(Debug)]
pub(crate) struct Nest {
    open: Vec<Open>,
    done: Option<Rule>,
    /// The column of the `inherit` the rule belongs to.
    inherit_col: u32,
}

/// Why a rule's place is not certain.
pub(crate) struct Ambiguity {
    /// The operator the rule was given to.
    pub taken_by: GroupOp,
    /// The operator around it, unless the alternative is that the whole rule had ended.
    pub around: Option<GroupOp>,
}

impl Nest {
    pub(crate) fn new(inherit_col: u32) -> Self {
        Self {
            open: Vec::new(),
            done: None,
            inherit_col,
        }
    }

    /// Operators open.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Whether the one rule of the `inherit` is complete.
    pub(crate) fn is_complete(&self) -> bool {
        self.done.is_some()
    }

    /// Closes the lists that end before this token because of where it stands.
    pub(crate) fn line(&mut self, token: Token) {
        if !token.first {
            return;
        }
        let mut indented = false;
        let ends = self.open.iter().position(|open| match open.extent {
            Extent::Indented { margin } => {
                indented = true;
                token.col <= margin
            }
            Extent::Flat { same_line } => indented && same_line && token.col <= open.col,
        });
        if let Some(outermost) = ends {
            self.close_down_to(outermost);
        }
    }

    /// Opens an operator that starts at `token`, followed by `next`.
    pub(crate) fn open(&mut self, op: GroupOp, token: Token, next: Token) {
        self.open.push(Open {
            op,
            span: token.span,
            col: token.col,
            extent: Extent::of(token, next),
            rules: Vec::new(),
            warned: false,
        });
    }

    /// Closes a flat list that the same operator ends. Says whether that made a choice between two meanings.
    pub(crate) fn same_operator(&mut self, op: GroupOp) -> bool {
        if let [.., _, top] = self.open.as_slice()
            && top.op == op
            && matches!(top.extent, Extent::Flat { .. })
            && !top.rules.is_empty()
        {
            self.close_down_to(self.open.len() - 1);
            return op == GroupOp::NoneOf;
        }
        false
    }

    /// Whether it is uncertain that a rule starting at `token` belongs to the innermost open list. Says so once per list.
    pub(crate) fn ambiguity(&mut self, token: Token) -> Option<Ambiguity> {
        let outside_indented = !self
            .open
            .iter()
            .any(|o| matches!(o.extent, Extent::Indented { .. }));
        let (top, around) = self.open.split_last_mut()?;
        let Extent::Flat { same_line } = top.extent else {
            return None;
        };
        if top.warned || top.rules.is_empty() {
            return None;
        }
        let uncertain = match around.last().map(|open| open.extent) {
            Some(Extent::Flat { .. }) => true,
            Some(Extent::Indented { .. }) => !same_line,
            None => same_line && outside_indented && token.first && token.col <= self.inherit_col,
        };
        top.warned = uncertain;
        uncertain.then(|| Ambiguity {
            taken_by: top.op,
            around: around.last().map(|open| open.op),
        })
    }

    /// Adds a rule without rules of its own.
    pub(crate) fn leaf(&mut self, rule: Rule) {
        match self.open.last_mut() {
            Some(open) => open.rules.push(rule),
            None => self.done = Some(rule),
        }
    }

    /// Ends every list and gives the rule.
    pub(crate) fn finish(mut self) -> Option<Rule> {
        self.close_down_to(0);
        self.done
    }

    /// Closes the open operators from the innermost one out to the one at `index`.
    fn close_down_to(&mut self, index: usize) {
        while self.open.len() > index {
            if let Some(Open { op, rules, span, .. }) = self.open.pop() {
                self.leaf(Rule::Group { op, rules, span });
            }
        }
    }
}
