//! Roles, memberships and their settings.

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether nothing is refused to it.
    pub superuser: bool,
    /// Whether policies do not hold for it (`BYPASSRLS`).
    pub bypasses: bool,
    /// Whether it can log in.
    pub logs_in: bool,
    /// Whether it can create roles.
    pub creates_roles: bool,
}

impl Role {
    /// Whether no policy ever holds for it.
    #[must_use]
    pub fn is_above_policies(&self) -> bool {
        self.superuser || self.bypasses
    }
}

/// A role that belongs to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The member.
    pub member: String,
    /// What it is a member of.
    pub role: String,
    /// Who granted it.
    pub grantor: String,
    /// Whether the member has the role's rights without doing anything.
    pub inherits: bool,
    /// Whether the member may `SET ROLE` to it.
    pub sets: bool,
    /// Whether the member may grant it, also to itself with whatever it lacks.
    pub grants: bool,
}

/// A setting of a role, of a database, or of a role in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The role; empty for every role.
    pub role: String,
    /// Whether it is for this database only.
    pub here: bool,
    /// The name of the setting.
    pub name: String,
    /// Its value.
    pub value: String,
}
