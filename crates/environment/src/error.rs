//! Why a request to an environment cannot be answered. Each variant says which kind of answer it deserves.

use rowgate_engine::EngineError;
use rowgate_schema::Diagnostic;
use rowgate_store::StoreError;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of an environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the request names does not exist.
    #[error("{kind} {key} not found")]
    NotFound {
        /// What it is: `ResourceType`, `Resource`, `Policy`, `Warrant`, `Environment`, `ApiKey`.
        kind: &'static str,
        /// How the request named it.
        key: String,
    },
    /// A required parameter is absent.
    #[error("Missing required parameter {parameter}")]
    Missing {
        /// The parameter.
        parameter: String,
    },
    /// A parameter has a value that cannot be used.
    #[error("{message}")]
    Invalid {
        /// The parameter.
        parameter: String,
        /// What is wrong and what to do about it.
        message: String,
    },
    /// The request as a whole cannot be carried out.
    #[error("{message}")]
    Refused {
        /// A stable code.
        code: &'static str,
        /// What is wrong and what to do about it.
        message: String,
    },
    /// The schema has errors.
    #[error("the schema has {} error{}", .errors.len(), if .errors.len() == 1 { "" } else { "s" })]
    Schema {
        /// All of them.
        errors: Vec<Diagnostic>,
    },
    /// It exists already.
    #[error("{kind} {key} exists already")]
    Exists {
        /// What it is.
        kind: &'static str,
        /// How the request named it.
        key: String,
    },
    /// The decision went over a limit.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store could not keep it. Nothing was changed.
    #[error(transparent)]
    Store(std::sync::Arc<StoreError>),
    /// The graph cannot hold it, or what is stored cannot be read.
    #[error(transparent)]
    Graph(std::sync::Arc<rowgate_graph::GraphError>),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } | Self::Engine(EngineError::UnknownType(_)) => "not_found",
            Self::Missing { .. } => "missing_required_parameter",
            Self::Invalid { .. } => "invalid_parameter",
            Self::Refused { code, .. } => code,
            Self::Schema { .. } => "invalid_request",
            Self::Exists { .. } => "duplicate_record",
            Self::Engine(_) => "invalid_request",
            Self::Store(error) => error.code(),
            Self::Graph(_) => "environment_full",
            Self::Stopping => "stopping",
        }
    }

    /// The same failure, for another of the writes that it ends.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Store(error) => Self::Store(std::sync::Arc::clone(error)),
            Self::Graph(error) => Self::Graph(std::sync::Arc::clone(error)),
            other => Self::Refused {
                code: "internal_error",
                message: other.to_string(),
            },
        }
    }

    pub(crate) fn invalid(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            parameter: parameter.into(),
            message: message.into(),
        }
    }

    pub(crate) fn not_found(kind: &'static str, key: impl Into<String>) -> Self {
        Self::NotFound {
            kind,
            key: key.into(),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(std::sync::Arc::new(error))
    }
}

impl From<rowgate_graph::GraphError> for Error {
    fn from(error: rowgate_graph::GraphError) -> Self {
        Self::Graph(std::sync::Arc::new(error))
    }
}
