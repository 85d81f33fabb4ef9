//! The bindings and the schema in their files, and what is said about them.

use rowgate_rls::{Bindings, Refusal, Request};
use rowgate_schema::{Diagnostic, Model, Severity};

use crate::failure::{Failure, Result};
use crate::{input, output};

/// Bindings, and perhaps a schema, with their texts.
pub(super) struct Documents {
    pub(super) bindings_file: String,
    bindings_text: String,
    bindings: Bindings,
    schema: Option<(String, String, Model)>,
}

impl Documents {
    pub(super) fn read(bindings_file: &str, schema_file: Option<&str>) -> Result<Self> {
        let bindings_text = input::read_text(bindings_file)?;
        let bindings = Bindings::parse_toml(&bindings_text).map_err(|found| {
            say(&found, &bindings_text, bindings_file);
            Failure::new(format!("{bindings_file} cannot be read"))
        })?;
        Ok(Self {
            bindings_file: bindings_file.to_owned(),
            bindings_text,
            bindings,
            schema: schema_file.map(schema).transpose()?,
        })
    }

    pub(super) fn request(&self, keep_existing: bool) -> Request<'_> {
        Request {
            bindings: &self.bindings,
            schema: self.schema.as_ref().map(|(_, _, model)| model),
            keep_existing,
        }
    }

    pub(super) fn say_bindings(&self, found: &[Diagnostic]) {
        say(found, &self.bindings_text, &self.bindings_file);
    }

    /// Says why a relation cannot be compiled, with its line where the schema is at hand.
    pub(super) fn say_refusal(&self, refusal: &Refusal) {
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: refusal.code,
            message: refusal.reason.clone(),
            span: refusal.span.filter(|_| self.schema.is_some()),
            path: Some(refusal.place.clone()),
            help: Some(refusal.help.clone()),
            notes: Vec::new(),
        };
        match &self.schema {
            Some((file, text, _)) => say(&[diagnostic], text, file),
            None => say(&[diagnostic], "", "the schema"),
        }
    }
}

fn schema(file: &str) -> Result<(String, String, Model)> {
    let text = input::read_text(file)?;
    // JSON begins with a brace; no text form does.
    let compiled = if text.trim_start().starts_with('{') {
        rowgate_schema::parse_json(&text).and_then(|value| {
            let parsed = rowgate_schema::from_json(&value);
            rowgate_schema::resolve(parsed.schema.ok_or(parsed.diagnostics)?)
        })
    } else {
        rowgate_schema::compile(&text)
    };
    match compiled {
        Ok((model, warnings)) => {
            say(&warnings, &text, file);
            Ok((file.to_owned(), text, model))
        }
        Err(found) => {
            say(&found, &text, file);
            Err(Failure::new(format!("{file} is not a valid schema")))
        }
    }
}

fn say(found: &[Diagnostic], text: &str, file: &str) {
    for diagnostic in found {
        output::note(rowgate_schema::render(
            diagnostic,
            text,
            file,
            output::colors_errors(),
        ));
        output::note("");
    }
}
