//! What handlers of this API take from a request, and how they change things.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use rowgate_engine::Ambient;
use rowgate_environment::{Environment, Published, State, Written};
use rowgate_policy::{Context, Timestamp};
use rowgate_rbac::ask::Asker;
use rowgate_rbac::change::setup;
use rowgate_rbac::input::Fields;
use rowgate_rbac::page::Page;
use rowgate_rbac::{Actor, Draft, Error, Reader};
use rowgate_schema::Document;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::behind::Changed;
use crate::error::ApiError;
use crate::extract::{self, Caller, Payload};
use crate::http::actor::actor;
use crate::state::App;
use crate::wire::authorization::error::{Answer, Failure};

/// The caller's environment, made ready for this API.
#[derive(Clone)]
pub(crate) struct Ready(Caller, Actor, Changed);

impl<S: Sync> FromRequestParts<S> for Ready {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let actor = actor(parts, &caller)?;
        // To make it ready is nothing that the request asked for.
        let first = Self(caller, actor, Changed::default());
        if !Reader::new(&first.read().graph).is_ready() {
            first.change(setup::ensure).await?;
        }
        let changed = parts.extensions.get::<Changed>();
        Ok(Self(first.0, first.1, changed.cloned().unwrap_or_default()))
    }
}

impl Ready {
    /// The environment.
    pub(crate) fn environment(&self) -> &Environment {
        &self.0
    }

    /// The newest revision. A request keeps to one.
    pub(crate) fn read(&self) -> Arc<Published> {
        self.0.read()
    }

    /// The environment.
    pub(crate) fn caller(&self) -> &Caller {
        &self.0
    }

    /// Changes the environment and waits until that is durable and can be read.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Draft<'_>) -> rowgate_rbac::Result<T> + Send + Sync + 'static,
    ) -> Answer<T> {
        let (write, outcome) = rowgate_rbac::write(self.1.clone(), change);
        let (answer, answered) = oneshot::channel::<rowgate_environment::Result<Written>>();
        self.0.submit(write, move |written| {
            // Nobody to tell: the request was given up.
            let _ = answer.send(written);
        });
        let written = answered
            .await
            .unwrap_or(Err(rowgate_environment::Error::Stopping));
        let outcome = outcome.of(written)?;
        self.2.note();
        Ok(outcome)
    }

    /// What was written can be read at once: the thing of an id that a change returned.
    pub(crate) fn show<T>(&self, show: impl FnOnce(Reader<'_>) -> rowgate_rbac::Result<T>) -> Answer<T> {
        Ok(show(Reader::new(&self.read().graph))?)
    }
}

/// The fields of a body. One that is empty has none.
pub(crate) struct Body(pub(crate) Fields);

impl FromRequest<App> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Answer<Self> {
        Self::read(&Payload::from_request(request, app).await?)
    }
}

impl Body {
    /// Of a body that was read already.
    pub(crate) fn read(payload: &Payload) -> Answer<Self> {
        let text = payload.text()?.trim();
        if text.is_empty() {
            return Ok(Self(Fields::of(Map::new())));
        }
        let wrong = |message: String| Error::field("body", "invalid_json", message);
        let document: Document =
            serde_json::from_str(text).map_err(|error| wrong(format!("the body is not JSON: {error}")))?;
        let value = document.into_value().map_err(|repeated| {
            let first = repeated.first();
            wrong(first.map_or_else(String::new, |first| first.message.clone()))
        })?;
        match value {
            Value::Object(fields) => Ok(Self(Fields::of(fields))),
            _ => Err(wrong("the body must be a JSON object".into()).into()),
        }
    }
}

/// Parameters that are lists.
const LISTS: [&str; 2] = ["statuses", "domains"];

/// A query string. A parameter that is no list and is given twice is wrong in the way that a field of a body is.
pub(crate) struct Params(extract::Params);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let query = parts.uri.query().unwrap_or_default();
        match extract::Params::parse(query, &LISTS) {
            Ok(params) => Ok(Self(params)),
            Err(ApiError::Invalid(name, message)) => {
                let message = format!("{name} is {message}");
                Err(Error::field(name, "invalid", message).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Deref for Params {
    type Target = extract::Params;

    fn deref(&self) -> &extract::Params {
        &self.0
    }
}

/// A path's variable segments, percent-decoded.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let extract::Segments(segments) = extract::Segments::from_request_parts(parts, state).await?;
        Ok(Self(segments))
    }
}

/// The state that a plan is made on: what would be changed if nobody else changed anything.
pub(crate) fn newest(published: &Published) -> State<'_> {
    State {
        graph: &published.graph,
        model: &published.model,
        now: rowgate_environment::now(),
    }
}

/// The page that the parameters of a request ask for.
pub(crate) fn page(params: &Params) -> Answer<Page> {
    let get = |name: &str| params.get(name);
    Ok(Page::read(
        get("limit"),
        get("order"),
        get("after"),
        get("before"),
    )?)
}

/// A parameter that must be there.
pub(crate) fn required<'p>(params: &'p Params, name: &'static str) -> Answer<&'p str> {
    let value = params.get(name);
    Ok(value.ok_or_else(|| Error::field(name, "required", format!("{name} is required")))?)
}

/// Asks about a revision, with the context of a request.
pub(crate) fn ask<T>(published: &Published, context: &Context, question: impl FnOnce(Asker<'_>) -> T) -> T {
    let ambient = Ambient {
        context,
        claims: None,
        now: Timestamp(rowgate_environment::now()),
    };
    question(Asker::new(published.view(), &ambient))
}
