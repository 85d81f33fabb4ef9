//! Makes worlds stratified, changing as little as possible.

use crate::strata::{Strata, TypeRelation};
use crate::world::{Warrant, World};
use rowgate_schema::ast::{GroupOp, Rule};
use std::collections::BTreeSet;

/// Turns each `none_of` through which a relation depends on itself into an `any_of`.
pub(crate) fn schema(world: &mut World) {
    loop {
        let strata = Strata::with_brackets(world);
        let Some(((resource_type, relation), inner)) = strata.offending().first() else {
            return;
        };
        for of_type in world
            .schema
            .types
            .iter_mut()
            .filter(|t| t.name.text == *resource_type)
        {
            for relation in of_type.relations.iter_mut().filter(|r| r.name.text == *relation) {
                relation
                    .rule
                    .iter_mut()
                    .for_each(|rule| affirm(rule, resource_type, inner));
            }
        }
    }
}

/// Turns each `none_of` that holds a reference to the relation into an `any_of`.
fn affirm(rule: &mut Rule, own_type: &str, inner: &TypeRelation) {
    let refers = refers_to(rule, own_type, inner);
    if let Rule::Group { op, rules, .. } = rule {
        if refers && *op == GroupOp::NoneOf {
            *op = GroupOp::AnyOf;
        }
        rules.iter_mut().for_each(|rule| affirm(rule, own_type, inner));
    }
}

fn refers_to(rule: &Rule, own_type: &str, inner: &TypeRelation) -> bool {
    match rule {
        Rule::Relation { relation } => own_type == inner.0 && relation.text == inner.1,
        Rule::On {
            relation,
            resource_type,
            ..
        } => resource_type.text == inner.0 && relation.text == inner.1,
        Rule::Policy { .. } => false,
        Rule::Group { rules, .. } => rules.iter().any(|rule| refers_to(rule, own_type, inner)),
    }
}

/// Whether the world would stay stratified with the warrant. `known` are the group edges between relations that were
/// let in before.
pub(crate) fn lets_in(world: &World, warrant: &Warrant, known: &mut BTreeSet<[String; 4]>) -> bool {
    let Some(relation) = &warrant.subject.relation else {
        return true;
    };
    let Warrant {
        resource, subject, ..
    } = warrant;
    let edge = [
        &resource.resource_type,
        &warrant.relation,
        &subject.resource_type,
        relation,
    ]
    .map(String::clone);
    if known.contains(&edge) {
        return true;
    }
    let mut with = world.clone();
    with.warrants.push(warrant.clone());
    let stays = Strata::with_brackets(&with).all_good();
    if stays {
        known.insert(edge);
    }
    stays
}
