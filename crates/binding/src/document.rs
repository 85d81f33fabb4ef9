//! The bindings as written. Nothing here has been checked beyond its shape.

use std::collections::BTreeMap;

use crate::condition::Condition;
use crate::name::Qualified;
use crate::text::Places;

/// A whole document: `rowgate.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bindings {
    /// The environment whose schema and warrants apply.
    pub environment: String,
    /// The database roles that policies are for; never PUBLIC.
    pub roles: Vec<String>,
    /// Who is asking.
    pub subject: Subject,
    /// The bound tables, in order.
    pub tables: Vec<Table>,
    /// Where everything stood, for messages. Two of these are always equal.
    pub(crate) places: Places,
}

/// `[subject]`: who is asking, in a database session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The type of the subject, for example `user`.
    pub resource_type: String,
    /// A function without arguments that returns the subject's id as text, or null when nobody is signed in.
    pub function: Qualified,
    /// For organization memberships that [`Subject::membership`] finds: the claim that holds the id of the membership. Without one it is the
    /// membership of the user `sub` in the organization `org_id`.
    pub claim: Option<String>,
}

impl Subject {
    /// The type with which bindings say that organization memberships ask.
    pub const MEMBERSHIP_TYPE: &'static str = "organization_membership";

    /// The function that finds the membership of a token. `rls apply` makes it.
    #[must_use]
    pub fn membership() -> Qualified {
        Qualified::new("rowgate_rls", "membership")
    }

    /// Whether the subject is the membership that the claims of the session name.
    #[must_use]
    pub fn is_of_claims(&self) -> bool {
        self.function == Self::membership()
    }
}

/// `[[table]]`: a table whose rows are the resources of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The table.
    pub name: Qualified,
    /// The type that its rows are resources of.
    pub resource_type: String,
    /// The columns that make up the id. Several are joined by `/`, with `~` and `/` inside them written `~0` and `~1`.
    pub id: Vec<String>,
    /// That no two rows have the same id, where no unique index can say so: of a table that is partitioned by another column. Somebody vouches
    /// for it; a check that meets two such rows which differ is an error.
    pub id_is_unique: bool,
    /// Which rows count; all of them when there is none. Every condition must be true.
    pub conditions: Vec<Condition>,
    /// Relations and the places that hold them.
    pub relations: BTreeMap<String, Vec<Source>>,
    /// Parameters of schema policies and the columns that hold their values.
    pub attributes: BTreeMap<String, String>,
    /// Which relation guards which command; of a table with parents, which permission.
    pub policies: BTreeMap<Command, String>,
    /// The column that holds the id of the organization, for tables whose parents are resources of the authorization API.
    pub organization: Option<String>,
    /// What a row is under. A table with parents is guarded by permissions.
    pub parents: Vec<Parent>,
}

/// What rows of a table are under: a resource of the authorization API, or a row of a table that has parents itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The slug of a resource type, or the type of another table with parents.
    pub resource_type: String,
    /// The columns that hold which one. A null in any of them is none.
    pub columns: Vec<String>,
    /// What the columns hold.
    pub by: ParentKey,
}

/// What the columns of a [`Parent`] hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParentKey {
    /// What the application calls it, within its organization; of a row, its id.
    ExternalId,
    /// The id that the API gave it, which is unique.
    ResourceId,
}

impl ParentKey {
    /// The word in bindings.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ExternalId => "external_id",
            Self::ResourceId => "resource_id",
        }
    }

    /// What a word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::ExternalId, Self::ResourceId]
            .into_iter()
            .find(|key| key.word() == word)
    }
}

/// One place that holds edges of a relation: columns of the table itself, or of a table that joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The table that joins; `None` when the columns are of the bound table itself.
    pub join: Option<JoinTable>,
    /// The columns that hold the subject's id, as many as its id has. A null in any of them is no edge.
    pub columns: Vec<String>,
    /// The subject's type.
    pub resource_type: String,
    /// The subject's relation, for a group: `team:7#member`.
    pub relation: Option<String>,
}

/// A table that joins resources with subjects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JoinTable {
    /// The table.
    pub name: Qualified,
    /// The columns that hold the resource's id, as many as the bound table's id has.
    pub key: Vec<String>,
    /// Which rows count.
    pub conditions: Vec<Condition>,
}

/// A command that a policy guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// Reading rows.
    Select,
    /// Adding rows.
    Insert,
    /// Changing rows.
    Update,
    /// Removing rows.
    Delete,
}

impl Command {
    /// Every command.
    pub const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The command's keyword in lower case.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The command a keyword stands for.
    #[must_use]
    pub fn parse(keyword: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.keyword() == keyword)
    }
}

impl Bindings {
    /// The bound table of that name.
    #[must_use]
    pub fn table(&self, name: &Qualified) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }

    /// The path of one entry of a list of `count`, which may be written without the list when it is the only one.
    pub(crate) fn item_path(&self, path: &str, at: usize, count: usize) -> String {
        let item = format!("{path}[{at}]");
        if count == 1 && !self.places.contains(&item) {
            path.to_owned()
        } else {
            item
        }
    }
}

impl Table {
    /// Where in the table's entry the sources of a relation stand.
    #[must_use]
    pub fn place_of(&self, relation: &str) -> String {
        if self.parents.is_empty() {
            format!("relations.{relation}")
        } else {
            "parent".to_owned()
        }
    }
}
