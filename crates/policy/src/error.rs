//! Why an expression was refused at write or apply time.

use std::ops::Range;

/// The stable, machine-readable kind of a [`PolicyError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The text is not an expression.
    Syntax,
    /// A call of a function, or a method, that does not exist.
    UnknownFunction,
    /// A call with too few or too many arguments.
    Arity,
    /// Operands that can never fit their operator.
    Type,
    /// The expression gives something other than true or false.
    NotBoolean,
    /// A constant regular expression, date, duration or number that cannot be read.
    Constant,
    /// A schema policy reads a name that it does not declare.
    Undeclared,
    /// A `let` that would hide another name.
    Redeclared,
    /// One of the documented limits is exceeded.
    Limit,
}

impl ErrorCode {
    /// The code as it appears on the wire.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            ErrorCode::Syntax => "syntax_error",
            ErrorCode::UnknownFunction => "unknown_function",
            ErrorCode::Arity => "wrong_arguments",
            ErrorCode::Type => "type_error",
            ErrorCode::NotBoolean => "not_boolean",
            ErrorCode::Constant => "invalid_constant",
            ErrorCode::Undeclared => "undeclared_variable",
            ErrorCode::Redeclared => "redeclared_variable",
            ErrorCode::Limit => "limit_exceeded",
        }
    }
}

/// Why an expression was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({line}:{column})")]
pub struct PolicyError {
    /// What kind of error it is.
    pub code: ErrorCode,
    /// One sentence for people, lower-case, with user input in back-ticks.
    pub message: String,
    /// The place in the source, in bytes.
    pub span: Range<usize>,
    /// What to do about it, when there is something to suggest.
    pub help: Option<String>,
    /// The line of the place, from 1.
    pub line: usize,
    /// The column of the place in characters, from 1.
    pub column: usize,
}

/// An error on its way out. Boxed, so that the frames of the parser stay small.
pub(crate) type Refusal = Box<PolicyError>;

impl PolicyError {
    /// An error at a place; [`PolicyError::locate`] fills line and column in.
    pub(crate) fn new(code: ErrorCode, span: Range<usize>, message: impl Into<String>) -> Refusal {
        Box::new(PolicyError {
            code,
            message: message.into(),
            span,
            help: None,
            line: 1,
            column: 1,
        })
    }

    pub(crate) fn help(mut self: Box<Self>, help: impl Into<String>) -> Refusal {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn help_if(mut self: Box<Self>, help: Option<String>) -> Refusal {
        if help.is_some() {
            self.help = help;
        }
        self
    }

    pub(crate) fn locate(mut self, source: &str) -> PolicyError {
        let at = floor_boundary(source, self.span.start);
        let before = source.get(..at).unwrap_or_default();
        self.line = before.matches('\n').count() + 1;
        self.column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self
    }

    /// The line of the source that holds the error, with the place underlined.
    ///
    /// ```
    /// use rowgate_policy::Policy;
    /// let source = "amount <= ";
    /// let error = Policy::compile_warrant(source).unwrap_err();
    /// assert_eq!(error.snippet(source), " | amount <= \n |           ^");
    /// ```
    #[must_use]
    pub fn snippet(&self, source: &str) -> String {
        let start = floor_boundary(source, self.span.start);
        let before = source.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = source.get(line_start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let line_end = line_start + line.len();
        let end = floor_boundary(source, self.span.end.clamp(start, line_end.max(start)));
        let indent: String = source[line_start..start]
            .chars()
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let width = source.get(start..end).unwrap_or_default().chars().count().max(1);
        format!(" | {line}\n | {indent}{}", "^".repeat(width))
    }
}

/// The nearest character boundary at or before `at`.
fn floor_boundary(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}
