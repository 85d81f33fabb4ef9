//! Whether an id names one row. The rows of an id that several share would decide together what is asked about each.

use rowgate_binding::{Condition, Literal, Table, Test};
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

use crate::shape::{ColumnType, Columns, UniqueIndex};
use crate::verify::parse_expression;

/// Whether one of the indexes lets no two rows that count have the same id, or somebody vouches for it.
pub(crate) fn is_unique(table: &Table, columns: &Columns, indexes: &[UniqueIndex]) -> bool {
    let counted = Counted {
        columns,
        conditions: &table.conditions,
    };
    table.id_is_unique
        || indexes.iter().any(|index| {
            // What tells rows apart by some of the columns does so by all.
            !index.inherited
                && !index.deferrable
                && index.columns.iter().all(|column| table.id.contains(column))
                && index
                    .predicate
                    .as_deref()
                    .is_none_or(|predicate| counted.are_in(predicate))
        })
}

/// The rows of a table that count.
struct Counted<'a> {
    columns: &'a Columns,
    conditions: &'a [Condition],
}

impl Counted<'_> {
    /// Whether all of them are in an index with this predicate. False where that cannot be told.
    fn are_in(&self, predicate: &str) -> bool {
        parse_expression(predicate).is_some_and(|expr| self.satisfy(&expr))
    }

    fn satisfy(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Nested(inner) => self.satisfy(inner),
            Expr::BinaryOp {
                left,
                op: BinaryOperator::And,
                right,
            } => self.satisfy(left) && self.satisfy(right),
            Expr::IsNull(of) => self.some(of, |test, _| *test == Test::Null),
            // A test that is true is one of a value.
            Expr::IsNotNull(of) => self.some(of, |test, _| *test != Test::Null),
            Expr::Identifier(_) => self.some(expr, |test, _| is_among(test, &[Literal::Boolean(true)])),
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => self.some(expr, |test, _| is_among(test, &[Literal::Boolean(false)])),
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } => self.some(left, |test, ty| {
                literal(right, ty).is_some_and(|value| is_among(test, &[value]))
            }),
            Expr::BinaryOp {
                left,
                op: BinaryOperator::NotEq,
                right,
            } => self.some(left, |test, ty| match test {
                Test::NotIn(others) => literal(right, ty).is_some_and(|value| others.contains(&value)),
                _ => false,
            }),
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } => self.some(left, |test, ty| {
                literals(right, ty).is_some_and(|values| is_among(test, &values))
            }),
            _ => false,
        }
    }

    /// Whether one of the conditions on the column that an expression is fits.
    fn some(&self, expr: &Expr, fits: impl Fn(&Test, ColumnType) -> bool) -> bool {
        self.column(expr).is_some_and(|(name, ty)| {
            let mut of_it = self
                .conditions
                .iter()
                .filter(|condition| condition.column == name);
            of_it.any(|condition| fits(&condition.test, ty))
        })
    }

    /// The column that an expression is, as Postgres prints it: `status`, or `(status)::text`, which is another value than the column for most types.
    fn column<'e>(&self, expr: &'e Expr) -> Option<(&'e str, ColumnType)> {
        match expr {
            Expr::Identifier(name) => Some((&name.value, self.columns.get(&name.value)?.ty)),
            Expr::Nested(inner) => self.column(inner),
            Expr::Cast { expr, data_type, .. } if data_type.to_string().eq_ignore_ascii_case("text") => self
                .column(expr)
                .filter(|(_, ty)| matches!(ty, ColumnType::Text | ColumnType::Enum)),
            _ => None,
        }
    }
}

/// Whether a test is true of these values alone.
fn is_among(test: &Test, values: &[Literal]) -> bool {
    match test {
        Test::In(accepted) => accepted.iter().all(|value| values.contains(value)),
        _ => false,
    }
}

/// Whether a cast to a type leaves a value that is compared with a column as it is written. One with a length, as `varchar(2)`, may not.
fn keeps(ty: ColumnType, cast: &str) -> bool {
    let cast = cast.to_ascii_lowercase();
    let array = cast.strip_suffix("[]").unwrap_or(&cast);
    match ty {
        ColumnType::Text => matches!(array, "text" | "character varying" | "varchar"),
        // Its own type, or text where the column is cast to it. `bpchar` would take blanks off the end of a label.
        ColumnType::Enum => {
            !array.contains('(') && !matches!(array, "bpchar" | "character" | "char" | "\"char\"")
        }
        ColumnType::Uuid => array == "uuid",
        ColumnType::Integer => matches!(array, "smallint" | "integer" | "bigint"),
        _ => false,
    }
}

