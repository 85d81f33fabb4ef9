//! Drivers: where to start looking when everything that satisfies a rule is wanted.
//!
//! The drivers of a rule are leaves of which at least one must hold for the rule to be true. For `any_of` they are
//! the drivers of all its rules; for `all_of` those of one rule are enough, and one that can be enumerated is chosen. Nothing
//! drives `none_of` or a policy: they can be true of every resource of the type, which then all are candidates.

use rowgate_graph::Symbol;
use rowgate_schema::ast::GroupOp;

use crate::program::{PolicyIndex, Rule};

/// One leaf that can make a rule true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// A relation of the same resource.
    Same(Symbol),
    /// A relation of a resource at the other end of an edge.
    Over {
        relation: Symbol,
        edge: Symbol,
        resource_type: Symbol,
    },
    /// Nothing in the graph. With a policy: only while the policy can be true.
    Every(Option<PolicyIndex>),
}

pub(crate) fn of(rule: &Rule) -> Vec<Driver> {
    match rule {
        Rule::Relation(relation) => vec![Driver::Same(*relation)],
        Rule::On {
            relation,
            edge,
            resource_type,
        } => {
            vec![Driver::Over {
                relation: *relation,
                edge: *edge,
                resource_type: *resource_type,
            }]
        }
        Rule::Policy(policy) => vec![Driver::Every(Some(*policy))],
        Rule::Group(GroupOp::NoneOf, _) => vec![Driver::Every(None)],
        Rule::Group(GroupOp::AnyOf, rules) => {
            let mut all: Vec<Driver> = Vec::new();
            for driver in rules.iter().flat_map(of) {
                if !all.contains(&driver) {
                    all.push(driver);
                }
            }
            all
        }
        Rule::Group(GroupOp::AllOf, rules) => rules
            .iter()
            .map(of)
            .min_by_key(|drivers| cost(drivers))
            .unwrap_or_default(),
    }
}

/// Relations of the same resource of which one must hold for the rule to hold, also for it to be unknown: the fewest that do.
/// `None` where that takes more than the resource itself.
pub(crate) fn on_resource(rule: &Rule) -> Option<Vec<Symbol>> {
    match rule {
        Rule::Relation(relation) => Some(vec![*relation]),
        Rule::On { .. } | Rule::Policy(_) | Rule::Group(GroupOp::NoneOf, _) => None,
        Rule::Group(GroupOp::AnyOf, rules) => {
            let each: Option<Vec<Vec<Symbol>>> = rules.iter().map(on_resource).collect();
            each.map(|each| each.concat())
        }
        Rule::Group(GroupOp::AllOf, rules) => rules.iter().filter_map(on_resource).min_by_key(Vec::len),
    }
}

/// Of an `all_of`: the rule whose drivers stand for it, if a driver that holds makes that rule hold. What is left
/// to ask are then the other rules.
pub(crate) fn branch(rule: &Rule) -> Option<usize> {
    let Rule::Group(GroupOp::AllOf, rules) = rule else {
        return None;
    };
    let chosen = rules.iter().enumerate().min_by_key(|(_, rule)| cost(&of(rule)));
    chosen.filter(|(_, rule)| is_disjunctive(rule)).map(|(at, _)| at)
}

/// Enumerable first, then fewest.
fn cost(drivers: &[Driver]) -> (u8, usize) {
    let worst = drivers.iter().map(|driver| match driver {
        Driver::Same(_) | Driver::Over { .. } => 0,
        Driver::Every(Some(_)) => 1,
        Driver::Every(None) => 2,
    });
    (worst.max().unwrap_or(0), drivers.len())
}

pub(crate) fn is_disjunctive(rule: &Rule) -> bool {
    match rule {
        Rule::Relation(_) | Rule::On { .. } => true,
        Rule::Group(GroupOp::AnyOf, rules) => rules.iter().all(is_disjunctive),
        Rule::Group(..) | Rule::Policy(_) => false,
    }
}
