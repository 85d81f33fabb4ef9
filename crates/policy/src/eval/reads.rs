//! Which context keys an expression reads, for messages.

use super::Machine;
use crate::ast::{Expr, ExprKind, Pointer};
use crate::builtins::Builtin;
use crate::lexer::begins_word;

/// How many expressions are looked at before a message is good enough.
const BUDGET: usize = 256;

struct Reads {
    paths: Vec<String>,
    budget: usize,
}

impl<'a> Machine<'a> {
    /// The context paths an expression reads, `let` names resolved: `user.ip`.
    pub(crate) fn reads(&self, expr: &Expr) -> Vec<String> {
        let mut reads = Reads {
            paths: Vec::new(),
            budget: BUDGET,
        };
        self.collect(expr, self.slots.len(), false, &mut reads);
        reads.paths
    }

    /// `live` is the number of `let`s whose values belong to this place; `inside` is within a predicate that is not
    /// being evaluated, whose element is unknown.
    fn collect(&self, expr: &Expr, live: usize, inside: bool, reads: &mut Reads) {
        if reads.budget == 0 {
            return;
        }
        reads.budget -= 1;
        if let Some(path) = self.path(expr, live) {
            if !reads.paths.contains(&path) {
                reads.paths.push(path);
            }
            return;
        }
        match &expr.kind {
            ExprKind::Local { slot, .. } if *slot < live => {
                if let Some(bound) = self.slots.get(*slot) {
                    self.collect(bound.definition, *slot, inside, reads);
                }
            }
            ExprKind::Pointer(_) if !inside => {
                if let Some(frame) = self.frames.last() {
                    // The list stands outside its own predicate, whose element may be that of another.
                    self.collect(frame.list, live, true, reads);
                }
            }
            // What is missing there is not missing from the context.
            ExprKind::Call(Builtin::GetMetadata | Builtin::JwtClaim, _) => {}
            ExprKind::Predicate(body) => self.collect(body, live, true, reads),
            _ => expr.each_child(|child| self.collect(child, live, inside, reads)),
        }
    }

    /// The context path an expression is, if it is one: a variable, or members of one by constant names.
    pub(crate) fn path(&self, expr: &Expr, live: usize) -> Option<String> {
        let (mut expr, mut live) = (expr, live);
        let mut members: Vec<&str> = Vec::new();
        // Every round goes down the tree or to an earlier `let`; the bound is for long chains of those.
        for _ in 0..BUDGET {
            match &expr.kind {
                ExprKind::Variable { name, .. } => {
                    let mut path = name.clone();
                    for member in members.iter().rev() {
                        if is_name(member) {
                            path.push('.');
                            path.push_str(member);
                        } else {
                            path.push_str(&format!("[{member:?}]"));
                        }
                    }
                    return Some(path);
                }
                ExprKind::Member { object, name, .. } => {
                    members.push(name);
                    expr = object;
                }
                ExprKind::Chain(inner) => expr = inner,
                ExprKind::Local { slot, .. } if *slot < live => {
                    expr = self.slots.get(*slot)?.definition;
                    live = *slot;
                }
                _ => return None,
            }
        }
        None
    }

    /// What to blame when an expression that denotes a value is absent.
    pub(crate) fn blame(&self, expr: &Expr) -> Vec<String> {
        let mut root = expr;
        while let ExprKind::Member { object, .. } | ExprKind::Index { object, .. } = &root.kind {
            root = object;
        }
        match root.kind {
            ExprKind::Pointer(Pointer::Index) => Vec::new(),
            _ => self.reads(expr),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(begins_word) && text.chars().all(|c| begins_word(c) || c.is_numeric())
}
