//! The fields of a request: which are there, and whether they have the right form. All that is wrong is said at once.

use serde_json::{Map, Value};

use crate::error::FieldError;
use crate::read::Target;
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

    /// A name that must be there.
    pub fn name(&mut self, most: usize) -> String {
        let name = self.required("name");
        self.at_most("name", &name, most);
        name
    }

    /// A name that may change.
    pub fn new_name(&mut self, most: usize) -> Option<String> {
        let name = self.text("name")?;
        if name.is_empty() {
            self.wrong("name", "invalid", "name must not be empty");
        }
        self.at_most("name", &name, most);
        Some(name)
    }

    /// A description: absent, cleared by `null`, or a text.
    pub fn description(&mut self) -> Option<Option<String>> {
        self.short_clearable("description", MAX_DESCRIPTION)
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

    /// The slug of a permission: small letters, digits and `- _ : . *`.
    pub fn permission_slug(&mut self, field: &str) -> String {
        let slug = self.required(field);
        self.slug_form(field, &slug, "-_:.*");
        slug
    }

    /// The slug of a role: small letters, digits, `-` and `_`.
    pub fn role_slug(&mut self, field: &str) -> String {
        let slug = self.required(field);
        self.slug_form(field, &slug, "-_");
        slug
    }

    /// The same, where it may be left out.
    pub fn optional_role_slug(&mut self, field: &str) -> Option<String> {
        let slug = self.text(field)?;
        self.slug_form(field, &slug, "-_");
        Some(slug)
    }

    fn slug_form(&mut self, field: &str, slug: &str, signs: &str) {
        self.at_most(field, slug, MAX_SLUG);
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || signs.contains(char::from(byte));
        if !slug.bytes().all(fits) {
            let signs: Vec<String> = signs.chars().map(|sign| format!("`{sign}`")).collect();
            let signs = signs.join(" ");
            let message = format!("{field} can only contain small letters, digits and {signs}");
            self.wrong(field, "invalid", message);
        }
    }

    /// An external id that must be there.
    pub fn external_id(&mut self, field: &str) -> String {
        let id = self.required(field);
        self.external_id_form(field, &id);
        id
    }

    /// An external id that may be left out. An empty one is as good as none.
    pub fn optional_external_id(&mut self, field: &str) -> Option<String> {
        let id = self.text(field).filter(|id| !id.is_empty())?;
        self.external_id_form(field, &id);
        Some(id)
    }

    /// A text of at most so many characters that may be left out. An empty one is as good as none.
    pub fn short_text(&mut self, field: &str, most: usize) -> Option<String> {
        let text = self.text(field).filter(|text| !text.is_empty())?;
        self.at_most(field, &text, most);
        Some(text)
    }

    /// An external id that `null` clears.
    pub fn new_external_id(&mut self) -> Option<Option<String>> {
        let id = self.clearable("external_id")?;
        if let Some(id) = &id {
            if id.is_empty() {
                self.wrong(
                    "external_id",
                    "invalid",
                    "external_id must not be empty; send null to clear it",
                );
            }
            self.external_id_form("external_id", id);
        }
        Some(id)
    }

    fn external_id_form(&mut self, field: &str, id: &str) {
        self.at_most(field, id, MAX_EXTERNAL_ID);
        if !id.is_ascii() {
            self.wrong(
                field,
                "invalid",
                format!("{field} can only contain ASCII characters"),
            );
        }
    }

    /// Texts by key, of which `null` removes one.
    pub fn metadata(&mut self) -> Result<Option<Map<String, Value>>> {
        let fields = match self.value("metadata") {
            None => return Ok(None),
            Some(Value::Object(fields)) => fields.clone(),
            Some(_) => {
                return Err(Error::bad(
                    "invalid_metadata",
                    "metadata must be an object of strings",
                ));
            }
        };
        if fields.len() > MAX_METADATA {
            let message = format!(
                "metadata has {} keys; at most {MAX_METADATA} are allowed",
                fields.len()
            );
            return Err(Error::bad("invalid_metadata", message));
        }
        for (key, value) in &fields {
            if key.chars().count() > MAX_METADATA_KEY {
                let message =
                    format!("keys of metadata must be strings of at most {MAX_METADATA_KEY} characters");
                return Err(Error::bad("invalid_metadata", message));
            }
            let short = |text: &str| text.chars().count() <= MAX_METADATA_VALUE;
            if !value.is_null() && !value.as_str().is_some_and(short) {
                let message =
                    format!("metadata.{key} must be a string of at most {MAX_METADATA_VALUE} characters");
                return Err(Error::bad("invalid_metadata", message));
            }
        }
        Ok(Some(fields))
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

    /// The resource that a request is about: `resource_id`, or `resource_external_id` with `resource_type_slug`.
    pub fn target(&mut self) -> Option<Target> {
        let names = ["resource_id", "resource_external_id", "resource_type_slug"];
        let target = self.target_named(names);
        if target.is_none() && self.errors.is_empty() {
            let message = "give resource_id, or resource_external_id with resource_type_slug";
            self.wrong("resource_id", "required", message);
        }
        target
    }

    /// The same, where it may be left out.
    pub fn optional_target(&mut self) -> Option<Target> {
        self.target_named(["resource_id", "resource_external_id", "resource_type_slug"])
    }

    /// What a resource is to be under, if the request says.
    pub fn parent(&mut self) -> Option<Target> {
        self.target_named([
            "parent_resource_id",
            "parent_resource_external_id",
            "parent_resource_type_slug",
        ])
    }

    /// One of two ways to name a resource: never both, never half of the second.
    pub fn target_named(&mut self, [id, external_id, resource_type]: [&str; 3]) -> Option<Target> {
        let given = [self.text(id), self.text(external_id), self.text(resource_type)];
        match given {
            [None, None, None] => None,
            [Some(id), None, None] => Some(Target::Id(id)),
            [None, Some(external_id), Some(resource_type)] => Some(Target::External {
                resource_type,
                external_id,
            }),
            [Some(_), _, _] => {
                let message = format!("give {id}, or {external_id} with {resource_type}, not both");
                self.wrong(id, "mutually_exclusive", message);
                None
            }
            [None, None, Some(_)] => {
                self.wrong(
                    external_id,
                    "required",
                    format!("{resource_type} needs {external_id}"),
                );
                None
            }
            [None, Some(_), None] => {
                self.wrong(
                    resource_type,
                    "required",
                    format!("{external_id} needs {resource_type}"),
                );
                None
            }
        }
    }
}
