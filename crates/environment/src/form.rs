//! What can be told of a write before it is queued, on the thread of whoever brings it: all writers wait for the thread that
//! prepares, so it is left what needs the state.

use rowgate_engine::names::{MAX_ID, MAX_NAME, is_id, is_name};
use rowgate_policy::{Policy, PolicyError};
use rowgate_schema::ast::Schema;
use serde_json::{Map, Value};
use std::collections::HashMap;

use crate::write::{
    ImportedWarrant, MAX_BATCH, MAX_META, NewResource, Op, SchemaEdit, StoredResource, Transaction, Warrant,
    Write,
};
use crate::{Error, Result, reserved};

/// A write whose names, ids, lengths and policies are all right. It can be prepared again when others got ahead of it.
#[derive(Clone)]
pub(crate) enum Form {
    Warrants(Vec<Entry>),
    CreateResources(Vec<Resource>),
    DeleteResources(Vec<(String, String)>),
    UpdateResource(Resource),
    Schema(SchemaEdit),
    Transaction(Transaction),
    Import {
        schema: Option<Schema>,
        resources: Vec<Resource>,
        warrants: Vec<Entry>,
        audit: Option<String>,
    },
}

/// A warrant to create or delete.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) op: Op,
    pub(crate) warrant: Warrant,
    /// Now when absent.
    pub(crate) created_at: Option<i64>,
    /// See [`ImportedWarrant::leftover`].
    pub(crate) leftover: bool,
    /// What an entry before this one does to the same warrant; the last one that there is.
    pub(crate) before: Option<Op>,
    /// No entry after this one concerns the same warrant.
    pub(crate) last: bool,
}

/// A resource to create or update.
#[derive(Clone)]
pub(crate) struct Resource {
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    pub(crate) meta: Option<Meta>,
    /// Now when absent.
    pub(crate) created_at: Option<i64>,
}

/// Metadata, and what it is stored as.
#[derive(Clone)]
pub(crate) struct Meta {
    pub(crate) value: Value,
    pub(crate) text: String,
}

impl Form {
    /// Checks the form of a write.
    pub(crate) fn of(write: Write) -> Result<Self> {
        Ok(match write {
            Write::Warrants(warrants) => {
                limit_batch("warrants", warrants.len())?;
                each(&warrants, |(_, warrant)| &warrant.resource_type)?;
                Self::Warrants(entries(warrants)?)
            }
            Write::CreateResources(resources) => {
                limit_batch("resources", resources.len())?;
                each(&resources, |new| &new.resource_type)?;
                Self::CreateResources(resources.into_iter().map(created).collect::<Result<_>>()?)
            }
            Write::DeleteResources(resources) => {
                limit_batch("resources", resources.len())?;
                each(&resources, |(resource_type, _)| resource_type)?;
                Self::DeleteResources(resources)
            }
            Write::UpdateResource {
                resource_type,
                resource_id,
                meta,
            } => {
                reserved::may_write(&resource_type)?;
                Self::UpdateResource(Resource {
                    resource_type,
                    resource_id,
                    meta: meta.map(Meta::of).transpose()?,
                    created_at: None,
                })
            }
            Write::Schema(edit) => Self::Schema(edit),
            Write::Transaction(run) => Self::Transaction(run),
            Write::Import {
                schema,
                resources,
                warrants,
                audit,
            } => Self::Import {
                schema,
                resources: resources.into_iter().map(imported).collect::<Result<_>>()?,
                warrants: imported_entries(warrants)?,
                audit,
            },
        })
    }
}

/// Whether every entry of a batch is of a type that may be written.
fn each<T>(entries: &[T], resource_type: impl Fn(&T) -> &String) -> Result<()> {
    entries
        .iter()
        .try_for_each(|entry| reserved::may_write(resource_type(entry)))
}

fn limit_batch(parameter: &str, len: usize) -> Result<()> {
    match len {
        0 => Err(Error::invalid(parameter, "the batch is empty")),
        1..=MAX_BATCH => Ok(()),
        _ => Err(Error::invalid(
            parameter,
            format!("the batch has {len} entries; at most {MAX_BATCH} are allowed"),
        )),
    }
}

fn entries(warrants: Vec<(Op, Warrant)>) -> Result<Vec<Entry>> {
    let mut compiled: Option<&str> = None;
    for (op, warrant) in &warrants {
        form(warrant)?;
        if *op == Op::Create {
            compiles(warrant, &mut compiled)?;
        }
    }
    let entry = |(op, warrant)| Entry {
        op,
        warrant,
        created_at: None,
        leftover: false,
        before: None,
        last: true,
    };
    Ok(related(warrants.into_iter().map(entry).collect()))
}

fn imported_entries(warrants: Vec<ImportedWarrant>) -> Result<Vec<Entry>> {
    let mut compiled: Option<&str> = None;
    for ImportedWarrant { warrant, .. } in &warrants {
        form(warrant)
            .and_then(|()| compiles(warrant, &mut compiled))
            .map_err(|error| naming(warrant, error))?;
    }
    let entry = |imported: ImportedWarrant| Entry {
        op: Op::Create,
        warrant: imported.warrant,
        created_at: imported.created_at,
        leftover: imported.leftover,
        before: None,
        last: true,
    };
    Ok(related(warrants.into_iter().map(entry).collect()))
}

