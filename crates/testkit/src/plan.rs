//! A world as a plan of numbers: any plan builds a world, and a smaller plan builds a simpler one.
//!
//! Generators make plans, seeded or with proptest. Building maps every number to something that exists (modulo how
//! many there are) and repairs what must not be, so that generators need not care and shrinking cannot go wrong.

use crate::expressions::ExpressionPlan;
use rowgate_schema::ast::GroupOp;

/// A world to build.
#[derive(Debug, Clone)]
pub struct WorldPlan {
    /// What is repaired.
    pub repair: Repair,
    /// At least one.
    pub types: Vec<TypePlan>,
    /// Schema policies.
    pub policies: Vec<ExpressionPlan>,
    /// Warrants, oldest first.
    pub warrants: Vec<WarrantPlan>,
    /// Metadata of some resources.
    pub metas: Vec<MetaPlan>,
}

/// Where dependencies of a relation on itself through `none_of` are repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Nowhere: the schema may be one that is refused.
    Nothing,
    /// In the schema, but stored group warrants may break it.
    Schema,
    /// In the schema and in the warrants: the world is stratified.
    Everything,
}

/// A type and its resources.
#[derive(Debug, Clone)]
pub struct TypePlan {
    /// How many ids warrants may use.
    pub ids: u32,
    /// At least one.
    pub relations: Vec<RelationPlan>,
}

/// A relation.
#[derive(Debug, Clone)]
pub struct RelationPlan {
    /// Type and, for a group, relation of each entry of the brackets. `None`: not restricted.
    pub brackets: Option<Vec<(u8, Option<u8>)>>,
    /// The rule.
    pub rule: Option<RulePlan>,
}

/// A rule.
#[derive(Debug, Clone)]
pub enum RulePlan {
    /// `relation R`
    Relation(u8),
    /// `relation R on E [T]`; a type past the last is the type itself.
    On(u8, u8, u8),
    /// `policy P`; a relation where there is no policy.
    Policy(u8),
    /// An operator; never without rules.
    Group(GroupOp, Vec<RulePlan>),
}

/// A warrant.
#[derive(Debug, Clone)]
pub struct WarrantPlan {
    /// Which relation of which type, or which edge that a rule follows.
    pub target: u8,
    /// Which resource of the type.
    pub id: u32,
    /// What kind of subject.
    pub kind: Kind,
    /// Which entry of the brackets, or which type where there are none.
    pub subject_type: u8,
    /// Which resource of that type.
    pub subject_id: u32,
    /// Which relation of that type, for a group.
    pub subject_relation: u8,
    /// Whether it is a leftover of an older schema, which the brackets do not bind.
    pub leftover: bool,
    /// Its condition.
    pub policy: Option<ExpressionPlan>,
}

/// The kinds of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `type:id`
    Direct,
    /// `type:*`
    Wildcard,
    /// `type:id#relation`
    Group,
}

/// The metadata of one resource.
#[derive(Debug, Clone)]
pub struct MetaPlan {
    /// Which type.
    pub resource_type: u8,
    /// Which resource of the type.
    pub id: u32,
    /// What it says.
    pub value: u8,
}
