//! Warrants: as written, as listed.

use rowgate_environment::{Op, Warrant};
use rowgate_graph::{Snapshot, Symbol, WarrantRef};
use serde::{Deserialize, Serialize};

use super::text::{Object, Text, given, owned};
use crate::error::{ApiError, Result};

/// A subject in a request.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct SubjectIn<'a> {
    pub(crate) resource_type: Option<Text<'a>>,
    pub(crate) resource_id: Option<Text<'a>>,
    pub(crate) relation: Option<Text<'a>>,
}

/// A warrant to create or delete.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct WarrantIn<'a> {
    op: Option<Text<'a>>,
    resource_type: Option<Text<'a>>,
    resource_id: Option<Text<'a>>,
    relation: Option<Text<'a>>,
    subject: Option<Object<SubjectIn<'a>>>,
    policy: Option<Text<'a>>,
    context: Option<serde::de::IgnoredAny>,
    pub(crate) created_at: Option<Text<'a>>,
    /// In an import: the schema would refuse it, and it is to be kept all the same.
    pub(crate) leftover: Option<bool>,
}

impl WarrantIn<'_> {
    /// The write that it stands for. `place` is put before the names of parameters in errors.
    pub(crate) fn read(&self, place: &str) -> Result<(Op, Warrant)> {
        let op = match given(&self.op) {
            None | Some("create") => Op::Create,
            Some("delete") => Op::Delete,
            Some(_) => {
                return Err(ApiError::invalid(
                    format!("{place}op"),
                    "must be `create` or `delete`",
                ));
            }
        };
        if self.context.is_some() {
            let message = "a warrant has no context; give the context with each check, and put conditions in the policy";
            return Err(ApiError::invalid(format!("{place}context"), message));
        }
        let required = |text: &Option<Text<'_>>, name: &str| {
            owned(text).ok_or_else(|| ApiError::missing(format!("{place}{name}")))
        };
        let resource_type = required(&self.resource_type, "resource_type")?;
        let resource_id = required(&self.resource_id, "resource_id")?;
        let relation = required(&self.relation, "relation")?;
        let Object(subject) = self
            .subject
            .as_ref()
            .ok_or_else(|| ApiError::missing(format!("{place}subject")))?;
        let warrant = Warrant {
            resource_type,
            resource_id,
            relation,
            subject_type: required(&subject.resource_type, "subject.resource_type")?,
            subject_id: required(&subject.resource_id, "subject.resource_id")?,
            subject_relation: owned(&subject.relation),
            policy: owned(&self.policy),
        };
        Ok((op, warrant))
    }
}

/// A subject in an answer.
#[derive(Debug, Serialize)]
pub(crate) struct SubjectOut<'a> {
    pub(crate) resource_type: &'a str,
    pub(crate) resource_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relation: Option<&'a str>,
}

/// A warrant in an answer.
#[derive(Debug, Serialize)]
pub(crate) struct WarrantOut<'a> {
    pub(crate) resource_type: &'a str,
    pub(crate) resource_id: &'a str,
    pub(crate) relation: &'a str,
    pub(crate) subject: SubjectOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<&'a str>,
}

impl<'a> WarrantOut<'a> {
    pub(crate) fn stored(graph: &'a Snapshot, row: &WarrantRef) -> Self {
        let relation = |symbol: Symbol| (!symbol.is_none()).then(|| graph.name(symbol));
        Self {
            resource_type: graph.name(graph.type_of(row.resource)),
            resource_id: graph.id_of(row.resource),
            relation: graph.name(row.relation),
            subject: SubjectOut {
                resource_type: graph.name(graph.type_of(row.subject)),
                resource_id: graph.id_of(row.subject),
                relation: relation(row.subject_relation),
            },
            policy: graph.policy(row.policy).map(rowgate_graph::WarrantPolicy::text),
        }
    }
}

/// What a write of warrants answers.
#[derive(Debug, Serialize)]
pub(crate) struct TokenOut {
    pub(crate) warrant_token: String,
}
