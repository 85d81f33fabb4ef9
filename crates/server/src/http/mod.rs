//! The routes, one file per resource, and what every request goes through.

mod actor;
mod authorization;
mod by_name;
mod by_number;
mod check;
mod entry;
mod environments;
mod export;
mod health;
mod import;
mod jwks;
mod keys;
mod metrics;
mod observe;
mod openapi;
mod policies;
mod query;
mod resource_types;
mod resources;
mod schema;
mod tokens;
mod warrants;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware;
use axum::routing::{MethodRouter, delete, get, post};
use rowgate_environment::{Environment, Error, Write, Written};
use tokio::sync::oneshot;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::ConfigError;
use crate::error::{ApiError, Result};
use crate::extract::{Caller, authenticate, authenticate_user};
use crate::state::App;

pub(crate) use entry::Entry;

/// Where checks are asked.
const CHECK: &str = "/fga/v1/check";

/// A router that remembers its paths, for the counters.
struct Routes {
    router: Router<App>,
    paths: Vec<&'static str>,
}

impl Routes {
    fn new() -> Self {
        Self {
            router: Router::new(),
            paths: Vec::new(),
        }
    }

    fn at(mut self, path: &'static str, methods: MethodRouter<App>) -> Self {
        self.paths.push(path);
        self.router = self.router.route(path, methods);
        self
    }
}

/// Everything that the server answers.
pub(crate) fn entry(
    app: &App,
    cors_origins: &[String],
    sql: Option<Router<App>>,
) -> Result<Entry, ConfigError> {
    let (open, users, fga, own) = (open(), users(), fga(), own());
    let authorization = authorization::routes();
    let sql_path = sql.as_ref().map(|_| crate::sql::PATH);
    app.metrics.set_routes(
        [
            open.paths,
            users.paths,
            fga.paths,
            own.paths,
            authorization.paths,
            Vec::from_iter(sql_path),
        ]
        .concat(),
    );
    let with_key = middleware::from_fn_with_state(app.clone(), authenticate);
    let replay = middleware::from_fn_with_state(authorization::Answers::default(), authorization::replay);
    // Set before the layer, so that a browser's question whether it may call is answered by the layer.
    let with_key_or_token = middleware::from_fn_with_state(app.clone(), authenticate_user);
    let mut fga = fga
        .router
        .route_layer(with_key.clone())
        .merge(users.router.route_layer(with_key_or_token))
        .method_not_allowed_fallback(method_not_allowed);
    if let Some(cors) = cors(cors_origins)? {
        fga = fga.layer(cors);
    }
    let router = open
        .router
        .merge(fga)
        .merge(own.router.route_layer(with_key.clone()))
        .merge(
            authorization
                .router
                .route_layer(middleware::from_fn_with_state(
                    app.clone(),
                    authorization::look_again,
                ))
                .route_layer(replay)
                .route_layer(with_key),
        )
        .merge(sql.unwrap_or_default())
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .with_state(app.clone());
    Ok(Entry::new(app.clone(), router))
}

/// For operators and their tools; no key is needed.
fn open() -> Routes {
    Routes::new()
        .at("/healthz", get(health::alive))
        .at("/readyz", get(health::ready))
        .at("/metrics", get(metrics::metrics))
        .at("/openapi.json", get(openapi::document))
        .at("/sso/jwks/{client_id}", get(jwks::jwks))
}

/// What users may ask themselves, with their own tokens.
fn users() -> Routes {
    Routes::new().at(CHECK, post(check::check))
}

/// The API that the client libraries know.
fn fga() -> Routes {
    let one_resource = get(resources::get)
        .put(resources::update)
        .delete(resources::delete);
    let one_type = get(resource_types::get)
        .put(resource_types::update)
        .delete(resource_types::delete);
    let types = get(resource_types::list)
        .post(resource_types::create)
        .put(resource_types::replace_all);
    Routes::new()
        .at("/fga/v1/query", get(query::query))
        .at("/fga/v1/warrants", get(warrants::list).post(warrants::change))
        .at("/fga/v1/resources", get(resources::list).post(resources::create))
        .at("/fga/v1/resources/batch", post(resources::batch))
        // An id may contain `/`, and not every client escapes it.
        .at("/fga/v1/resources/{type}/{*id}", one_resource)
        .at("/fga/v1/resource-types", types)
        .at("/fga/v1/resource-types/{type}", one_type)
        .at("/fga/v1/schema", get(schema::get).post(schema::replace))
        .at("/fga/v1/schemas/convert", post(schema::convert))
        .at("/fga/v1/policies", get(policies::list).post(policies::create))
        .at(
            "/fga/v1/policies/{name}",
            get(policies::get).put(policies::update).delete(policies::delete),
        )
}

/// Rowgate's own.
fn own() -> Routes {
    Routes::new()
        .at("/rowgate/v1/whoami", get(environments::whoami))
        .at("/rowgate/v1/keys", get(keys::list).post(keys::create))
        .at("/rowgate/v1/keys/{id}", delete(keys::delete))
        .at(
            "/rowgate/v1/environments",
            get(environments::list).post(environments::create),
        )
        .at("/rowgate/v1/environments/{name}", delete(environments::delete))
        .at("/rowgate/v1/tokens", post(tokens::mint))
        .at("/rowgate/v1/tokens/rotate", post(tokens::rotate))
        .at("/rowgate/v1/tokens/inspect", post(tokens::inspect))
        .at("/rowgate/v1/export", get(export::export))
        .at("/rowgate/v1/import", post(import::import))
}

/// Writes, and waits until it is durable and can be read.
async fn write(caller: &Caller, write: Write) -> Result<Written> {
    Ok(submitted(caller, write).await?)
}

/// The same, with the environment's own answer.
async fn submitted(caller: &Caller, write: Write) -> rowgate_environment::Result<Written> {
    let (answer, answered) = oneshot::channel();
    let environment: &Environment = caller;
    environment.submit(write, move |outcome| {
        // Nobody to tell: the request was given up.
        let _ = answer.send(outcome);
    });
    answered.await.unwrap_or(Err(Error::Stopping))
}

async fn no_such_path(uri: Uri) -> ApiError {
    ApiError::NoSuchPath(uri.path().to_owned())
}

async fn method_not_allowed(method: Method) -> ApiError {
    ApiError::MethodNotAllowed(method.to_string())
}

/// What lets pages of other origins call `/fga/v1`.
fn cors(origins: &[String]) -> Result<Option<CorsLayer>, ConfigError> {
    let allowed = match origins {
        [] => return Ok(None),
        [any] if any == "*" => AllowOrigin::any(),
        origins => {
            let values = origins.iter().map(|origin| {
                let is_origin = origin.starts_with("http://") || origin.starts_with("https://");
                let value = HeaderValue::from_str(origin).ok().filter(|_| is_origin);
                value.ok_or_else(|| {
                    ConfigError(format!(
                        "`{origin}` is not an origin, as in `https://app.example.com`"
                    ))
                })
            });
            AllowOrigin::list(values.collect::<Result<Vec<_>, _>>()?)
        }
    };
    let headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        HeaderName::from_static("warrant-token"),
    ];
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_headers(headers)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .expose_headers([observe::REQUEST_ID]);
    Ok(Some(layer))
}
