//! Pages of what a schema defines, in its order: `asc` is that order, `desc` the reverse.

use axum::response::Response;
use rowgate_engine::query::page::Order;
use serde_json::Value;

use crate::cursor::{From, List};
use crate::error::{ApiError, Result};
use crate::extract::Params;
use crate::wire;
use crate::wire::list::{ListMetadata, ListOut};

/// One page of `items`.
pub(crate) fn page<T>(
    list: &List<'_>,
    params: &Params,
    items: &[T],
    name: impl Fn(&T) -> &str,
    json: impl Fn(&T) -> Value,
) -> Result<Response> {
    let paging = list.paging::<String>(params)?;
    let mut ordered: Vec<&T> = items.iter().collect();
    if paging.order == Order::Desc {
        ordered.reverse();
    }
    let at = paging.from.position().map(|wanted| {
        let at = ordered.iter().position(|item| name(item) == wanted);
        let message = "what this cursor names is no longer defined; start over without a cursor";
        at.ok_or_else(|| ApiError::invalid(paging.from.parameter(), message))
    });
    let (start, end) = match (&paging.from, at.transpose()?) {
        (From::After(_), Some(at)) => (at + 1, (at + 1 + paging.limit).min(ordered.len())),
        (From::Before(_), Some(at)) => (at.saturating_sub(paging.limit), at),
        _ => (0, paging.limit.min(ordered.len())),
    };
    let rows = &ordered[start..end];
    let cursor = |item: Option<&&T>, wanted: bool| {
        item.filter(|_| wanted)
            .map(|item| list.write(paging.order, name(item)))
            .transpose()
    };
    let metadata = ListMetadata {
        before: cursor(rows.first(), start > 0)?,
        after: cursor(rows.last(), end < ordered.len())?,
    };
    Ok(wire::json(&ListOut::new(
        rows.iter().map(|item| json(item)).collect(),
        metadata,
    )))
}
