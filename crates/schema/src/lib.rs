//! The schema language: text and JSON to a checked [`Model`], and back.
//!
//! ```
//! let source = "version 0.3
//! type user
//! type document
//!     relation editor [user]
//!     relation viewer [user]
//!     inherit viewer if
//!         relation editor
//! ";
//! let (model, warnings) = rowgate_schema::compile(source).unwrap();
//! assert!(warnings.is_empty());
//! assert!(model.accepts("document", "viewer", "user", None, false));
//! assert_eq!(rowgate_schema::to_json(model.schema())["resource_types"][0]["type"], "user");
//! ```
//!
//! There are two stages. [`parse`] and [`from_json`] give a [`Schema`]: its shape is right and nothing more.
//! [`resolve`] checks what it says, compiles its policies and gives a [`Model`]. [`compile`] does both and reports the
//! errors of both at once where it can.
//!
//! # Layout
//!
//! * [`ast`]: the schema as written; [`build`]: parts of one that stand in no text
//! * `lexer`, `parser`: text to schema, going on after errors
//! * `layout`: the layout rule: where the rule list of an operator ends
//! * `body`: a policy's text between its braces
//! * `json`: JSON text to a [`Document`], JSON to schema and back
//! * `format`: the canonical text form; `comments`: where comments go in it
//! * `names`, [`limits`]: what a name may be, how large a schema may be
//! * `resolve`: every check that needs more than one place
//! * `cycles`: relations that depend on themselves through `none_of`
//! * `model`: the checked schema and its lookups
//! * `defaults`: what a new environment starts with
//! * `diagnostic`, [`codes`], `render`: what is said about a schema, and how

pub mod ast;
mod body;
pub mod build;
pub mod codes;
mod comments;
mod cycles;
mod defaults;
mod diagnostic;
mod format;
mod json;
mod layout;
mod lexer;
pub mod limits;
mod model;
mod names;
mod parser;
mod render;
mod resolve;

use serde_json::Value;

use ast::{PolicyDef, RelationDef, Schema, TypeDef};
use json::Path;
use json::read::Reader;

pub use defaults::default_environment;
pub use diagnostic::{Diagnostic, Severity};
pub use format::{format, format_source};
pub use json::document::{Document, parse_json};
pub use json::write::{policy_to_json, resource_type_to_json, to_json};
pub use model::{GroupEdge, Model};
pub use render::render;
pub use resolve::resolve;
pub use rowgate_policy::suggest::did_you_mean;

/// What a source was read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The schema; `None` exactly when there are errors.
    pub schema: Option<Schema>,
    /// Errors and warnings, in source order.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    fn new(schema: Option<Schema>, diagnostics: Vec<Diagnostic>) -> Self {
        let errors = diagnostics.iter().any(Diagnostic::is_error);
        Self {
            schema: schema.filter(|_| !errors),
            diagnostics,
        }
    }
}

/// Reads the text form.
pub fn parse(source: &str) -> Parsed {
    let outcome = parser::run(source);
    Parsed::new(Some(outcome.schema), outcome.sink.finish())
}

/// Reads the text form and resolves it; the warnings are those of both.
///
/// An error of the text that leaves the schema complete does not hide the errors of its meaning: they come together.
pub fn compile(source: &str) -> Result<(Model, Vec<Diagnostic>), Vec<Diagnostic>> {
    let outcome = parser::run(source);
    let mut found = outcome.sink.finish();
    if !outcome.complete {
        return Err(found);
    }
    let resolved = resolve(outcome.schema);
    let (model, more) = match resolved {
        Ok((model, warnings)) => (Some(model), warnings),
        Err(diagnostics) => (None, diagnostics),
    };
    for diagnostic in more {
        let place = |d: &Diagnostic| d.span.map(|span| (span.start, span.end));
        let unreadable = |body: &ast::Span| {
            place(&diagnostic).is_some_and(|(start, _)| body.start <= start && start < body.end)
        };
        let known = found
            .iter()
            .any(|d| d.code == diagnostic.code && place(d) == place(&diagnostic));
        if (!known || diagnostic.span.is_none()) && !outcome.unreadable.iter().any(unreadable) {
            found.push(diagnostic);
        }
    }
    found.sort_by_key(|d| d.span.map_or(u32::MAX, |span| span.start));
    match model {
        Some(model) if !found.iter().any(Diagnostic::is_error) => Ok((model, found)),
        _ => Err(found),
    }
}

/// Reads the JSON form: `{version, resource_types: […], policies: {…}}`. Without a version it is the newest.
pub fn from_json(value: &Value) -> Parsed {
    let mut reader = Reader::default();
    let schema = reader.schema(value);
    Parsed::new(schema, reader.sink.finish())
}

/// Reads one type, `{type, relations}`, in the newest version.
pub fn resource_type_from_json(value: &Value) -> Result<TypeDef, Vec<Diagnostic>> {
    read(|reader| reader.type_def(value, &Path::Root))
}

/// Reads the `relations` of one type in the newest version.
pub fn relations_from_json(value: &Value) -> Result<Vec<RelationDef>, Vec<Diagnostic>> {
    read(|reader| reader.relations(value, &Path::Root))
}

/// Reads one policy, `{name, description?, language?, parameters?, expression}`.
pub fn policy_from_json(value: &Value) -> Result<PolicyDef, Vec<Diagnostic>> {
    read(|reader| reader.policy(None, value, &Path::Root))
}

fn read<T>(read: impl FnOnce(&mut Reader) -> Option<T>) -> Result<T, Vec<Diagnostic>> {
    let mut reader = Reader::default();
    let value = read(&mut reader);
    match value {
        Some(value) if !reader.sink.has_errors() => Ok(value),
        _ => Err(reader.sink.finish()),
    }
}
