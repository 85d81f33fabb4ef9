//! Policies.

use rowgate_binding::{Command, Qualified};

/// The command that a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyCommand {
    /// Every command.
    All,
    /// One command.
    One(Command),
}

impl PolicyCommand {
    /// The keyword in lower case.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::One(command) => command.keyword(),
        }
    }

    /// Whether the policy takes part in a command.
    #[must_use]
    pub fn covers(self, command: Command) -> bool {
        self == Self::All || self == Self::One(command)
    }
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its table.
    pub table: Qualified,
    /// Its name.
    pub name: String,
    /// The command it is for.
    pub command: PolicyCommand,
    /// Whether it allows (`AS PERMISSIVE`) or restricts.
    pub permissive: bool,
    /// The roles it is for; the empty name stands for PUBLIC.
    pub roles: Vec<String>,
    /// `USING`, as Postgres prints it.
    pub using: Option<String>,
    /// `WITH CHECK`, as Postgres prints it.
    pub check: Option<String>,
    /// Its comment.
    pub comment: Option<String>,
    /// The functions it calls, by oid; the system's own are not here.
    pub functions: Vec<u64>,
}

impl Policy {
    /// Whether it is for everybody.
    #[must_use]
    pub fn to_public(&self) -> bool {
        self.roles.iter().any(String::is_empty)
    }
}
