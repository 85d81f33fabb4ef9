//! Pages of what is numbered in the order of its creation: resources and warrants. `asc` is oldest first.

use axum::response::Response;
use rowgate_engine::query::page::Order;
use rowgate_environment::Published;
use serde::{Deserialize, Serialize};

use crate::cursor::{From, List, Paging};
use crate::error::{ApiError, Result};
use crate::wire;
use crate::wire::list::{ListMetadata, ListOut};

/// A place in the order of creation.
#[derive(Serialize, Deserialize)]
pub(crate) struct Position {
    /// The numbering: it changes when the server starts and when it tidies up.
    s: u64,
    /// The number.
    n: u32,
}

/// The number in a cursor, if it is of the numbering that is in force.
pub(crate) fn number(published: &Published, from: &From<Position>) -> Result<Option<u32>> {
    match from.position() {
        Some(position) if position.s != published.epoch => {
            let message = "resources and warrants were numbered anew since this list was begun, as after a restart; start over without a cursor";
            Err(ApiError::invalid(from.parameter(), message))
        }
        position => Ok(position.map(|position| position.n)),
    }
}

/// One page. `next` finds at most so many rows from the cursor on, oldest or newest first; a row has its number with it.
pub(crate) fn page<T, Row: Serialize>(
    list: &List<'_>,
    published: &Published,
    paging: &Paging<Position>,
    next: impl FnOnce(Order, usize) -> Vec<(u32, T)>,
    row: impl Fn(T) -> Row,
) -> Result<Response> {
    let backwards = matches!(paging.from, From::Before(_));
    let direction = match (paging.order, backwards) {
        (Order::Asc, false) | (Order::Desc, true) => Order::Asc,
        (Order::Desc, false) | (Order::Asc, true) => Order::Desc,
    };
    // One more than the page has shows whether there is another page.
    let mut found = next(direction, paging.limit + 1);
    let more = found.len() > paging.limit;
    found.truncate(paging.limit);
    if backwards {
        found.reverse();
    }
    let cursor = |row: Option<&(u32, T)>, wanted: bool| {
        let position = row.filter(|_| wanted).map(|(number, _)| Position {
            s: published.epoch,
            n: *number,
        });
        position
            .map(|position| list.write(paging.order, position))
            .transpose()
    };
    let (before, after) = paging.from.neighbours(more);
    let metadata = ListMetadata {
        before: cursor(found.first(), before)?,
        after: cursor(found.last(), after)?,
    };
    let data = found.into_iter().map(|(_, found)| row(found)).collect();
    Ok(wire::json(&ListOut::new(data, metadata)))
}
