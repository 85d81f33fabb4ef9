//! Which relations may be evaluated, and in which order: negation must be stratified.

use crate::world::World;
use rowgate_schema::ast::{GroupOp, Rule};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A relation of a type: `(type, relation)`.
pub type TypeRelation = (String, String);

/// The question depends on a relation that depends on itself through `none_of`: the answer is unknown, never true.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotStratified {
    /// The type of the relation asked about.
    pub resource_type: String,
    /// The relation asked about.
    pub relation: String,
}

impl fmt::Display for NotStratified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            resource_type,
            relation,
        } = self;
        write!(
            f,
            "`{relation}` of `{resource_type}` leads to a relation that depends on itself through `none_of`"
        )
    }
}

impl std::error::Error for NotStratified {}

/// What one relation refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Dependency {
    from: TypeRelation,
    to: TypeRelation,
    /// Whether there is a `none_of` in between, at any depth.
    negated: bool,
}

/// The strata of a world's relations.
#[derive(Debug)]
pub struct Strata {
    /// Relations that depend on themselves through a `none_of`, each with what stands in it.
    offending: BTreeSet<(TypeRelation, TypeRelation)>,
    /// The offending ones and all that depend on them.
    bad: BTreeSet<TypeRelation>,
    stratum: BTreeMap<TypeRelation, usize>,
}

impl Strata {
    /// Reads the dependencies off the rules and the stored group warrants.
    pub fn new(world: &World) -> Self {
        Self::of_dependencies(&dependencies(world))
    }

    /// As a schema is judged when it is applied: the groups that brackets list count as if they were stored.
    pub fn with_brackets(world: &World) -> Self {
        let mut dependencies = dependencies(world);
        dependencies.extend(of_brackets(world));
        Self::of_dependencies(&dependencies)
    }

    fn of_dependencies(dependencies: &BTreeSet<Dependency>) -> Self {
        let reach = Reach::new(dependencies);
        let offends = |d: &&Dependency| d.negated && reach.leads(&d.to, &d.from);
        let pair = |d: &Dependency| (d.from.clone(), d.to.clone());
        let offending: BTreeSet<_> = dependencies.iter().filter(offends).map(pair).collect();
        let leads_there = |from: &&TypeRelation| offending.iter().any(|(bad, _)| reach.leads(from, bad));
        let bad = reach.nodes.iter().filter(leads_there).cloned().collect();
        let stratum = strata(dependencies, &bad);
        Self {
            offending,
            bad,
            stratum,
        }
    }

    /// Relations that depend on themselves through a `none_of`, each with what stands in it.
    pub fn offending(&self) -> &BTreeSet<(TypeRelation, TypeRelation)> {
        &self.offending
    }

    /// Whether the relation, and everything that it depends on, is free of cycles through `none_of`.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, resource_type: &str, relation: &str) -> Result<(), NotStratified> {
        let (resource_type, relation) = (resource_type.to_owned(), relation.to_owned());
        match self.bad.contains(&(resource_type.clone(), relation.clone())) {
            true => Err(NotStratified {
                resource_type,
                relation,
            }),
            false => Ok(()),
        }
    }

    /// Whether every relation of the world is stratified.
    pub fn all_good(&self) -> bool {
        self.bad.is_empty()
    }

    /// The stratum of a relation that passes [`Strata::check`].
    pub fn of(&self, resource_type: &str, relation: &str) -> usize {
        let key = (resource_type.to_owned(), relation.to_owned());
        self.stratum.get(&key).copied().unwrap_or(0)
    }

    /// The highest stratum in use.
    pub fn highest(&self) -> usize {
        self.stratum.values().copied().max().unwrap_or(0)
    }
}

