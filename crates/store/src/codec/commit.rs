//! The bytes of a commit.

use super::DecodeError;
use super::bytes::{Reader, Writer};
use crate::{Change, Commit, EnvironmentId, Revision, Warrant, WarrantKey};

type Result<T> = std::result::Result<T, DecodeError>;

const SCHEMA: u8 = 1;
const PUT_RESOURCE: u8 = 2;
const DELETE_RESOURCE: u8 = 3;
const CREATE_WARRANT: u8 = 4;
const DELETE_WARRANT: u8 = 5;
const BINDINGS: u8 = 6;
const AUDIT: u8 = 7;

/// The shortest change: a tag, and a schema of no characters or no bindings.
const SHORTEST_CHANGE: usize = 2;

/// The bytes of a commit.
#[must_use]
pub fn encode_commit(commit: &Commit) -> Vec<u8> {
    let mut to = Writer::with_capacity(32 + commit.changes.len() * 96);
    to.varint(commit.environment.0.into());
    to.varint(commit.revision.get());
    to.i64(commit.at);
    to.varint(commit.changes.len() as u64);
    for change in &commit.changes {
        encode_change(&mut to, change);
    }
    to.seal()
}

/// The commit that was encoded as these bytes.
pub fn decode_commit(bytes: &[u8]) -> Result<Commit> {
    let mut from = Reader::unseal(bytes)?;
    let environment = EnvironmentId(from.varint32("environment")?);
    let revision = Revision::from_u64(from.varint("revision")?);
    let at = from.i64("time")?;
    let count = usize::try_from(from.varint("change count")?).unwrap_or(usize::MAX);
    if count > from.left() / SHORTEST_CHANGE {
        return Err(DecodeError::Malformed("change count"));
    }
    let mut changes = Vec::new();
    for _ in 0..count {
        changes.push(decode_change(&mut from)?);
    }
    from.end()?;
    Ok(Commit {
        environment,
        revision,
        at,
        changes,
    })
}

fn encode_change(to: &mut Writer, change: &Change) {
    match change {
        Change::Schema { json } => {
            to.u8(SCHEMA);
            to.string(json);
        }
        Change::Bindings { json } => {
            to.u8(BINDINGS);
            to.option(json.as_deref());
        }
        Change::PutResource {
            resource_type,
            resource_id,
            meta,
            created_at,
        } => {
            to.u8(PUT_RESOURCE);
            to.string(resource_type);
            to.string(resource_id);
            to.option(meta.as_deref());
            to.i64(*created_at);
        }
        Change::DeleteResource {
            resource_type,
            resource_id,
        } => {
            to.u8(DELETE_RESOURCE);
            to.string(resource_type);
            to.string(resource_id);
        }
        Change::CreateWarrant(warrant) => {
            to.u8(CREATE_WARRANT);
            encode_key(to, &warrant.key);
            to.i64(warrant.created_at);
        }
        Change::DeleteWarrant(key) => {
            to.u8(DELETE_WARRANT);
            encode_key(to, key);
        }
        Change::Audit { entry } => {
            to.u8(AUDIT);
            to.string(entry);
        }
    }
}

fn decode_change(from: &mut Reader<'_>) -> Result<Change> {
    Ok(match from.u8("change tag")? {
        SCHEMA => Change::Schema {
            json: from.string("schema")?,
        },
        BINDINGS => Change::Bindings {
            json: from.option("bindings")?,
        },
        PUT_RESOURCE => Change::PutResource {
            resource_type: from.string("resource type")?,
            resource_id: from.string("resource id")?,
            meta: from.option("meta")?,
            created_at: from.i64("resource time")?,
        },
        DELETE_RESOURCE => Change::DeleteResource {
            resource_type: from.string("resource type")?,
            resource_id: from.string("resource id")?,
        },
        CREATE_WARRANT => Change::CreateWarrant(Warrant {
            key: decode_key(from)?,
            created_at: from.i64("warrant time")?,
        }),
        DELETE_WARRANT => Change::DeleteWarrant(decode_key(from)?),
        AUDIT => Change::Audit {
            entry: from.string("audit entry")?,
        },
        _ => return Err(DecodeError::Malformed("change tag")),
    })
}

fn encode_key(to: &mut Writer, key: &WarrantKey) {
    to.string(&key.resource_type);
    to.string(&key.resource_id);
    to.string(&key.relation);
    to.string(&key.subject_type);
    to.string(&key.subject_id);
    to.option(key.subject_relation.as_deref());
    to.option(key.policy.as_deref());
}

fn decode_key(from: &mut Reader<'_>) -> Result<WarrantKey> {
    Ok(WarrantKey {
        resource_type: from.string("resource type")?,
        resource_id: from.string("resource id")?,
        relation: from.string("relation")?,
        subject_type: from.string("subject type")?,
        subject_id: from.string("subject id")?,
        subject_relation: from.option("subject relation")?,
        policy: from.option("policy")?,
    })
}
