//! Why a request is refused: one variant for each status, with the codes of the wire format.

use rowgate_engine::EngineError;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field; inside a list with its path, such as `roles[2].slug`.
    pub field: String,
    /// `required`, `invalid`, `too_long`, `too_many`, `mutually_exclusive`.
    pub code: &'static str,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// An error of the authorization API.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 404 `entity_not_found`
    #[error("{kind} not found: '{id}'.")]
    NotFound {
        /// What it is: `Organization`, `Role`, `Permission`, `Authorization resource` and so on.
        kind: &'static str,
        /// How the request named it.
        id: String,
    },
    /// 422 `invalid_request_parameters`: the form of the request is wrong.
    #[error("Validation failed: {}.", messages(.0))]
    Fields(Vec<FieldError>),
    /// 422 with a code: the form is right, what it asks for is not allowed.
    #[error("{message}")]
    Unprocessable {
        /// A stable code.
        code: &'static str,
        /// What is wrong and what to do about it.
        message: String,
        /// The role that it is about, which one of the codes carries.
        role_slug: Option<String>,
    },
    /// 400 with a code.
    #[error("{message}")]
    Bad {
        /// A stable code.
        code: &'static str,
        /// What is wrong and what to do about it.
        message: String,
    },
    /// 403
    #[error("{0}")]
    Forbidden(String),
    /// 409 with a code.
    #[error("{message}")]
    Conflict {
        /// A stable code.
        code: &'static str,
        /// What is wrong and what to do about it.
        message: String,
    },
    /// 500; what happened is for the operator.
    #[error("{0}")]
    Internal(String),
    /// What the environment says.
    #[error(transparent)]
    Environment(#[from] rowgate_environment::Error),
}

/// What is wrong inside a list says where.
fn messages(errors: &[FieldError]) -> String {
    let message = |error: &FieldError| {
        let message = error.message.trim_end_matches('.');
        if error.field.contains('[') {
            format!("{}: {message}", error.field)
        } else {
            message.to_owned()
        }
    };
    errors.iter().map(message).collect::<Vec<String>>().join("; ")
}

impl Error {
    pub(crate) fn not_found(kind: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { kind, id: id.into() }
    }

    /// One field is wrong.
    pub fn field(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Fields(vec![FieldError {
            field: field.into(),
            code,
            message: message.into(),
        }])
    }

    pub(crate) fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Self::Unprocessable {
            code,
            message: message.into(),
            role_slug: None,
        }
    }

    /// A request that cannot be carried out, whatever it says.
    pub fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::Bad {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            message: message.into(),
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "entity_not_found",
            Self::Fields(_) => "invalid_request_parameters",
            Self::Unprocessable { code, .. } | Self::Bad { code, .. } | Self::Conflict { code, .. } => code,
            Self::Forbidden(_) => "forbidden",
            Self::Internal(_) => "internal_error",
            Self::Environment(error) => error.code(),
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Self::Environment(error.into())
    }
}
