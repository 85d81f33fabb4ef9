//! Pages of lists in which rows have a part.
//!
//! * `resources`: which resources
//! * `subjects`: which subjects
//! * `order`: the order of rows

mod order;
mod resources;
mod subjects;

use rowgate_engine::query::Row;
use rowgate_engine::query::page::{Page, RowKey};
use rowgate_engine::query::text::{Query, Select};
use rowgate_engine::{Ambient, Subject, View};
use serde_json::Value;

use crate::Result;
use crate::reader::Reader;
use resources::Resources;
use subjects::subjects;

/// A row of a list, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Type, id and relation.
    pub key: RowKey,
    /// The warrant or the edge of a row that ends the chain; `None` when it holds by a policy or `none_of` alone.
    pub warrant: Option<ListedWarrant>,
    /// Whether rules were needed.
    pub is_implicit: bool,
    /// The metadata of the resource.
    pub meta: Option<Value>,
}

/// A warrant, or the edge of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedWarrant {
    /// Type and id of the resource, and the relation.
    pub on: RowKey,
    /// Type of the subject.
    pub subject_type: String,
    /// Id of the subject.
    pub subject_id: String,
    /// Relation of the subject, for a group.
    pub subject_relation: Option<String>,
    /// Policy text.
    pub policy: Option<String>,
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct List {
    /// The rows in the requested order.
    pub rows: Vec<Listed>,
    /// Whether there are more beyond the page in the direction of reading.
    pub more: bool,
    /// Context keys that were missing where something stayed unknown.
    pub missing: Vec<String>,
    /// What was wrong with them, in words.
    pub problems: Vec<String>,
}

/// Answers a query in which rows have a part. For a thread that may block.
///
/// # Errors
/// Those of reading; [`Error::Unsupported`] for what one statement cannot list.
pub fn query(reader: &Reader<'_>, query: &Query, page: &Page, ambient: &Ambient<'_>) -> Result<List> {
    match &query.select {
        Select::Resources {
            types,
            subject,
            relations,
        } => Resources {
            reader,
            relations,
            subject: Subject {
                resource_type: &subject.resource_type,
                id: &subject.id,
                relation: None,
            },
            explicit: query.explicit,
            ambient,
        }
        .page(types, page),
        Select::Subjects {
            relations,
            types,
            resource,
        } => subjects(reader, query, (relations, types, resource), page, ambient),
    }
}

impl Listed {
    fn of(view: &View<'_>, row: &Row) -> Self {
        let graph = view.graph;
        let key = |object, relation| RowKey {
            resource_type: graph.name(graph.type_of(object)).to_owned(),
            id: graph.id_of(object).to_owned(),
            relation: graph.name(relation).to_owned(),
        };
        let warrant = row
            .warrant
            .and_then(|warrant| graph.warrant(warrant))
            .map(|stored| {
                let subject = key(stored.subject, stored.relation);
                let group = Some(stored.subject_relation).filter(|relation| !relation.is_none());
                ListedWarrant {
                    on: key(stored.resource, stored.relation),
                    subject_type: subject.resource_type,
                    subject_id: subject.id,
                    subject_relation: group.map(|relation| graph.name(relation).to_owned()),
                    policy: graph.policy(stored.policy).map(|policy| policy.text().to_owned()),
                }
            });
        Self {
            key: key(row.object, row.relation),
            warrant,
            is_implicit: row.is_implicit,
            meta: graph
                .resource(row.object)
                .and_then(|resource| resource.meta)
                .cloned(),
        }
    }
}
