//! Where requests come in. The check has a way of its own: it is what clients wait for before each thing they do, and the router with what
//! stands before its routes takes as long as to decide. All other requests go by the router.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::service::Service;
use tower::ServiceExt;

use super::observe::{Watch, panicked};
use super::{CHECK, check};
use crate::extract::identify;
use crate::leftover::Lent;
use crate::state::App;

/// Everything that the server answers.
#[derive(Clone)]
pub(crate) struct Entry {
    app: App,
    router: Router,
}

impl Entry {
    pub(super) fn new(app: App, router: Router) -> Self {
        Self { app, router }
    }
}

impl Service<Request<Incoming>> for Entry {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        if is_check(&request) {
            return Box::pin(check(self.app.clone(), request));
        }
        Box::pin(self.router.clone().oneshot(request))
    }
}

/// Whether the router would do nothing else with it. Pages of other origins are the business of a layer of the router.
fn is_check(request: &Request<Incoming>) -> bool {
    request.method() == Method::POST
        && request.uri().path() == CHECK
        && !request.headers().contains_key(header::ORIGIN)
}

/// What a check goes through: the same as by the router.
async fn check(app: App, request: Request<Incoming>) -> Result<Response, Infallible> {
    let watch = Watch::begin(&app, request.method(), request.headers());
    let mut caller = None;
    let answered = {
        // Pinned where it is made: what is handed on by value has its place twice in the one that waits, and all of that is copied.
        let answering = pin!(
            AssertUnwindSafe(async {
                let (parts, body) = request.into_parts();
                let body = Lent::new(&parts.headers, body);
                let request = Request::from_parts(parts, body);
                match identify(&app, request.headers()).await {
                    Err(error) => error.into_response(),
                    Ok((known, user)) => {
                        let answer = check::direct(&app, caller.insert(known), user, request).await;
                        answer.unwrap_or_else(IntoResponse::into_response)
                    }
                }
            })
            .catch_unwind()
        );
        watch.in_time(answering).await
    };
    let response = answered.map_or_else(IntoResponse::into_response, |answer| {
        answer.unwrap_or_else(panicked)
    });
    Ok(watch.end(CHECK, caller.as_ref(), response))
}
