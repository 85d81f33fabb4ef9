//! Predicates: what a relation means for a row or a resource, as a small typed tree.
//!
//! A relation has two readings. The *must* reading holds where the relation is definitely true; the *may* reading where it is true or
//! unknown. A `none_of` is the negation of the may reading of its rules (and the other way round below another `none_of`), so that
//! everything in the tree is either true or false, and unknown never grants.
//!
//! * `formula`: the schema and the bindings as one equation per relation
//! * `graph`: which equations depend on each other
//! * `build`: from an equation to a predicate
//! * `recursive`: equations that depend on themselves, made linear
//! * `simplify`: one set for each column where there were many

mod build;
mod formula;
mod graph;
mod recursive;
mod simplify;

pub(crate) use build::Builder;
pub(crate) use formula::{Edge, Rules};
pub(crate) use recursive::{Member, Step, can_be_listed};

use rowgate_binding::JoinTable;

/// Which of the two readings of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reading {
    /// Definitely true.
    Must,
    /// True or unknown.
    May,
}

impl Reading {
    pub(crate) fn flip(self) -> Self {
        match self {
            Self::Must => Self::May,
            Self::May => Self::Must,
        }
    }
}

/// A relation of a type in one reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node {
    pub(crate) resource_type: String,
    pub(crate) relation: String,
    pub(crate) reading: Reading,
}

impl Node {
    pub(crate) fn name(&self) -> String {
        format!("{}#{}", self.resource_type, self.relation)
    }
}

/// What holds for an object: a row of a bound type, or a resource known by its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Predicate {
    /// At least one; of nothing: false.
    Any(Vec<Predicate>),
    /// All; of nothing: true.
    All(Vec<Predicate>),
    /// The negation.
    Not(Box<Predicate>),
    /// The columns of the row are the subject's id.
    Mine(Vec<String>),
    /// The columns of the row are the id of a resource of type `far` for which the predicate holds.
    Through {
        columns: Vec<String>,
        far: String,
        holds: Box<Predicate>,
    },
    /// The object is in a set of its type.
    In(Box<Set>),
    /// A schema policy in the rule of `relation`, met on an object of `resource_type`.
    Policy {
        policy: String,
        resource_type: String,
        relation: String,
        reading: Reading,
    },
}

impl Predicate {
    pub(crate) const FALSE: Self = Self::Any(Vec::new());

    /// Whether it can hold although nobody is signed in.
    pub(crate) fn holds_without_subject(&self) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(Self::holds_without_subject),
            Self::All(parts) => parts.iter().all(Self::holds_without_subject),
            Self::Not(_) | Self::Policy { .. } => true,
            Self::Through { holds, .. } => holds.holds_without_subject(),
            // Every set is empty without a subject.
            Self::Mine(_) | Self::In(_) => false,
        }
    }

    /// Whether it takes a look at other resources than the object itself.
    pub(crate) fn is_far(&self) -> bool {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().any(Self::is_far),
            Self::Not(part) => part.is_far(),
            Self::Mine(_) | Self::Policy { .. } => false,
            Self::Through { .. } => true,
            Self::In(set) => set.is_far(),
        }
    }
}

/// A set of objects of one type that can be listed, for the current subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Set {
    /// The union of sets of the same type.
    Union(Vec<Set>),
    /// Resources on which a stored warrant names the subject, or everybody, in one of the relations.
    Warrants {
        resource_type: String,
        relations: Vec<String>,
        reading: Reading,
    },
    /// Resources on which a stored warrant names a resource of type `far` for which the predicate holds: as an edge, or as
    /// the group `far#group`.
    Edges {
        resource_type: String,
        relation: String,
        far: String,
        group: Option<String>,
        reading: Reading,
        holds: Box<Predicate>,
    },
    /// Resources with a stored warrant that names a group other than those known. Only in the may reading.
    Strangers {
        resource_type: String,
        relation: String,
        known: Vec<(String, String)>,
    },
    /// Resources that a join table joins with the subject.
    Joined { resource_type: String, join: Join },
    /// Resources that a join table joins with a resource for which the predicate holds.
    JoinedThrough {
        resource_type: String,
        join: Join,
        far: String,
        holds: Box<Predicate>,
    },
    /// The rows of a bound type for which a relation holds.
    Rows(Node),
    /// The resources for which a relation holds that depends on itself.
    Recursive(Node),
}

impl Set {
    /// The type of its objects.
    pub(crate) fn resource_type(&self) -> &str {
        match self {
            Self::Union(sets) => sets.first().map_or("", Set::resource_type),
            Self::Warrants { resource_type, .. }
            | Self::Edges { resource_type, .. }
            | Self::Strangers { resource_type, .. }
            | Self::Joined { resource_type, .. }
            | Self::JoinedThrough { resource_type, .. } => resource_type,
            Self::Rows(node) | Self::Recursive(node) => &node.resource_type,
        }
    }

    /// Whether it takes a look at other resources than an object to tell that this one is in it.
    pub(crate) fn is_far(&self) -> bool {
        match self {
            Self::Union(sets) => sets.iter().any(Self::is_far),
            Self::Warrants { .. } | Self::Strangers { .. } | Self::Joined { .. } => false,
            Self::Edges { .. } | Self::JoinedThrough { .. } | Self::Rows(_) | Self::Recursive(_) => true,
        }
    }
}

/// A join table and its columns that hold the subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Join {
    pub(crate) table: JoinTable,
    pub(crate) columns: Vec<String>,
}
