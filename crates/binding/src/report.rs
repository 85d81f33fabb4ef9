//! Diagnostics of bindings, collected by path and given their places at the end.

use rowgate_schema::{Diagnostic, Severity};

use crate::text::{Part, Places};

/// What was found, in order.
#[derive(Debug, Default)]
pub(crate) struct Report {
    found: Vec<(Diagnostic, Part)>,
}

impl Report {
    /// An error about the value at `path`.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        path: &str,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Error, code, path, Part::Value, message.into())
    }

    /// An error about the key at the end of `path`.
    pub(crate) fn key_error(
        &mut self,
        code: &'static str,
        path: &str,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Error, code, path, Part::Key, message.into())
    }

    /// A warning about the key at the end of `path`.
    pub(crate) fn key_warning(
        &mut self,
        code: &'static str,
        path: &str,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Warning, code, path, Part::Key, message.into())
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        path: &str,
        part: Part,
        message: String,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic {
            severity,
            code,
            message,
            span: None,
            path: Some(path.to_owned()),
            help: None,
            notes: Vec::new(),
        };
        &mut self.found.push_mut((diagnostic, part)).0
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|(diagnostic, _)| diagnostic.is_error())
    }

    /// Everything found, with places where the bindings came from text, in the order of the text.
    pub(crate) fn finish(self, places: &Places) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = self
            .found
            .into_iter()
            .map(|(diagnostic, part)| places.locate(diagnostic, part))
            .collect();
        found.sort_by_key(|diagnostic| diagnostic.span.map_or(0, |span| span.start));
        found
    }
}
