//! The order of rows: by the columns of the key, integers by value and everything else by bytes, as in the database; then by relation.

use std::cmp::Ordering;

use rowgate_engine::query::page::Order;
use rowgate_rls::ColumnType;

/// An ordering in the direction that is asked for.
pub(super) fn directed(order: Order, ordering: Ordering) -> Ordering {
    match order {
        Order::Asc => ordering,
        Order::Desc => ordering.reverse(),
    }
}

/// Compares two ids of a type whose key has columns of these types.
pub(super) fn compare_ids(key: &[ColumnType], a: &str, b: &str) -> Ordering {
    match key {
        [only] => compare(*only, a, b),
        columns => {
            let pairs = columns.iter().zip(a.split('/').zip(b.split('/')));
            let mut parts = pairs.map(|(column, (a, b))| compare(*column, &unescaped(a), &unescaped(b)));
            parts.find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
        }
    }
}

fn compare(column: ColumnType, a: &str, b: &str) -> Ordering {
    let integer = |text: &str| text.parse::<i64>().ok().filter(|_| column == ColumnType::Integer);
    integer(a).cmp(&integer(b)).then_with(|| a.cmp(b))
}

/// A column's part of an id of several.
fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_by_columns_and_not_by_the_text_of_the_id() {
        use ColumnType::{Integer, Text};
        let less = |key: &[ColumnType], a, b| assert_eq!(compare_ids(key, a, b), Ordering::Less, "{a} {b}");
        less(&[Integer], "-9", "3");
        less(&[Integer], "9", "10");
        less(&[Text], "10", "9");
        less(&[Text, Integer], "a/9", "a/10");
        // `/` comes before `0`, its escape after it.
        less(&[Text, Integer], "a~1b/1", "a0/1");
        less(&[Text, Integer], "a/7", "a!/1");
        less(&[Integer, Text], "2/z", "10/a");
        assert_eq!(compare_ids(&[Text, Integer], "a/1", "a/1"), Ordering::Equal);
    }
}
