//! What a token says about the one who brings it.

use std::fmt;

use serde_json::{Map, Value};

use crate::TokenError;

/// The claims of a token. Names and values are the issuer's.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Claims(Map<String, Value>);

/// Names only: values are somebody's.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Claims {
    pub(crate) fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// All of them, for `jwt_claim` in policies.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// A claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim, if it is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// `org_id`: the organization that the session is for.
    pub fn organization(&self) -> Option<&str> {
        self.text("org_id")
    }

    /// `sid`: the session.
    pub fn session(&self) -> Option<&str> {
        self.text("sid")
    }

    /// `role` and `roles`: the roles that the user has in the organization, in the issuer's order.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        let first = self.text("role");
        let others = self.texts("roles").filter(move |role| Some(*role) != first);
        first.into_iter().chain(others)
    }

    /// `permissions`: what the user may do in the whole organization.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.texts("permissions")
    }

    /// The strings of a claim that is a list.
    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let list = self.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// A moment in seconds since the Unix epoch. The standard allows fractions.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<f64>, TokenError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(seconds) if (0.0..MAX_SECONDS).contains(&seconds) => Ok(Some(seconds)),
                _ => Err(TokenError::claim(name, "is not a number of seconds since 1970")),
            },
        }
    }

    /// Whether the token is for one of those.
    pub(crate) fn is_for(&self, accepted: &[String]) -> Result<bool, TokenError> {
        let among = |audience: &str| accepted.iter().any(|accepted| accepted == audience);
        match self.get("aud") {
            None => Ok(false),
            Some(Value::String(audience)) => Ok(among(audience)),
            Some(Value::Array(audiences)) => {
                if !audiences.iter().all(Value::is_string) {
                    return Err(TokenError::claim("aud", "has something other than strings"));
                }
                Ok(audiences.iter().filter_map(Value::as_str).any(among))
            }
            Some(_) => Err(TokenError::claim(
                "aud",
                "is neither a string nor a list of strings",
            )),
        }
    }
}

/// The year 9999. What lies beyond is a number of milliseconds taken for seconds, or a mistake.
const MAX_SECONDS: f64 = 253_402_300_800.0;
