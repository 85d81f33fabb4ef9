//! What the rules look at.

use std::collections::BTreeSet;

use rowgate_binding::{Qualified, Table};

use super::expected::{Expected, GENERATED};
use crate::catalog::{Catalog, Grant, GrantKind, Policy, Relation, bare, dotted};

/// The schemas that hold Rowgate's own objects.
const OWN_SCHEMAS: [&str; 2] = ["rowgate", "rowgate_rls"];

/// A catalog with the questions that several rules have.
pub(super) struct Inspection<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) expected: Option<&'a Expected>,
    /// The roles that policies are meant to bind.
    pub(super) guarded: BTreeSet<&'a str>,
    /// The tables whose rows policies are meant to guard.
    pub(super) protected: BTreeSet<&'a Qualified>,
}

impl<'a> Inspection<'a> {
    pub(super) fn new(catalog: &'a Catalog, expected: Option<&'a Expected>) -> Self {
        let mut inspection = Self {
            catalog,
            expected,
            guarded: BTreeSet::new(),
            protected: BTreeSet::new(),
        };
        inspection.protected = inspection.find_protected();
        inspection.guarded = inspection.find_guarded();
        inspection
    }

    /// The tables of the bindings.
    pub(super) fn bound(&self) -> impl Iterator<Item = &'a Table> + use<'a> {
        self.expected
            .into_iter()
            .flat_map(|expected| expected.bindings.tables())
    }

    fn find_protected(&self) -> BTreeSet<&'a Qualified> {
        let enabled = self
            .catalog
            .relations
            .values()
            .filter(|table| table.rls)
            .map(|table| &table.name);
        // What lets Rowgate read a table guards nothing.
        let guards = |policy: &&Policy| !policy.roles.iter().all(|role| is_own_role(role));
        let with_policies = self
            .catalog
            .policies
            .iter()
            .filter(guards)
            .map(|policy| &policy.table);
        let bound = self
            .bound()
            .filter(|table| !table.policies.is_empty())
            .map(|table| &table.name);
        let known = |name: &&Qualified| self.catalog.relations.contains_key(*name) && !is_own(name);
        enabled.chain(with_policies).chain(bound).filter(known).collect()
    }

    /// Roles of the bindings; roles that policies name; and whoever has rights on protected tables and is no administrator.
    fn find_guarded(&self) -> BTreeSet<&'a str> {
        let bound = self
            .expected
            .into_iter()
            .flat_map(|expected| &expected.bindings.bindings().roles);
        let mut guarded: BTreeSet<&str> = bound.map(String::as_str).collect();
        let named = self.catalog.policies.iter().flat_map(|policy| {
            let roles = policy.roles.iter().map(String::as_str);
            roles.filter(|role| !self.is_for_its_owner(policy, role))
        });
        guarded.extend(named);
        if self.expected.is_none() {
            let grants = self
                .catalog
                .grants
                .iter()
                .filter(|grant| self.protected.contains(&grant.object));
            guarded.extend(
                grants
                    .map(|grant| grant.grantee.as_str())
                    .filter(|grantee| !self.is_administrator(grantee)),
            );
        }
        guarded.retain(|role| self.catalog.roles.contains_key(*role) && !is_own_role(role));
        guarded
    }

    /// Whether a policy gives the owner of a bound table back what `force row level security` takes from it. The bindings say who is guarded there.
    fn is_for_its_owner(&self, policy: &Policy, role: &str) -> bool {
        let is_bound = self.bound().any(|table| table.name == policy.table);
        is_bound && self.table(&policy.table).is_some_and(|table| table.owner == role)
    }

    fn is_administrator(&self, role: &str) -> bool {
        let owns = || {
            self.protected
                .iter()
                .any(|table| self.table(table).is_some_and(|table| table.owner == role))
        };
        self.catalog
            .roles
            .get(role)
            .is_some_and(|role| role.is_above_policies())
            || owns()
    }

    pub(super) fn table(&self, name: &Qualified) -> Option<&'a Relation> {
        self.catalog.relations.get(name)
    }

    /// The protected tables.
    pub(super) fn protected_tables(&self) -> impl Iterator<Item = &'a Relation> + '_ {
        self.protected.iter().filter_map(|name| self.table(name))
    }

    /// Whether a guarded role has what is granted to a role; the empty name is PUBLIC.
    pub(super) fn reaches(&self, grantee: &str) -> bool {
        grantee.is_empty() || self.guarded.iter().any(|role| self.has(role, grantee))
    }

    fn has(&self, role: &str, grantee: &str) -> bool {
        grantee.is_empty() || role == grantee || self.catalog.has_rights_of(role).contains_key(grantee)
    }

    /// Whether two policies hold for the same guarded role.
    pub(super) fn meet(&self, one: &Policy, other: &Policy) -> bool {
        let holds = |role: &str, policy: &Policy| policy.roles.iter().any(|of| self.has(role, of));
        let guarded = |role: &&str| holds(role, one) && holds(role, other);
        self.guarded.iter().any(guarded)
    }

    /// Rights on a relation or its columns that a guarded role has, or everybody.
    pub(super) fn rights(&self, object: &'a Qualified) -> impl Iterator<Item = &'a Grant> + '_ {
        let on = move |grant: &&Grant| grant.kind != GrantKind::Sequence && grant.object == *object;
        self.catalog
            .grants
            .iter()
            .filter(on)
            .filter(|grant| self.reaches(&grant.grantee))
    }

    /// Whether the policies of a table do not hold for a role.
    pub(super) fn bypasses(&self, role: &str, table: &Relation) -> bool {
        let above = self
            .catalog
            .roles
            .get(role)
            .is_some_and(|role| role.is_above_policies());
        let owns = role == table.owner
            || self
                .catalog
                .has_rights_of(role)
                .contains_key(table.owner.as_str());
        above || (owns && !table.forced)
    }

    /// Whether the bindings guard a table.
    pub(super) fn is_bound(&self, table: &Qualified) -> bool {
        self.bound()
            .any(|bound| bound.name == *table && !bound.policies.is_empty())
    }
}

/// Whether a schema is Rowgate's own.
pub(super) fn is_own(name: &Qualified) -> bool {
    OWN_SCHEMAS.contains(&name.schema.as_str())
}

/// Whether a role is Rowgate's own.
pub(super) fn is_own_role(role: &str) -> bool {
    role.starts_with("rowgate_")
}

/// Whether `apply` made a policy.
pub(super) fn is_generated(policy: &Policy) -> bool {
    policy.name.starts_with("rowgate_")
        && policy
            .comment
            .as_deref()
            .is_some_and(|comment| comment.starts_with(GENERATED))
}

/// A grantee as SQL names it.
pub(super) fn grantee(name: &str) -> String {
    if name.is_empty() {
        "PUBLIC".to_owned()
    } else {
        bare(name)
    }
}

/// `policy mine on public.ticket`
pub(super) fn policy_name(policy: &Policy) -> String {
    format!("policy {} on {}", bare(&policy.name), dotted(&policy.table))
}

/// Statements that take rights away, as the owner or as whoever granted them.
pub(super) fn revoke(privileges: &str, relation: &Relation, from: &str, grantor: &str) -> Vec<String> {
    let revoke = format!(
        "REVOKE {privileges} ON {} FROM {};",
        dotted(&relation.name),
        grantee(from)
    );
    if grantor == relation.owner {
        return vec![revoke];
    }
    vec![
        format!("SET ROLE {};", bare(grantor)),
        revoke,
        "RESET ROLE;".to_owned(),
    ]
}
