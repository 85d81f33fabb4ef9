//! What an expression reads, collected once.

use crate::ast::{BinaryOp, Expr, ExprKind, Injected};
use crate::builtins::Builtin;
use crate::outcome::Uses;

/// The context keys an expression names, in order of first appearance, and what else it uses.
pub(crate) fn survey(expr: &Expr) -> (Vec<String>, Uses) {
    let mut keys = Vec::new();
    let mut uses = Uses::default();
    visit(expr, &mut keys, &mut uses);
    (keys, uses)
}

fn visit(expr: &Expr, keys: &mut Vec<String>, uses: &mut Uses) {
    match &expr.kind {
        ExprKind::Variable { name, .. } => add(keys, name),
        // `"key" in $env` and `$env?.key` read a key as well.
        ExprKind::Binary(BinaryOp::In, left, right) => {
            if let (ExprKind::Str(name), ExprKind::Injected(Injected::Env)) = (&left.kind, &right.kind) {
                add(keys, name);
            }
        }
        ExprKind::Member { object, name, .. } if matches!(object.kind, ExprKind::Injected(Injected::Env)) => {
            add(keys, name);
        }
        ExprKind::Injected(Injected::CheckCtx) => uses.check_ctx = true,
        ExprKind::Injected(Injected::WarrantCtx) => uses.warrant_ctx = true,
        ExprKind::Call(Builtin::GetMetadata, _) => uses.metadata = true,
        ExprKind::Call(Builtin::JwtClaim, _) => uses.jwt = true,
        ExprKind::Call(Builtin::Now, _) => uses.clock = true,
        ExprKind::Call(Builtin::ExpiresIn, _) => {
            uses.clock = true;
            uses.warrant_ctx = true;
        }
        _ => {}
    }
    expr.each_child(|child| visit(child, keys, uses));
}

fn add(keys: &mut Vec<String>, name: &str) {
    if !keys.iter().any(|key| key == name) {
        keys.push(name.to_owned());
    }
}
