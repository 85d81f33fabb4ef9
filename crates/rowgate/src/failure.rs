//! Why a command fails, and what to do about it.

use std::io;
use std::process::ExitCode;

use serde_json::Value;

use crate::client::ClientError;

/// The answer is no: a denied check, a scenario that differs, a schema that is not valid.
pub const EXIT_NO: u8 = 1;

/// There is no answer.
pub const EXIT_ERROR: u8 = 2;

/// What a command comes to.
pub type Result<T = ExitCode> = std::result::Result<T, Failure>;

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Whoever read the output has read enough.
    #[error("the output was closed")]
    ClosedPipe,
    /// Something is wrong, and there may be a remedy.
    #[error("{message}")]
    Because {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// Files, or a database, are not as they should be.
    #[error("{message}")]
    Found {
        /// What is wrong.
        message: String,
        /// The stable code; of several, that of the first.
        code: &'static str,
        /// What to do about it.
        help: Option<String>,
        /// All that was found, for programs; people were told before.
        found: Vec<Value>,
    },
    /// What a failure is most likely about.
    #[error("{failure}")]
    Explained {
        /// What is wrong.
        failure: Box<Failure>,
        /// What to do about it.
        help: String,
    },
    /// The server could not be asked, or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Failure {
    /// A failure without a remedy beyond its message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Because {
            message: message.into(),
            help: None,
        }
    }

    /// A failure with a remedy.
    pub fn with_help(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Because {
            message: message.into(),
            help: Some(help.into()),
        }
    }

    /// A file that cannot be used.
    pub fn file(path: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::new(format!("{path}: there is no such file")),
            io::ErrorKind::IsADirectory => Self::new(format!("{path}: is a directory, not a file")),
            io::ErrorKind::InvalidData => Self::new(format!("{path}: is not UTF-8 text")),
            _ => Self::new(format!("{path}: {error}")),
        }
    }

    /// The same failure with what it is most likely about, if there is anything to say.
    pub(crate) fn explained(self, hints: &[String]) -> Self {
        if hints.is_empty() {
            return self;
        }
        let known = self.help().into_iter();
        let help: Vec<String> = known.chain(hints.iter().cloned()).collect();
        Self::Explained {
            failure: Box::new(self),
            help: help.join("; "),
        }
    }

    /// The stable code that the server gave with its refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Client(ClientError::Refused(refused)) => Some(&refused.code),
            Self::Explained { failure, .. } => failure.code(),
            Self::Found { code, .. } => Some(code),
            _ => None,
        }
    }

    /// All that was found, for programs.
    pub fn found(&self) -> &[Value] {
        match self {
            Self::Found { found, .. } => found,
            Self::Explained { failure, .. } => failure.found(),
            _ => &[],
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::ClosedPipe => None,
            Self::Because { help, .. } | Self::Found { help, .. } => help.clone(),
            Self::Explained { help, .. } => Some(help.clone()),
            Self::Client(error) => error.help(),
        }
    }
}

/// Writing to the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::new(error.to_string()),
        }
    }
}

/// The exit code of a question: yes or no.
pub(crate) fn answer(yes: bool) -> ExitCode {
    if yes {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_NO)
    }
}
