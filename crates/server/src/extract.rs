//! What handlers take from a request: the caller, a body, a query string.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rowgate_environment::keys::KeyHandle;
use rowgate_environment::{Environment, Freshness, Published};
use rowgate_schema::Document;
use serde::de::{Deserialize, DeserializeOwned};
use serde_json::Value;

use crate::error::{ApiError, Result};
use crate::identity::User;
use crate::state::App;
use crate::wire::text::Object;

/// The environment whose key a request carries.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Environment, Option<KeyHandle>);

impl Caller {
    /// The key of the request; `None` if it carries a user's token.
    pub(crate) fn key(&self) -> Option<&KeyHandle> {
        self.1.as_ref()
    }
}

impl Deref for Caller {
    type Target = Environment;

    fn deref(&self) -> &Environment {
        &self.0
    }
}

/// The user whose token a request carries; `None` if it carries a key.
pub(crate) struct Asker(pub(crate) Option<User>);

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<User>().cloned()))
    }
}

/// Lets a request through if it carries a key or a user's token.
pub(crate) async fn authenticate_user(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match identify(&app, request.headers()).await {
        Err(error) => error.into_response(),
        Ok((caller, user)) => {
            if let Some(user) = user {
                request.extensions_mut().insert(user);
            }
            admit(caller, request, next).await
        }
    }
}

/// Lets a request through if it carries a key, and tells the log which environment it was.
pub(crate) async fn authenticate(State(app): State<App>, request: Request, next: Next) -> Response {
    match identify(&app, request.headers()).await {
        Err(error) => error.into_response(),
        Ok((_, Some(_))) => {
            let message = "tokens of users are for checks only; send an API key";
            ApiError::Forbidden(message).into_response()
        }
        Ok((caller, None)) => admit(caller, request, next).await,
    }
}

async fn admit(caller: Caller, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(caller);
    response
}

/// Whose key or token a request carries.
pub(crate) async fn identify(app: &App, headers: &HeaderMap) -> Result<(Caller, Option<User>)> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(ApiError::Unauthorized(
            "no API key: send `Authorization: Bearer sk_…`",
        ));
    };
    // Of two, which one counts is not the same for everybody who reads them.
    if values.next().is_some() {
        return Err(ApiError::Unauthorized(
            "the Authorization header is there twice: send one",
        ));
    }
    let text = value.to_str().unwrap_or_default();
    let Some((scheme, secret)) = text.split_once(' ') else {
        return Err(ApiError::Unauthorized(
            "the Authorization header must be `Bearer sk_…`",
        ));
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::Unauthorized(
            "the Authorization header must be `Bearer sk_…`",
        ));
    }
    let secret = secret.trim();
    match app.registry.opened_by(secret) {
        Some((environment, key)) => Ok((Caller(environment, Some(key)), None)),
        // What an identity provider issues has three parts, the first of which is JSON in base64url.
        None if secret.starts_with("eyJ") && secret.split('.').count() == 3 => {
            // Larger than all that a key takes.
            let authenticating = Box::pin(app.identities.authenticate(secret, &app.registry));
            let (environment, user) = authenticating.await?;
            Ok((Caller(environment, None), Some(user)))
        }
        None => Err(ApiError::Unauthorized("the API key is not known to this server")),
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        // A route without `authenticate` in front of it has no caller: nothing is let through by mistake.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(ApiError::Unauthorized("no API key"))
    }
}

/// A path's variable segments, percent-decoded.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => Err(ApiError::BadRequest("the path is not UTF-8".into())),
        }
    }
}

/// A body of bounded size, whole.
pub(crate) struct Payload(pub(crate) Bytes);

impl FromRequest<App> for Payload {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        Self::of(request, app).await
    }
}

impl Payload {
    /// The body of a request.
    pub(crate) async fn of<B>(request: Request<B>, app: &App) -> Result<Self>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
    {
        read(request, app.limits.body, app).await.map(Self)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> Result<&str> {
        utf8(&self.0)
    }

    /// The body as JSON of a certain shape.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        json(utf8(&self.0)?)
    }

    /// The body as JSON in which no object has a key twice.
    pub(crate) fn document(&self) -> Result<Value> {
        value(self.json()?)
    }

    /// The body as a JSON object of a certain shape.
    pub(crate) fn object<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        self.json::<Object<T>>().map(|object| object.0)
    }
}

/// The value of a document in which no object has a key twice.
pub(crate) fn value(document: Document) -> Result<Value> {
    document
        .into_value()
        .map_err(|repeated| ApiError::Schema(repeated, None))
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        ApiError::BadRequest(format!(
            "the body is not UTF-8 from byte {} on",
            error.valid_up_to()
        ))
    })
}

/// JSON of a certain shape.
pub(crate) fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        if !error.is_data() {
            return ApiError::BadRequest(format!("invalid JSON: {error}"));
        }
        // The way that names the field costs more, so it is only taken when something is wrong.
        let mut again = serde_json::Deserializer::from_str(text);
        let named = serde_path_to_error::deserialize::<_, T>(&mut again).err();
        match named.map(|error| (error.path().to_string(), error.inner().to_string())) {
            Some((path, message)) if path != "." => ApiError::invalid(path, message),
            Some((_, message)) => ApiError::BadRequest(message),
            None => ApiError::BadRequest(error.to_string()),
        }
    })
}

