//! Revisions for what is pending: one commit for each transaction, in the order in which the transactions changed what they have in
//! common.

use std::collections::HashMap;

use postgres::Row;

use super::environments;
use super::failure::{Failure, Result};
use super::log::{self, Extent};
use super::net::Net;
use super::rows::{self, Entry};
use super::session::{Session, Tx};
use crate::{Change, Commit, EnvironmentId, ErrorKind, Revision, Warrant, WarrantKey};

/// A change that has no revision yet.
pub(super) struct Pending {
    seq: i64,
    xid: String,
    at: i64,
    pub(super) change: Change,
}

const PENDING: &str = "select seq, xid::text, at, change, document, resource_type, resource_id, relation, subject_type, \
                           subject_id, subject_relation \
                       from rowgate.pending where environment = $1 order by seq";

/// What is committed and has no revision.
pub(super) fn pending(tx: &mut Tx<'_>, environment: i32) -> Result<Vec<Pending>> {
    tx.query(PENDING, &[&environment])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Pending> {
    let (seq, at) = (row.try_get(0)?, row.try_get(2)?);
    let malformed = |what: &str| {
        let what = format!("rowgate.pending: row {seq} {what}");
        Failure::new(ErrorKind::Corrupt, what)
    };
    let text = |column: usize| {
        let value: Option<String> = row.try_get(column)?;
        value.ok_or_else(|| malformed("lacks a value"))
    };
    let key = || -> Result<WarrantKey> {
        Ok(WarrantKey {
            resource_type: text(5)?,
            resource_id: text(6)?,
            relation: text(7)?,
            subject_type: text(8)?,
            subject_id: text(9)?,
            subject_relation: Some(text(10)?).filter(|relation| !relation.is_empty()),
            policy: None,
        })
    };
    let change = match row.try_get(3)? {
        "create" => Change::CreateWarrant(Warrant {
            key: key()?,
            created_at: at,
        }),
        "delete" => Change::DeleteWarrant(key()?),
        "schema" => Change::Schema { json: text(4)? },
        "bindings" => Change::Bindings {
            json: row.try_get(4)?,
        },
        _ => return Err(malformed("is of an unknown kind")),
    };
    Ok(Pending {
        seq,
        xid: row.try_get(1)?,
        at,
        change,
    })
}

/// Numbers what is pending in an environment, if anything is. Returns the head.
pub(super) fn number_pending(session: &mut Session, environment: EnvironmentId) -> Result<Revision> {
    let number = environments::number(environment)?;
    let mut tx = session.begin()?;
    let sql = "select exists (select from rowgate.pending where environment = $1)";
    if !tx.query_one(sql, &[&number])?.try_get::<_, bool>(0)? {
        return Ok(log::extent(&mut tx, environment)?.head);
    }
    let extent = log::lock(&mut tx, environment)?;
    let head = number_locked(&mut tx, environment, extent)?.head;
    tx.commit()?;
    Ok(head)
}

/// Numbers what is pending. The lock of the log is held, and was held before the statement that looks for it began: whatever committed
/// before is seen.
pub(super) fn number_locked(tx: &mut Tx<'_>, environment: EnvironmentId, extent: Extent) -> Result<Extent> {
    let number = environments::number(environment)?;
    let pending = pending(tx, number)?;
    if pending.is_empty() {
        return Ok(extent);
    }
    let sequence: Vec<i64> = pending.iter().map(|pending| pending.seq).collect();
    let (commits, xids) = commits(environment, extent.head, pending);
    let entries: Vec<Entry<'_>> = commits
        .iter()
        .zip(xids)
        .map(|(commit, xid)| Entry {
            commit,
            xid: Some(xid),
            writer: None,
        })
        .collect();
    rows::append(tx, number, &entries)?;
    // The warrants are there since their transaction. The resources that they name are created here and not there, so that
    // transactions that name the same new resource do not wait for each other.
    rows::resources(tx, number, &Net::of(&commits))?;
    tx.execute("delete from rowgate.pending where seq = any ($1)", &[&sequence])?;
    let head = commits.last().map_or(extent.head, |last| last.revision);
    Ok(Extent { head, ..extent })
}

/// One commit for each transaction, by the last of its changes. Returns them with their transactions.
fn commits(environment: EnvironmentId, head: Revision, pending: Vec<Pending>) -> (Vec<Commit>, Vec<String>) {
    struct Group {
        last: i64,
        at: i64,
        changes: Vec<Change>,
    }
    let mut groups: HashMap<String, Group> = HashMap::new();
    for Pending { seq, xid, at, change } in pending {
        let group = groups.entry(xid).or_insert(Group {
            last: seq,
            at,
            changes: Vec::new(),
        });
        group.last = seq;
        group.at = group.at.max(at);
        group.changes.push(change);
    }
    let mut ordered: Vec<(String, Group)> = groups.into_iter().collect();
    ordered.sort_by_key(|(_, group)| group.last);
    let mut revision = head;
    let numbered = ordered.into_iter().map(|(xid, group)| {
        revision = revision.next();
        let commit = Commit {
            environment,
            revision,
            at: group.at,
            changes: group.changes,
        };
        (commit, xid)
    });
    numbered.unzip()
}
