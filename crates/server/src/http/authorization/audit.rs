//! `GET /rowgate/v1/authorization/audit`: who granted and revoked what, when.

use axum::extract::State;
use rowgate_environment::Environment;
use rowgate_rbac::audit::{Filter, known_action};
use rowgate_rbac::{Error, FieldError};
use rowgate_store::{AuditEntry, AuditPlace, AuditRange, Revision};
use serde_json::{Map, Value, json};

use super::request::{Params, Ready};
use crate::state::App;
use crate::wire;
use crate::wire::authorization::error::{Answer, Failure};

/// Entries of a page when the request does not say, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// How many entries one request looks at: a filter that little matches ends in a cursor before the page is full.
const MAX_LOOKED_AT: usize = 20_000;

/// How many are read at a time.
const AT_ONCE: usize = 1_000;

/// Before the place, in the id of an entry.
const PREFIX: &str = "audit_";

pub(crate) async fn list(State(app): State<App>, ready: Ready, params: Params) -> Answer {
    let range = range(&params)?;
    let filter = filter(&params)?;
    let environment = ready.environment().clone();
    let page = app.long(move || page(&environment, range, &filter)).await??;
    let rows: Vec<Value> = page.entries.into_iter().map(row).collect();
    Ok(wire::json(&json!({
        "object": "list",
        "data": rows,
        "list_metadata": {"before": null, "after": page.more_after.map(id)},
    })))
}

fn range(params: &Params) -> Answer<AuditRange> {
    let wrong = |field: &str, message: &str| FieldError {
        field: field.to_owned(),
        code: "invalid",
        message: message.to_owned(),
    };
    let mut errors = Vec::new();
    let limit = match params.get("limit").map(str::parse) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
        Some(_) => {
            errors.push(wrong("limit", "limit must be a number from 1 to 1000"));
            DEFAULT_LIMIT
        }
    };
    let newest_first = match params.get("order") {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(_) => {
            errors.push(wrong("order", "order must be asc or desc"));
            true
        }
    };
    let after = params.get("after").and_then(|text| {
        let place = place(text);
        if place.is_none() {
            errors.push(wrong("after", "after is not the id of an entry"));
        }
        place
    });
    if !errors.is_empty() {
        return Err(Error::Fields(errors).into());
    }
    Ok(AuditRange {
        newest_first,
        after,
        limit,
    })
}

fn filter(params: &Params) -> Answer<Filter> {
    let get = |name: &str| params.get(name).map(str::to_owned);
    if let Some(action) = params.get("action")
        && let Err(near) = known_action(action)
    {
        let near = near.unwrap_or_else(|| "docs/authorization.md lists them".to_owned());
        let message = format!("there is no action `{action}`; {near}");
        return Err(Error::field("action", "invalid", message).into());
    }
    Ok(Filter {
        actor: get("actor"),
        action: get("action"),
        organization: get("organization_id"),
        membership: get("organization_membership_id"),
        group: get("group_id"),
        user: get("user_id"),
        role: get("role_slug"),
        resource: get("resource_id"),
        resource_type: get("resource_type_slug"),
        resource_external_id: get("resource_external_id"),
        request: get("request_id"),
    })
}

struct Page {
    entries: Vec<(AuditEntry, Value)>,
    /// Where the next page begins; absent at the end of the log.
    more_after: Option<AuditPlace>,
}

fn page(environment: &Environment, range: AuditRange, filter: &Filter) -> Answer<Page> {
    let mut entries = Vec::new();
    let (mut after, mut looked_at) = (range.after, 0);
    while looked_at < MAX_LOOKED_AT {
        let read = environment
            .audit(&AuditRange {
                after,
                limit: AT_ONCE,
                ..range
            })
            .map_err(Error::from)?;
        let end = read.len() < AT_ONCE;
        looked_at += read.len();
        for entry in read {
            if entries.len() == range.limit {
                return Ok(Page {
                    entries,
                    more_after: after,
                });
            }
            after = Some(entry.place);
            let said: Value =
                serde_json::from_str(&entry.entry).map_err(|error| unreadable(&entry, &error))?;
            if filter.fits(&said) {
                entries.push((entry, said));
            }
        }
        if end {
            return Ok(Page {
                entries,
                more_after: None,
            });
        }
    }
    Ok(Page {
        entries,
        more_after: after,
    })
}

fn unreadable(entry: &AuditEntry, error: &serde_json::Error) -> Failure {
    Error::Internal(format!("audit entry {}: {error}", id(entry.place))).into()
}

fn row((entry, said): (AuditEntry, Value)) -> Value {
    let mut row = Map::new();
    row.insert("object".into(), "audit_entry".into());
    row.insert("id".into(), id(entry.place).into());
    row.insert("created_at".into(), wire::time(entry.at).into());
    if let Value::Object(said) = said {
        row.extend(said);
    }
    Value::Object(row)
}

fn id(place: AuditPlace) -> String {
    format!("{PREFIX}{}_{}", place.revision, place.index)
}

fn place(id: &str) -> Option<AuditPlace> {
    let (revision, index) = id.strip_prefix(PREFIX)?.split_once('_')?;
    Some(AuditPlace {
        revision: Revision::from_u64(revision.parse().ok()?),
        index: index.parse().ok()?,
    })
}
