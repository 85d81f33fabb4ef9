//! Resources: as written, as listed.

use rowgate_environment::{NewResource, StoredResource};
use rowgate_graph::{Resource, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::keyed::keyed;
use super::text::{AtMost, Object, Text, owned};
use super::time;
use crate::error::{ApiError, Result};

/// Most resources of a batch.
pub(crate) const MAX_BATCH: usize = rowgate_environment::write::MAX_BATCH;

/// A resource to create or delete.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct ResourceIn<'a> {
    resource_type: Option<Text<'a>>,
    resource_id: Option<Text<'a>>,
    #[serde(default, deserialize_with = "keyed")]
    meta: Option<Map<String, Value>>,
    pub(crate) created_at: Option<Text<'a>>,
}

impl ResourceIn<'_> {
    /// To create; an id is generated when there is none.
    pub(crate) fn create(self, place: &str) -> Result<NewResource> {
        let resource_type =
            owned(&self.resource_type).ok_or_else(|| ApiError::missing(format!("{place}resource_type")))?;
        Ok(NewResource {
            resource_type,
            resource_id: owned(&self.resource_id),
            meta: self.meta,
        })
    }

    /// To name.
    pub(crate) fn name(&self, place: &str) -> Result<(String, String)> {
        let required = |text: &Option<Text<'_>>, name: &str| {
            owned(text).ok_or_else(|| ApiError::missing(format!("{place}{name}")))
        };
        Ok((
            required(&self.resource_type, "resource_type")?,
            required(&self.resource_id, "resource_id")?,
        ))
    }
}

/// New metadata of a resource.
#[derive(Debug, Deserialize)]
pub(crate) struct MetaIn {
    #[serde(default, deserialize_with = "keyed")]
    pub(crate) meta: Option<Map<String, Value>>,
}

/// A batch.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct BatchIn<'a> {
    pub(crate) op: Option<Text<'a>>,
    pub(crate) resources: Option<AtMost<Object<ResourceIn<'a>>, MAX_BATCH>>,
}

/// A resource in an answer.
#[derive(Debug, Serialize)]
pub(crate) struct ResourceOut<'a> {
    resource_type: &'a str,
    resource_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Value>,
    created_at: String,
}

impl<'a> ResourceOut<'a> {
    pub(crate) fn stored(graph: &'a Snapshot, resource: &Resource<'a>) -> Self {
        Self {
            resource_type: graph.name(resource.resource_type),
            resource_id: resource.id,
            meta: resource.meta,
            created_at: time(resource.created_at),
        }
    }
}

impl<'a> From<&'a StoredResource> for ResourceOut<'a> {
    fn from(resource: &'a StoredResource) -> Self {
        Self {
            resource_type: &resource.resource_type,
            resource_id: &resource.resource_id,
            meta: resource.meta.as_ref(),
            created_at: time(resource.created_at),
        }
    }
}

/// What a batch answers.
#[derive(Debug, Serialize)]
pub(crate) struct BatchOut<'a> {
    pub(crate) data: Vec<ResourceOut<'a>>,
}
