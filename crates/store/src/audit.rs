//! The audit log: what commits say of themselves, kept for longer than the commits.

use crate::Revision;

/// Where an entry stands in the audit log of its environment: by the commit that it came with, and its number among those of that
/// commit, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditPlace {
    /// The revision of the commit.
    pub revision: Revision,
    /// Its number within the commit.
    pub index: u32,
}

/// An entry of the audit log. It was stored in the same transaction as the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Where it stands.
    pub place: AuditPlace,
    /// When the commit was made, microseconds since the Unix epoch.
    pub at: i64,
    /// A JSON object.
    pub entry: String,
}

/// Which part of an audit log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRange {
    /// Newest first; oldest first otherwise.
    pub newest_first: bool,
    /// The place before the first one wanted, in that order; from the beginning when absent.
    pub after: Option<AuditPlace>,
    /// At most so many entries.
    pub limit: usize,
}

/// The entries that a commit brings, with their places.
pub(crate) fn entries(commit: &crate::Commit) -> impl Iterator<Item = (AuditPlace, &str)> {
    let texts = commit.changes.iter().filter_map(|change| match change {
        crate::Change::Audit { entry } => Some(entry.as_str()),
        _ => None,
    });
    texts.zip(0..).map(|(text, index)| {
        let place = AuditPlace {
            revision: commit.revision,
            index,
        };
        (place, text)
    })
}
