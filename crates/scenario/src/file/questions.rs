//! Questions, each with the answer that it must get.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use super::entries::{RowEntry, warrant};
use crate::notation::Tuple;
use crate::scenario::{
    Check, CheckCase, Expect, ExpectedError, JsonObject, Order, Query, QueryCase, Refused, Value,
};

/// A warrant that must be refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefusedEntry {
    warrant: String,
    policy: Option<String>,
    code: Option<String>,
    parameter: Option<String>,
    message: Option<String>,
}

/// A check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckEntry {
    name: Option<String>,
    check: Tuple,
    #[serde(default)]
    context: JsonObject,
    claims: Option<JsonObject>,
    expect: Option<ValueEntry>,
    error: Option<ErrorEntry>,
    implicit: Option<bool>,
    missing: Option<Vec<String>>,
    #[serde(default)]
    because: Vec<String>,
}

/// A query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryEntry {
    query: String,
    #[serde(default)]
    context: JsonObject,
    order: Option<OrderEntry>,
    page: Option<usize>,
    expect: Option<Vec<RowEntry>>,
    error: Option<ErrorEntry>,
    missing: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorEntry {
    code: Option<String>,
    parameter: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum OrderEntry {
    Asc,
    Desc,
}

/// `true`, `false` or `unknown`.
struct ValueEntry(Value);

impl<'de> Deserialize<'de> for ValueEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Three;
        impl Visitor<'_> for Three {
            type Value = ValueEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false` or `unknown`")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<ValueEntry, E> {
                Ok(ValueEntry(if value { Value::True } else { Value::False }))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ValueEntry, E> {
                match text {
                    "true" => Ok(ValueEntry(Value::True)),
                    "false" => Ok(ValueEntry(Value::False)),
                    "unknown" => Ok(ValueEntry(Value::Unknown)),
                    _ => Err(E::custom(format!(
                        "`{text}` is not an answer; write `true`, `false` or `unknown`"
                    ))),
                }
            }
        }
        deserializer.deserialize_any(Three)
    }
}

impl ErrorEntry {
    fn into_error(self) -> ExpectedError {
        ExpectedError {
            code: self.code,
            parameter: self.parameter,
            message: self.message,
        }
    }
}

impl RefusedEntry {
    pub(super) fn into_refused(self) -> Result<Refused, String> {
        let warrant = warrant(&self.warrant, self.policy)?;
        let error = ExpectedError {
            code: self.code,
            parameter: self.parameter,
            message: self.message,
        };
        Ok(Refused { warrant, error })
    }
}

/// The context of a stage, with that of a case laid over it.
fn over(default: &JsonObject, own: JsonObject) -> JsonObject {
    let mut context = default.clone();
    context.extend(own);
    context
}

fn expectation<T>(answer: Option<T>, error: Option<ErrorEntry>) -> Result<Expect<T>, String> {
    match (answer, error) {
        (Some(answer), None) => Ok(Expect::Answer(answer)),
        (None, Some(error)) => Ok(Expect::Error(error.into_error())),
        (None, None) => {
            Err("no answer is expected; add `expect`, or `error` if there must be one".to_owned())
        }
        (Some(_), Some(_)) => Err("both `expect` and `error` are given; keep one".to_owned()),
    }
}

impl CheckEntry {
    pub(super) fn into_case(self, default: &JsonObject) -> Result<CheckCase, String> {
        let subject = &self.check.subject;
        if self.claims.is_some() && (subject.object.resource_type != "user" || subject.relation.is_some()) {
            return Err("a token stands for a user; with `claims` the subject must be `user:ID`".to_owned());
        }
        Ok(CheckCase {
            name: self.name,
            check: Check {
                tuple: self.check,
                context: over(default, self.context),
                claims: self.claims,
            },
            expect: expectation(self.expect.map(|value| value.0), self.error)?,
            implicit: self.implicit,
            missing: self.missing,
            because: self.because,
        })
    }
}

impl QueryEntry {
    pub(super) fn into_case(self, default: &JsonObject) -> Result<QueryCase, String> {
        let order = self.order.map(|order| match order {
            OrderEntry::Asc => Order::Asc,
            OrderEntry::Desc => Order::Desc,
        });
        let rows = self
            .expect
            .map(|rows| rows.into_iter().map(|row| row.0).collect());
        Ok(QueryCase {
            query: Query {
                text: self.query,
                context: over(default, self.context),
                order,
                page: self.page,
            },
            expect: expectation(rows, self.error)?,
            missing: self.missing,
        })
    }
}
