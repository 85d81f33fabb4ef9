//! The bindings and the schema in their files, and what is said about them.

use rowgate_rls::{Bindings, Problem, Refusal, Request};
use rowgate_schema::{Diagnostic, Model, Severity};
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::found::Text;
use crate::input;

/// Bindings, and perhaps a schema, with their texts.
pub(super) struct Documents {
    pub(super) bindings_file: String,
    bindings_text: String,
    bindings: Bindings,
    schema: Option<(String, String, Model)>,
    json: bool,
}

impl Documents {
    pub(super) fn read(bindings_file: &str, schema_file: Option<&str>, json: bool) -> Result<Self> {
        let bindings_text = input::read_text(bindings_file)?;
        let bindings = parse_bindings(bindings_file, &bindings_text, json)?;
        Ok(Self {
            bindings_file: bindings_file.to_owned(),
            bindings_text,
            bindings,
            schema: schema_file.map(|file| schema(file, json)).transpose()?,
            json,
        })
    }

    pub(super) fn request(&self, keep_existing: bool) -> Request<'_> {
        Request {
            bindings: &self.bindings,
            schema: self.schema.as_ref().map(|(_, _, model)| model),
            keep_existing,
        }
    }

    fn bindings_with_text(&self) -> Text<'_> {
        Text {
            file: &self.bindings_file,
            text: &self.bindings_text,
        }
    }

    /// Tells people what is questionable in the bindings. Programs have it in the answer.
    pub(super) fn say_bindings(&self, found: &[Diagnostic]) {
        if !self.json {
            self.bindings_with_text().say(found);
        }
    }

    /// What was found in the bindings, for programs.
    pub(super) fn bindings_as_json(&self, found: &[Diagnostic]) -> Vec<Value> {
        self.bindings_with_text().as_json(found)
    }

    /// Bindings that do not agree with the schema or the database.
    pub(super) fn unfit(&self, found: &[Diagnostic]) -> Failure {
        let message = format!("{} does not fit", self.bindings_file);
        self.bindings_with_text().refused(found, self.json, message)
    }

    /// Relations that cannot be compiled, with their lines where the schema is at hand.
    pub(super) fn uncompiled(&self, found: &[Refusal]) -> Failure {
        let diagnostic = |refusal: &Refusal| Diagnostic {
            severity: Severity::Error,
            code: refusal.code,
            message: refusal.reason.clone(),
            span: refusal.span.filter(|_| self.schema.is_some()),
            path: Some(refusal.place.clone()),
            help: Some(refusal.help.clone()),
            notes: Vec::new(),
        };
        let diagnostics: Vec<Diagnostic> = found.iter().map(diagnostic).collect();
        let text = match &self.schema {
            Some((file, text, _)) => Text { file, text },
            None => Text {
                file: "the schema",
                text: "",
            },
        };
        let mut places: Vec<&str> = found.iter().map(|refusal| refusal.place.as_str()).collect();
        places.dedup();
        let message = format!("{} cannot be compiled to SQL", places.join(", "));
        text.refused(&diagnostics, self.json, message)
    }

    /// What the database is not ready for; where the bindings name it, with the line.
    pub(super) fn in_the_way(&self, found: &[Problem]) -> Failure {
        let diagnostic = |problem: &Problem| {
            let help = Some(problem.help.clone());
            match &problem.path {
                Some(path) => self
                    .bindings
                    .error_at(problem.code, path, problem.message.clone(), help),
                None => Diagnostic {
                    severity: Severity::Error,
                    code: problem.code,
                    message: problem.message.clone(),
                    span: None,
                    path: None,
                    help,
                    notes: Vec::new(),
                },
            }
        };
        let diagnostics: Vec<Diagnostic> = found.iter().map(diagnostic).collect();
        if let ([problem], [Diagnostic { span: None, .. }]) = (found, diagnostics.as_slice()) {
            return Failure::Found {
                message: problem.message.clone(),
                code: problem.code,
                help: Some(problem.help.clone()),
                found: self.bindings_as_json(&diagnostics),
            };
        }
        let message = match found.len() {
            1 => "nothing was changed".to_owned(),
            many => format!("{many} things are in the way; nothing was changed"),
        };
        self.bindings_with_text()
            .refused(&diagnostics, self.json, message)
    }
}

/// The bindings of a file.
pub(super) fn parse_bindings(file: &str, text: &str, json: bool) -> Result<Bindings> {
    Bindings::parse_toml(text).map_err(|found| {
        let message = format!("{file} has errors; nothing was changed");
        Text { file, text }.refused(&found, json, message)
    })
}

fn schema(file: &str, json: bool) -> Result<(String, String, Model)> {
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
    let source = Text { file, text: &text };
    match compiled {
        Ok((model, warnings)) => {
            if !json {
                source.say(&warnings);
            }
            Ok((file.to_owned(), text, model))
        }
        Err(found) => Err(source.refused(&found, json, format!("{file} is not a valid schema"))),
    }
}
