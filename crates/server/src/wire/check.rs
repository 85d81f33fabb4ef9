//! Checks: as asked, as answered.

use rowgate_engine::{Check, Subject};
use rowgate_policy::Context;
use serde::{Deserialize, Serialize};

use super::keyed::keyed;
use super::names;
use super::text::{AtMost, Object, Text, given};
use super::tree::{ExplanationOut, NodeOut};
use super::warrant::SubjectIn;
use crate::error::{ApiError, Result};
use crate::identity::User;

/// Most checks of one request.
pub(crate) const MAX_CHECKS: usize = 100;

/// A request for checks.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct CheckIn<'a> {
    op: Option<Text<'a>>,
    checks: Option<AtMost<Object<OneCheck<'a>>, MAX_CHECKS>>,
    debug: Option<bool>,
}

/// One check of a request.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct OneCheck<'a> {
    resource_type: Option<Text<'a>>,
    resource_id: Option<Text<'a>>,
    relation: Option<Text<'a>>,
    subject: Option<Object<SubjectIn<'a>>>,
    #[serde(default, deserialize_with = "keyed")]
    context: Option<Context>,
}

/// How the checks of a request make one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckOp {
    /// Exactly one check.
    Single,
    /// One yes is enough.
    AnyOf,
    /// Every one must be a yes.
    AllOf,
    /// An answer to each.
    Batch,
}

impl<'a> CheckIn<'a> {
    /// The checks, their operator, and whether they are to be explained.
    pub(crate) fn read(self) -> Result<(CheckOp, Vec<Object<OneCheck<'a>>>, bool)> {
        let op = match given(&self.op) {
            None => CheckOp::Single,
            Some("any_of") => CheckOp::AnyOf,
            Some("all_of") => CheckOp::AllOf,
            Some("batch") => CheckOp::Batch,
            Some(_) => return Err(ApiError::invalid("op", "must be `any_of`, `all_of` or `batch`")),
        };
        let checks = self.checks.ok_or_else(|| ApiError::missing("checks"))?;
        if checks.total == 0 {
            return Err(ApiError::invalid("checks", "must have at least one check"));
        }
        if checks.total > MAX_CHECKS {
            let message = format!(
                "there are {} checks; at most {MAX_CHECKS} are allowed",
                checks.total
            );
            return Err(ApiError::invalid("checks", message));
        }
        if op == CheckOp::Single && checks.total > 1 {
            return Err(ApiError::invalid(
                "op",
                "several checks need `op`: `any_of`, `all_of` or `batch`",
            ));
        }
        Ok((op, checks.items, self.debug.unwrap_or(false)))
    }
}

impl OneCheck<'_> {
    /// The question that check number `index` asks.
    /// A user who asks with a token asks about nobody else.
    pub(crate) fn question<'q>(&'q self, index: usize, user: Option<&'q User>) -> Result<Check<'q>> {
        let at = |field: &str| format!("checks[{index}].{field}");
        let missing = |field: &str| ApiError::missing(at(field));
        let resource_type = given(&self.resource_type).ok_or_else(|| missing("resource_type"))?;
        let resource_id = given(&self.resource_id).ok_or_else(|| missing("resource_id"))?;
        let relation = given(&self.relation).ok_or_else(|| missing("relation"))?;
        let subject = match user {
            Some(user) => self.own_subject(index, user)?,
            None => self.given_subject(index)?,
        };
        Ok(Check {
            resource_type: names::name(resource_type, || at("resource_type"))?,
            resource_id: names::id(resource_id, || at("resource_id"))?,
            relation: names::name(relation, || at("relation"))?,
            subject,
        })
    }

    fn given_subject(&self, index: usize) -> Result<Subject<'_>> {
        let at = |field: &str| format!("checks[{index}].subject{field}");
        let missing = |field: &str| ApiError::missing(at(field));
        let Object(subject) = self.subject.as_ref().ok_or_else(|| missing(""))?;
        let subject_type = given(&subject.resource_type).ok_or_else(|| missing(".resource_type"))?;
        let subject_id = given(&subject.resource_id).ok_or_else(|| missing(".resource_id"))?;
        Ok(Subject {
            resource_type: names::name(subject_type, || at(".resource_type"))?,
            id: names::subject_id(subject_id, || at(".resource_id"))?,
            relation: given(&subject.relation)
                .map(|name| names::name(name, || at(".relation")))
                .transpose()?,
        })
    }

    /// The subject that the token stands for. An id that a token gives is never the wildcard.
    fn own_subject<'q>(&'q self, index: usize, user: &'q User) -> Result<Subject<'q>> {
        let id = user.identity.subject();
        if let Some(Object(subject)) = &self.subject {
            let named = (given(&subject.resource_type), given(&subject.resource_id));
            if named != (Some(&user.subject_type), Some(id)) || given(&subject.relation).is_some() {
                return Err(ApiError::Forbidden(
                    "a user's token asks about its own user only; leave `subject` out",
                ));
            }
        }
        Ok(Subject {
            resource_type: &user.subject_type,
            id: names::id(id, || format!("checks[{index}].subject.resource_id"))?,
            relation: None,
        })
    }

    pub(crate) fn context(&self) -> Option<&Context> {
        self.context.as_ref()
    }
}

/// The answer to a check.
#[derive(Debug, Serialize)]
pub(crate) struct CheckOut<'a> {
    pub(crate) result: &'static str,
    pub(crate) is_implicit: bool,
    pub(crate) warrant_token: &'a str,
    pub(crate) operations_consumed: Operations,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) debug_info: Option<DebugInfo>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<Warning>,
}

/// How much an answer took.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(crate) struct Operations {
    pub(crate) total: u64,
}

/// How a decision came about.
#[derive(Debug, Serialize)]
pub(crate) struct DebugInfo {
    /// Nanoseconds.
    pub(crate) processing_time: u64,
    pub(crate) decision_tree: NodeOut,
    pub(crate) explanation: ExplanationOut,
}

/// Something that the caller should know about an answer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Warning {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) keys: Vec<String>,
}

impl Warning {
    /// Context keys were missing or had the wrong type, and it made a difference.
    pub(crate) fn missing_context(keys: Vec<String>, problems: &[String]) -> Self {
        let what = if keys.is_empty() {
            "a policy could not be decided".to_owned()
        } else {
            format!("the context lacks, or has ill-typed: {}", keys.join(", "))
        };
        let message = if problems.is_empty() {
            what
        } else {
            format!("{what} ({})", problems.join("; "))
        };
        Self {
            code: "missing_context_keys",
            message,
            keys,
        }
    }
}

/// `authorized` or `not_authorized`.
pub(crate) fn result(granted: bool) -> &'static str {
    if granted { "authorized" } else { "not_authorized" }
}
