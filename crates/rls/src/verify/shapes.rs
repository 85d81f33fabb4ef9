//! Policies written by hand that are slow, and the same policy written so that it is fast.

use sqlparser::ast::Expr;

use super::expression::{self, Rewritten, Scope, Shape};
use super::inspection::{Inspection, is_generated, policy_name};
use super::{Finding, Remedy};
use crate::catalog::{Policy, bare, dotted};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    for policy in inspection
        .catalog
        .policies
        .iter()
        .filter(|policy| !is_generated(policy))
    {
        let scope = Scope {
            catalog: inspection.catalog,
            table: &policy.table,
        };
        let clauses = [
            ("USING", policy.using.as_deref()),
            ("WITH CHECK", policy.check.as_deref()),
        ];
        let mut read: Vec<(&str, Expr, Rewritten)> = Vec::new();
        for (clause, text) in clauses
            .into_iter()
            .filter_map(|(clause, text)| Some((clause, text?)))
        {
            match expression::parse(text) {
                Some(expr) => read.push((clause, expr.clone(), expression::rewrite(&expr, scope))),
                None => out.push(not_examined(policy, clause)),
            }
        }
        report(policy, &read, out);
    }
}

fn not_examined(policy: &Policy, clause: &str) -> Finding {
    let message =
        format!("its {clause} uses SQL that is not understood here, so whether it is slow was not examined");
    let advice = "look at it by hand: `EXPLAIN` with the role that it is for shows a SubPlan where it runs once for each row";
    Finding::new(
        "policy_not_examined",
        policy_name(policy),
        message,
        Remedy::Advice(advice.to_owned()),
    )
}

/// One finding for each shape; the remedy is the whole policy with all that can be done for it.
fn report(policy: &Policy, read: &[(&str, Expr, Rewritten)], out: &mut Vec<Finding>) {
    let alter = altered(policy, read);
    let mut found: Vec<&(Shape, String, bool)> = read
        .iter()
        .flat_map(|(_, _, rewritten)| &rewritten.found)
        .collect();
    found.sort();
    found.dedup();
    for shape in [
        Shape::CorrelatedSubquery,
        Shape::ExistsSubquery,
        Shape::InSubquery,
        Shape::SetFunction,
        Shape::UnwrappedFunction,
        Shape::PerRowFunction,
    ] {
        for replaced in [true, false] {
            let of_shape = found
                .iter()
                .filter(|(kind, _, done)| *kind == shape && *done == replaced);
            let parts: Vec<String> = of_shape.map(|(_, part, _)| format!("`{part}`")).collect();
            if parts.is_empty() {
                continue;
            }
            let (code, message) = said(shape, &parts.join(" and "));
            let remedy = match &alter {
                Some(alter) if replaced => Remedy::Sql(vec![alter.clone()]),
                _ => Remedy::Advice(advice(shape).to_owned()),
            };
            out.push(Finding::new(code, policy_name(policy), message, remedy));
        }
    }
}

fn altered(policy: &Policy, read: &[(&str, Expr, Rewritten)]) -> Option<String> {
    let changed: Vec<String> = read
        .iter()
        .filter(|(_, before, after)| *before != after.expr)
        .map(|(clause, _, after)| format!("{clause} ({})", after.expr))
        .collect();
    let head = format!("ALTER POLICY {} ON {}", bare(&policy.name), dotted(&policy.table));
    (!changed.is_empty()).then(|| format!("{head} {};", changed.join(" ")))
}

fn said(shape: Shape, parts: &str) -> (&'static str, String) {
    match shape {
        Shape::CorrelatedSubquery => (
            "correlated_subquery",
            format!(
                "{parts} looks at the row from inside a sub-select, so it is run for every row and no index is used"
            ),
        ),
        Shape::ExistsSubquery => (
            "exists_subquery",
            format!("{parts} is asked of each row instead of once, so the whole table is read"),
        ),
        Shape::InSubquery => (
            "in_subquery",
            format!(
                "{parts} is a filter, which no index can serve, so the whole table is read however few rows are visible"
            ),
        ),
        Shape::SetFunction => (
            "set_function_in_subquery",
            format!(
                "{parts} is a filter, which no index can serve, so the whole table is read whatever the function returns"
            ),
        ),
        Shape::UnwrappedFunction => (
            "unwrapped_function",
            format!(
                "{parts} is the same for every row and is computed again for each; in a sub-select it is computed once"
            ),
        ),
        Shape::PerRowFunction => (
            "per_row_function",
            format!("{parts} takes values of the row, so it is called for every row that is looked at"),
        ),
    }
}

fn advice(shape: Shape) -> &'static str {
    match shape {
        Shape::PerRowFunction => {
            "write a function that returns the ids the caller may see, and compare with `id = ANY (ARRAY(SELECT f()))`"
        }
        Shape::UnwrappedFunction => "compute it in a sub-select of its own: `(SELECT f())`",
        _ => {
            "compare a column of the row with what a sub-select that does not look at the row computes: `column = ANY (ARRAY(SELECT …))`"
        }
    }
}
