//! The slow shapes of policies, and the same conditions in the form that is fast.
//!
//! Why they are slow: a sub-select that looks at the row is run for every row, because Postgres never turns a policy's sub-select into a join;
//! a function that stands alone is called for every row. What does not look at the row, in a sub-select of its own, is computed once,
//! and `column = ANY (ARRAY(SELECT …))` is then looked up in an index.

use rowgate_binding::Qualified;
use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArguments, Query, SelectItem, SetExpr, UnaryOperator,
    visit_expressions_mut,
};

use super::scope::Scope;
use super::{inside, parse, semijoin};
use crate::catalog::Volatility;

/// A slow shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::verify) enum Shape {
    /// `(SELECT f() = column)`, or any other sub-select that looks at the row.
    CorrelatedSubquery,
    /// `EXISTS (SELECT … WHERE m.id = row.id)`, `f() IN (SELECT … WHERE m.id = row.id)`
    ExistsSubquery,
    /// `column IN (SELECT …)`
    InSubquery,
    /// `column IN (SELECT f())` with a function that returns rows.
    SetFunction,
    /// `f()` outside of a sub-select.
    UnwrappedFunction,
    /// `f(column)`
    PerRowFunction,
}

/// An expression after all that could be done for it.
#[derive(Debug)]
pub(in crate::verify) struct Rewritten {
    /// The faster form; the same as before when nothing could be done.
    pub(in crate::verify) expr: Expr,
    /// What was found: the shape, the part that has it, and whether it is replaced in `expr`.
    pub(in crate::verify) found: Vec<(Shape, String, bool)>,
}

/// Looks for slow shapes and replaces those that can be.
pub(in crate::verify) fn rewrite(expr: &Expr, scope: Scope<'_>) -> Rewritten {
    let mut rewriter = Rewriter {
        scope,
        found: Vec::new(),
    };
    let mut expr = expr.clone();
    rewriter.condition(&mut expr, true);
    Rewritten {
        expr,
        found: rewriter.found,
    }
}

struct Rewriter<'a> {
    scope: Scope<'a>,
    found: Vec<(Shape, String, bool)>,
}

