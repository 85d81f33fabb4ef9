//! `GET /fga/v1/query`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rowgate_engine::query::Rows;
use rowgate_engine::query::page::{Page, RowKey};
use rowgate_engine::query::text::{self, Names, Query, Select};
use rowgate_engine::{Ambient, EngineError};
use rowgate_environment::{Freshness, Published};
use rowgate_policy::{Context, Timestamp};
use rowgate_rows::list::{self, List as TableList};
use rowgate_schema::Document;
use serde::{Deserialize, Serialize};

use crate::cursor::{From, List, Paging};
use crate::error::{ApiError, Result};
use crate::extract::{Caller, Fresh, Params};
use crate::state::App;
use crate::wire;
use crate::wire::check::Warning;
use crate::wire::keyed::object;
use crate::wire::list::{ListMetadata, ListOut};
use crate::wire::query::RowOut;

/// A row, and the revision that all pages of its list are of.
#[derive(Clone, Serialize, Deserialize)]
struct Position {
    r: u64,
    t: String,
    i: String,
    n: String,
    /// The time that the policies of all pages see, microseconds since the Unix epoch.
    w: i64,
}

/// How far in the past the time of a cursor may lie, and how far the clocks of two servers may differ, in microseconds.
const MAX_AGE: i64 = 24 * 3600 * 1_000_000;
const CLOCKS_DIFFER: i64 = 60 * 1_000_000;

impl Position {
    fn key(&self) -> RowKey {
        RowKey {
            resource_type: self.t.clone(),
            id: self.i.clone(),
            relation: self.n.clone(),
        }
    }
}

pub(crate) async fn query(
    State(app): State<App>,
    caller: Caller,
    fresh: Fresh,
    params: Params,
) -> Result<Response> {
    let q = params.get("q").ok_or_else(|| ApiError::missing("q"))?.to_owned();
    let query =
        text::parse(&q).map_err(|error| ApiError::invalid("q", format!("error parsing query: {error}")))?;
    let context = params.get("context").unwrap_or("").to_owned();
    let list = List::new("query", &caller, (&q, &context));
    let paging = list.paging::<Position>(&params)?;
    let context = read_context(&context)?;
    let published = revision(&app, &caller, &fresh, &query, &paging.from).await?;
    let again = app.clone();
    app.long(move || {
        answer(
            &again,
            &caller,
            &published,
            &query,
            &context,
            &paging,
            (&q, &params),
        )
    })
    .await?
}

fn read_context(text: &str) -> Result<Context> {
    if text.is_empty() || text == "null" {
        return Ok(Context::new());
    }
    let refused = |message| ApiError::invalid("context", message);
    let document: Document =
        serde_json::from_str(text).map_err(|error| refused(format!("must be a JSON object: {error}")))?;
    object(document).map_err(refused)
}

/// The revision of the page: for a further page, that of the first one.
async fn revision(
    app: &App,
    caller: &Caller,
    fresh: &Fresh,
    query: &Query,
    from: &From<Position>,
) -> Result<Arc<Published>> {
    let Some(position) = from.position() else {
        return fresh.read(app, caller).await;
    };
    if matches!(fresh.0, Freshness::AtLeast(wanted) if wanted > position.r) {
        let message = "the list is older than the warrant token; start over without a cursor";
        return Err(ApiError::invalid(from.parameter(), message));
    }
    if let Some(published) = caller.pinned(position.r) {
        return Ok(published);
    }
    let (environment, revision) = (caller.0.clone(), position.r);
    if let Some(published) = app.long(move || environment.made_again(revision)).await?? {
        return Ok(published);
    }
    let newest = caller.read();
    if is_of_tables(query, &newest) {
        // Each of its pages is of the database as it is, and begins after the key of the cursor.
        return Ok(newest);
    }
    let message = "the revision that this list is of is no longer kept, or not on this server; start over without a cursor";
    Err(ApiError::invalid(from.parameter(), message))
}

