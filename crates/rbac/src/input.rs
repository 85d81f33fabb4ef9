//! The fields of a request: which are there, and whether they have the right form. All that is wrong is said at once.
//!
//! Here: texts, lists and objects. `forms`: names, slugs, external ids, metadata. `target`: which resource is meant.

mod forms;
mod target;

use rowgate_schema::did_you_mean;
use serde_json::{Map, Value};

use crate::error::FieldError;
use crate::{Error, Result};

/// Longest slug.
pub const MAX_SLUG: usize = 48;
/// Longest name of a role, a permission or a resource.
pub const MAX_NAME: usize = 48;
/// Longest name of a group or an organization.
pub const MAX_LONG_NAME: usize = 256;
/// Longest description.
pub const MAX_DESCRIPTION: usize = 150;
/// Longest external id.
pub const MAX_EXTERNAL_ID: usize = 128;
/// Most keys of metadata.
pub(crate) const MAX_METADATA: usize = 50;
/// Longest key of metadata.
const MAX_METADATA_KEY: usize = 128;
/// Longest value in metadata.
const MAX_METADATA_VALUE: usize = 600;
/// Most roles that are given to a membership at once.
pub const MAX_ROLES: usize = 100;
/// Most domains of an organization.
pub const MAX_DOMAINS: usize = 100;
/// Most entries of a list that has no limit of its own.
pub const MAX_LIST: usize = 10_000;

/// The fields of one object of a request.
#[derive(Debug)]
pub struct Fields {
    values: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Of the object given.
    pub fn of(values: Map<String, Value>) -> Self {
        Self {
            values,
            errors: Vec::new(),
        }
    }

    /// Says what is wrong, if anything is.
    ///
    /// # Errors
    /// [`Error::Fields`].
    pub fn check(&mut self) -> Result<()> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(Error::Fields(std::mem::take(&mut self.errors)))
    }

    /// Notes that a field is wrong.
    pub fn wrong(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError {
            field: field.into(),
            code,
            message: message.into(),
        });
    }

    /// Takes over what is wrong with the object at a path, such as `roles[2]`.
    pub fn adopt(&mut self, path: &str, inner: Self) {
        self.errors
            .extend(inner.errors.into_iter().map(|error| FieldError {
                field: format!("{path}.{}", error.field),
                ..error
            }));
    }

    /// Refuses every other field: what is misspelt would otherwise be taken for absent.
    pub fn only(&mut self, known: &[&str]) {
        let other = |field: &&String| !known.contains(&field.as_str());
        let unknown: Vec<String> = self.values.keys().filter(other).take(10).cloned().collect();
        for field in unknown {
            let near = did_you_mean(&field, known.iter().copied());
            let near = near.unwrap_or_else(|| format!("known are {}", known.join(", ")));
            self.wrong(&field, "invalid", format!("`{field}` means nothing here; {near}"));
        }
    }

    /// Whether a field is there, `null` included.
    pub fn has(&self, field: &str) -> bool {
        self.values.contains_key(field)
    }

    /// A field as it came, unless it is absent or `null`.
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.values.get(field).filter(|value| !value.is_null())
    }

    /// A text, unless it is absent or `null`.
    pub fn text(&mut self, field: &str) -> Option<String> {
        match self.value(field)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.wrong(field, "invalid", format!("{field} must be a string"));
                None
            }
        }
    }

    /// A text that must be there and not be empty.
    pub fn required(&mut self, field: &str) -> String {
        let known = self.errors.len();
        match self.text(field).filter(|text| !text.is_empty()) {
            Some(text) => text,
            None => {
                if self.errors.len() == known {
                    self.wrong(field, "required", format!("{field} is required"));
                }
                String::new()
            }
        }
    }

    /// `true` or `false`, unless it is absent or `null`.
    pub fn boolean(&mut self, field: &str) -> Option<bool> {
        match self.value(field)? {
            Value::Bool(value) => Some(*value),
            _ => {
                self.wrong(field, "invalid", format!("{field} must be true or false"));
                None
            }
        }
    }

    fn at_most(&mut self, field: &str, text: &str, most: usize) {
        let length = text.chars().count();
        if length > most {
            let message = format!("{field} has {length} characters; at most {most} are allowed");
            self.wrong(field, "too_long", message);
        }
    }

    /// A text of at most so many characters that `null` clears.
    pub fn short_clearable(&mut self, field: &str, most: usize) -> Option<Option<String>> {
        let text = self.clearable(field)?;
        if let Some(text) = &text {
            self.at_most(field, text, most);
        }
        Some(text)
    }

    /// A text that `null` clears.
    fn clearable(&mut self, field: &str) -> Option<Option<String>> {
        if !self.has(field) {
            return None;
        }
        let known = self.errors.len();
        let text = self.text(field);
        (self.errors.len() == known).then_some(text)
    }

    /// A text of at most so many characters that may be left out. An empty one is as good as none.
    pub fn short_text(&mut self, field: &str, most: usize) -> Option<String> {
        let text = self.text(field).filter(|text| !text.is_empty())?;
        self.at_most(field, &text, most);
        Some(text)
    }

    /// A list of texts, unless it is absent or `null`.
    pub fn texts(&mut self, field: &str) -> Option<Vec<String>> {
        let value = self.value(field)?;
        let list = value.as_array().and_then(|list| {
            let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<String>>>()
        });
        if list.is_none() {
            self.wrong(field, "invalid", format!("{field} must be a list of strings"));
        }
        self.not_too_many(field, list, MAX_LIST)
    }

    /// A list of at most so many texts, unless it is absent or `null`.
    pub fn few_texts(&mut self, field: &str, most: usize) -> Option<Vec<String>> {
        let list = self.texts(field);
        self.not_too_many(field, list, most)
    }

    fn not_too_many<T>(&mut self, field: &str, list: Option<Vec<T>>, most: usize) -> Option<Vec<T>> {
        let list = list?;
        if list.len() <= most {
            return Some(list);
        }
        let message = format!("{field} has {} entries; at most {most} are allowed", list.len());
        self.wrong(field, "too_many", message);
        None
    }

    /// A list of objects, unless it is absent or `null`.
    pub fn objects(&mut self, field: &str) -> Option<Vec<Map<String, Value>>> {
        let value = self.value(field)?;
        let list = value.as_array().and_then(|list| {
            let objects = list.iter().map(|object| object.as_object().cloned());
            objects.collect::<Option<Vec<_>>>()
        });
        if list.is_none() {
            self.wrong(field, "invalid", format!("{field} must be a list of objects"));
        }
        list
    }
}
