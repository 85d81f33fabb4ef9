//! The logs of the environments.

use super::failure::{Failure, Outcome};
use super::files::corrupt;
use super::tables::{HEADS, LOG, damaged, head, read_head, unknown};
use super::{Embedded, audit};
use crate::codec::{Head, decode_commit, encode_commit};
use crate::{Commit, EnvironmentId, ErrorKind, LogSize, Result, Revision, StoreError};

/// How much is read of a log at a time. No transaction is open while the caller looks at it.
const PAGE_COMMITS: usize = 1024;
pub(super) const PAGE_BYTES: usize = 1 << 20;

/// How many commits one transaction removes, so that appending goes on between.
const TRIM_COMMITS: usize = 4096;

impl Embedded {
    pub(super) fn append_commits(&self, commits: &[Commit]) -> Result<()> {
        if commits.is_empty() {
            return Ok(());
        }
        // Before the lock: other writers need not wait for this.
        let encoded: Vec<Vec<u8>> = commits.iter().map(encode_commit).collect();
        self.engine.write(|transaction, undo| {
            let mut log = transaction.open_table(LOG)?;
            let mut heads = transaction.open_table(HEADS)?;
            // Few environments to a batch, most often one.
            let mut after: Vec<Head> = Vec::new();
            for (commit, bytes) in commits.iter().zip(&encoded) {
                let index = match after
                    .iter()
                    .position(|head| head.environment == commit.environment)
                {
                    Some(index) => index,
                    None => {
                        let before = head(&heads, commit.environment, self.engine.path())?;
                        undo.push(before);
                        after.push(before);
                        after.len() - 1
                    }
                };
                let head = &mut after[index];
                if commit.revision != head.head.next() {
                    return Err(not_next(commit, head.head));
                }
                head.head = commit.revision;
                head.bytes = head.bytes.saturating_add(bytes.len() as u64);
                log.insert((commit.environment.0, commit.revision.get()), bytes.as_slice())?;
            }
            for head in after {
                heads.insert(head.environment.0, head.encode().as_slice())?;
            }
            audit::file(transaction, commits)
        })
    }

    pub(super) fn read_head(&self, environment: EnvironmentId) -> Result<Head> {
        self.engine
            .read(|transaction| read_head(transaction, environment, self.engine.path()))
    }

    pub(super) fn read_log_size(&self, environment: EnvironmentId) -> Result<LogSize> {
        let head = self.read_head(environment)?;
        Ok(LogSize {
            commits: head.head.get() - head.base.get(),
            bytes: head.bytes,
        })
    }

    pub(super) fn visit_commits(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        visit: &mut dyn FnMut(Commit) -> Result<()>,
    ) -> Result<()> {
        let end = self.read_head(environment)?.head;
        if revision > end {
            return Err(StoreError::new(
                ErrorKind::RevisionConflict,
                format!("revision {revision} is after the last of environment {environment}, which is {end}"),
            ));
        }
        let mut seen = revision;
        while seen < end {
            for commit in self.read_page(environment, seen, end)? {
                seen = commit.revision;
                visit(commit)?;
            }
        }
        Ok(())
    }

    /// The next commits after a revision: at least one, for there is one.
    fn read_page(&self, environment: EnvironmentId, after: Revision, end: Revision) -> Result<Vec<Commit>> {
        let path = self.engine.path();
        self.engine.read(|transaction| {
            let base = read_head(transaction, environment, path)?.base;
            if after < base {
                return Err(truncated(environment, after, base));
            }
            let log = transaction.open_table(LOG)?;
            let mut page = Vec::new();
            let mut bytes = 0;
            let mut next = after.next();
            for row in log.range((environment.0, next.get())..=(environment.0, end.get()))? {
                let (key, value) = row?;
                let value = value.value();
                let commit =
                    decode_commit(value).map_err(|error| damaged(path, "log", &key.value(), error))?;
                if (commit.environment, commit.revision) != (environment, next) {
                    break;
                }
                page.push(commit);
                bytes += value.len();
                next = next.next();
                if page.len() == PAGE_COMMITS || bytes >= PAGE_BYTES {
                    break;
                }
            }
            if page.is_empty() {
                let missing = format!("commit {next} of environment {environment} is missing");
                return Err(corrupt(path.display(), missing).into());
            }
            Ok(page)
        })
    }

    /// Lets the log of an environment begin after a revision of which there is a snapshot.
    pub(super) fn set_base(&self, environment: EnvironmentId, revision: Revision) -> Result<()> {
        self.engine.write(|transaction, _| {
            let mut heads = transaction.open_table(HEADS)?;
            let mut head = head(&heads, environment, self.engine.path())?;
            snapshot_possible(&head, revision)?;
            head.base = revision;
            heads.insert(environment.0, head.encode().as_slice())?;
            Ok(())
        })
    }

    /// Removes the commits that the snapshot stands for, a part at a time.
    pub(super) fn trim(&self, environment: EnvironmentId) -> Result<()> {
        while self.trim_part(environment)? == TRIM_COMMITS {}
        Ok(())
    }

    fn trim_part(&self, environment: EnvironmentId) -> Result<usize> {
        self.engine.write(|transaction, _| {
            let mut heads = transaction.open_table(HEADS)?;
            let mut head = head(&heads, environment, self.engine.path())?;
            let mut log = transaction.open_table(LOG)?;
            let (mut removed, mut bytes) = (0, 0);
            let covered = (environment.0, 0)..=(environment.0, head.base.get());
            for row in log.extract_from_if(covered, |_, _| true)?.take(TRIM_COMMITS) {
                let (_, value) = row?;
                removed += 1;
                bytes += value.value().len() as u64;
            }
            head.bytes = head.bytes.saturating_sub(bytes);
            heads.insert(environment.0, head.encode().as_slice())?;
            Ok(removed)
        })
    }
}

/// A snapshot is of a revision that has been, and not older than the one there is.
pub(super) fn snapshot_possible(head: &Head, revision: Revision) -> Outcome<()> {
    if revision < head.base || revision > head.head {
        return Err(Failure::Refused(StoreError::new(
            ErrorKind::RevisionConflict,
            format!(
                "environment {} has no commit {revision} to take a snapshot at: its log has those after {} up to {}",
                head.environment, head.base, head.head
            ),
        )));
    }
    Ok(())
}

fn not_next(commit: &Commit, head: Revision) -> Failure {
    Failure::Refused(StoreError::new(
        ErrorKind::RevisionConflict,
        format!(
            "commit {} of environment {} does not follow its last one, which is {head}; read the head and try again",
            commit.revision, commit.environment
        ),
    ))
}

fn truncated(environment: EnvironmentId, after: Revision, base: Revision) -> Failure {
    Failure::Refused(StoreError::new(
        ErrorKind::RevisionTruncated,
        format!(
            "the log of environment {environment} begins after revision {base}, so the commits after {after} are not all \
             there; read the snapshot first"
        ),
    ))
}

/// Removes all there is of an environment's log.
pub(super) fn remove_log(transaction: &redb::WriteTransaction, environment: EnvironmentId) -> Outcome<()> {
    let environment = environment.0;
    if transaction.open_table(HEADS)?.remove(environment)?.is_none() {
        return Err(unknown(EnvironmentId(environment)).into());
    }
    transaction
        .open_table(LOG)?
        .retain_in((environment, 0)..=(environment, u64::MAX), |_, _| false)?;
    Ok(())
}
