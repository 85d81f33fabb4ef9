//! What a database says about itself, as plain values: one read, then no more questions.
//!
//! `verify` and `init` decide on a [`Catalog`]; `apply` asks for the few things that it needs under its locks. Reading it takes a dozen queries in one transaction, whatever the number of
//! tables, and needs no rights beyond those of any role: the system catalogs are open to everyone.
//!
//! # Layout
//!
//! * `relation`: tables, columns, keys, indexes, triggers, views; `policy`; `routine`: functions; `role`; `grant`
//! * `read`: the queries, which are in `sql/`; `parts`: those about tables
//! * `name`: names as people write them in SQL
//!
//! Expressions come in the form in which Postgres prints them with an empty search path: every name outside `pg_catalog` is qualified.

mod grant;
mod name;
mod parts;
mod policy;
mod read;
mod relation;
mod role;
mod routine;

use std::collections::BTreeMap;

use rowgate_binding::Qualified;

pub use grant::{DefaultPrivilege, Grant, GrantKind};
pub(crate) use name::{bare, dotted};
pub use policy::{Policy, PolicyCommand};
pub use relation::{Column, ForeignKey, Index, Key, Kind, Relation, Rule, Trigger};
pub use role::{Membership, Role, Setting};
pub use routine::{Function, Volatility};

/// The oldest major version that is supported: the first with `security_invoker` views.
pub const OLDEST_VERSION: u32 = 15;

/// A database at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    /// The version as a number, for example 150018.
    pub version: u32,
    /// The name of the database.
    pub database: String,
    /// The owner of the database.
    pub database_owner: String,
    /// The role that read the catalog.
    pub connected_as: String,
    /// The isolation that sessions have unless a role or the database sets another.
    pub isolation: String,
    /// Whether an event trigger keeps clients from `DROP OWNED`.
    pub keeps_policies: bool,
    /// Tables and views outside the system's schemas.
    pub relations: BTreeMap<Qualified, Relation>,
    /// Policies, by table and name.
    pub policies: Vec<Policy>,
    /// Functions outside the system's schemas, by oid.
    pub functions: BTreeMap<u64, Function>,
    /// The system's functions that are not immutable, and whether they are volatile.
    pub built_in: BTreeMap<String, Volatility>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Who is a member of what.
    pub memberships: Vec<Membership>,
    /// Rights on tables, columns and sequences that others than the owner have.
    pub grants: Vec<Grant>,
    /// Rights that objects will be created with.
    pub default_privileges: Vec<DefaultPrivilege>,
    /// Settings of roles and of the database.
    pub settings: Vec<Setting>,
}

impl Catalog {
    /// The major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.version / 10_000
    }

    /// The policies of a table.
    pub fn policies_of<'a>(&'a self, table: &'a Qualified) -> impl Iterator<Item = &'a Policy> + 'a {
        self.policies.iter().filter(move |policy| policy.table == *table)
    }

    /// The children of a table: partitions, and tables that inherit from it, at any depth.
    #[must_use]
    pub fn descendants(&self, table: &Qualified) -> Vec<&Relation> {
        let mut found: Vec<&Relation> = Vec::new();
        let mut open = vec![table];
        while let Some(parent) = open.pop() {
            for child in self
                .relations
                .values()
                .filter(|child| child.parents.contains(parent))
            {
                if !found.iter().any(|known| known.name == child.name) {
                    found.push(child);
                    open.push(&child.name);
                }
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// The tables that a table is a partition or child of, at any depth.
    #[must_use]
    pub fn ancestors(&self, table: &Qualified) -> Vec<&Relation> {
        let mut found: Vec<&Relation> = Vec::new();
        let mut open = vec![table];
        while let Some(parents) = open.pop().and_then(|child| self.relations.get(child)) {
            for parent in parents.parents.iter().filter_map(|name| self.relations.get(name)) {
                if !found.iter().any(|known| known.name == parent.name) {
                    found.push(parent);
                    open.push(&parent.name);
                }
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// The functions that a name stands for; more than one when it is overloaded.
    pub fn functions_named<'a>(&'a self, name: &'a Qualified) -> impl Iterator<Item = &'a Function> + 'a {
        self.functions
            .values()
            .filter(move |function| function.name == *name)
    }

    /// Every role that a role can become with SET ROLE, itself not included, with the membership that leads there.
    #[must_use]
    pub fn can_become<'a>(&'a self, role: &str) -> BTreeMap<&'a str, &'a Membership> {
        self.reachable(role, |membership| membership.sets)
    }

    /// Every role that a role can act as, with the membership that leads there: what it may grant itself counts as much as what it has.
    #[must_use]
    pub fn can_act_as<'a>(&'a self, role: &str) -> BTreeMap<&'a str, &'a Membership> {
        let mut found = self.reachable(role, |membership| membership.sets || membership.grants);
        let taken: Vec<&str> = found.keys().copied().collect();
        for acting in std::iter::once(role).chain(taken) {
            for (other, step) in self.reachable(acting, |membership| membership.inherits || membership.grants)
            {
                if other != role {
                    found.entry(other).or_insert(step);
                }
            }
        }
        found
    }

    /// Every role whose rights a role has without SET ROLE, itself not included, with the membership that leads there.
    #[must_use]
    pub fn has_rights_of<'a>(&'a self, role: &str) -> BTreeMap<&'a str, &'a Membership> {
        self.reachable(role, |membership| membership.inherits)
    }

    fn reachable<'a>(
        &'a self,
        role: &str,
        follow: fn(&Membership) -> bool,
    ) -> BTreeMap<&'a str, &'a Membership> {
        let mut found: BTreeMap<&str, &Membership> = BTreeMap::new();
        let mut open = vec![role.to_owned()];
        while let Some(member) = open.pop() {
            for step in self
                .memberships
                .iter()
                .filter(|m| m.member == member && follow(m))
            {
                if step.role != role && !found.contains_key(step.role.as_str()) {
                    found.insert(&step.role, step);
                    open.push(step.role.clone());
                }
            }
        }
        found
    }

    /// Roles that log in and are a role or a member of it, at any depth.
    #[must_use]
    pub fn logins_of(&self, role: &str) -> Vec<&Role> {
        let is = |login: &Role| {
            login.name == role
                || self.can_become(&login.name).contains_key(role)
                || self.has_rights_of(&login.name).contains_key(role)
        };
        self.roles
            .values()
            .filter(|login| login.logs_in && is(login))
            .collect()
    }

    /// What a setting is for a role when it logs in to this database; `None` where neither role nor database set it.
    #[must_use]
    pub fn setting(&self, role: &str, name: &str) -> Option<&str> {
        // The order in which Postgres lets one override the other.
        let order = [(role, true), (role, false), ("", true), ("", false)];
        let value = order.into_iter().find_map(|(role, here)| {
            let matches = |s: &&Setting| s.role == role && s.here == here && s.name == name;
            self.settings.iter().find(matches)
        });
        value.map(|setting| setting.value.as_str())
    }
}
