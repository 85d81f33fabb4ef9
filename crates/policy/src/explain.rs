//! The reason for a no: the innermost part that made it so, and what that part read.

use crate::ast::{Expr, ExprKind, UnaryOp};
use crate::builtins::Builtin;
use crate::eval::Machine;
use crate::print::brief;

/// How many alternatives of an `||` are told apart.
const ALTERNATIVES: usize = 3;
/// How many values a reason shows.
const VALUES: usize = 4;
/// How many parts are looked into: names bound by `let` can refer to each other without end.
const PARTS: u32 = 48;

impl<'a> Machine<'a> {
    /// Why an expression has the truth it has. `truth` is what it evaluated to.
    pub(crate) fn why(&mut self, expr: &'a Expr, truth: bool) -> String {
        self.because(expr, truth, &mut { PARTS })
    }

    fn because(&mut self, expr: &'a Expr, truth: bool, parts: &mut u32) -> String {
        let Some(left) = parts.checked_sub(1) else {
            return self.leaf(expr, truth);
        };
        *parts = left;
        match &expr.kind {
            // One operand decides.
            ExprKind::And(items) if !truth => self.decisive(expr, items, truth, parts),
            ExprKind::Or(items) if truth => self.decisive(expr, items, truth, parts),
            // All of them decide.
            ExprKind::Or(items) | ExprKind::And(items) if items.len() <= ALTERNATIVES => {
                let reasons: Vec<_> = items
                    .iter()
                    .map(|item| self.because(item, truth, parts))
                    .collect();
                reasons.join("; ")
            }
            ExprKind::Unary(UnaryOp::Not, operand) if explains_itself(operand) => {
                self.because(operand, !truth, parts)
            }
            ExprKind::Conditional {
                test,
                then,
                otherwise,
            } => match self.truth(test) {
                Ok(true) => self.because(then, truth, parts),
                Ok(false) => self.because(otherwise, truth, parts),
                Err(_) => self.leaf(expr, truth),
            },
            ExprKind::Let { bindings, body } => {
                let outer = self.slots.len();
                let reason = match self.bind(bindings) {
                    Ok(()) => self.because(body, truth, parts),
                    Err(_) => self.leaf(expr, truth),
                };
                self.slots.truncate(outer);
                reason
            }
            ExprKind::Local { slot, .. } => {
                let Some(definition) = self.slots.get(*slot).map(|bound| bound.definition) else {
                    return self.leaf(expr, truth);
                };
                // The definition saw only the names before it.
                let later = self.slots.split_off(*slot);
                let reason = self.because(definition, truth, parts);
                self.slots.truncate(*slot);
                self.slots.extend(later);
                reason
            }
            _ => self.leaf(expr, truth),
        }
    }

    fn decisive(&mut self, expr: &'a Expr, items: &'a [Expr], truth: bool, parts: &mut u32) -> String {
        for item in items {
            if self.truth(item).is_ok_and(|found| found == truth) {
                return self.because(item, truth, parts);
            }
        }
        self.leaf(expr, truth)
    }

    fn leaf(&mut self, expr: &'a Expr, truth: bool) -> String {
        let mut reason = format!("{} is {truth}", self.quote(expr));
        let mut found = Vec::new();
        let live = self.slots.len();
        values_read(expr, live, &mut found);
        let mut shown: Vec<String> = vec![self.text(expr).to_owned()];
        for read in found {
            let name = self
                .path(read, live)
                .unwrap_or_else(|| self.text(read).to_owned());
            if shown.len() > VALUES || shown.contains(&name) {
                continue;
            }
            if let Ok(value) = self.eval(read) {
                reason.push_str(&format!(
                    ", {} is {}",
                    crate::quote::abbreviate(&name),
                    brief(&value)
                ));
                shown.push(name);
            }
        }
        reason
    }
}

/// Whether the reason for a part says more than that the whole is its negation.
fn explains_itself(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Unary(UnaryOp::Not, _)
            | ExprKind::Local { .. }
            | ExprKind::Let { .. }
            | ExprKind::Conditional { .. }
    )
}

/// The largest parts that are a value read from outside: a variable or a member of one, a claim, metadata.
fn values_read<'a>(expr: &'a Expr, live: usize, found: &mut Vec<&'a Expr>) {
    if found.len() >= 2 * VALUES {
        return;
    }
    if reads_outside(expr, live) {
        found.push(expr);
        return;
    }
    expr.each_child(|child| values_read(child, live, found));
}

fn reads_outside(expr: &Expr, live: usize) -> bool {
    let mut expr = expr;
    loop {
        match &expr.kind {
            ExprKind::Variable { .. } => return true,
            // A name bound further in has no value here.
            ExprKind::Local { slot, .. } => return *slot < live,
            ExprKind::Call(Builtin::GetMetadata | Builtin::JwtClaim, arguments) => {
                return arguments
                    .iter()
                    .all(|argument| constant(argument) || reads_outside(argument, live));
            }
            ExprKind::Member { object, .. } => {
                // An injected map is shown by its members only.
                if matches!(object.kind, ExprKind::Injected(_)) {
                    return true;
                }
                expr = object;
            }
            ExprKind::Index { object, index, .. } if constant(index) => expr = object,
            ExprKind::Chain(inner) => expr = inner,
            _ => return false,
        }
    }
}

fn constant(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Str(_) | ExprKind::Int(_))
}
