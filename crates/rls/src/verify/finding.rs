//! What is reported.

use serde_json::{Value, json};

use super::codes;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody can see or change rows that they should not, or nothing works.
    Error,
    /// It is slow, or one step from an error.
    Warning,
    /// Something to know.
    Note,
}

impl Severity {
    /// `error`, `warning`, `note`
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Statements to run as they are, by the owner of the object or a superuser.
    Sql(Vec<String>),
    /// A command to run.
    Command(String),
    /// Something that a person has to decide.
    Advice(String),
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name, see [`codes::ALL`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, for example `public.ticket` or `policy "mine" on public.ticket`.
    pub object: String,
    /// What is wrong and why it matters, in one sentence.
    pub message: String,
    /// What to do about it.
    pub remedy: Remedy,
}

impl Finding {
    /// A finding with the severity that its code usually has.
    pub(super) fn new(
        code: &'static str,
        object: impl Into<String>,
        message: impl Into<String>,
        remedy: Remedy,
    ) -> Self {
        Self {
            code,
            severity: codes::severity(code),
            object: object.into(),
            message: message.into(),
            remedy,
        }
    }

    pub(super) fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The finding for programs: `code`, `severity`, `object`, `message`, and one of `sql`, `command` and `advice`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (kind, remedy) = match &self.remedy {
            Remedy::Sql(statements) => ("sql", json!(statements)),
            Remedy::Command(command) => ("command", json!(command)),
            Remedy::Advice(advice) => ("advice", json!(advice)),
        };
        json!({
            "code": self.code,
            "severity": self.severity.name(),
            "object": self.object,
            "message": self.message,
            kind: remedy,
        })
    }
}
