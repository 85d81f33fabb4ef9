//! Cursors: where a list goes on. The text is opaque to clients: base64url of a small JSON object.
//!
//! A cursor belongs to one list: of one environment, with the same filters and order. It grants nothing, so it is not signed;
//! what it says is checked like any other input.

use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rowgate_engine::query::page::Order;
use rowgate_environment::Environment;
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, Result};
use crate::extract::Params;

/// Longest cursor that is looked at.
const MAX_CURSOR: usize = 4096;

/// Rows of a page when the request does not say.
const DEFAULT_LIMIT: usize = 10;

/// Most rows of a page.
const MAX_LIMIT: usize = 100;

/// One list, as far as its cursors are concerned.
pub(crate) struct List<'a> {
    kind: &'static str,
    environment: &'a str,
    filters: u64,
}

/// What a request says about its page.
pub(crate) struct Paging<P> {
    pub(crate) limit: usize,
    pub(crate) order: Order,
    pub(crate) from: From<P>,
}

/// Where a page begins.
pub(crate) enum From<P> {
    Start,
    After(P),
    Before(P),
}

#[derive(Serialize, Deserialize)]
struct Cursor<P> {
    /// Kind of list.
    k: String,
    /// Environment.
    e: String,
    /// Hash of the filters and the order.
    f: String,
    /// Position.
    p: P,
}

impl<'a> List<'a> {
    pub(crate) fn new(kind: &'static str, environment: &'a Environment, filters: impl Hash) -> Self {
        // Not random: the cursors of one server are good on the next one.
        #[expect(deprecated, reason = "SipHash 1-3 with fixed keys is named in no other way")]
        let mut hasher = std::hash::SipHasher::new();
        filters.hash(&mut hasher);
        Self {
            kind,
            environment: environment.uid(),
            filters: hasher.finish(),
        }
    }

    fn hash(&self, order: Order) -> String {
        let order = if order == Order::Asc { 'a' } else { 'd' };
        format!("{:016x}{order}", self.filters)
    }

    pub(crate) fn write<P: Serialize>(&self, order: Order, position: P) -> Result<String> {
        let cursor = Cursor {
            k: self.kind.into(),
            e: self.environment.into(),
            f: self.hash(order),
            p: position,
        };
        let text = serde_json::to_vec(&cursor).map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(text))
    }

    /// Reads `limit`, `order`, `after` and `before`.
    pub(crate) fn paging<P: for<'de> Deserialize<'de>>(&self, params: &Params) -> Result<Paging<P>> {
        let limit = match params.get("limit") {
            None => DEFAULT_LIMIT,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                limit.ok_or_else(|| {
                    ApiError::invalid("limit", format!("must be a number from 1 to {MAX_LIMIT}"))
                })?
            }
        };
        let order = match params.get("order") {
            None | Some("desc") => Order::Desc,
            Some("asc") => Order::Asc,
            Some(_) => return Err(ApiError::invalid("order", "must be `asc` or `desc`")),
        };
        let from = match (params.get("after"), params.get("before")) {
            (None, None) => From::Start,
            (Some(after), None) => From::After(self.read("after", after, order)?),
            (None, Some(before)) => From::Before(self.read("before", before, order)?),
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid("before", "give `after` or `before`, not both"));
            }
        };
        Ok(Paging { limit, order, from })
    }

    fn read<P: for<'de> Deserialize<'de>>(
        &self,
        parameter: &'static str,
        text: &str,
        order: Order,
    ) -> Result<P> {
        let undecodable = || ApiError::invalid(parameter, "not a cursor; send one that a list returned");
        let bytes = Some(text).filter(|text| text.len() <= MAX_CURSOR);
        let bytes = bytes
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .ok_or_else(undecodable)?;
        let cursor: Cursor<P> =
            serde_json::from_slice(&bytes).map_err(|_| self.of_another_list(parameter, &bytes))?;
        if cursor.k != self.kind || cursor.e != self.environment || cursor.f != self.hash(order) {
            return Err(self.of_another_list(parameter, &bytes));
        }
        Ok(cursor.p)
    }

    /// What is wrong with a cursor of another list, as far as it can be told.
    fn of_another_list(&self, parameter: &'static str, bytes: &[u8]) -> ApiError {
        let message = match serde_json::from_slice::<Cursor<serde::de::IgnoredAny>>(bytes) {
            Err(_) => "not a cursor; send one that a list returned",
            Ok(cursor) if cursor.e != self.environment => "the cursor belongs to another environment",
            Ok(cursor) if cursor.k != self.kind => "the cursor belongs to another list",
            Ok(_) => {
                "the cursor belongs to a list with other filters or another order; start over without a cursor"
            }
        };
        ApiError::invalid(parameter, message)
    }
}

impl<P> From<P> {
    /// The name of the parameter that said it.
    pub(crate) fn parameter(&self) -> &'static str {
        match self {
            Self::Start | Self::After(_) => "after",
            Self::Before(_) => "before",
        }
    }

    pub(crate) fn position(&self) -> Option<&P> {
        match self {
            Self::Start => None,
            Self::After(position) | Self::Before(position) => Some(position),
        }
    }

    /// Whether there are pages (before, after) a page, given whether there is more in the direction of reading.
    pub(crate) fn neighbours(&self, more: bool) -> (bool, bool) {
        match self {
            Self::Start => (false, more),
            Self::After(_) => (true, more),
            Self::Before(_) => (more, true),
        }
    }
}
