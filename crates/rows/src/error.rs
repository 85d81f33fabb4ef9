//! Why rows cannot be read.

use rowgate_engine::EngineError;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// None of these ever stands for a no.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The question itself, or a limit.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The environment.
    #[error(transparent)]
    Environment(#[from] rowgate_environment::Error),
    /// The database cannot be asked now. The text is for the operator.
    #[error("the application's tables cannot be read: {0}")]
    Unavailable(String),
    /// The database refuses the statement: a right that is missing, a column that is gone. The text is for the operator.
    #[error("the application's tables refuse to be read: {0}; run `rowgate rls verify`")]
    Database(String),
    /// Rows that differ have one id. The text is for the operator.
    #[error(
        "the application's tables have several rows for {0}, so nobody can say which one is meant; make the columns of its id unique"
    )]
    NotUnique(String),
    /// The relation cannot be compiled to SQL.
    #[error("{0}")]
    Refused(String),
    /// The question leads to more than one request may read. The answer is open.
    #[error(
        "the question needs more than {limit} {what}; ask about fewer resources, or about one relation or subject at a time"
    )]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A list of things that are rows and things that are not, or another one that one statement cannot make.
    #[error("{0}")]
    Unsupported(String),
    /// What was read does not answer the question although it should: a mistake of ours.
    #[error("the rows that were read do not settle {0}")]
    Unsettled(String),
}

impl Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Engine(EngineError::UnknownType(_)) => "not_found",
            Self::Engine(_) => "invalid_request",
            Self::Environment(error) => error.code(),
            Self::Unavailable(_) => "rows_unavailable",
            Self::Database(_) | Self::NotUnique(_) => "rows_refused",
            Self::Refused(_) => "not_compiled",
            Self::TooMany { .. } => "too_many_rows",
            Self::Unsupported(_) => "list_unsupported",
            Self::Unsettled(_) => "internal_error",
        }
    }
}
