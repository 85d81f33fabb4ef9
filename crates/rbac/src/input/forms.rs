//! What has a form of its own: names, slugs, external ids, metadata.

use serde_json::{Map, Value};

use super::{
    Fields, MAX_DESCRIPTION, MAX_EXTERNAL_ID, MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE, MAX_SLUG,
};
use crate::{Error, Result};

impl Fields {
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
}