fn dependencies(world: &World) -> BTreeSet<Dependency> {
    let mut all = BTreeSet::new();
    for of_type in &world.schema.types {
        for relation in &of_type.relations {
            let from = (of_type.name.text.clone(), relation.name.text.clone());
            if let Some(rule) = &relation.rule {
                of_rule(rule, &from, false, &mut all);
            }
        }
    }
    for warrant in &world.warrants {
        if let Some(relation) = &warrant.subject.relation {
            let from = (warrant.resource.resource_type.clone(), warrant.relation.clone());
            let to = (warrant.subject.resource_type.clone(), relation.clone());
            all.insert(Dependency {
                from,
                to,
                negated: false,
            });
        }
    }
    all
}

fn of_brackets(world: &World) -> BTreeSet<Dependency> {
    let mut all = BTreeSet::new();
    for of_type in &world.schema.types {
        for relation in &of_type.relations {
            for subject in relation.allowed.iter().flatten() {
                if let Some(group_relation) = &subject.relation {
                    let from = (of_type.name.text.clone(), relation.name.text.clone());
                    let to = (subject.resource_type.text.clone(), group_relation.text.clone());
                    all.insert(Dependency {
                        from,
                        to,
                        negated: false,
                    });
                }
            }
        }
    }
    all
}

fn of_rule(rule: &Rule, from: &TypeRelation, negated: bool, all: &mut BTreeSet<Dependency>) {
    let (of_type, relation) = match rule {
        Rule::Policy { .. } => return,
        Rule::Group { op, rules, .. } => {
            for inner in rules {
                of_rule(inner, from, negated || *op == GroupOp::NoneOf, all);
            }
            return;
        }
        Rule::Relation { relation } => (&from.0, relation),
        // Only stored edges are followed, so the edge relation itself is no dependency.
        Rule::On {
            relation,
            resource_type,
            ..
        } => (&resource_type.text, relation),
    };
    all.insert(Dependency {
        from: from.clone(),
        to: (of_type.clone(), relation.text.clone()),
        negated,
    });
}

/// Which relation is reached from which, in one step or more.
struct Reach {
    nodes: Vec<TypeRelation>,
    leads: Vec<Vec<bool>>,
}

impl Reach {
    fn new(dependencies: &BTreeSet<Dependency>) -> Self {
        let nodes: BTreeSet<_> = dependencies
            .iter()
            .flat_map(|d| [d.from.clone(), d.to.clone()])
            .collect();
        let nodes: Vec<_> = nodes.into_iter().collect();
        let mut leads = vec![vec![false; nodes.len()]; nodes.len()];
        let mut reach = Self {
            nodes,
            leads: Vec::new(),
        };
        for d in dependencies {
            if let (Some(from), Some(to)) = (reach.position(&d.from), reach.position(&d.to)) {
                leads[from][to] = true;
            }
        }
        // Warshall's closure.
        for through in 0..leads.len() {
            for from in 0..leads.len() {
                for to in 0..leads.len() {
                    leads[from][to] |= leads[from][through] && leads[through][to];
                }
            }
        }
        reach.leads = leads;
        reach
    }

    fn position(&self, node: &TypeRelation) -> Option<usize> {
        self.nodes.iter().position(|n| n == node)
    }

    fn leads(&self, from: &TypeRelation, to: &TypeRelation) -> bool {
        match (self.position(from), self.position(to)) {
            (Some(from), Some(to)) => self.leads[from][to],
            _ => false,
        }
    }
}

/// The least numbering in which nothing refers upwards, and everything below a `none_of` is strictly lower.
fn strata(
    dependencies: &BTreeSet<Dependency>,
    bad: &BTreeSet<TypeRelation>,
) -> BTreeMap<TypeRelation, usize> {
    let mut stratum: BTreeMap<TypeRelation, usize> = BTreeMap::new();
    loop {
        let before = stratum.clone();
        for d in dependencies.iter().filter(|d| !bad.contains(&d.from)) {
            let at_least = before.get(&d.to).copied().unwrap_or(0) + usize::from(d.negated);
            let entry = stratum.entry(d.from.clone()).or_insert(0);
            *entry = (*entry).max(at_least);
        }
        if stratum == before {
            return stratum;
        }
    }
}
