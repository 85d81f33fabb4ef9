//! What every error and warning looks like on a terminal.

mod json;
mod limits;
mod meaning;
mod slips;
#[path = "../support/mod.rs"]
mod support;
mod text;

use rowgate_schema::{Diagnostic, codes, compile, from_json, parse_json, render, resolve};
use serde_json::Value;

/// Everything said about a text.
fn text(source: &str) -> String {
    let found = match compile(source) {
        Ok((_, warnings)) => warnings,
        Err(diagnostics) => diagnostics,
    };
    shown(&found, source)
}

/// Everything said about a JSON document.
fn document(value: &Value) -> String {
    let parsed = from_json(value);
    let mut found = parsed.diagnostics;
    if let Some(schema) = parsed.schema {
        found.extend(match resolve(schema) {
            Ok((_, warnings)) => warnings,
            Err(diagnostics) => diagnostics,
        });
    }
    shown(&found, "")
}

/// Everything said about a JSON document as it is written.
fn json_text(source: &str) -> String {
    match parse_json(source) {
        Ok(value) => document(&value),
        Err(found) => shown(&found, source),
    }
}

fn shown(found: &[Diagnostic], source: &str) -> String {
    for diagnostic in found {
        let (_, severity, _) = codes::ALL
            .iter()
            .find(|(code, ..)| *code == diagnostic.code)
            .unwrap_or_else(|| panic!("{} is not listed", diagnostic.code));
        assert_eq!(diagnostic.severity, *severity, "{}", diagnostic.code);
        assert_eq!(
            diagnostic.span.is_some(),
            !source.is_empty() && diagnostic.path.is_none()
        );
    }
    let shown: Vec<String> = found
        .iter()
        .map(|diagnostic| render(diagnostic, source, "app.fga", false))
        .collect();
    shown.join("\n\n")
}

#[test]
fn every_code_is_shown_here() {
    let files = [
        include_str!("json.rs"),
        include_str!("limits.rs"),
        include_str!("meaning.rs"),
        include_str!("text.rs"),
    ];
    for (code, severity, _) in codes::ALL {
        let line = format!("{severity}[{code}]: ");
        assert!(files.iter().any(|file| file.contains(&line)), "{code}");
    }
    assert!(codes::ALL.is_sorted_by_key(|(code, ..)| *code));
}
