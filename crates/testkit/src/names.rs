//! Resources and subjects as plain strings, written `type:id` and `type:id#relation`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// `type:id`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Resource {
    /// The type.
    pub resource_type: String,
    /// The id.
    pub id: String,
}

/// `type:id`, `type:*` or `type:id#relation`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Subject {
    /// The type.
    pub resource_type: String,
    /// The id; `*` for a wildcard.
    pub id: String,
    /// The relation of a group.
    pub relation: Option<String>,
}

impl Resource {
    /// `type:id`
    pub fn new(resource_type: &str, id: &str) -> Self {
        Self {
            resource_type: resource_type.to_owned(),
            id: id.to_owned(),
        }
    }

    /// This resource as a subject without a relation.
    pub fn as_subject(&self) -> Subject {
        Subject {
            resource_type: self.resource_type.clone(),
            id: self.id.clone(),
            relation: None,
        }
    }
}

impl Subject {
    /// `type:*`
    pub fn wildcard(resource_type: &str) -> Self {
        Resource::new(resource_type, "*").as_subject()
    }

    /// `type:id#relation`
    pub fn group(of: &Resource, relation: &str) -> Self {
        Self {
            relation: Some(relation.to_owned()),
            ..of.as_subject()
        }
    }

    /// The resource that is named, whatever the relation.
    pub fn resource(&self) -> Resource {
        Resource::new(&self.resource_type, &self.id)
    }

    /// Whether it is `type:*`.
    pub fn is_wildcard(&self) -> bool {
        self.id == "*" && self.relation.is_none()
    }
}

/// Splits at the first `:`.
///
/// # Panics
/// When there is none: names in tests are literals.
impl From<&str> for Resource {
    fn from(text: &str) -> Self {
        let (resource_type, id) = text.split_once(':').expect("a resource is written `type:id`");
        Self::new(resource_type, id)
    }
}

/// Splits at the first `:` and then at the first `#`.
///
/// # Panics
/// When there is no `:`: names in tests are literals.
impl From<&str> for Subject {
    fn from(text: &str) -> Self {
        match text.split_once('#') {
            Some((of, relation)) => Self::group(&Resource::from(of), relation),
            None => Resource::from(text).as_subject(),
        }
    }
}

impl From<String> for Resource {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Subject {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Resource> for String {
    fn from(resource: Resource) -> Self {
        resource.to_string()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

impl From<&Resource> for Resource {
    fn from(resource: &Resource) -> Self {
        resource.clone()
    }
}

impl From<&Subject> for Subject {
    fn from(subject: &Subject) -> Self {
        subject.clone()
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource_type, self.id)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource_type, self.id)?;
        match &self.relation {
            Some(relation) => write!(f, "#{relation}"),
            None => Ok(()),
        }
    }
}
