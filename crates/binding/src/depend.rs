//! What a guarded relation depends on.
//!
//! The database answers a guarded relation with SQL that was compiled from the schema. So a change of the schema that changes what
//! the relation means must go through a new `apply`. The fingerprint tells: it covers every definition the relation
//! rests on, and nothing else.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rowgate_schema::Model;
use rowgate_schema::ast::{RelationDef, Rule, SubjectType};
use rowgate_schema::policy_to_json;

use crate::authz::is_reserved;
use crate::condition;
use crate::document::{Bindings, Command, Source, Table};
use crate::name::Qualified;

/// A relation of a type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationRef {
    /// The type.
    pub resource_type: String,
    /// The relation.
    pub relation: String,
}

/// A relation that guards commands of a table, and everything it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The table.
    pub table: Qualified,
    /// Its type.
    pub resource_type: String,
    /// The relation.
    pub relation: String,
    /// The commands it guards.
    pub commands: Vec<Command>,
    /// Every relation whose warrants, edges or rules can change the answer, itself included.
    pub relations: BTreeSet<RelationRef>,
    /// Every schema policy that can change the answer.
    pub policies: BTreeSet<String>,
    /// The same as long as all of their definitions and bindings are; 32 hexadecimal digits.
    pub fingerprint: String,
}

impl Dependency {
    /// Whether the answer depends on a relation.
    #[must_use]
    pub fn contains(&self, resource_type: &str, relation: &str) -> bool {
        self.relations
            .iter()
            .any(|other| other.resource_type == resource_type && other.relation == relation)
    }
}

/// The dependencies of every guarded relation.
pub(crate) fn all(bindings: &Bindings, model: &Model) -> Vec<Dependency> {
    let mut out: Vec<Dependency> = Vec::new();
    for table in &bindings.tables {
        for (command, relation) in &table.policies {
            let known = out
                .iter_mut()
                .find(|d| d.table == table.name && d.relation == *relation);
            match known {
                Some(dependency) => dependency.commands.push(*command),
                None => out.push(dependency(bindings, model, table, *command, relation)),
            }
        }
    }
    out
}

fn dependency(
    bindings: &Bindings,
    model: &Model,
    table: &Table,
    command: Command,
    relation: &str,
) -> Dependency {
    let mut walk = Walk {
        bindings,
        model,
        relations: BTreeSet::new(),
        policies: BTreeSet::new(),
    };
    walk.relation(&table.resource_type, relation);
    let fingerprint = walk.fingerprint();
    Dependency {
        table: table.name.clone(),
        resource_type: table.resource_type.clone(),
        relation: relation.to_owned(),
        commands: vec![command],
        relations: walk.relations,
        policies: walk.policies,
        fingerprint,
    }
}

/// Every relation whose warrants, edges or rules can change the answer to a relation of any type, itself included.
#[must_use]
pub fn relations_behind(
    bindings: &Bindings,
    model: &Model,
    resource_type: &str,
    relation: &str,
) -> BTreeSet<RelationRef> {
    let mut walk = Walk {
        bindings,
        model,
        relations: BTreeSet::new(),
        policies: BTreeSet::new(),
    };
    walk.relation(resource_type, relation);
    walk.relations
}

struct Walk<'a> {
    bindings: &'a Bindings,
    model: &'a Model,
    relations: BTreeSet<RelationRef>,
    policies: BTreeSet<String>,
}

impl Walk<'_> {
    /// Visits a relation and what it depends on. A work list, because a chain of relations can be long.
    fn relation(&mut self, resource_type: &str, relation: &str) {
        let mut open = vec![(resource_type.to_owned(), relation.to_owned())];
        while let Some((resource_type, relation)) = open.pop() {
            let reference = RelationRef {
                resource_type: resource_type.clone(),
                relation: relation.clone(),
            };
            if !self.relations.insert(reference) {
                continue;
            }
            for source in self.sources(&resource_type, &relation) {
                if let Some(group) = &source.relation {
                    open.push((source.resource_type.clone(), group.clone()));
                }
            }
            let Some(def) = self.model.relation(&resource_type, &relation) else {
                continue;
            };
            if self.sources(&resource_type, &relation).is_empty() {
                open.extend(accepted_groups(self.model, &resource_type, &relation));
            }
            if let Some(rule) = &def.rule {
                self.rule(&resource_type, rule, &mut open);
            }
        }
    }

    fn rule(&mut self, resource_type: &str, rule: &Rule, open: &mut Vec<(String, String)>) {
        match rule {
            Rule::Relation { relation } => open.push((resource_type.to_owned(), relation.text.clone())),
            Rule::On {
                relation,
                edge,
                resource_type: far,
            } => {
                open.push((far.text.clone(), relation.text.clone()));
                open.push((resource_type.to_owned(), edge.text.clone()));
            }
            Rule::Policy { policy } => {
                self.policies.insert(policy.text.clone());
            }
            Rule::Group { rules, .. } => rules.iter().for_each(|rule| self.rule(resource_type, rule, open)),
        }
    }

    fn sources(&self, resource_type: &str, relation: &str) -> &[Source] {
        let table = self
            .bindings
            .tables
            .iter()
            .find(|table| table.resource_type == resource_type);
        table
            .and_then(|table| table.relations.get(relation))
            .map_or(&[], Vec::as_slice)
    }

    fn fingerprint(&self) -> String {
        let mut text = String::new();
        let subject = &self.bindings.subject;
        let claim = subject.claim.as_ref().map(|claim| format!(" claim {claim:?}"));
        let _ = writeln!(
            text,
            "subject {} {}{}",
            subject.resource_type,
            subject.function,
            claim.unwrap_or_default()
        );
        for RelationRef {
            resource_type,
            relation,
        } in &self.relations
        {
            let _ = write!(text, "relation {resource_type}#{relation}");
            if let Some(def) = self.model.relation(resource_type, relation) {
                definition(resource_type, def, &mut text);
            }
            for source in self.sources(resource_type, relation) {
                let _ = write!(text, " source {source:?}");
            }
            text.push('\n');
        }
        let types: BTreeSet<&str> = self.relations.iter().map(|r| r.resource_type.as_str()).collect();
        for table in self
            .bindings
            .tables
            .iter()
            .filter(|table| types.contains(table.resource_type.as_str()))
        {
            let (name, conditions) = (&table.name, condition::write(&table.conditions));
            let _ = writeln!(
                text,
                "table {name} id {:?} where {conditions} attributes {:?}",
                table.id, table.attributes
            );
        }
        for policy in self
            .model
            .schema()
            .policies
            .iter()
            .filter(|p| self.policies.contains(&p.name.text))
        {
            let _ = writeln!(text, "policy {}", policy_to_json(policy));
        }
        blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
    }
}

