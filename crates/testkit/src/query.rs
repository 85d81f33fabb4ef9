//! Queries: the checks that say yes, listed.

use crate::names::{Resource, Subject};
use crate::oracle::{Oracle, Table};
use crate::value::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A list of names in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// `*`: all that the schema declares.
    All,
    /// These.
    These(Vec<String>),
}

impl Names {
    /// Splits `a, b` at the commas; `*` is [`Names::All`].
    pub fn of(text: &str) -> Self {
        match text {
            "*" => Self::All,
            names => Self::These(names.split(',').map(|name| name.trim().to_owned()).collect()),
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.iter().any(|n| n == name),
        }
    }
}

/// One row of a query. Rows are ordered by (type, id, relation) as byte strings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// The result: a resource where a subject is given, a subject (without a relation, `type:*` for the wildcard
    /// row) for a resource.
    pub resource_type: String,
    /// Its id.
    pub id: String,
    /// The relation that it satisfies.
    pub relation: String,
    /// Whether it needs a rule: false exactly when the explicit form has this row too.
    pub is_implicit: bool,
}

/// What a query lists and what it could not decide.
#[derive(Debug, Default)]
struct Listing {
    /// (type, id, relation)
    rows: BTreeSet<(String, String, String)>,
    missing: BTreeSet<String>,
}

impl Listing {
    fn consider(&mut self, row: (&Resource, &str), value: Value, missing: impl FnOnce() -> BTreeSet<String>) {
        match value {
            Value::True => {
                self.rows
                    .insert((row.0.resource_type.clone(), row.0.id.clone(), row.1.to_owned()));
            }
            Value::Unknown => self.missing.extend(missing()),
            Value::False => {}
        }
    }
}

impl Oracle {
    /// `select [explicit] TYPES where SUBJECT is RELATIONS`, in descending order.
    pub fn query_where(
        &self,
        subject: impl Into<Subject>,
        types: &Names,
        relations: &Names,
        explicit: bool,
    ) -> Vec<Row> {
        let subject = subject.into();
        let listed = self.list_where(&subject, types, relations, explicit);
        let explicitly = self.list_where(&subject, types, relations, true);
        rows(&listed, &explicitly)
    }

    /// `select [explicit] RELATIONS of type TYPES for RESOURCE`, in descending order.
    pub fn query_for(
        &self,
        resource: impl Into<Resource>,
        relations: &Names,
        types: &Names,
        explicit: bool,
    ) -> Vec<Row> {
        let resource = resource.into();
        let listed = self.list_for(&resource, relations, types, explicit);
        let explicitly = self.list_for(&resource, relations, types, true);
        rows(&listed, &explicitly)
    }

    /// The keys that the where-form reports: the union over the candidates that are unknown.
    pub fn missing_where(
        &self,
        subject: impl Into<Subject>,
        types: &Names,
        relations: &Names,
        explicit: bool,
    ) -> BTreeSet<String> {
        self.list_where(&subject.into(), types, relations, explicit)
            .missing
    }

    /// The keys that the for-form reports: the union over the candidates that are unknown.
    pub fn missing_for(
        &self,
        resource: impl Into<Resource>,
        relations: &Names,
        types: &Names,
        explicit: bool,
    ) -> BTreeSet<String> {
        self.list_for(&resource.into(), relations, types, explicit)
            .missing
    }

    fn list_where(&self, subject: &Subject, types: &Names, relations: &Names, explicit: bool) -> Listing {
        let table = self.table(subject, explicit, &[]);
        let mut listing = Listing::default();
        for resource in self
            .world
            .existing()
            .iter()
            .filter(|x| types.has(&x.resource_type))
        {
            for relation in self.listed_relations(resource, relations) {
                let value = self.candidate(&table, resource, &relation);
                listing.consider((resource, &relation), value, || {
                    self.missing_in(&table, resource, &relation)
                });
            }
        }
        listing
    }

    fn list_for(&self, resource: &Resource, relations: &Names, types: &Names, explicit: bool) -> Listing {
        let relations = self.listed_relations(resource, relations);
        let without = Oracle::new(&self.world.without_wildcards(), &self.context, self.now);
        let existing = self.world.existing();
        let mut listing = Listing::default();

        // The relations for which a row `type:*` stands for everybody of the type.
        let mut shorthand: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for resource_type in self.world.types().filter(|t| types.has(t)) {
            let everybody = Resource::new(resource_type, "*");
            let table = self.table(&everybody.as_subject(), explicit, &[resource]);
            for relation in relations
                .iter()
                .filter(|relation| self.is_uniform(resource, relation, explicit))
            {
                let value = self.candidate(&table, resource, relation);
                listing.consider((&everybody, relation), value, || {
                    self.missing_in(&table, resource, relation)
                });
                if value == Value::True {
                    shorthand.entry(resource_type).or_default().insert(relation);
                }
            }
        }

        let declared: BTreeSet<&str> = self.world.types().collect();
        let selected = |s: &&Resource| types.has(&s.resource_type) && declared.contains(&*s.resource_type);
        for subject in existing.iter().filter(selected) {
            let table = self.table(&subject.as_subject(), explicit, &[resource]);
            let table_without = without.table(&subject.as_subject(), explicit, &[resource]);
            for relation in &relations {
                let stood_for = shorthand
                    .get(&*subject.resource_type)
                    .is_some_and(|r| r.contains(&**relation));
                let (oracle, table) = if stood_for {
                    (&without, &table_without)
                } else {
                    (self, &table)
                };
                let value = oracle.candidate(table, resource, relation);
                // Whoever is stood for is not undecided, even when the own row is not there.
                listing.consider((subject, relation), value, || match stood_for {
                    true => BTreeSet::new(),
                    false => self.missing_in(table, resource, relation),
                });
            }
        }
        listing
    }

    /// The relations asked for that the resource's type declares.
    fn listed_relations(&self, resource: &Resource, relations: &Names) -> Vec<String> {
        let declared = self
            .world
            .relations_of(&resource.resource_type)
            .map(|r| r.name.text.clone());
        declared.filter(|name| relations.has(name)).collect()
    }

    /// The value in the table, or unknown where the page says so: the relation is not stratified.
    fn candidate(&self, table: &Table, resource: &Resource, relation: &str) -> Value {
        match self.strata.check(&resource.resource_type, relation) {
            Err(_) if !table.explicit => Value::Unknown,
            _ => table.get(resource, relation),
        }
    }
}

fn rows(listed: &Listing, explicitly: &Listing) -> Vec<Row> {
    let row = |key: &(String, String, String)| {
        let is_implicit = !explicitly.rows.contains(key);
        let (resource_type, id, relation) = key.clone();
        Row {
            resource_type,
            id,
            relation,
            is_implicit,
        }
    };
    let mut rows: Vec<Row> = listed.rows.iter().map(row).collect();
    rows.sort_by_key(|row| Reverse((row.resource_type.clone(), row.id.clone(), row.relation.clone())));
    rows
}
