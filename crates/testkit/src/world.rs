//! A whole world: what an environment stores, as plain data.

use crate::names::{Resource, Subject};
use rowgate_schema::ast::{PolicyDef, RelationDef, Rule, Schema};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A schema, the warrants and the resources with their metadata.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// The schema.
    #[serde(with = "crate::schema_serde")]
    pub schema: Schema,
    /// The stored warrants, oldest first. No two are equal but for `created_at`.
    pub warrants: Vec<Warrant>,
    /// Resources that were created by themselves, with their metadata.
    pub resources: BTreeMap<Resource, Option<serde_json::Value>>,
}

/// `resource # relation @ subject [policy]`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Warrant {
    /// What it is about.
    pub resource: Resource,
    /// The relation that it grants.
    pub relation: String,
    /// Whom it grants it to.
    pub subject: Subject,
    /// The condition under which it does.
    pub policy: Option<String>,
    /// When it was written, in microseconds since 1970.
    pub created_at: i64,
}

impl World {
    /// The resources that exist: created, or named on either side of a warrant. A wildcard names none.
    pub fn existing(&self) -> BTreeSet<Resource> {
        let named = self
            .warrants
            .iter()
            .flat_map(|w| [w.resource.clone(), w.subject.resource()]);
        self.resources
            .keys()
            .cloned()
            .chain(named)
            .filter(|resource| resource.id != "*")
            .collect()
    }

    /// The names of the declared types.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.schema.types.iter().map(|t| t.name.text.as_str())
    }

    /// The relations that a type declares; none for an unknown type.
    pub fn relations_of(&self, resource_type: &str) -> impl Iterator<Item = &RelationDef> {
        let of_type = move |t: &&rowgate_schema::ast::TypeDef| t.name.text == resource_type;
        self.schema
            .types
            .iter()
            .filter(of_type)
            .flat_map(|t| &t.relations)
    }

    /// The rule that the schema gives a relation, if it does.
    pub fn rule_of(&self, resource_type: &str, relation: &str) -> Option<&Rule> {
        self.relations_of(resource_type)
            .find(|r| r.name.text == relation)?
            .rule
            .as_ref()
    }

    /// The schema policy of that name.
    pub fn policy_def(&self, name: &str) -> Option<&PolicyDef> {
        self.schema.policies.iter().find(|p| p.name.text == name)
    }

    /// Every relation name that occurs: declared by any type, or in a warrant.
    pub fn relation_names(&self) -> BTreeSet<String> {
        let declared = self
            .schema
            .types
            .iter()
            .flat_map(|t| &t.relations)
            .map(|r| r.name.text.clone());
        let stored = self.warrants.iter().map(|w| w.relation.clone());
        let of_groups = self.warrants.iter().filter_map(|w| w.subject.relation.clone());
        declared.chain(stored).chain(of_groups).collect()
    }

    /// The warrants `resource # relation @ …`.
    pub fn warrants_on<'a>(
        &'a self,
        resource: &'a Resource,
        relation: &'a str,
    ) -> impl Iterator<Item = (usize, &'a Warrant)> {
        let on = move |(_, w): &(usize, &Warrant)| w.resource == *resource && w.relation == relation;
        self.warrants.iter().enumerate().filter(on)
    }

    /// The same world without its wildcard warrants.
    pub fn without_wildcards(&self) -> World {
        let mut world = self.clone();
        world.warrants.retain(|w| !w.subject.is_wildcard());
        world
    }

    /// Whether the schema would accept the warrant today. Answers do not depend on it.
    pub fn accepts(&self, resource_type: &str, relation: &str, subject: &Subject) -> bool {
        let Some(def) = self.relations_of(resource_type).find(|r| r.name.text == relation) else {
            return false;
        };
        let Some(allowed) = &def.allowed else { return true };
        let of_type = || {
            allowed
                .iter()
                .filter(|a| a.resource_type.text == subject.resource_type)
        };
        let plain = of_type().any(|a| a.relation.is_none());
        let mut groups = of_type().filter_map(|a| a.relation.as_ref()).peekable();
        match &subject.relation {
            None => plain,
            Some(_) if groups.peek().is_none() => plain,
            Some(relation) => groups.any(|g| g.text == *relation),
        }
    }

    /// Every resource and relation that could be of interest: each existing resource of a declared type and one that
    /// nobody has mentioned, with each relation name, whether the type declares it or not.
    pub fn all_pairs(&self) -> BTreeSet<(Resource, String)> {
        let declared: BTreeSet<&str> = self.types().collect();
        let mut resources = self.existing();
        resources.retain(|resource| declared.contains(&*resource.resource_type));
        resources.extend(declared.iter().map(|t| Resource::new(t, "nobody")));
        let relations = self.relation_names();
        resources
            .iter()
            .flat_map(|x| relations.iter().map(|r| (x.clone(), r.clone())))
            .collect()
    }

    /// Every subject that could be of interest.
    pub fn all_subjects(&self) -> BTreeSet<Subject> {
        let mut subjects: BTreeSet<Subject> = self.warrants.iter().map(|w| w.subject.clone()).collect();
        subjects.extend(self.types().map(Subject::wildcard));
        subjects.extend(self.types().map(|t| Resource::new(t, "nobody").as_subject()));
        for resource in self.existing() {
            let names = self
                .relations_of(&resource.resource_type)
                .map(|r| r.name.text.clone());
            subjects.extend(names.map(|r| Subject::group(&resource, &r)));
            subjects.insert(resource.as_subject());
        }
        subjects
    }
}

impl fmt::Display for Warrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}@{}", self.resource, self.relation, self.subject)?;
        match &self.policy {
            Some(policy) => write!(f, " [{policy}]"),
            None => Ok(()),
        }
    }
}
