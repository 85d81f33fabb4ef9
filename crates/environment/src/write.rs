//! What can be written to an environment, and what comes back.

use std::sync::Arc;

use rowgate_graph::Snapshot;
use rowgate_schema::ast::Schema;
use rowgate_schema::{Diagnostic, Model};
use rowgate_store::{Change, WarrantKey};
use serde_json::{Map, Value};

use crate::Result;

/// Most entries in one batch.
pub const MAX_BATCH: usize = 100;

/// Largest metadata of a resource, in bytes of JSON.
pub const MAX_META: usize = 50_000;

/// A warrant in words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Warrant {
    /// Type of the resource.
    pub resource_type: String,
    /// Id of the resource.
    pub resource_id: String,
    /// Relation that the subject has.
    pub relation: String,
    /// Type of the subject.
    pub subject_type: String,
    /// Id of the subject; `*` for all of the type.
    pub subject_id: String,
    /// Relation of the subject, for a group.
    pub subject_relation: Option<String>,
    /// Policy text.
    pub policy: Option<String>,
}

/// Create or delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Create; it is no error if it is there already.
    Create,
    /// Delete; it is an error if it is not there.
    Delete,
}

/// A resource to create.
#[derive(Debug, Clone, PartialEq)]
pub struct NewResource {
    /// Its type.
    pub resource_type: String,
    /// Its id; one is generated when absent.
    pub resource_id: Option<String>,
    /// Its metadata. An existing resource keeps its own when this is absent.
    pub meta: Option<Map<String, Value>>,
}

/// A resource as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResource {
    /// Its type.
    pub resource_type: String,
    /// Its id.
    pub resource_id: String,
    /// Its metadata.
    pub meta: Option<Value>,
    /// When it was created, microseconds since the Unix epoch.
    pub created_at: i64,
}

/// An edit of the schema, run against the newest one. It may be run again, against a later one, before it takes place.
pub type SchemaEdit = Arc<dyn Fn(&Schema) -> Result<Schema> + Send + Sync>;

/// Reads the newest state and says what to change in it. It may be run again, against a later state, before it takes place, and it keeps
/// all other writes waiting.
pub type Transaction = Arc<dyn Fn(&State<'_>) -> Result<Edit> + Send + Sync>;

/// The newest state, as the writer holds it.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// Warrants and resources.
    pub graph: &'a Snapshot,
    /// The schema.
    pub model: &'a Model,
    /// The time of the write, microseconds since the Unix epoch.
    pub now: i64,
}

/// What a transaction changes. It vouches for the changes: names, ids and policies are stored as they come.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// The new schema, if it changes.
    pub schema: Option<Schema>,
    /// Changes in order, none of them of the schema or of bindings. What is said to the audit log is among them.
    pub changes: Vec<Change>,
}

/// One write. It is carried out as a whole or not at all.
pub enum Write {
    /// Creates and deletes warrants, in order. At most [`MAX_BATCH`].
    Warrants(Vec<(Op, Warrant)>),
    /// Creates resources. At most [`MAX_BATCH`].
    CreateResources(Vec<NewResource>),
    /// Deletes resources, each with the warrants that name it. At most [`MAX_BATCH`].
    DeleteResources(Vec<(String, String)>),
    /// Replaces or clears the metadata of a resource.
    UpdateResource {
        /// Its type.
        resource_type: String,
        /// Its id.
        resource_id: String,
        /// Its new metadata.
        meta: Option<Map<String, Value>>,
    },
    /// Changes the schema.
    Schema(SchemaEdit),
    /// Whatever a transaction finds to change.
    Transaction(Transaction),
    /// Creates what an export contains. Warrants that are there stay as they are; metadata that comes replaces what is there.
    Import {
        /// Replaces the schema first.
        schema: Option<Schema>,
        /// Resources with their creation times, microseconds since the Unix epoch. None twice.
        resources: Vec<(NewResource, Option<i64>)>,
        /// Warrants.
        warrants: Vec<ImportedWarrant>,
        /// What the audit log is to say, if anything is changed: a JSON object.
        audit: Option<String>,
    },
}

/// A warrant of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedWarrant {
    /// The warrant.
    pub warrant: Warrant,
    /// When it was created, microseconds since the Unix epoch; now when absent.
    pub created_at: Option<i64>,
    /// It was stored under an earlier schema and the schema that comes with it would refuse it. It still counts, so an
    /// export has it; only one that says so is let in.
    pub leftover: bool,
}

/// What a write did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// The revision at which it can be read.
    pub revision: u64,
    /// The resources created, updated or deleted, in the order of the request.
    pub resources: Vec<StoredResource>,
    /// What is questionable in a new schema.
    pub warnings: Vec<Diagnostic>,
    /// How many resources and warrants were not there before.
    pub created: usize,
}

impl From<&WarrantKey> for Warrant {
    fn from(key: &WarrantKey) -> Self {
        let key = key.clone();
        Self {
            resource_type: key.resource_type,
            resource_id: key.resource_id,
            relation: key.relation,
            subject_type: key.subject_type,
            subject_id: key.subject_id,
            subject_relation: key.subject_relation,
            policy: key.policy,
        }
    }
}

impl From<Warrant> for WarrantKey {
    fn from(warrant: Warrant) -> Self {
        let Warrant {
            resource_type,
            resource_id,
            relation,
            subject_type,
            subject_id,
            subject_relation,
            policy,
        } = warrant;
        Self {
            resource_type,
            resource_id,
            relation,
            subject_type,
            subject_id,
            subject_relation,
            policy,
        }
    }
}

impl std::fmt::Display for Warrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            resource_type,
            resource_id,
            relation,
            subject_type,
            subject_id,
            ..
        } = self;
        write!(
            f,
            "{resource_type}:{resource_id}#{relation}@{subject_type}:{subject_id}"
        )?;
        if let Some(relation) = &self.subject_relation {
            write!(f, "#{relation}")?;
        }
        if let Some(policy) = &self.policy {
            write!(f, "[{policy}]")?;
        }
        Ok(())
    }
}
