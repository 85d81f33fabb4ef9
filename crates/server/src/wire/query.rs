//! Queries: as answered.

use rowgate_engine::query::Row;
use rowgate_engine::query::text::{Query, Select};
use rowgate_graph::Snapshot;
use rowgate_rows::list::Listed;
use serde::Serialize;
use serde_json::Value;

use super::warrant::{SubjectOut, WarrantOut};

/// One row of a query's answer.
#[derive(Debug, Serialize)]
pub(crate) struct RowOut<'a> {
    pub(crate) resource_type: &'a str,
    pub(crate) resource_id: &'a str,
    pub(crate) relation: &'a str,
    warrant: WarrantOut<'a>,
    is_implicit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Value>,
}

impl<'a> RowOut<'a> {
    pub(crate) fn new(graph: &'a Snapshot, query: &'a Query, row: &Row) -> Self {
        let resource_type = graph.name(graph.type_of(row.object));
        let resource_id = graph.id_of(row.object);
        let relation = graph.name(row.relation);
        let stored = row.warrant.and_then(|warrant| graph.warrant(warrant));
        let warrant = match stored {
            Some(warrant) => WarrantOut::stored(graph, warrant),
            // A row that holds by `none_of` or by a policy alone has no warrant, and clients require one: its own tuple.
            None => own_tuple(query, resource_type, resource_id, relation),
        };
        let meta = graph.resource(row.object).and_then(|resource| resource.meta);
        let meta = meta.filter(|meta| meta.as_object().is_none_or(|meta| !meta.is_empty()));
        Self {
            resource_type,
            resource_id,
            relation,
            warrant,
            is_implicit: row.is_implicit,
            meta,
        }
    }
}

impl<'a> RowOut<'a> {
    /// A row of a list in which rows of tables have a part.
    pub(crate) fn listed(query: &'a Query, row: &'a Listed) -> Self {
        let (resource_type, resource_id, relation) = (
            row.key.resource_type.as_str(),
            row.key.id.as_str(),
            row.key.relation.as_str(),
        );
        let warrant = match &row.warrant {
            Some(warrant) => WarrantOut {
                resource_type: &warrant.on.resource_type,
                resource_id: &warrant.on.id,
                relation: &warrant.on.relation,
                subject: SubjectOut {
                    resource_type: &warrant.subject_type,
                    resource_id: &warrant.subject_id,
                    relation: warrant.subject_relation.as_deref(),
                },
                policy: warrant.policy.as_deref(),
            },
            None => own_tuple(query, resource_type, resource_id, relation),
        };
        let meta = row.meta.as_ref();
        let meta = meta.filter(|meta| meta.as_object().is_none_or(|meta| !meta.is_empty()));
        Self {
            resource_type,
            resource_id,
            relation,
            warrant,
            is_implicit: row.is_implicit,
            meta,
        }
    }
}

fn own_tuple<'a>(query: &'a Query, row_type: &'a str, row_id: &'a str, relation: &'a str) -> WarrantOut<'a> {
    let (resource_type, resource_id, subject_type, subject_id) = match &query.select {
        Select::Resources { subject, .. } => (
            row_type,
            row_id,
            subject.resource_type.as_str(),
            subject.id.as_str(),
        ),
        Select::Subjects { resource, .. } => (
            resource.resource_type.as_str(),
            resource.id.as_str(),
            row_type,
            row_id,
        ),
    };
    WarrantOut {
        resource_type,
        resource_id,
        relation,
        subject: SubjectOut {
            resource_type: subject_type,
            resource_id: subject_id,
            relation: None,
        },
        policy: None,
    }
}