impl Rewriter<'_> {
    /// A condition. Under NOT, null and false differ, and a sub-select and its array do not agree on them.
    fn condition(&mut self, expr: &mut Expr, positive: bool) {
        match expr {
            Expr::Nested(inner) => self.condition(inner, positive),
            Expr::BinaryOp {
                left,
                op: BinaryOperator::And | BinaryOperator::Or,
                right,
            } => {
                self.condition(left, positive);
                self.condition(right, positive);
            }
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => self.condition(expr, false),
            Expr::Subquery(query) => {
                if let Some(mut inner) = self.hoisted(query) {
                    self.condition(&mut inner, positive);
                    *expr = inner;
                }
            }
            Expr::Exists { subquery, negated } => {
                let better = (positive && !*negated)
                    .then(|| semijoin::of(subquery, None, self.scope))
                    .flatten();
                self.looked_up(expr, better);
            }
            Expr::InSubquery { .. } => self.in_subquery(expr, positive),
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } => {
                self.operand(left);
                self.array(right);
            }
            _ => self.operand(expr),
        }
    }

    /// Replaces a sub-select that looks at the row, if there is something to replace it with.
    fn looked_up(&mut self, expr: &mut Expr, better: Option<Expr>) {
        if self.scope.uses(expr).row {
            let replaced = better.is_some();
            self.found.push((Shape::ExistsSubquery, shown(expr), replaced));
            if let Some(better) = better {
                *expr = better;
            }
        }
    }

    fn in_subquery(&mut self, whole: &mut Expr, positive: bool) {
        let Expr::InSubquery {
            expr: left,
            subquery,
            negated: false,
        } = whole
        else {
            return;
        };
        let (left_uses, query_uses) = (self.scope.uses(&**left), self.scope.uses(&**subquery));
        if query_uses.row {
            let better = (positive && !left_uses.row)
                .then(|| semijoin::of(subquery, Some(left), self.scope))
                .flatten();
            return self.looked_up(whole, better);
        }
        // Not: a hashed sub-select is as good as it gets. Several columns: an array has one.
        if !positive || !left_uses.row || matches!(inside(left), Expr::Tuple(_)) {
            return;
        }
        let shape = if self.is_set_function(subquery) {
            Shape::SetFunction
        } else {
            Shape::InSubquery
        };
        let better = parse(&format!("{left} = ANY (ARRAY({subquery}))"));
        let replaced = better.is_some();
        self.found.push((shape, shown(whole), replaced));
        if let Some(better) = better {
            *whole = better;
        }
    }

    fn is_set_function(&self, query: &Query) -> bool {
        let SetExpr::Select(select) = &*query.body else {
            return false;
        };
        let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
            select.projection.as_slice()
        else {
            return false;
        };
        matches!(item, Expr::Function(function) if select.from.is_empty() && self.scope.returns_set(function))
    }

    /// The right side of `= ANY`.
    fn array(&mut self, right: &mut Expr) {
        let uses = self.scope.uses(&*right);
        if uses.row || uses.random || !uses.calls || is_array_query(right) {
            return;
        }
        let before = shown(right);
        if let Some(better) = parse(&format!("ARRAY(SELECT unnest({}))", inside(right))) {
            *right = better;
            self.found.push((Shape::UnwrappedFunction, before, true));
        }
    }

    /// Something that is compared, or stands for a condition by itself.
    fn operand(&mut self, expr: &mut Expr) {
        let uses = self.scope.uses(&*expr);
        if !uses.row {
            return self.wrap(expr, uses.calls && !uses.random);
        }
        match expr {
            Expr::Nested(inner)
            | Expr::Cast { expr: inner, .. }
            | Expr::Collate { expr: inner, .. }
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::UnaryOp { expr: inner, .. } => self.operand(inner),
            Expr::BinaryOp { left, right, .. }
            | Expr::AnyOp { left, right, .. }
            | Expr::AllOp { left, right, .. }
            | Expr::IsDistinctFrom(left, right)
            | Expr::IsNotDistinctFrom(left, right) => {
                self.operand(left);
                self.operand(right);
            }
            Expr::Subquery(query) => {
                if let Some(mut inner) = self.hoisted(query) {
                    self.operand(&mut inner);
                    *expr = inner;
                }
            }
            Expr::Function(function) => self.call_with_columns(function),
            other => {
                if uses.calls {
                    self.found.push((Shape::UnwrappedFunction, shown(other), false));
                }
            }
        }
    }

    /// What is the same for every row is computed once in a sub-select of its own.
    fn wrap(&mut self, expr: &mut Expr, worth_it: bool) {
        if !worth_it {
            return;
        }
        if let Some(better) = parse(&format!("(SELECT {})", inside(expr))) {
            self.found.push((Shape::UnwrappedFunction, shown(expr), true));
            *expr = better;
        }
    }

    fn call_with_columns(&mut self, function: &Function) {
        let calls = self.scope.volatility(function) > Volatility::Immutable;
        let shown = function.to_string();
        if calls {
            self.found.push((Shape::PerRowFunction, shown, false));
        } else if self.scope.uses(&function.args).calls {
            self.found.push((Shape::UnwrappedFunction, shown, false));
        }
    }

    /// What a sub-select without a table computes from the row, which needs no sub-select.
    fn hoisted(&mut self, query: &Query) -> Option<Expr> {
        if !self.scope.uses(query).row {
            return None;
        }
        let value = constant_select(query).cloned();
        self.found.push((
            Shape::CorrelatedSubquery,
            format!("({})", one_line(&query.to_string())),
            value.is_some(),
        ));
        value.map(|value| Expr::Nested(Box::new(unqualified(value, self.scope.table))))
    }
}

/// The only value of a SELECT that has nothing but values.
fn constant_select(query: &Query) -> Option<&Expr> {
    let SetExpr::Select(select) = &*query.body else {
        return None;
    };
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
        select.projection.as_slice()
    else {
        return None;
    };
    let plain = query.with.is_none() && query.limit_clause.is_none() && select.from.is_empty();
    (plain && select.selection.is_none() && select.having.is_none()).then_some(value)
}

/// The expression with the columns of its own table bare, as they stand outside of sub-selects.
pub(super) fn unqualified(mut expr: Expr, table: &Qualified) -> Expr {
    let _ = visit_expressions_mut(&mut expr, |part| {
        if let Expr::CompoundIdentifier(parts) = part
            && let [first, column] = parts.as_slice()
            && first.value == table.name
        {
            *part = Expr::Identifier(column.clone());
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    expr
}

fn is_array_query(expr: &Expr) -> bool {
    match inside(expr) {
        Expr::Function(function) => matches!(function.args, FunctionArguments::Subquery(_)),
        Expr::Cast { expr, .. } => is_array_query(expr),
        _ => false,
    }
}

fn shown(expr: &Expr) -> String {
    one_line(&inside(expr).to_string())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
