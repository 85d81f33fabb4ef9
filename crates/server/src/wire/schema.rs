//! Schemas: what is said about them.

use rowgate_schema::{Diagnostic, Severity};
use serde_json::{Map, Value, json};

/// One error as one line: `line:column: message (help)`.
pub(crate) fn diagnostic_line(diagnostic: &Diagnostic, source: Option<&str>) -> String {
    match place(diagnostic, source) {
        Some((line, column)) => format!("{line}:{column}: {diagnostic}"),
        None => diagnostic.to_string(),
    }
}

fn place(diagnostic: &Diagnostic, source: Option<&str>) -> Option<(usize, usize)> {
    source.and_then(|source| diagnostic.line_col(source))
}

/// An error or a warning with all that is known about it.
pub(crate) fn diagnostic_json(diagnostic: &Diagnostic, source: Option<&str>) -> Value {
    let mut out = Map::new();
    out.insert("code".into(), diagnostic.code.into());
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    out.insert("severity".into(), severity.into());
    out.insert("message".into(), diagnostic.message.as_str().into());
    if let Some((line, column)) = place(diagnostic, source) {
        out.insert("line".into(), line.into());
        out.insert("column".into(), column.into());
    }
    if let Some(path) = &diagnostic.path {
        out.insert("path".into(), path.as_str().into());
    }
    if let Some(help) = &diagnostic.help {
        out.insert("help".into(), help.as_str().into());
    }
    if !diagnostic.notes.is_empty() {
        out.insert("notes".into(), diagnostic.notes.clone().into());
    }
    out.into()
}

/// The `warnings` of an answer; nothing where there are none.
pub(crate) fn warnings(diagnostics: &[Diagnostic], source: Option<&str>) -> Option<Value> {
    let warnings: Vec<Value> = diagnostics
        .iter()
        .filter(|diagnostic| !diagnostic.is_error())
        .map(|warning| json!({"code": "validation_warning", "message": diagnostic_line(warning, source)}))
        .collect();
    (!warnings.is_empty()).then(|| warnings.into())
}
