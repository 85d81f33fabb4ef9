//! The bytes of what is kept beside the logs.
//!
//! Each record repeats the key it is stored under, so that a value found in the wrong place is recognised.

use super::DecodeError;
use super::bytes::{Reader, Writer};
use crate::{ApiKeyRecord, AuditEntry, AuditPlace, EnvironmentId, EnvironmentRecord, Revision};

type Result<T> = std::result::Result<T, DecodeError>;

pub(crate) fn encode_environment(record: &EnvironmentRecord) -> Vec<u8> {
    let mut to = Writer::with_capacity(96);
    to.varint(record.id.0.into());
    to.string(&record.name);
    to.string(&record.uid);
    to.i64(record.created_at);
    to.seal()
}

pub(crate) fn decode_environment(bytes: &[u8]) -> Result<EnvironmentRecord> {
    let mut from = Reader::unseal(bytes)?;
    let record = EnvironmentRecord {
        id: EnvironmentId(from.varint32("environment")?),
        name: from.string("name")?,
        uid: from.string("uid")?,
        created_at: from.i64("time")?,
    };
    from.end()?;
    Ok(record)
}

pub(crate) fn encode_api_key(record: &ApiKeyRecord) -> Vec<u8> {
    let mut to = Writer::with_capacity(160);
    to.string(&record.id);
    to.varint(record.environment.0.into());
    to.string(&record.name);
    to.raw(&record.hash);
    to.string(&record.prefix);
    to.i64(record.created_at);
    to.seal()
}

pub(crate) fn decode_api_key(bytes: &[u8]) -> Result<ApiKeyRecord> {
    let mut from = Reader::unseal(bytes)?;
    let record = ApiKeyRecord {
        id: from.string("id")?,
        environment: EnvironmentId(from.varint32("environment")?),
        name: from.string("name")?,
        hash: from.array("hash")?,
        prefix: from.string("prefix")?,
        created_at: from.i64("time")?,
    };
    from.end()?;
    Ok(record)
}

pub(crate) fn encode_audit(environment: EnvironmentId, place: AuditPlace, at: i64, entry: &str) -> Vec<u8> {
    let mut to = Writer::with_capacity(32 + entry.len());
    to.varint(environment.0.into());
    to.varint(place.revision.get());
    to.varint(place.index.into());
    to.i64(at);
    to.string(entry);
    to.seal()
}

pub(crate) fn decode_audit(bytes: &[u8]) -> Result<(EnvironmentId, AuditEntry)> {
    let mut from = Reader::unseal(bytes)?;
    let environment = EnvironmentId(from.varint32("environment")?);
    let place = AuditPlace {
        revision: Revision::from_u64(from.varint("revision")?),
        index: from.varint32("index")?,
    };
    let (at, entry) = (from.i64("time")?, from.string("audit entry")?);
    from.end()?;
    Ok((environment, AuditEntry { place, at, entry }))
}

/// Where the history of an environment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) environment: EnvironmentId,
    /// The revision of the last commit.
    pub(crate) head: Revision,
    /// The revision of the snapshot, zero when there is none. The log begins after it.
    pub(crate) base: Revision,
    /// The bytes of the commits in the log.
    pub(crate) bytes: u64,
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = Writer::with_capacity(40);
        to.varint(self.environment.0.into());
        to.varint(self.head.get());
        to.varint(self.base.get());
        to.varint(self.bytes);
        to.seal()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Head> {
        let mut from = Reader::unseal(bytes)?;
        let head = Head {
            environment: EnvironmentId(from.varint32("environment")?),
            head: Revision::from_u64(from.varint("head")?),
            base: Revision::from_u64(from.varint("base")?),
            bytes: from.varint("log bytes")?,
        };
        from.end()?;
        if head.base > head.head {
            return Err(DecodeError::Malformed("base"));
        }
        Ok(head)
    }
}
