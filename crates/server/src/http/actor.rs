//! Who makes a request, for the audit log.

use axum::http::HeaderName;
use axum::http::request::Parts;
use rowgate_rbac::Actor;

use super::observe::RequestId;
use crate::error::{ApiError, Result};
use crate::extract::Caller;

/// On whose behalf a request is made, as the holder of the key says. It is written down and decides nothing.
const ON_BEHALF_OF: HeaderName = HeaderName::from_static("rowgate-on-behalf-of");

/// Longest text of that, in bytes.
const MAX_ON_BEHALF_OF: usize = 255;

pub(crate) fn actor(parts: &Parts, caller: &Caller) -> Result<Actor> {
    let request_id = parts.extensions.get::<RequestId>();
    Ok(Actor {
        kind: "api_key",
        id: caller.key().map(|key| key.id().to_owned()),
        name: caller.key().map(|key| key.name().to_owned()),
        on_behalf_of: on_behalf_of(parts)?,
        request_id: request_id.map(|id| id.text().to_owned()),
    })
}

fn on_behalf_of(parts: &Parts) -> Result<Option<String>> {
    let Some(value) = parts.headers.get(ON_BEHALF_OF) else {
        return Ok(None);
    };
    let text = value.to_str().ok();
    let fits = text.filter(|text| (1..=MAX_ON_BEHALF_OF).contains(&text.len()));
    fits.map(|text| Some(text.to_owned())).ok_or_else(|| {
        let message = format!("must have 1 to {MAX_ON_BEHALF_OF} visible ASCII characters");
        ApiError::invalid("Rowgate-On-Behalf-Of", message)
    })
}
