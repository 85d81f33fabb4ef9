//! The two envelopes of lists.

use rowgate_rbac::page::Listed;
use serde_json::{Value, json};

/// A page, with the ids to give as `before` and `after` for the pages on either side.
pub(crate) fn page<T>(listed: &Listed<T>, row: impl Fn(&T) -> Value, cursor: impl Fn(&T) -> String) -> Value {
    let (before, after) = listed.cursors(cursor);
    json!({
        "object": "list",
        "data": listed.rows.iter().map(row).collect::<Vec<Value>>(),
        "list_metadata": {"before": before, "after": after},
    })
}

/// A list that has no pages.
pub(crate) fn whole(rows: Vec<Value>) -> Value {
    json!({"object": "list", "data": rows})
}
