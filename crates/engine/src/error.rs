//! Why a question has no answer.

/// An error of a check or a query. None of them ever stands for a no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The resource's type, or a type that a query selects, is not in the schema.
    #[error("the schema has no type `{0}`")]
    UnknownType(String),
    /// A path of the decision has more hops than the limit.
    #[error("the decision needs a path of more than {limit} hops")]
    TooDeep {
        /// The limit in force.
        limit: u32,
    },
    /// The decision looked at more warrants than the limit.
    #[error("the decision needs to look at more than {limit} warrants")]
    TooMuchWork {
        /// The limit in force.
        limit: u64,
    },
}