/// Whether all rows of a list are rows of tables.
fn is_of_tables(query: &Query, published: &Published) -> bool {
    let Some(bound) = &published.bound else {
        return false;
    };
    match &query.select {
        Select::Resources {
            types: Names::These(types),
            ..
        } => types
            .iter()
            .all(|name| bound.bindings.table_of_type(name).is_some()),
        _ => false,
    }
}

/// The time that policies see: on a further page, that of the first one.
fn time(from: &From<Position>) -> Result<i64> {
    let now = rowgate_environment::now();
    match from.position() {
        None => Ok(now),
        Some(position) if (now - MAX_AGE..now + CLOCKS_DIFFER).contains(&position.w) => Ok(position.w),
        Some(_) => {
            let message = "the cursor is more than a day old; start over without a cursor";
            Err(ApiError::invalid(from.parameter(), message))
        }
    }
}

/// What was found: in memory, or in the application's tables.
enum Found {
    Memory(Rows),
    Tables(TableList),
}

fn find(
    app: &App,
    caller: &Caller,
    published: &Published,
    query: &Query,
    page: &Page,
    ambient: &Ambient<'_>,
) -> Result<Found> {
    match published.view().query(query, page, ambient) {
        Err(EngineError::Unread(_) | EngineError::InTables(_)) if published.bound.is_some() => {
            let reader = app.tables()?.blocking_reader(caller, published)?;
            let reader = reader.ok_or_else(|| ApiError::Internal("bindings that are gone".into()))?;
            Ok(Found::Tables(list::query(&reader, query, page, ambient)?))
        }
        found => Ok(Found::Memory(found?)),
    }
}

fn answer(
    app: &App,
    caller: &Caller,
    published: &Arc<Published>,
    query: &Query,
    context: &Context,
    paging: &Paging<Position>,
    (q, params): (&str, &Params),
) -> Result<Response> {
    let now = time(&paging.from)?;
    let ambient = Ambient {
        context,
        claims: None,
        now: Timestamp(now),
    };
    let mut page = Page {
        limit: Some(paging.limit),
        order: paging.order,
        ..Page::default()
    };
    match &paging.from {
        From::Start => {}
        From::After(position) => page.after = Some(position.key()),
        From::Before(position) => page.before = Some(position.key()),
    }
    let found = find(app, caller, published, query, &page, &ambient)?;
    let graph = &published.graph;
    let (rows, more, missing, problems): (Vec<RowOut<'_>>, _, _, _) = match &found {
        Found::Memory(found) => {
            let rows = found.rows.iter().map(|row| RowOut::new(graph, query, row));
            (rows.collect(), found.more, &found.missing, &found.problems)
        }
        Found::Tables(found) => {
            let rows = found.rows.iter().map(|row| RowOut::listed(query, row));
            (rows.collect(), found.more, &found.missing, &found.problems)
        }
    };
    let list = List::new("query", caller, (q, params.get("context").unwrap_or("")));
    let cursor = |row: Option<&RowOut<'_>>, wanted: bool| {
        let row = row.filter(|_| wanted).map(|row| Position {
            r: published.revision(),
            t: row.resource_type.into(),
            i: row.resource_id.into(),
            n: row.relation.into(),
            w: now,
        });
        row.map(|position| list.write(paging.order, position)).transpose()
    };
    let (before, after) = paging.from.neighbours(more);
    let metadata = ListMetadata {
        before: cursor(rows.first(), before)?,
        after: cursor(rows.last(), after)?,
    };
    if metadata.before.is_some() || metadata.after.is_some() {
        caller.pin(published);
    }
    let unknown = !missing.is_empty() || !problems.is_empty();
    let warnings = if unknown {
        vec![Warning::missing_context(missing.clone(), problems)]
    } else {
        Vec::new()
    };
    Ok(wire::json(&ListOut::new(rows, metadata).with_warnings(warnings)))
}
