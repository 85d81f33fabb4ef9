//! Small numbers that stand for names, resources, policies and warrants inside one environment.
//!
//! They mean something only to the snapshots of the graph that handed them out and are never stored or sent.

/// A type name or a relation name. [`Symbol::NONE`] is "no relation".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Symbol(pub(crate) u16);

impl Symbol {
    /// No relation: the subject of a direct warrant.
    pub const NONE: Symbol = Symbol(0);

    /// Its number, for tables indexed by symbol.
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The symbol of a number that [`Symbol::index`] gave.
    pub fn from_index(index: usize) -> Option<Self> {
        u16::try_from(index).ok().map(Symbol)
    }

    /// Whether it is [`Symbol::NONE`].
    #[inline]
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// A resource (which is also what a subject is): a type and an id. Greater ids were created later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub(crate) u32);

impl ObjectId {
    /// A resource that the graph does not know: no warrant mentions it.
    pub const ABSENT: ObjectId = ObjectId(u32::MAX);

    /// Its number, for tables and keys.
    #[inline]
    pub fn get(self) -> u32 {
        self.0
    }

    /// The resource of a number that [`ObjectId::get`] gave, on the same numbering.
    pub fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// A policy text on warrants. [`PolicyId::NONE`] is an unconditional warrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PolicyId(pub(crate) u32);

impl PolicyId {
    /// No policy.
    pub const NONE: PolicyId = PolicyId(0);

    /// Whether the warrant is unconditional.
    #[inline]
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// A stored warrant. Greater ids were created later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WarrantId(pub(crate) u32);

impl WarrantId {
    /// Its number: the order of creation within this numbering.
    #[inline]
    pub fn get(self) -> u32 {
        self.0
    }

    /// The warrant of a number that [`WarrantId::get`] gave, on the same numbering.
    pub fn from_number(number: u32) -> Self {
        Self(number)
    }
}
