//! Equal predicates, fewer parts: one set for each column where there were many, so that a policy evaluates as little as it can.

use std::collections::BTreeMap;

use super::{Predicate, Reading, Set};

/// The same predicate with nested operators flattened, repetitions gone, and sets about the same thing joined.
pub(crate) fn simplify(predicate: Predicate) -> Predicate {
    match predicate {
        Predicate::Any(parts) => any(parts),
        Predicate::All(parts) => all(parts),
        Predicate::Not(part) => Predicate::Not(Box::new(simplify(*part))),
        Predicate::Through { columns, far, holds } => Predicate::Through {
            columns,
            far,
            holds: Box::new(simplify(*holds)),
        },
        other => other,
    }
}

fn any(parts: Vec<Predicate>) -> Predicate {
    let mut flat: Vec<Predicate> = Vec::new();
    let mut sets: Vec<Set> = Vec::new();
    let mut through: BTreeMap<(Vec<String>, String), Vec<Predicate>> = BTreeMap::new();
    let mut open: Vec<Predicate> = parts.into_iter().rev().collect();
    while let Some(part) = open.pop() {
        match part {
            Predicate::Any(inner) => open.extend(inner.into_iter().rev()),
            Predicate::In(set) => sets.push(*set),
            Predicate::Through { columns, far, holds } => {
                through.entry((columns, far)).or_default().push(*holds);
            }
            other => match simplify(other) {
                Predicate::Any(inner) => open.extend(inner.into_iter().rev()),
                Predicate::All(inner) if inner.is_empty() => return Predicate::All(inner),
                simple if flat.contains(&simple) => {}
                simple => flat.push(simple),
            },
        }
    }
    for ((columns, far), holds) in through {
        let holds = any(holds);
        if holds != Predicate::FALSE {
            flat.push(Predicate::Through {
                columns,
                far,
                holds: Box::new(holds),
            });
        }
    }
    if let Some(set) = union(sets) {
        flat.push(Predicate::In(Box::new(set)));
    }
    one_or(flat, Predicate::Any)
}

fn all(parts: Vec<Predicate>) -> Predicate {
    let mut flat: Vec<Predicate> = Vec::new();
    let mut open: Vec<Predicate> = parts.into_iter().rev().collect();
    while let Some(part) = open.pop() {
        match simplify(part) {
            Predicate::All(inner) => open.extend(inner.into_iter().rev()),
            Predicate::Any(inner) if inner.is_empty() => return Predicate::FALSE,
            simple if flat.contains(&simple) => {}
            simple => flat.push(simple),
        }
    }
    one_or(flat, Predicate::All)
}

fn one_or(mut parts: Vec<Predicate>, many: impl FnOnce(Vec<Predicate>) -> Predicate) -> Predicate {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        many(parts)
    }
}

/// One set of the members of all, with the stored warrants of a type in one scan.
fn union(sets: Vec<Set>) -> Option<Set> {
    let mut warrants: BTreeMap<(String, Reading), Vec<String>> = BTreeMap::new();
    let mut others: Vec<Set> = Vec::new();
    let mut open = sets;
    while let Some(set) = open.pop() {
        match set {
            Set::Union(inner) => open.extend(inner),
            Set::Warrants {
                resource_type,
                relations,
                reading,
            } => warrants
                .entry((resource_type, reading))
                .or_default()
                .extend(relations),
            other => others.push(other),
        }
    }
    let mut all: Vec<Set> = warrants
        .into_iter()
        .map(|((resource_type, reading), mut relations)| {
            relations.sort();
            relations.dedup();
            Set::Warrants {
                resource_type,
                relations,
                reading,
            }
        })
        .collect();
    others.sort();
    others.dedup();
    all.extend(others);
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(Set::Union(all)),
    }
}
