//! The columns by which a policy finds rows: each of them should be the first of an index.

use rowgate_binding::Qualified;
use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArguments, Query, Select, SetExpr, TableFactor, TableWithJoins,
};

use super::inside;
use super::scope::{self, Scope};

/// A column that rows are found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::verify) struct Need {
    /// The table.
    pub(in crate::verify) table: Qualified,
    /// The column.
    pub(in crate::verify) column: String,
}

/// The columns that an expression compares with values that are the same for every row, in the table itself and in its sub-selects.
pub(in crate::verify) fn needs(expr: &Expr, scope: Scope<'_>) -> Vec<Need> {
    let mut found = Vec::new();
    condition(expr, scope, &[], &mut found);
    found.sort();
    found.dedup();
    found
}

/// A table of a sub-select: its alias and its name.
type Alias = (String, Qualified);

fn condition(expr: &Expr, scope: Scope<'_>, aliases: &[Alias], out: &mut Vec<Need>) {
    match inside(expr) {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And | BinaryOperator::Or,
            right,
        } => {
            condition(left, scope, aliases, out);
            condition(right, scope, aliases, out);
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => {
            out.extend(column(left, scope, aliases).filter(|_| fixed(right, scope, aliases)));
            out.extend(column(right, scope, aliases).filter(|_| fixed(left, scope, aliases)));
        }
        Expr::AnyOp {
            left,
            compare_op: BinaryOperator::Eq,
            right,
            ..
        } => {
            out.extend(column(left, scope, aliases).filter(|_| fixed(right, scope, aliases)));
            array(right, scope, out);
        }
        Expr::InSubquery { subquery, .. } | Expr::Exists { subquery, .. } => query(subquery, scope, out),
        _ => {}
    }
}

fn array(expr: &Expr, scope: Scope<'_>, out: &mut Vec<Need>) {
    match inside(expr) {
        Expr::Function(function) => {
            if let FunctionArguments::Subquery(inner) = &function.args {
                query(inner, scope, out);
            }
        }
        Expr::Cast { expr, .. } => array(expr, scope, out),
        _ => {}
    }
}

fn query(query: &Query, scope: Scope<'_>, out: &mut Vec<Need>) {
    let SetExpr::Select(select) = &*query.body else {
        return;
    };
    if let Some(selection) = &select.selection {
        condition(selection, scope, &aliases(select), out);
    }
}

fn aliases(select: &Select) -> Vec<Alias> {
    let factors = select.from.iter().flat_map(|TableWithJoins { relation, joins }| {
        std::iter::once(relation).chain(joins.iter().map(|join| &join.relation))
    });
    factors.filter_map(alias).collect()
}

fn alias(factor: &TableFactor) -> Option<Alias> {
    let TableFactor::Table { name, alias, .. } = factor else {
        return None;
    };
    let table = scope::qualified(name)?;
    let shown = alias
        .as_ref()
        .map_or_else(|| table.name.clone(), |alias| alias.name.value.clone());
    Some((shown, table))
}

/// The column that an operand is; a cast between the text types changes nothing for an index.
fn column(expr: &Expr, scope: Scope<'_>, aliases: &[Alias]) -> Option<Need> {
    match inside(expr) {
        Expr::Cast { expr, .. } => {
            let need = column(expr, scope, aliases)?;
            let text = scope
                .catalog
                .relations
                .get(&need.table)?
                .column(&need.column)?
                .category
                == "S";
            text.then_some(need)
        }
        Expr::Identifier(name) if aliases.is_empty() => Some(Need {
            table: scope.table.clone(),
            column: name.value.clone(),
        }),
        Expr::CompoundIdentifier(parts) => {
            let [first, column] = parts.as_slice() else {
                return None;
            };
            let (_, table) = aliases.iter().find(|(alias, _)| *alias == first.value)?;
            Some(Need {
                table: table.clone(),
                column: column.value.clone(),
            })
        }
        _ => None,
    }
}

/// Whether a value is known before rows are looked for: a sub-select may depend on the row of the policy, not on its own.
fn fixed(expr: &Expr, scope: Scope<'_>, aliases: &[Alias]) -> bool {
    let uses = scope.uses(expr);
    if aliases.is_empty() {
        !uses.row
    } else {
        !uses.inner || uses.query
    }
}
