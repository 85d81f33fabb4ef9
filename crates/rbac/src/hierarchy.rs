//! Which types are under which, and what follows from that.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::ORGANIZATION;
use crate::read::Reader;

/// Resource types with the types that their resources can be under.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hierarchy {
    parents: BTreeMap<String, Vec<String>>,
}

impl Hierarchy {
    pub(crate) fn of(read: Reader<'_>) -> Self {
        let types = read.resource_types();
        let pairs = types.map(|ty| (ty.slug().into_owned(), ty.parents().map(str::to_owned).collect()));
        Self {
            parents: pairs.collect(),
        }
    }

    /// With one more type, or with other parents for one.
    pub fn set(&mut self, slug: &str, parents: Vec<String>) {
        self.parents.insert(slug.to_owned(), parents);
    }

    /// Without a type.
    pub fn remove(&mut self, slug: &str) {
        self.parents.remove(slug);
    }

    /// The types other than `organization`.
    pub fn types(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.parents
            .iter()
            .map(|(slug, parents)| (slug.as_str(), parents.as_slice()))
    }

    /// Whether a type exists.
    pub fn has(&self, slug: &str) -> bool {
        slug == ORGANIZATION || self.parents.contains_key(slug)
    }

    /// The types that resources of a type can be under.
    pub fn parents(&self, slug: &str) -> &[String] {
        self.parents.get(slug).map_or(&[], Vec::as_slice)
    }

    /// A type and everything above it.
    pub fn above(&self, slug: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut queue: Vec<&str> = self
            .parents
            .get_key_value(slug)
            .map(|(slug, _)| slug.as_str())
            .or((slug == ORGANIZATION).then_some(ORGANIZATION))
            .into_iter()
            .collect();
        while let Some(ty) = queue.pop() {
            if found.insert(ty) {
                queue.extend(self.parents(ty).iter().map(String::as_str));
            }
        }
        found
    }

    /// Whether a role on resources of `role` can carry permissions on resources of `permission`: those of its own type and of types below it.
    pub fn reaches(&self, role: &str, permission: &str) -> bool {
        self.above(permission).contains(role)
    }

    /// A type that is under itself, if there is one.
    pub fn cycle(&self) -> Option<&str> {
        self.parents.keys().map(String::as_str).find(|slug| {
            let up = self.parents(slug).iter();
            up.flat_map(|parent| self.above(parent))
                .any(|above| above == *slug)
        })
    }

    /// How many levels there are at most, the organization included. Only without a cycle.
    pub fn depth(&self) -> usize {
        let mut levels = BTreeMap::from([(ORGANIZATION, 1)]);
        // Each round settles at least the types one level further down.
        for _ in 0..self.parents.len() {
            for (slug, parents) in &self.parents {
                let up = parents.iter().filter_map(|parent| levels.get(parent.as_str()));
                let level = 1 + up.max().copied().unwrap_or(0);
                levels.insert(slug, level);
            }
        }
        levels.values().max().copied().unwrap_or(1)
    }
}
