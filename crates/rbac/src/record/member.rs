//! Memberships of organizations, and groups of them.

use rowgate_graph::Symbol;
use serde_json::Value;

use super::{Group, Membership, Organization, Record, User, broken, organization_of};
use crate::Result;
use crate::names::{self, relation};

/// Whether a membership counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Active,
    /// It was deactivated. What it was assigned is kept and grants nothing.
    Inactive,
    /// It was not accepted yet, and grants nothing.
    Pending,
}

impl Status {
    /// The word of the wire format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
        }
    }

    /// The status that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Pending]
            .into_iter()
            .find(|status| status.word() == word)
    }

    /// The status that a stored field stands for: none at all is active. `None` for what is no status.
    pub(crate) fn read(field: Option<&Value>) -> Option<Self> {
        match field {
            None => Some(Self::Active),
            Some(field) => field.as_str().and_then(Self::parse),
        }
    }

    /// The same, where what is no status must not count.
    pub(crate) fn stored(field: Option<&Value>) -> Self {
        Self::read(field).unwrap_or(Self::Inactive)
    }
}

impl<'a> Membership<'a> {
    /// Whose it is.
    ///
    /// # Errors
    /// None, as long as what is stored is whole.
    pub fn user(&self) -> Result<User<'a>> {
        let found = self.read.one(self.object(), relation::USER).map(User);
        found.ok_or_else(|| broken(self, relation::USER))
    }

    /// Where it is.
    ///
    /// # Errors
    /// None, as long as what is stored is whole.
    pub fn organization(&self) -> Result<Organization<'a>> {
        organization_of(self)
    }

    /// Whether it counts.
    pub fn status(&self) -> Status {
        Status::stored(self.meta("status"))
    }

    /// The slug of the role that a membership has when it is given none.
    pub fn default_role(&self) -> String {
        self.read.settings().default_role
    }

    /// The groups it is in, oldest first.
    pub fn groups(&self) -> impl Iterator<Item = Group<'a>> + use<'a> {
        self.groups_since().map(|(group, _)| group)
    }

    /// The same, each with since when.
    pub(crate) fn groups_since(&self) -> impl Iterator<Item = (Group<'a>, i64)> + use<'a> {
        let (read, object) = (self.read, self.object());
        [relation::MEMBER, relation::PARKED]
            .into_iter()
            .flat_map(move |relation| read.back(object, relation))
            .filter(move |edge| read.has_type(edge.other(), names::GROUP))
            .filter_map(move |edge| Some((Group(read.record(edge.other())?), read.warrant(edge)?.created_at)))
    }
}

impl<'a> Group<'a> {
    /// Where it is.
    ///
    /// # Errors
    /// None, as long as what is stored is whole.
    pub fn organization(&self) -> Result<Organization<'a>> {
        organization_of(self)
    }

    /// Its members, active or not, each with when it became one.
    pub fn members(&self) -> impl Iterator<Item = (Membership<'a>, i64)> + use<'a> {
        members(self)
    }

    /// Whether a membership is in it.
    pub(crate) fn has(&self, membership: &Membership<'a>) -> bool {
        let edges = self.read.graph.subjects(self.object());
        [relation::MEMBER, relation::PARKED].into_iter().any(|relation| {
            let to = edges.to(self.read.symbol(relation), Symbol::NONE, membership.object());
            to.count() > 0
        })
    }
}

/// Memberships that stand in `member` or `parked` to something, each with since when.
pub(crate) fn members<'a>(record: &Record<'a>) -> impl Iterator<Item = (Membership<'a>, i64)> + use<'a> {
    let (read, object) = (record.read, record.object());
    [relation::MEMBER, relation::PARKED]
        .into_iter()
        .flat_map(move |relation| {
            let edges = read
                .graph
                .subjects(object)
                .with(read.symbol(relation), Symbol::NONE);
            edges.filter_map(move |edge| {
                let since = read.warrant(edge)?.created_at;
                Some((Membership(read.record(edge.other())?), since))
            })
        })
}