/// Notes which entries concern the same warrant.
fn related(mut entries: Vec<Entry>) -> Vec<Entry> {
    for (before, after) in repeats(&entries) {
        entries[before].last = false;
        entries[after].before = Some(entries[before].op);
    }
    entries
}

/// Pairs of neighbours among the entries of one warrant.
fn repeats(entries: &[Entry]) -> Vec<(usize, usize)> {
    let mut latest: HashMap<&Warrant, usize> = HashMap::with_capacity(entries.len());
    let mut pairs = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(before) = latest.insert(&entry.warrant, at) {
            pairs.push((before, at));
        }
    }
    pairs
}

/// An import says which of its many warrants it is that is wrong.
pub(crate) fn naming(warrant: &Warrant, error: Error) -> Error {
    match error {
        Error::Invalid { parameter, message } => Error::Invalid {
            parameter,
            message: format!("{warrant}: {message}"),
        },
        error => error,
    }
}

fn created(new: NewResource) -> Result<Resource> {
    let id = new.resource_id.filter(|id| !id.is_empty());
    let id = id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    resource(&new.resource_type, &id)?;
    Ok(Resource {
        resource_type: new.resource_type,
        resource_id: id,
        meta: new.meta.map(Meta::of).transpose()?,
        created_at: None,
    })
}

fn imported((new, created_at): (NewResource, Option<i64>)) -> Result<Resource> {
    let id = new.resource_id.unwrap_or_default();
    resource(&new.resource_type, &id)?;
    Ok(Resource {
        resource_type: new.resource_type,
        resource_id: id,
        meta: new.meta.map(Meta::of).transpose()?,
        created_at,
    })
}

impl Meta {
    fn of(meta: Map<String, Value>) -> Result<Self> {
        let value = Value::Object(meta);
        let text = value.to_string();
        if text.len() > MAX_META {
            let message = format!(
                "the metadata is {} bytes of JSON; at most {MAX_META} are allowed",
                text.len()
            );
            return Err(Error::invalid("meta", message));
        }
        Ok(Self { value, text })
    }
}

impl Resource {
    /// As it will be stored.
    pub(crate) fn stored(&self, created_at: i64) -> StoredResource {
        StoredResource {
            resource_type: self.resource_type.clone(),
            resource_id: self.resource_id.clone(),
            meta: self.meta.as_ref().map(|meta| meta.value.clone()),
            created_at,
        }
    }
}

/// The form of a warrant, which does not depend on the schema.
fn form(warrant: &Warrant) -> Result<()> {
    if warrant.resource_id == "*" {
        let message =
            "a warrant is on one resource; `*` stands for all subjects of a type and not for resources";
        return Err(Error::invalid("resource_id", message));
    }
    resource(&warrant.resource_type, &warrant.resource_id)?;
    name("relation", &warrant.relation)?;
    name("subject.resource_type", &warrant.subject_type)?;
    if warrant.subject_id == "*" {
        if warrant.subject_relation.is_some() {
            let message = "a wildcard subject cannot have a relation";
            return Err(Error::invalid("subject.relation", message));
        }
    } else {
        id("subject.resource_id", &warrant.subject_id)?;
    }
    match &warrant.subject_relation {
        Some(relation) => name("subject.relation", relation),
        None => Ok(()),
    }
}

/// Whether the policy of a warrant compiles. `known` is the last one that did: many warrants of a batch have the same.
fn compiles<'a>(warrant: &'a Warrant, known: &mut Option<&'a str>) -> Result<()> {
    let policy = warrant.policy.as_deref();
    if policy.is_none() || policy == *known {
        return Ok(());
    }
    let text = policy.unwrap_or_default();
    if text.contains('\0') {
        // No database keeps it in a text.
        return Err(Error::invalid(
            "policy",
            "the policy contains a NUL character; write `\\x00` for it",
        ));
    }
    Policy::compile_warrant(text).map_err(|error| Error::invalid("policy", refused_policy(text, &error)))?;
    *known = policy;
    Ok(())
}

/// The text and the place in it, unless the text is too long to send back.
fn refused_policy(policy: &str, error: &PolicyError) -> String {
    const SHOWN: usize = 2_000;
    if policy.len() > SHOWN {
        return format!("error validating a policy of {} bytes: {error}", policy.len());
    }
    format!(
        "error validating policy '{policy}': {error}\n{}",
        error.snippet(policy)
    )
}

/// A resource's type and id.
fn resource(resource_type: &str, resource_id: &str) -> Result<()> {
    name("resource_type", resource_type)?;
    id("resource_id", resource_id)
}

fn name(parameter: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::Missing {
            parameter: parameter.into(),
        });
    }
    if !is_name(text) {
        let message =
            format!("can only contain letters, digits, '-' and '_', and at most {MAX_NAME} of them");
        return Err(Error::invalid(parameter, message));
    }
    Ok(())
}

fn id(parameter: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::Missing {
            parameter: parameter.into(),
        });
    }
    if !is_id(text) {
        let what = "can only contain letters, digits and - _ . @ | : + / = ~ %";
        return Err(Error::invalid(
            parameter,
            format!("{what}, and at most {MAX_ID} of them"),
        ));
    }
    Ok(())
}
