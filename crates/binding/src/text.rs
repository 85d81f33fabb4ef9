//! TOML to JSON, with the place of every key and value.

use std::collections::HashMap;
use std::ops::Range;

use rowgate_schema::ast::Span;
use rowgate_schema::{Diagnostic, Severity};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where keys and values stand in a text, by path. Empty for bindings that came from JSON. Any two are equal, so that
/// comparing bindings compares what they say.
#[derive(Debug, Clone, Default)]
pub struct Places {
    by_path: HashMap<String, (Span, Span)>,
}

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Places {}

/// Which part of an entry a diagnostic is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl Places {
    /// Whether something stood at a path.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// Gives a diagnostic its place: that of its path, or of the nearest entry around it.
    #[must_use]
    pub fn locate(&self, mut diagnostic: Diagnostic, part: Part) -> Diagnostic {
        let Some(path) = diagnostic.path.clone().filter(|_| !self.by_path.is_empty()) else {
            return diagnostic;
        };
        let mut around = path.as_str();
        loop {
            if let Some((key, value)) = self.by_path.get(around) {
                let exact = around.len() == path.len();
                let span = if part == Part::Key || !exact { *key } else { *value };
                diagnostic.span = Some(span);
                return diagnostic;
            }
            match around.rfind(['.', '[']) {
                Some(end) => around = &around[..end],
                None => {
                    diagnostic.span = Some(Span { start: 0, end: 0 });
                    return diagnostic;
                }
            }
        }
    }
}

/// The document as JSON, and the places of what is in it.
///
/// # Errors
/// What is not TOML, with its place.
pub fn read(source: &str) -> Result<(Value, Places), Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(source);
    // What a parser says after its first error is mostly about that error.
    if let Some(error) = errors.first() {
        return Err(vec![syntax(error, source)]);
    }
    let mut places = Places::default();
    let value = object(table.get_ref(), "", &mut places);
    Ok((value, places))
}

fn syntax(error: &toml::de::Error, source: &str) -> Diagnostic {
    let range = error.span().unwrap_or(source.len()..source.len());
    let message = error.message().trim().replace('\n', "; ");
    Diagnostic {
        severity: Severity::Error,
        code: "syntax_error",
        message,
        span: Some(span(&range)),
        path: None,
        help: None,
        notes: Vec::new(),
    }
}

fn object(table: &DeTable<'_>, path: &str, places: &mut Places) -> Value {
    let mut out = Map::new();
    for (key, value) in table {
        let inner = join(path, key.get_ref());
        let places_of = (span(&key.span()), span(&value.span()));
        places.by_path.insert(inner.clone(), places_of);
        out.insert(key.get_ref().to_string(), json(value, &inner, places));
    }
    Value::Object(out)
}

fn json(value: &Spanned<DeValue<'_>>, path: &str, places: &mut Places) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.as_str().to_owned()), Value::from),
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Array(items) => {
            let item = |(index, item): (usize, &Spanned<DeValue<'_>>)| {
                let inner = format!("{path}[{index}]");
                let at = span(&item.span());
                places.by_path.insert(inner.clone(), (at, at));
                json(item, &inner, places)
            };
            Value::Array(items.iter().enumerate().map(item).collect())
        }
        DeValue::Table(table) => object(table, path, places),
    }
}

/// The path of an entry.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn span(range: &Range<usize>) -> Span {
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        start: byte(range.start),
        end: byte(range.end),
    }
}
