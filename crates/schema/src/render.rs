//! Diagnostics for a terminal, with the source underlined.

use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity};

/// Writes one diagnostic with the lines of `source` it is about.
///
/// `file_name` is what the schema is called; `color` is for terminals. A schema that came from JSON has no source: pass
/// an empty one, and the diagnostic's path is shown instead.
pub fn render(diagnostic: &Diagnostic, source: &str, file_name: &str, color: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut elements: Vec<Element<'_>> = Vec::new();
    match diagnostic.span {
        Some(span) if !source.is_empty() => {
            let excerpt = Excerpt::around(source, span.start as usize, span.end as usize);
            let annotation = AnnotationKind::Primary.span(excerpt.start..excerpt.end);
            let snippet = Snippet::source(excerpt.text)
                .path(file_name)
                .line_start(excerpt.first_line)
                .annotation(annotation);
            elements.push(snippet.into());
        }
        _ => {
            if let Some(path) = &diagnostic.path {
                elements.push(Level::NOTE.message(format!("at `{path}` of {file_name}")).into());
            }
        }
    }
    elements.extend(
        diagnostic
            .notes
            .iter()
            .map(|note| Level::NOTE.message(note).into()),
    );
    elements.extend(
        diagnostic
            .help
            .iter()
            .map(|help| Level::HELP.message(help).into()),
    );

    let report = level
        .primary_title(&diagnostic.message)
        .id(diagnostic.code)
        .elements(elements);
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.render(&[report])
}

/// The lines of a source around a place; rendering then costs the same in a schema of any size.
struct Excerpt<'s> {
    text: &'s str,
    first_line: usize,
    /// The place, inside `text`.
    start: usize,
    end: usize,
}

impl<'s> Excerpt<'s> {
    fn around(source: &'s str, start: usize, end: usize) -> Self {
        let start = boundary(source, start);
        // A place of many lines is shown by its first.
        let line_end = source[start..]
            .find('\n')
            .map_or(source.len(), |newline| start + newline);
        let end = boundary(source, end).clamp(start, line_end);
        let from = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let text = source[from..line_end].trim_end_matches('\r');
        let first_line = source[..from].matches('\n').count() + 1;
        let (start, end) = (start - from, end - from);
        Self {
            text,
            first_line,
            start: start.min(text.len()),
            end: end.min(text.len()),
        }
    }
}

fn boundary(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}
