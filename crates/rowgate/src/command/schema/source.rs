//! A schema in a file, in either form, and what is said about it.

use rowgate_schema::{Diagnostic, Model};

use crate::failure::{Failure, Result};
use crate::found::Text;
use crate::input;

/// The text of a schema file.
pub(super) struct Source {
    /// As it is shown in messages.
    pub(super) file: String,
    pub(super) text: String,
}

impl Source {
    pub(super) fn read(file: &str) -> Result<Self> {
        let text = input::read_text(file)?;
        let file = if file == "-" {
            "standard input".to_owned()
        } else {
            file.to_owned()
        };
        // Most likely something failed to write it; and applied, it would take every type away.
        if text.trim().is_empty() {
            return Err(Failure::with_help(
                format!("{file} is empty"),
                "a schema begins with `version 0.3`; that line alone is a schema without types",
            ));
        }
        Ok(Self { file, text })
    }

    /// JSON begins with a brace; no text form does.
    pub(super) fn is_json(&self) -> bool {
        self.text.trim_start().starts_with('{')
    }

    /// The checked schema with what is questionable in it, or what is wrong.
    pub(super) fn compile(&self) -> std::result::Result<(Model, Vec<Diagnostic>), Vec<Diagnostic>> {
        if !self.is_json() {
            return rowgate_schema::compile(&self.text);
        }
        let parsed = rowgate_schema::from_json(&rowgate_schema::parse_json(&self.text)?);
        let schema = parsed.schema.ok_or(parsed.diagnostics)?;
        rowgate_schema::resolve(schema)
    }

    /// The file with its text.
    pub(super) fn as_found(&self) -> Text<'_> {
        Text {
            file: &self.file,
            text: &self.text,
        }
    }

    /// Says what was found, with the lines that it is about.
    pub(super) fn say(&self, diagnostics: &[Diagnostic]) {
        self.as_found().say(diagnostics);
    }
}

/// `2 errors, 1 warning`.
pub(super) fn count(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .count();
    let some = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    match (errors, diagnostics.len() - errors) {
        (errors, 0) => some(errors, "error"),
        (0, warnings) => some(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", some(errors, "error"), some(warnings, "warning")),
    }
}