/// The groups that may be subjects of a relation's warrants, as (type, relation): those that its brackets list, or every relation
/// of a type that they name alone; without brackets every relation of every type. Sorted, none twice.
#[must_use]
pub fn accepted_groups(model: &Model, resource_type: &str, relation: &str) -> Vec<(String, String)> {
    let Some(def) = model.relation(resource_type, relation) else {
        return Vec::new();
    };
    let mut found = groups(model, def);
    // What is stored there is written by the authorization API alone, which names no other groups.
    if is_reserved(resource_type) {
        found.retain(|group| listed(def, group));
    }
    found
}

/// Whether brackets list a group by name.
fn listed(def: &RelationDef, (resource_type, relation): &(String, String)) -> bool {
    let all = def.allowed.iter().flatten();
    let mut groups =
        all.filter_map(|subject| Some((&subject.resource_type.text, &subject.relation.as_ref()?.text)));
    groups.any(|group| group == (resource_type, relation))
}

/// The groups that may be subjects of a relation's warrants, as (type, relation): those that brackets list, or every
/// relation of a type that they name alone.
fn groups(model: &Model, def: &RelationDef) -> Vec<(String, String)> {
    let every = |resource_type: &str| {
        let relations = model
            .type_def(resource_type)
            .map_or(&[][..], |def| &def.relations);
        relations
            .iter()
            .map(|relation| (resource_type.to_owned(), relation.name.text.clone()))
            .collect::<Vec<_>>()
    };
    let Some(allowed) = &def.allowed else {
        return model
            .schema()
            .types
            .iter()
            .flat_map(|def| every(&def.name.text))
            .collect();
    };
    let mut out: Vec<(String, String)> = Vec::new();
    for subject in allowed {
        let resource_type = &subject.resource_type.text;
        let listed = allowed
            .iter()
            .any(|s| s.resource_type.text == *resource_type && s.relation.is_some());
        match &subject.relation {
            Some(relation) => out.push((resource_type.clone(), relation.text.clone())),
            None if !listed => out.extend(every(resource_type)),
            None => {}
        }
    }
    out.sort();
    out.dedup();
    out
}

fn definition(resource_type: &str, def: &RelationDef, text: &mut String) {
    // Of the authorization API's types, a longer list of subjects means nothing before a rule follows them.
    let counts = |subject: &&SubjectType| !is_reserved(resource_type) || subject.relation.is_some();
    match &def.allowed {
        None => text.push_str(" [*]"),
        Some(allowed) => {
            let mut names: Vec<String> = allowed
                .iter()
                .filter(counts)
                .map(|subject| match &subject.relation {
                    Some(relation) => format!("{}#{}", subject.resource_type.text, relation.text),
                    None => subject.resource_type.text.clone(),
                })
                .collect();
            names.sort();
            let _ = write!(text, " {names:?}");
        }
    }
    if let Some(rule) = &def.rule {
        rule_text(rule, text);
    }
}

fn rule_text(rule: &Rule, text: &mut String) {
    let _ = match rule {
        Rule::Relation { relation } => write!(text, " {}", relation.text),
        Rule::On {
            relation,
            edge,
            resource_type,
        } => write!(
            text,
            " {} on {} [{}]",
            relation.text, edge.text, resource_type.text
        ),
        Rule::Policy { policy } => write!(text, " policy {}", policy.text),
        Rule::Group { op, rules, .. } => {
            let _ = write!(text, " {}(", op.keyword());
            rules.iter().for_each(|rule| rule_text(rule, text));
            write!(text, ")")
        }
    };
}
