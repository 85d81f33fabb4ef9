//! Sub-selects that look at the row, turned round: from "is there a membership for this row" to "is the row's key among those of my
//! memberships", which is computed once and looked up in an index.

use sqlparser::ast::{BinaryOperator, Expr, GroupByExpr, Query, Select, SelectItem, SetExpr};

use super::rewrite::unqualified;
use super::scope::Scope;
use super::{inside, parse};

/// `row.a = ANY (ARRAY(SELECT m.b FROM m WHERE …))` for `EXISTS (SELECT … FROM m WHERE m.b = row.a AND …)`, and for
/// `value IN (SELECT m.c FROM m WHERE m.b = row.a AND …)`, where `m.c = value` joins the conditions. `None` when the sub-select has
/// another form.
pub(super) fn of(query: &Query, value: Option<&Expr>, scope: Scope<'_>) -> Option<Expr> {
    let select = plain(query)?;
    let mut conditions = Vec::new();
    conjuncts(select.selection.as_ref()?, &mut conditions);
    let (mut correlated, mut rest): (Vec<_>, Vec<_>) = conditions
        .into_iter()
        .partition(|condition| scope.uses(*condition).row);
    let link = correlated.pop().filter(|_| correlated.is_empty())?;
    let (of_row, of_query) = link_sides(link, scope)?;
    let compared = match value {
        Some(value) => Some(parse(&format!(
            "({} = {})",
            only_value(select)?,
            wrapped(value, scope)
        ))?),
        None => None,
    };
    rest.extend(&compared);

    let mut turned = select.clone();
    turned.projection = vec![SelectItem::UnnamedExpr(of_query.clone())];
    turned.selection = conjunction(rest.into_iter().map(|condition| calls_wrapped(condition, scope)));
    parse(&format!(
        "({} = ANY (ARRAY({turned})))",
        unqualified(of_row.clone(), scope.table)
    ))
}

/// The SELECT of a query that has FROM and WHERE and nothing else.
fn plain(query: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = &*query.body else {
        return None;
    };
    let grouped =
        !matches!(&select.group_by, GroupByExpr::Expressions(by, more) if by.is_empty() && more.is_empty());
    let more = query.with.is_some()
        || query.limit_clause.is_some()
        || query.fetch.is_some()
        || !query.locks.is_empty();
    let counted = select.distinct.is_some() || select.having.is_some() || grouped;
    (!more && !counted && !select.from.is_empty()).then_some(select)
}

fn conjuncts<'a>(expr: &'a Expr, out: &mut Vec<&'a Expr>) {
    match inside(expr) {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            conjuncts(left, out);
            conjuncts(right, out);
        }
        other => out.push(other),
    }
}

fn conjunction(parts: impl Iterator<Item = Expr>) -> Option<Expr> {
    parts.reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: BinaryOperator::And,
        right: Box::new(right),
    })
}

/// The side of an equation that is of the row, and the side that is of the sub-select.
fn link_sides<'a>(link: &'a Expr, scope: Scope<'_>) -> Option<(&'a Expr, &'a Expr)> {
    let Expr::BinaryOp {
        left,
        op: BinaryOperator::Eq,
        right,
    } = link
    else {
        return None;
    };
    let uses = |side: &Expr| {
        let uses = scope.uses(side);
        (
            uses.row && !uses.inner && !uses.query,
            uses.inner && !uses.row && !uses.query,
        )
    };
    match (uses(left), uses(right)) {
        ((true, _), (_, true)) => Some((left, right)),
        ((_, true), (true, _)) => Some((right, left)),
        _ => None,
    }
}

fn only_value(select: &Select) -> Option<&Expr> {
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] => Some(value),
        _ => None,
    }
}

/// The condition with the sides that are the same for every row of the sub-select in sub-selects of their own.
fn calls_wrapped(condition: &Expr, scope: Scope<'_>) -> Expr {
    let mut condition = condition.clone();
    if let Expr::BinaryOp { left, right, .. } = &mut condition {
        for side in [left, right] {
            **side = wrapped(side, scope);
        }
    }
    Expr::Nested(Box::new(strip(condition)))
}

fn strip(expr: Expr) -> Expr {
    match expr {
        Expr::Nested(inner) => strip(*inner),
        other => other,
    }
}

fn wrapped(value: &Expr, scope: Scope<'_>) -> Expr {
    let uses = scope.uses(value);
    let worth_it = uses.calls && !uses.random && !uses.inner && !uses.row && !uses.query;
    let better = worth_it
        .then(|| parse(&format!("(SELECT {})", inside(value))))
        .flatten();
    better.unwrap_or_else(|| value.clone())
}