/// A body of at most `limit` bytes. Of a larger one the answer is given at once.
pub(crate) async fn read<B>(request: Request<B>, limit: usize, app: &App) -> Result<Bytes>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    let (parts, body) = request.into_parts();
    let announced = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(ApiError::TooLarge(limit));
    }
    let whole = pin!(Limited::new(body, limit).collect());
    match tokio::time::timeout(app.limits.body_timeout, whole).await {
        Err(_) => Err(ApiError::BodyTimeout),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge(limit)),
        Ok(Err(_)) => Err(ApiError::BadRequest("the body ended early".into())),
    }
}

/// A query string. Unknown parameters are ignored, but none may be given twice: which of the two counts is not the same for
/// everybody who reads it.
pub(crate) struct Params(HashMap<String, String>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Self::parse(parts.uri.query().unwrap_or(""), &[])
    }
}

impl Params {
    /// Of a query string in which some parameters are lists: those may also be given several times, and with `[]` behind their name.
    pub(crate) fn parse(query: &str, lists: &[&str]) -> Result<Self> {
        let mut pairs = HashMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name =
                decode(name).ok_or_else(|| ApiError::BadRequest("the query string is not UTF-8".into()))?;
            let value = decode(value).ok_or_else(|| ApiError::invalid(name.clone(), "not UTF-8"))?;
            let list = lists
                .iter()
                .find(|list| name.strip_suffix("[]").unwrap_or(&name) == **list);
            match pairs.entry(list.map_or(name, |list| (*list).to_owned())) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(mut taken) if list.is_some() => {
                    let all: &mut String = taken.get_mut();
                    all.push(',');
                    all.push_str(&value);
                }
                Entry::Occupied(taken) => return Err(ApiError::invalid(taken.key().clone(), "given twice")),
            }
        }
        Ok(Self(pairs))
    }

    /// A parameter, unless it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.present(name).filter(|value| !value.is_empty())
    }

    /// A parameter, unless it is absent.
    pub(crate) fn present(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Percent-decodes a part of a query string, where `+` is a blank. `None` if it is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let hex = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = match (byte, bytes.get(at + 1), bytes.get(at + 2)) {
            (b'%', Some(&high), Some(&low)) => hex(high).zip(hex(low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        at += if escaped.is_some() { 3 } else { 1 };
        out.push(escaped.unwrap_or(if byte == b'+' { b' ' } else { byte }));
    }
    String::from_utf8(out).ok()
}

/// What a request says about freshness, in its `Warrant-Token` header.
pub(crate) struct Fresh(pub(crate) Freshness);

impl<S: Sync> FromRequestParts<S> for Fresh {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if !parts.headers.contains_key(WARRANT_TOKEN) {
            return Ok(Self(Freshness::Any));
        }
        let caller = Caller::from_request_parts(parts, state).await?;
        Self::of(&parts.headers, &caller)
    }
}

/// The header that says how fresh an answer has to be.
const WARRANT_TOKEN: HeaderName = HeaderName::from_static("warrant-token");

/// How long a read waits before it looks again whether the revision it waits for has come.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The longest that it waits between two looks.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

impl Fresh {
    /// What the headers of a caller's request say.
    pub(crate) fn of(headers: &HeaderMap, caller: &Caller) -> Result<Self> {
        let Some(token) = headers.get(WARRANT_TOKEN) else {
            return Ok(Self(Freshness::Any));
        };
        let token = token
            .to_str()
            .map_err(|_| ApiError::invalid("Warrant-Token", "not a warrant token"))?;
        Ok(Self(caller.freshness(Some(token))?))
    }

    /// A revision that is fresh enough, waited for if need be, though not for long.
    pub(crate) async fn read(&self, app: &App, caller: &Caller) -> Result<Arc<Published>> {
        let freshness = self.0;
        let deadline = Instant::now() + app.limits.token_wait;
        let mut pause = LOOK_AGAIN;
        loop {
            if let Some(published) = caller.read_at_least(freshness) {
                return Ok(published);
            }
            let environment = caller.0.clone();
            if let Some(published) = app.long(move || environment.ask_for(freshness)).await?? {
                return Ok(published);
            }
            if Instant::now() >= deadline {
                return Err(caller.from_the_future(freshness).into());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_WAIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_query_strings() {
        let params = Params::parse("a=1&b=x%20y+z&c=&q=50%&d=%C3%A9&e", &[]).unwrap();
        assert_eq!(params.get("a"), Some("1"));
        assert_eq!(params.get("b"), Some("x y z"));
        assert_eq!(params.get("c"), None);
        assert_eq!((params.present("c"), params.present("z")), (Some(""), None));
        assert_eq!(params.get("q"), Some("50%"));
        assert_eq!(params.get("d"), Some("é"));
        assert_eq!(params.get("e"), None);
        assert!(Params::parse("a=%FF", &[]).is_err());
        assert!(Params::parse("a=1&b=2&%61=1", &[]).is_err());
    }
}
