//! [`Shared`]: what a store can do that several processes write to.

use std::time::Duration;

use crate::{Change, Commit, EnvironmentId, Result, Revision};

/// A store that other processes write to as well, and applications in their own transactions.
///
/// Everybody who follows it sees the same log: every revision once, whole and in order. Changes that an application made in a
/// transaction of its own are *pending* after it committed, until somebody gives them a revision; any process may.
pub trait Shared: Send + Sync {
    /// Where all environments stand. Cheap: it is asked every second.
    fn standing(&self) -> Result<Standing>;

    /// Waits until somebody says that something changed, at most so long. Returns whether somebody did.
    ///
    /// What is said can be lost with a connection, so look now and then in any case.
    fn wait(&self, at_most: Duration) -> Result<bool>;

    /// Visits the state of an environment as the changes that make it from nothing, and returns its revision.
    ///
    /// A change may be visited again, or undone by a later one: whoever applies all of them in order has exactly that revision.
    fn load(
        &self,
        environment: EnvironmentId,
        visit: &mut dyn FnMut(Change) -> Result<()>,
    ) -> Result<Revision>;

    /// Gives what is pending in an environment its revisions, and returns the revision of the last commit.
    fn number_pending(&self, environment: EnvironmentId) -> Result<Revision>;

    /// Takes a turn at writing.
    ///
    /// `prepare` gets the commits after `known`, in order, and returns the commits to append: those that follow, without a gap.
    /// Nobody else appends from then on until they are durable, so what it checks stays true. It is called again when the turn has to
    /// be taken anew, always with all commits after `known`, which may then be others; only what its last call saw and returned is in
    /// force, and only when this returns `Ok`.
    ///
    /// Returns the revision of the last commit. Fails with `revision_truncated` when the log no longer reaches back to `known`, with
    /// `store_busy` when the turn does not come in time, and with `store_outcome_unknown` when it cannot be found out whether the
    /// commits are durable; after any other failure nothing of them is stored.
    fn transact(
        &self,
        environment: EnvironmentId,
        known: Revision,
        prepare: &mut dyn FnMut(&[Commit]) -> Result<Vec<Commit>>,
    ) -> Result<Revision>;

    /// What became of an application's transaction, which a warrant token names by its number.
    fn transaction(&self, environment: EnvironmentId, number: u64) -> Result<TransactionState>;

    /// Removes commits that are older than anybody should need. Returns how many.
    ///
    /// Who still asks for them gets `revision_truncated` and loads the state anew.
    fn prune(&self) -> Result<u64>;
}

/// Where a shared store stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Grows when environments or API keys change.
    pub registry: u64,
    /// All environments, by id.
    pub environments: Vec<EnvironmentStanding>,
}

/// Where an environment of a shared store stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvironmentStanding {
    /// Which one.
    pub id: EnvironmentId,
    /// The revision of its last commit.
    pub head: Revision,
    /// Whether something waits for its revision.
    pub pending: bool,
}

/// What became of an application's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionState {
    /// It has neither committed nor rolled back.
    Running,
    /// It committed, and everything it changed is in this revision.
    Committed(Revision),
    /// It rolled back: nothing of it will be in any revision.
    RolledBack,
    /// The database has not come to that number: it is another database, or was restored from a copy.
    Unheard,
}
