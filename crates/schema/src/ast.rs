//! The schema as written: what both the text and the JSON form parse to.
//!
//! Nothing here has been checked beyond its shape. A [`Schema`] that passed [`crate::resolve`] becomes a
//! [`crate::Model`], which is another type on purpose.

/// A version of the schema language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// Types, relations and rules; the brackets of a relation are read and have no effect.
    V0_1,
    /// Brackets restrict the subjects of warrants.
    V0_2,
    /// Policies.
    #[default]
    V0_3,
}

impl Version {
    /// The version a number stands for.
    pub fn parse(number: &str) -> Option<Self> {
        match number {
            "0.1" => Some(Self::V0_1),
            "0.2" => Some(Self::V0_2),
            "0.3" => Some(Self::V0_3),
            _ => None,
        }
    }

    /// The number.
    pub fn number(self) -> &'static str {
        match self {
            Self::V0_1 => "0.1",
            Self::V0_2 => "0.2",
            Self::V0_3 => "0.3",
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.number())
    }
}

/// A byte range of the source text. A schema that came from JSON has empty spans.
///
/// Two spans are always equal, so that comparing schemas compares what they say and not where it stood.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Span {}

impl Span {
    /// The bytes.
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether it says nothing about a place.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name {
    /// `[A-Za-z0-9_-]+`
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A whole schema: types and policies in source order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// The version it is written in.
    pub version: Version,
    /// Types in source order.
    pub types: Vec<TypeDef>,
    /// Policies in source order.
    pub policies: Vec<PolicyDef>,
}

/// `type NAME` with its relations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeDef {
    /// The type's name.
    pub name: Name,
    /// Relations in source order; an `inherit` block is the [`RelationDef::rule`] of its relation.
    pub relations: Vec<RelationDef>,
}

/// `relation NAME [subjects]` and, when there is one, its `inherit NAME if` rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelationDef {
    /// The relation's name.
    pub name: Name,
    /// Who may be a subject of a warrant. `None`: not restricted (version 0.1, or no brackets).
    /// `Some(vec![])`: nobody, the relation is only computed.
    pub allowed: Option<Vec<SubjectType>>,
    /// The one inheritance rule.
    pub rule: Option<Rule>,
}

/// One entry of a relation's brackets: `user` or `team#member`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectType {
    /// The subject's type.
    pub resource_type: Name,
    /// The subject's relation, for a group.
    pub relation: Option<Name>,
}

/// A condition under which a relation holds without a warrant of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// `relation R`: the subject has R on the same resource.
    Relation {
        /// R.
        relation: Name,
    },
    /// `relation R on E [T]`: the subject has R on a resource of type T that stands in relation E to this one.
    On {
        /// R, a relation of T.
        relation: Name,
        /// E, a relation of this type.
        edge: Name,
        /// T.
        resource_type: Name,
    },
    /// `any_of`, `all_of`, `none_of`.
    Group {
        /// Which of the three.
        op: GroupOp,
        /// At least one rule, in source order.
        rules: Vec<Rule>,
        /// The operator's keyword.
        span: Span,
    },
    /// `policy P`: the named policy is true of the context.
    Policy {
        /// P.
        policy: Name,
    },
}

/// The operators that combine rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupOp {
    /// At least one rule holds.
    AnyOf,
    /// Every rule holds.
    AllOf,
    /// No rule holds.
    NoneOf,
}

impl GroupOp {
    /// The operator a keyword stands for.
    pub fn parse(keyword: &str) -> Option<Self> {
        match keyword {
            "any_of" => Some(Self::AnyOf),
            "all_of" => Some(Self::AllOf),
            "none_of" => Some(Self::NoneOf),
            _ => None,
        }
    }

    /// The keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::AnyOf => "any_of",
            Self::AllOf => "all_of",
            Self::NoneOf => "none_of",
        }
    }
}

/// `policy NAME(params) { expression }`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyDef {
    /// The policy's name.
    pub name: Name,
    /// Free text. In the text form, the `///` lines directly above the policy.
    pub description: Option<String>,
    /// Typed parameters in order.
    pub parameters: Vec<Parameter>,
    /// The body, trimmed.
    pub expression: String,
    /// Where the body stands.
    pub expression_span: Span,
    /// Where its lines stand; without this, places inside a body cannot be found again.
    pub expression_lines: LineStarts,
}

/// The byte of the source text that each line of a policy's expression starts at. Empty for a schema that came from JSON.
///
/// Like spans, two of these are always equal.
#[derive(Debug, Clone, Default)]
pub struct LineStarts(pub Vec<u32>);

impl PartialEq for LineStarts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for LineStarts {}

/// One parameter of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, which is also the key of the context that it reads.
    pub name: Name,
    /// Its type.
    pub ty: rowgate_policy::ParamType,
}
