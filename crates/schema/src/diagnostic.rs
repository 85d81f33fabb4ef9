//! What a check of a schema has to say: errors that refuse it and warnings that do not.

use std::fmt;

use crate::ast::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The schema is refused.
    Error,
    /// The schema is accepted; something in it is probably not meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One error or warning, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A stable name, for example `unknown_relation`; see [`crate::codes`].
    pub code: &'static str,
    /// One lower-case sentence without a full stop; the author's own words stand in back-ticks.
    pub message: String,
    /// Where, when the schema came from text.
    pub span: Option<Span>,
    /// Where, when the schema came from JSON: `resource_types[2].relations.viewer`.
    pub path: Option<String>,
    /// What to do about it, when there is a suggestion.
    pub help: Option<String>,
    /// Further facts, one sentence each.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// An error without a place.
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: None,
            path: None,
            help: None,
            notes: Vec::new(),
        }
    }

    /// A warning without a place.
    pub(crate) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    pub(crate) fn at_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Whether it refuses the schema.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Line and column of its first character, both from 1, the column counted in characters.
    /// `None` for a schema that came from JSON.
    pub fn line_col(&self, source: &str) -> Option<(usize, usize)> {
        self.span.map(|span| line_col(source, span.start as usize))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        write!(f, "{}", self.message)?;
        for note in &self.notes {
            write!(f, "; {note}")?;
        }
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// An author's words as a message shows them: not too long, and without what would disturb a terminal.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut out = String::new();
    for c in text.chars().take(LONGEST) {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// Line and column of a byte offset, both from 1. Anything past the end is the end.
pub(crate) fn line_col(source: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(source.len());
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    let before = &source[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let text = before[line_start..].trim_start_matches('\u{feff}');
    (line, text.chars().count() + 1)
}

/// Collects diagnostics up to a number a person can still read.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    found: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

/// How many errors, and how many warnings, one pass reports.
const SHOWN: usize = 100;

impl Sink {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let count = if diagnostic.is_error() {
            &mut self.errors
        } else {
            &mut self.warnings
        };
        *count += 1;
        if *count <= SHOWN {
            self.found.push(diagnostic);
        }
    }

    /// Whether another diagnostic of this severity would still be shown. Ask before an expensive suggestion.
    pub(crate) fn has_room(&self, severity: Severity) -> bool {
        match severity {
            Severity::Error => self.errors < SHOWN,
            Severity::Warning => self.warnings < SHOWN,
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Everything found, in source order where there is one.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|d| d.span.map_or(0, |span| span.start));
        if self.errors > SHOWN {
            let rest = self.errors - SHOWN;
            self.found.push(Diagnostic::error(
                "too_many_errors",
                format!("{rest} more errors are not shown"),
            ));
        }
        if self.warnings > SHOWN {
            let rest = self.warnings - SHOWN;
            let message = format!("{rest} more warnings are not shown");
            self.found.push(Diagnostic::warning("too_many_warnings", message));
        }
        self.found
    }
}