/// The value that an expression is: `'open'::text`, `5`, `true`.
fn literal(expr: &Expr, ty: ColumnType) -> Option<Literal> {
    match expr {
        Expr::Nested(inner) => literal(inner, ty),
        Expr::Cast { expr, data_type, .. } if keeps(ty, &data_type.to_string()) => literal(expr, ty),
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
fn literals(expr: &Expr, ty: ColumnType) -> Option<Vec<Literal>> {
    match expr {
        Expr::Nested(inner) => literals(inner, ty),
        Expr::Cast { expr, data_type, .. } if keeps(ty, &data_type.to_string()) => literals(expr, ty),
        Expr::Array(array) => array.elem.iter().map(|value| literal(value, ty)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Column;

    /// Whether the rows that a `where` leaves are all in an index with the predicate.
    fn are_in(predicate: &str, where_: &str) -> bool {
        let document = format!(
            "environment = \"e\"\nroles = [\"app\"]\n[subject]\ntype = \"user\"\nid = \"auth.user_id()\"\n[[table]]\nname = \"public.t\"\ntype = \"t\"\n\
             id = \"id\"\nwhere = \"{where_}\"\n"
        );
        let bindings = rowgate_binding::Bindings::parse_toml(&document).unwrap();
        let types = [
            ("deleted_at", ColumnType::Other),
            ("archived_at", ColumnType::Other),
            ("kind", ColumnType::Text),
            ("state", ColumnType::Enum),
            ("key", ColumnType::Uuid),
            ("live", ColumnType::Boolean),
            ("archived", ColumnType::Boolean),
            ("version", ColumnType::Integer),
        ];
        let column = |(name, ty): (&str, ColumnType)| {
            let column = Column {
                ty,
                name: "its type".to_owned(),
                exact: true,
            };
            (name.to_owned(), column)
        };
        let columns: Columns = types.into_iter().map(column).collect();
        let counted = Counted {
            columns: &columns,
            conditions: &bindings.tables[0].conditions,
        };
        counted.are_in(predicate)
    }

    const UPPER: &str = "A0000000-0000-0000-0000-000000000000";

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
            ("(state = 'a'::state)", "state = 'a'"),
            ("(kind = ANY (ARRAY['a'::text, 'b'::text]))", "kind = 'b'"),
            (
                "((kind)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
                "kind in ('b', 'a')",
            ),
            ("(kind <> 'gone'::text)", "kind not in ('gone', 'away')"),
            ("(version = 2)", "version = 2"),
        ] {
            assert!(are_in(predicate, where_), "{predicate} of {where_}");
        }
    }

    #[test]
    fn a_predicate_that_leaves_rows_out() {
        let key = format!("key = '{UPPER}'");
        let key_as_text = format!("((key)::text = '{UPPER}'::text)");
        for (predicate, where_) in [
            ("(deleted_at IS NULL)", "archived_at is null"),
            ("(deleted_at IS NULL)", "deleted_at is not null"),
            ("((deleted_at IS NULL) AND live)", "deleted_at is null"),
            ("((deleted_at IS NULL) OR live)", "deleted_at is not null"),
            ("archived", "archived = false"),
            ("(kind = 'a'::text)", "kind in ('a', 'b')"),
            ("(kind = 'open'::character varying(2))", "kind = 'open'"),
            ("(kind = 'open'::bpchar)", "kind = 'open'"),
            ("((state)::text = 'open '::bpchar)", "state = 'open '"),
            ("(kind = ANY (ARRAY['a'::text, 'b'::text]))", "kind in ('a', 'c')"),
            ("(kind <> ALL (ARRAY['a'::text]))", "kind = 'b'"),
            ("(lower(kind) = 'a'::text)", "kind = 'a'"),
            ("(version > 2)", "version = 3"),
            ("((version)::text = '2'::text)", "version = 2"),
            ("(kind IS NOT NULL)", "kind is null"),
            (&key_as_text, &key),
        ] {
            assert!(!are_in(predicate, where_), "{predicate} of {where_}");
        }
    }
}
