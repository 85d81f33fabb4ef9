//! What a commit is made of.

use std::fmt;

/// The number of an environment within its store.
///
/// Numbers are never used twice, so nothing left over from a deleted environment can pass for part of
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvironmentId(pub u32);

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A point in the history of one environment: how many commits it has had.
///
/// The commit that leads from one revision to the next carries the number of the revision it makes, so the
/// first commit of an environment has revision 1 and [`Revision::ZERO`] is the environment before anything
/// was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// Before the first commit.
    pub const ZERO: Revision = Revision(0);

    /// The revision that the next commit makes.
    #[must_use]
    pub fn next(self) -> Revision {
        // A commit per nanosecond would take five centuries to get to the end.
        Revision(self.0.saturating_add(1))
    }

    /// The plain number, for tokens and files.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// The revision with this number.
    #[must_use]
    pub fn from_u64(number: u64) -> Revision {
        Revision(number)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Changes to one environment that happen together: all of them are stored or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Whose history this belongs to.
    pub environment: EnvironmentId,
    /// The revision this commit makes: one more than the commit before it.
    pub revision: Revision,
    /// When it was made, in microseconds since the Unix epoch.
    pub at: i64,
    /// What changed, in the order in which it is applied.
    pub changes: Vec<Change>,
}

/// One change to an environment.
///
/// The store does not judge changes. They were checked against the schema before they were committed, and
/// whoever applies them in order gets the same result every time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Replaces the whole schema.
    Schema {
        /// The schema document.
        json: String,
    },
    /// Replaces the bindings: which relations are columns of tables.
    Bindings {
        /// The binding document; `None` when there are no bindings any more.
        json: Option<String>,
    },
    /// Creates a resource, or replaces its meta when it exists (it then keeps its first `created_at`).
    PutResource {
        /// The type, as named in the schema.
        resource_type: String,
        /// The id within the type.
        resource_id: String,
        /// A JSON object, if there is one.
        meta: Option<String>,
        /// Microseconds since the Unix epoch.
        created_at: i64,
    },
    /// Deletes a resource, and by that the warrants on it and those whose subject it is.
    DeleteResource {
        /// The type, as named in the schema.
        resource_type: String,
        /// The id within the type.
        resource_id: String,
    },
    /// Creates a warrant.
    CreateWarrant(Warrant),
    /// Deletes a warrant.
    DeleteWarrant(WarrantKey),
    /// Says what the commit is about, for whoever asks later. It changes nothing; the store files it as an [`AuditEntry`], which
    /// outlives the commit.
    Audit {
        /// A JSON object.
        entry: String,
    },
}

/// What makes a warrant the warrant it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WarrantKey {
    /// The type of the resource it is on.
    pub resource_type: String,
    /// The id of the resource it is on.
    pub resource_id: String,
    /// The relation it grants.
    pub relation: String,
    /// The type of who gets it.
    pub subject_type: String,
    /// The id of who gets it.
    pub subject_id: String,
    /// For a group warrant: the relation that members of the group have to the subject.
    pub subject_relation: Option<String>,
    /// The condition under which it holds.
    pub policy: Option<String>,
}

/// A warrant: the subject has the relation to the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warrant {
    /// Resource, relation, subject and condition.
    pub key: WarrantKey,
    /// Microseconds since the Unix epoch.
    pub created_at: i64,
}
