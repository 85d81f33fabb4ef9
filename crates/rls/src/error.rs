//! What can go wrong between bindings and a database.

use rowgate_schema::Diagnostic;
use rowgate_schema::ast::Span;

/// Why a relation cannot be compiled to SQL. Nothing is approximated: what has no exact form is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A stable name, see [`crate::codes`].
    pub code: &'static str,
    /// The relation whose rule is the reason, as `type#relation`.
    pub place: String,
    /// Where in the text of the schema, when it came from text.
    pub span: Option<Span>,
    /// The reason, one lower-case sentence without a full stop.
    pub reason: String,
    /// What to do about it.
    pub help: String,
}

impl Refusal {
    pub(crate) fn new(
        code: &'static str,
        place: impl Into<String>,
        reason: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code,
            place: place.into(),
            span: None,
            reason: reason.into(),
            help: help.into(),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` cannot be compiled: {} ({})",
            self.place, self.reason, self.help
        )
    }
}

impl std::error::Error for Refusal {}

/// Why plan, apply or drop cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable name, see [`crate::codes`].
    pub code: &'static str,
    /// What is wrong and where, one lower-case sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// What in the bindings it is about, such as `roles[1]`; none where it is about something else.
    pub path: Option<String>,
}

impl Problem {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: help.into(),
            path: None,
        }
    }

    /// The same with its place in the bindings.
    pub(crate) fn at(self, path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.help)
    }
}

/// The error of this crate. Whatever it is, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bindings do not agree with the schema or the database; each diagnostic has its place in the bindings.
    #[error("{}", list(.0))]
    Bindings(Vec<Diagnostic>),
    /// Relations that cannot be compiled.
    #[error("{}", list(.0))]
    Refused(Vec<Refusal>),
    /// The database is not ready for it.
    #[error("{}", list(.0))]
    Problems(Vec<Problem>),
    /// The database refused a statement or was lost.
    #[error("{doing}: {}", said(.source))]
    Database {
        /// What was being done.
        doing: String,
        /// What the database said.
        #[source]
        source: postgres::Error,
    },
}

impl Error {
    /// The stable code; of several, that of the first.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Bindings(found) => found.first().map_or("bindings", |diagnostic| diagnostic.code),
            Self::Refused(found) => found.first().map_or("refused", |refusal| refusal.code),
            Self::Problems(found) => found.first().map_or("problem", |problem| problem.code),
            Self::Database { source, .. } if source.is_closed() || source.as_db_error().is_none() => {
                "database_lost"
            }
            Self::Database { .. } => "database_error",
        }
    }

    pub(crate) fn database(doing: impl Into<String>) -> impl FnOnce(postgres::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Database { doing, source }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }
}

/// What the database said; its own words where there are any.
fn said(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => match said.hint() {
            Some(hint) => format!("{} ({hint})", said.message()),
            None => said.message().to_owned(),
        },
        None => format!("the connection to the database was lost: {error}"),
    }
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    let lines: Vec<String> = items.iter().map(T::to_string).collect();
    lines.join("\n")
}
