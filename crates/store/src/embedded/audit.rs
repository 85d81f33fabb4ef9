//! The audit logs of the environments.

use redb::{ReadTransaction, TableError, WriteTransaction};

use super::Embedded;
use super::failure::Outcome;
use super::log::PAGE_BYTES;
use super::tables::{AUDIT, damaged, misplaced, read_head};
use crate::audit::entries;
use crate::codec::{decode_audit, encode_audit};
use crate::{AuditEntry, AuditPlace, AuditRange, Commit, EnvironmentId, Result, Revision};

/// How many entries one transaction removes, so that appending goes on between.
const PRUNED_AT_ONCE: usize = 4096;

type Key = (u32, u64, u32);

fn key(environment: EnvironmentId, place: AuditPlace) -> Key {
    (environment.0, place.revision.get(), place.index)
}

/// Files what commits say of themselves, in the transaction that appends them.
pub(super) fn file(transaction: &WriteTransaction, commits: &[Commit]) -> Outcome<()> {
    let mut all = commits.iter().flat_map(|commit| {
        let own = entries(commit);
        own.map(move |(place, entry)| (commit, place, entry))
    });
    let Some(first) = all.next() else { return Ok(()) };
    let mut table = transaction.open_table(AUDIT)?;
    for (commit, place, entry) in std::iter::once(first).chain(all) {
        let bytes = encode_audit(commit.environment, place, commit.at, entry);
        table.insert(key(commit.environment, place), bytes.as_slice())?;
    }
    Ok(())
}

/// Takes back what came with commits after a revision.
pub(super) fn take_back(
    transaction: &WriteTransaction,
    environment: EnvironmentId,
    head: Revision,
) -> Outcome<()> {
    let after = (environment.0, head.next().get(), 0)..=(environment.0, u64::MAX, u32::MAX);
    Ok(transaction.open_table(AUDIT)?.retain_in(after, |_, _| false)?)
}

/// Removes all there is of an environment.
pub(super) fn remove(transaction: &WriteTransaction, environment: EnvironmentId) -> Outcome<()> {
    take_back(transaction, environment, Revision::ZERO)
}

/// The entries between two places, which are both included: a page of them, and whether it ends before the last one.
fn between(
    transaction: &ReadTransaction,
    path: &std::path::Path,
    [from, to]: [Key; 2],
    range: &AuditRange,
) -> Outcome<Vec<AuditEntry>> {
    let table = match transaction.open_table(AUDIT) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table?,
    };
    let mut rows = table.range(from..=to)?;
    let mut next = || {
        if range.newest_first {
            rows.next_back()
        } else {
            rows.next()
        }
    };
    let (mut page, mut bytes) = (Vec::new(), 0);
    while page.len() < range.limit && bytes < PAGE_BYTES {
        let Some(row) = next() else { break };
        let (at, value) = row?;
        let (environment, entry) =
            decode_audit(value.value()).map_err(|error| damaged(path, "audit", &at.value(), error))?;
        if key(environment, entry.place) != at.value() {
            return Err(misplaced(path, "audit", &at.value()));
        }
        bytes += value.value().len();
        page.push(entry);
    }
    Ok(page)
}

impl Embedded {
    pub(super) fn read_audit(
        &self,
        environment: EnvironmentId,
        range: &AuditRange,
    ) -> Result<Vec<AuditEntry>> {
        let path = self.engine.path();
        let mut all: Vec<AuditEntry> = Vec::new();
        while all.len() < range.limit {
            let after = all.last().map(|entry| entry.place).or(range.after);
            let Some(keys) = keys(environment, range.newest_first, after) else {
                break;
            };
            let rest = AuditRange {
                limit: range.limit - all.len(),
                ..*range
            };
            let page = self.engine.read(|transaction| {
                read_head(transaction, environment, path)?;
                between(transaction, path, keys, &rest)
            })?;
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        Ok(all)
    }

    /// Entries stand in the order of revisions, and those of one server's clock mostly in that of times: from the front, up to the first
    /// that is young enough.
    pub(super) fn remove_audit(&self, environment: EnvironmentId, before: i64) -> Result<u64> {
        let mut removed = 0;
        loop {
            let part = self.remove_audit_part(environment, before)?;
            removed += part as u64;
            if part < PRUNED_AT_ONCE {
                return Ok(removed);
            }
        }
    }

    fn remove_audit_part(&self, environment: EnvironmentId, before: i64) -> Result<usize> {
        let oldest = AuditRange {
            newest_first: false,
            after: None,
            limit: PRUNED_AT_ONCE,
        };
        let entries = self.read_audit(environment, &oldest)?;
        let old = entries.iter().take_while(|entry| entry.at < before);
        let old: Vec<Key> = old.map(|entry| key(environment, entry.place)).collect();
        if !old.is_empty() {
            self.engine.write(|transaction, _| {
                let mut table = transaction.open_table(AUDIT)?;
                for key in &old {
                    table.remove(*key)?;
                }
                Ok(())
            })?;
        }
        Ok(old.len())
    }
}

/// The keys that a list begins and ends with, the smaller one first; `None` when nothing can be after the place.
fn keys(environment: EnvironmentId, newest_first: bool, after: Option<AuditPlace>) -> Option<[Key; 2]> {
    let (first, last) = ((environment.0, 0, 0), (environment.0, u64::MAX, u32::MAX));
    let Some(place) = after else {
        return Some([first, last]);
    };
    let (revision, index) = (place.revision.get(), place.index);
    if newest_first {
        let before = match index.checked_sub(1) {
            Some(index) => (environment.0, revision, index),
            None => (environment.0, revision.checked_sub(1)?, u32::MAX),
        };
        Some([first, before])
    } else {
        let next = match index.checked_add(1) {
            Some(index) => (environment.0, revision, index),
            None => (environment.0, revision.checked_add(1)?, 0),
        };
        Some([next, last])
    }
}
