//! Worlds from a seed, without proptest: for long runs and for benchmarks.

use crate::context;
use crate::expressions::{AtomPlan, ExpressionPlan};
use crate::plan::{Kind, MetaPlan, RelationPlan, Repair, RulePlan, TypePlan, WarrantPlan, WorldPlan};
use crate::policies::Context;
use crate::world::World;
use rowgate_schema::ast::GroupOp;

/// A small generator of numbers (SplitMix64): the same on every machine, for ever.
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// Numbers from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: u32) -> u32 {
        let number = self.next_u64() % u64::from(end);
        u32::try_from(number).expect("below a u32")
    }

    /// Whether something that happens `percent` times in a hundred does.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    fn byte(&mut self) -> u8 {
        self.next_u64().to_le_bytes()[0]
    }

    fn list<T>(&mut self, least: u32, most: u32, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let length = least + self.below(most - least + 1);
        (0..length).map(|_| item(self)).collect()
    }
}

impl World {
    /// The world of a seed. `size` is about the number of warrants; from 40 on the number of ids grows with it.
    /// Always stratified.
    pub fn sample(seed: u64, size: u32) -> World {
        let mut numbers = Numbers::new(seed);
        plan(&mut numbers, size).build()
    }
}

/// The context of a seed.
pub fn sample_context(seed: u64) -> Context {
    let mut numbers = Numbers::new(seed ^ 0xc0_47e7);
    let choices = [(); 6].map(|()| numbers.byte());
    context::build(&choices)
}

fn plan(numbers: &mut Numbers, size: u32) -> WorldPlan {
    let most_ids = 6.max(size / 8);
    WorldPlan {
        repair: Repair::Everything,
        types: numbers.list(2, 5, |n| type_plan(n, most_ids)),
        policies: numbers.list(0, 3, expression),
        warrants: (0..size).map(|_| warrant(numbers)).collect(),
        metas: numbers.list(0, most_ids, |n| MetaPlan {
            resource_type: n.byte(),
            id: n.below(most_ids),
            value: n.byte(),
        }),
    }
}

fn type_plan(numbers: &mut Numbers, most_ids: u32) -> TypePlan {
    let ids = (most_ids / 2).max(2) + numbers.below(most_ids / 2 + 1);
    TypePlan {
        ids,
        relations: numbers.list(1, 5, relation),
    }
}

fn relation(numbers: &mut Numbers) -> RelationPlan {
    let entry = |n: &mut Numbers| (n.byte(), n.chance(40).then(|| n.byte()));
    RelationPlan {
        brackets: numbers.chance(70).then(|| numbers.list(0, 3, entry)),
        rule: numbers.chance(65).then(|| rule(numbers, 3)),
    }
}

fn rule(numbers: &mut Numbers, depth: u32) -> RulePlan {
    match numbers.below(if depth == 0 { 8 } else { 14 }) {
        0..3 => RulePlan::Relation(numbers.byte()),
        3..6 => RulePlan::On(numbers.byte(), numbers.byte(), numbers.byte() % 8),
        6 | 7 => RulePlan::Policy(numbers.byte()),
        other => {
            let op = match other {
                8 | 9 => GroupOp::AnyOf,
                10 | 11 => GroupOp::AllOf,
                _ => GroupOp::NoneOf,
            };
            RulePlan::Group(op, numbers.list(1, 3, |n| rule(n, depth - 1)))
        }
    }
}

fn expression(numbers: &mut Numbers) -> ExpressionPlan {
    let atom = |n: &mut Numbers| AtomPlan {
        atom: n.byte(),
        negated: n.chance(20),
        or: n.chance(50),
    };
    ExpressionPlan(numbers.list(1, 3, atom))
}

fn warrant(numbers: &mut Numbers) -> WarrantPlan {
    WarrantPlan {
        target: numbers.byte(),
        id: numbers.below(u32::MAX),
        kind: match numbers.below(8) {
            0 => Kind::Wildcard,
            1..4 => Kind::Group,
            _ => Kind::Direct,
        },
        subject_type: numbers.byte(),
        subject_id: numbers.below(u32::MAX),
        subject_relation: numbers.byte(),
        leftover: numbers.chance(8),
        policy: numbers.chance(30).then(|| expression(numbers)),
    }
}
