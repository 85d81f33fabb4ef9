//! What was found in files: for people with the lines it is about, for programs as JSON.

use rowgate_schema::Diagnostic;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;

/// A file with its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'t> {
    /// As it is shown in messages.
    pub(crate) file: &'t str,
    pub(crate) text: &'t str,
}

impl Text<'_> {
    /// Says what was found.
    pub(crate) fn say(&self, found: &[Diagnostic]) {
        for diagnostic in found {
            output::note(rowgate_schema::render(
                diagnostic,
                self.text,
                self.file,
                output::colors_errors(),
            ));
            output::note("");
        }
    }

    /// The same for programs.
    pub(crate) fn as_json(&self, found: &[Diagnostic]) -> Vec<Value> {
        let one = |diagnostic: &Diagnostic| {
            let place = diagnostic.line_col(self.text);
            json!({
                "severity": diagnostic.severity.to_string(),
                "code": diagnostic.code,
                "message": diagnostic.message,
                "file": self.file,
                "line": place.map(|(line, _)| line),
                "column": place.map(|(_, column)| column),
                "path": diagnostic.path,
                "help": diagnostic.help,
            })
        };
        found.iter().map(one).collect()
    }

    /// A failure because of what was found, of which people are told first.
    pub(crate) fn refused(&self, found: &[Diagnostic], json: bool, message: impl Into<String>) -> Failure {
        if !json {
            self.say(found);
        }
        let first = found.iter().find(|diagnostic| diagnostic.is_error());
        Failure::Found {
            message: message.into(),
            code: first.map_or("refused", |diagnostic| diagnostic.code),
            help: None,
            found: self.as_json(found),
        }
    }
}
