//! Whether an id names one row. The rows of an id that several share would decide together what is asked about each.

use rowgate_binding::{Condition, Literal, Table, Test};
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

use crate::shape::UniqueIndex;
use crate::verify::parse_expression;

/// Whether one of the indexes lets no two rows that count have the same id, or somebody vouches for it.
pub(crate) fn is_unique(table: &Table, indexes: &[UniqueIndex]) -> bool {
    table.id_is_unique
        || indexes.iter().any(|index| {
            // What tells rows apart by some of the columns does so by all.
            !index.inherited
                && index.columns.iter().all(|column| table.id.contains(column))
                && index
                    .predicate
                    .as_deref()
                    .is_none_or(|predicate| is_implied(predicate, &table.conditions))
        })
}

/// Whether every row that counts is in an index with this predicate. False where that cannot be told.
fn is_implied(predicate: &str, conditions: &[Condition]) -> bool {
    parse_expression(predicate).is_some_and(|expr| implies(conditions, &expr))
}

fn implies(conditions: &[Condition], expr: &Expr) -> bool {
    let tests = |expr: &Expr, fits: &dyn Fn(&Test) -> bool| {
        column(expr).is_some_and(|name| {
            let mut of_it = conditions.iter().filter(|condition| condition.column == name);
            of_it.any(|condition| fits(&condition.test))
        })
    };
    match expr {
        Expr::Nested(inner) => implies(conditions, inner),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => implies(conditions, left) && implies(conditions, right),
        Expr::IsNull(of) => tests(of, &|test| *test == Test::Null),
        // A test that is true is one of a value.
        Expr::IsNotNull(of) => tests(of, &|test| *test != Test::Null),
        Expr::Identifier(_) | Expr::Cast { .. } => tests(expr, &only(&[Literal::Boolean(true)])),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => tests(expr, &only(&[Literal::Boolean(false)])),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => literal(right).is_some_and(|value| tests(left, &only(&[value]))),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::NotEq,
            right,
        } => literal(right).is_some_and(|value| {
            tests(left, &|test| match test {
                Test::NotIn(others) => others.contains(&value),
                _ => false,
            })
        }),
        Expr::AnyOp {
            left,
            compare_op: BinaryOperator::Eq,
            right,
            ..
        } => literals(right).is_some_and(|values| tests(left, &only(&values))),
        _ => false,
    }
}

/// Tests that are true of these values alone.
fn only(values: &[Literal]) -> impl Fn(&Test) -> bool {
    move |test| match test {
        Test::In(accepted) => accepted.iter().all(|value| values.contains(value)),
        _ => false,
    }
}

/// The column that an expression is, as Postgres prints it: `status`, or `(status)::text`.
fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(name) => Some(&name.value),
        Expr::Nested(inner) => column(inner),
        Expr::Cast { expr, data_type, .. } if data_type.to_string().eq_ignore_ascii_case("text") => {
            column(expr)
        }
        _ => None,
    }
}

/// The value that an expression is: `'open'::text`, `5`, `true`.
fn literal(expr: &Expr) -> Option<Literal> {
    match expr {
        Expr::Nested(inner) => literal(inner),
        Expr::Cast { expr, .. } => literal(expr),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(Literal::Text(text.clone())),
            Value::Number(number, _) => number.parse().ok().map(Literal::Integer),
            Value::Boolean(value) => Some(Literal::Boolean(*value)),
            _ => None,
        },
        _ => None,
    }
}

/// The values of an array: `ARRAY['open'::text, 'new'::text]`, which Postgres may cast as a whole.
fn literals(expr: &Expr) -> Option<Vec<Literal>> {
    match expr {
        Expr::Nested(inner) => literals(inner),
        Expr::Cast { expr, .. } => literals(expr),
        Expr::Array(array) => array.elem.iter().map(literal).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The conditions of a `where`, read as bindings are.
    fn conditions(text: &str) -> Vec<Condition> {
        let document = format!(
            "environment = \"e\"\nroles = [\"app\"]\n[subject]\ntype = \"user\"\nid = \"auth.user_id()\"\n[[table]]\nname = \"public.t\"\ntype = \"t\"\n\
             id = \"id\"\nwhere = \"{text}\"\n"
        );
        let bindings = rowgate_binding::Bindings::parse_toml(&document).unwrap();
        bindings.tables[0].conditions.clone()
    }

    #[test]
    fn a_predicate_that_the_conditions_imply() {
        for (predicate, where_) in [
            ("(deleted_at IS NULL)", "deleted_at is null"),
            ("(deleted_at IS NULL)", "kind = 'a' and deleted_at is null"),
            (
                "((deleted_at IS NULL) AND live)",
                "deleted_at is null and live = true",
            ),
            ("(NOT archived)", "archived = false"),
            ("(kind IS NOT NULL)", "kind in ('a', 'b')"),
            ("((kind)::text = 'a'::text)", "kind = 'a'"),
            ("(kind = ANY (ARRAY['a'::text, 'b'::text]))", "kind = 'b'"),
            (
                "((kind)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
                "kind in ('b', 'a')",
            ),
            ("(kind <> 'gone'::text)", "kind not in ('gone', 'away')"),
            ("(version = 2)", "version = 2"),
        ] {
            assert!(
                is_implied(predicate, &conditions(where_)),
                "{predicate} of {where_}"
            );
        }
    }

    #[test]
    fn a_predicate_that_leaves_rows_out() {
        for (predicate, where_) in [
            ("(deleted_at IS NULL)", "archived_at is null"),
            ("(deleted_at IS NULL)", "deleted_at is not null"),
            ("((deleted_at IS NULL) AND live)", "deleted_at is null"),
            ("((deleted_at IS NULL) OR live)", "deleted_at is not null"),
            ("archived", "archived = false"),
            ("(kind = 'a'::text)", "kind in ('a', 'b')"),
            ("(kind = ANY (ARRAY['a'::text, 'b'::text]))", "kind in ('a', 'c')"),
            ("(kind <> ALL (ARRAY['a'::text]))", "kind = 'b'"),
            ("(lower(kind) = 'a'::text)", "kind = 'a'"),
            ("(version > 2)", "version = 3"),
            ("(kind IS NOT NULL)", "kind is null"),
        ] {
            assert!(
                !is_implied(predicate, &conditions(where_)),
                "{predicate} of {where_}"
            );
        }
    }
}
