//! What can go wrong when the graph changes or is read back.

/// An error of the graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// More distinct type and relation names than a symbol can number.
    #[error("too many distinct type and relation names: an environment holds 65,535")]
    TooManyNames,
    /// More resources or warrants than four-byte numbers reach.
    #[error("the environment is full: it holds 4,294,967,294 resources and as many warrants")]
    Full,
    /// The encoded form does not describe a graph.
    #[error("the stored graph cannot be read: {0}")]
    Malformed(String),
    /// Reading or writing the encoded form failed.
    #[error("the stored graph cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
}
