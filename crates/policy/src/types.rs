//! What can be refused before anything is evaluated.

/// The type of an expression, as far as it is known before evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ty {
    /// Known only when evaluated.
    Any,
    Nil,
    Bool,
    Int,
    Float,
    /// An integer or a float.
    Number,
    Str,
    Array,
    Map,
    Time,
    Duration,
    Zone,
}
