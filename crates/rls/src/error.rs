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

/// The error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bindings do not agree with the schema or the database; each diagnostic has its place in the bindings.
    #[error("{}", list(.0))]
    Bindings(Vec<Diagnostic>),
    /// Relations that cannot be compiled.
    #[error("{}", list(.0))]
    Refused(Vec<Refusal>),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    let lines: Vec<String> = items.iter().map(T::to_string).collect();
    lines.join("\n")
}
