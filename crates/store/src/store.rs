//! The [`Store`] trait.

use std::io::{self, Read, Write};

use crate::{
    ApiKeyRecord, AuditEntry, AuditRange, Commit, EnvironmentId, EnvironmentRecord, NewEnvironment, Result,
    Revision, Shared,
};

/// How much of an environment's log lies after its snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSize {
    /// The number of commits.
    pub commits: u64,
    /// The bytes of their encodings.
    pub bytes: u64,
}

/// A place where environments, their commits and their API keys are durable.
///
/// Every method that changes something returns after the change is durable. Methods can be called from any
/// thread; writes wait for one another, reads do not.
///
/// When a write returns an error, nothing of it is stored and nothing of it will appear, with one exception:
/// when the store cannot even be read afterwards (the disk is gone) and the process ends before it could be
/// read again, the write may turn out to be there, whole, after the next start.
pub trait Store: Send + Sync + 'static {
    /// All environments, by id.
    fn environments(&self) -> Result<Vec<EnvironmentRecord>>;

    /// Creates an environment at [`Revision::ZERO`].
    ///
    /// Fails with `environment_exists` when the name or the uid is taken.
    fn create_environment(&self, environment: &NewEnvironment) -> Result<EnvironmentRecord>;

    /// Deletes an environment with its log, its snapshot and its API keys. Returns whether there was one.
    fn delete_environment(&self, environment: EnvironmentId) -> Result<bool>;

    /// All API keys of all environments, by id.
    fn api_keys(&self) -> Result<Vec<ApiKeyRecord>>;

    /// Stores an API key, in place of the one with the same id if there is one.
    ///
    /// Fails with `environment_unknown` when its environment does not exist.
    fn put_api_key(&self, key: &ApiKeyRecord) -> Result<()>;

    /// Deletes an API key. Returns whether there was one.
    ///
    /// Fails with `last_api_key` when its environment has no other one, also when several are deleted at the same time.
    fn delete_api_key(&self, id: &str) -> Result<bool>;

    /// Appends commits to the logs of their environments, in order: all of them or none, durable by one
    /// flush.
    ///
    /// Callers gather the commits of concurrent writers into one call; that is what makes many writers fast.
    ///
    /// Fails with `revision_conflict` when a commit is not the next one of its environment and with
    /// `environment_unknown` when its environment does not exist.
    fn append(&self, commits: &[Commit]) -> Result<()>;

    /// Whether a group of commits may be prepared while another one is appended, on top of it.
    ///
    /// That takes a store to which nobody else writes: the revisions of the next group are known before those of this one are
    /// durable. A store that is shared says no.
    fn prepares_ahead(&self) -> bool {
        true
    }

    /// What it can do when other processes write to it, too; `None` when it belongs to this process alone.
    fn shared(&self) -> Option<&dyn Shared> {
        None
    }

    /// The revision of the last commit of an environment.
    fn head(&self, environment: EnvironmentId) -> Result<Revision>;

    /// The snapshot of an environment, with the revision it is of, or `None` when the whole history is in the
    /// log or the store is [`Shared`]: that one keeps the state itself, see [`Shared::load`].
    ///
    /// The reader checks what it reads: it ends in an error of [`io::ErrorKind::InvalidData`] when the
    /// snapshot is damaged. Only when it was read to its end (`read` returned 0) is all of it known to be
    /// intact.
    fn snapshot(&self, environment: EnvironmentId) -> Result<Option<(Revision, Box<dyn Read + Send>)>>;

    /// Visits the commits of an environment after a revision, in order, up to those that were there at the
    /// time of the call. An error of `visit` ends it and is returned.
    ///
    /// Fails with `revision_truncated` when the log no longer reaches back to `revision`.
    fn commits_after(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        visit: &mut dyn FnMut(Commit) -> Result<()>,
    ) -> Result<()>;

    /// Stores what `write` writes as the snapshot of an environment at `revision`, then removes the commits
    /// up to that revision and the snapshot before it. Appending goes on meanwhile.
    ///
    /// When it fails, the snapshot before it and the log are as they were. At [`Revision::ZERO`] there is
    /// nothing to keep: `write` is not called. Nor is it by a store that keeps the state itself.
    ///
    /// Fails with `revision_conflict` when `revision` is after the head or before the snapshot there is.
    fn write_snapshot(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()>;

    /// A part of the audit log of an environment, in the order asked for. Fewer entries than the limit are all that there are.
    fn audit(&self, environment: EnvironmentId, range: &AuditRange) -> Result<Vec<AuditEntry>>;

    /// Removes the entries of an audit log that are older than a moment, in microseconds since the Unix epoch, a part at a time.
    /// Returns how many.
    fn prune_audit(&self, environment: EnvironmentId, before: i64) -> Result<u64>;

    /// How much of an environment's log lies after its snapshot: what start-up has to replay.
    fn log_size(&self, environment: EnvironmentId) -> Result<LogSize>;

    /// Closes the store. What comes after fails with `store_closed`. Dropping a store closes it, too.
    fn close(&self) -> Result<()>;
}
