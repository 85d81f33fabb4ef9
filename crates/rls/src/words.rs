//! Predicates and sets in words.

use std::collections::BTreeSet;

use rowgate_binding::authz::{self, NAME, permission_slug};
use rowgate_binding::{Resolved, Source, Table};

use crate::predicate::{Predicate, Reading, Set};

/// Where the answer to a permission on a row of a table comes from, one line for each parent.
pub(crate) fn permission(resolved: &Resolved, table: &Table, relation: &str) -> Vec<String> {
    let permission = permission_slug(relation).unwrap_or_default();
    let above = |slug: &str| {
        let mut found = BTreeSet::new();
        let mut open = vec![slug.to_owned()];
        while let Some(slug) = open.pop() {
            let parent = resolved
                .model()
                .relation(&authz::type_name(&slug), authz::relation::PARENT);
            for far in parent
                .into_iter()
                .filter_map(|def| def.allowed.as_ref())
                .flatten()
            {
                if let Some(far) = authz::type_slug(&far.resource_type.text)
                    && found.insert(far.to_owned())
                {
                    open.push(far.to_owned());
                }
            }
        }
        found
    };
    let way = |source: &Source| {
        let (columns, far) = (source.columns.join(", "), source.resource_type.as_str());
        if let Some(slug) = authz::type_slug(far) {
            let above: Vec<String> = above(slug).into_iter().collect();
            let places = if above.is_empty() {
                "on it".to_owned()
            } else {
                format!("on it or above it ({})", above.join(", "))
            };
            format!(
                "{columns} is {}, and {places} the membership has a role that carries {permission}, by itself or through a group",
                a(slug)
            )
        } else if far == NAME {
            format!(
                "{columns} is the id of a resource, and on it or above it the membership has a role that carries {permission}, by itself or through a group"
            )
        } else {
            format!("{columns} is {} for which {permission} holds", a(far))
        }
    };
    let sources = table.relations.values().flatten();
    sources.map(way).collect()
}

/// A predicate about a row as a list of ways to hold, one line each.
pub(crate) fn lines(predicate: &Predicate) -> Vec<String> {
    match predicate {
        Predicate::Any(parts) if parts.is_empty() => vec!["never".to_owned()],
        Predicate::Any(parts) => parts.iter().map(words).collect(),
        one => vec![words(one)],
    }
}

fn words(predicate: &Predicate) -> String {
    match predicate {
        Predicate::Any(parts) if parts.is_empty() => "never".to_owned(),
        Predicate::All(parts) if parts.is_empty() => "always".to_owned(),
        Predicate::Any(parts) => group(parts, "or"),
        Predicate::All(parts) => group(parts, "and"),
        Predicate::Not(part) => format!("not ({})", words(part)),
        Predicate::Mine(columns) => format!("{} is the subject", columns_of(columns)),
        Predicate::Through { columns, far, holds } => {
            format!("{} is {} for which {}", columns_of(columns), a(far), words(holds))
        }
        Predicate::In(set) => format!("it is one of {}", self::set(set)),
        Predicate::Policy { policy, reading, .. } => match reading {
            Reading::Must => format!("policy {policy} is true"),
            Reading::May => format!("policy {policy} is not false"),
        },
    }
}

fn group(parts: &[Predicate], operator: &str) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|part| match part {
            Predicate::Any(_) | Predicate::All(_) => format!("({})", words(part)),
            _ => words(part),
        })
        .collect();
    parts.join(&format!(", {operator} "))
}

/// A noun with its article.
fn a(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    // Spoken with a consonant.
    let you = ["us", "uni", "eu"].iter().any(|start| noun.starts_with(start));
    let article = if vowel && !you { "an" } else { "a" };
    format!("{article} {noun}")
}

fn columns_of(columns: &[String]) -> String {
    columns.join(", ")
}

/// A set as a noun.
pub(crate) fn set(set: &Set) -> String {
    match set {
        Set::Union(sets) => {
            let parts: Vec<String> = sets.iter().map(self::set).collect();
            parts.join(", and ")
        }
        Set::Warrants {
            resource_type,
            relations,
            reading,
        } => {
            let maybe = if *reading == Reading::May {
                ", perhaps on a condition"
            } else {
                ""
            };
            let relations = relations.join(" or ");
            format!(
                "the {resource_type}s of which stored warrants make the subject, or everybody, {relations}{maybe}"
            )
        }
        Set::Edges {
            resource_type,
            relation,
            far,
            group: Some(group),
            holds,
            ..
        } => format!(
            "the {resource_type}s of which stored warrants make the {group}s of {} {relation}, where {}",
            a(far),
            words(holds)
        ),
        Set::Edges {
            resource_type,
            relation,
            far,
            group: None,
            holds,
            ..
        } => format!(
            "the {resource_type}s whose {relation}, by stored warrants, is {} for which {}",
            a(far),
            words(holds)
        ),
        Set::Strangers {
            resource_type,
            relation,
            ..
        } => format!("the {resource_type}s whose {relation} is a group that the schema does not accept"),
        Set::Joined { resource_type, join } => format!(
            "the {resource_type}s that {} joins with the subject by {}",
            join.table.name,
            columns_of(&join.columns)
        ),
        Set::JoinedThrough {
            resource_type,
            join,
            far,
            holds,
        } => format!(
            "the {resource_type}s that {} joins by {} with {} for which {}",
            join.table.name,
            columns_of(&join.columns),
            a(far),
            words(holds)
        ),
        Set::Rows(node) => format!(
            "the rows of {} that the subject is {} of",
            node.resource_type, node.relation
        ),
        Set::Recursive(node) => {
            format!(
                "the {}s that the subject is {} of, found step by step",
                node.resource_type, node.relation
            )
        }
    }
}
