//! proptest strategies for worlds and contexts. They shrink: fewer warrants, simpler rules, smaller names.

use crate::context;
use crate::expressions::{AtomPlan, ExpressionPlan};
use crate::plan::{Kind, MetaPlan, RelationPlan, Repair, RulePlan, TypePlan, WarrantPlan, WorldPlan};
use crate::policies::Context;
use crate::world::World;
use proptest::collection::vec;
use proptest::prelude::*;
use rowgate_schema::ast::GroupOp;

/// A stratified world: 2 to 5 types, 1 to 5 relations each, up to 40 warrants.
pub fn world() -> impl Strategy<Value = World> {
    plan().prop_map(|plan| plan.build())
}

/// A world in which a relation may depend on itself through `none_of`, by its schema or its group warrants.
pub fn world_maybe_unstratified() -> impl Strategy<Value = World> {
    plan().prop_map(|plan| {
        WorldPlan {
            repair: Repair::Nothing,
            ..plan
        }
        .build()
    })
}

/// A world with an acceptable schema, in which stored group warrants may make a relation depend on itself through
/// `none_of` all the same.
pub fn world_maybe_broken_by_data() -> impl Strategy<Value = World> {
    plan().prop_map(|plan| {
        WorldPlan {
            repair: Repair::Schema,
            ..plan
        }
        .build()
    })
}

/// A context in which keys may be missing or of a wrong type.
pub fn context() -> impl Strategy<Value = Context> {
    any::<[u8; 6]>().prop_map(|choices| context::build(&choices))
}

fn plan() -> impl Strategy<Value = WorldPlan> {
    let types = vec(type_plan(), 2..=5);
    let policies = vec(expression(), 0..=3);
    let parts = (types, policies, vec(warrant(), 0..=40), vec(meta(), 0..=5));
    parts.prop_map(|(types, policies, warrants, metas)| WorldPlan {
        repair: Repair::Everything,
        types,
        policies,
        warrants,
        metas,
    })
}

fn type_plan() -> impl Strategy<Value = TypePlan> {
    (2..=6u32, vec(relation(), 1..=5)).prop_map(|(ids, relations)| TypePlan { ids, relations })
}

fn relation() -> impl Strategy<Value = RelationPlan> {
    let entry = (0..5u8, prop::option::weighted(0.4, 0..5u8));
    let brackets = prop::option::weighted(0.7, vec(entry, 0..=3));
    (brackets, prop::option::weighted(0.65, rule()))
        .prop_map(|(brackets, rule)| RelationPlan { brackets, rule })
}

fn rule() -> impl Strategy<Value = RulePlan> {
    let leaf = prop_oneof![
        3 => (0..5u8).prop_map(RulePlan::Relation),
        3 => (0..5u8, 0..5u8, 0..8u8).prop_map(|(far, edge, of)| RulePlan::On(far, edge, of)),
        2 => (0..5u8).prop_map(RulePlan::Policy),
    ];
    let op = prop_oneof![
        2 => Just(GroupOp::AnyOf),
        2 => Just(GroupOp::AllOf),
        2 => Just(GroupOp::NoneOf),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        (op.clone(), vec(inner, 1..=3)).prop_map(|(op, rules)| RulePlan::Group(op, rules))
    })
}

fn expression() -> impl Strategy<Value = ExpressionPlan> {
    let atom = (0..ExpressionPlan::ATOMS, prop::bool::weighted(0.2), any::<bool>());
    let atom = atom.prop_map(|(atom, negated, or)| AtomPlan { atom, negated, or });
    vec(atom, 1..=3).prop_map(ExpressionPlan)
}

fn warrant() -> impl Strategy<Value = WarrantPlan> {
    let kind = prop_oneof![4 => Just(Kind::Direct), 1 => Just(Kind::Wildcard), 3 => Just(Kind::Group)];
    let subject = (kind, 0..5u8, 0..6u32, 0..5u8);
    let policy = prop::option::weighted(0.3, expression());
    let parts = (0..60u8, 0..6u32, subject, prop::bool::weighted(0.08), policy);
    parts.prop_map(|(target, id, subject, leftover, policy)| {
        let (kind, subject_type, subject_id, subject_relation) = subject;
        WarrantPlan {
            target,
            id,
            kind,
            subject_type,
            subject_id,
            subject_relation,
            leftover,
            policy,
        }
    })
}

fn meta() -> impl Strategy<Value = MetaPlan> {
    let parts = (0..5u8, 0..6u32, 0..7u8);
    parts.prop_map(|(resource_type, id, value)| MetaPlan {
        resource_type,
        id,
        value,
    })
}
