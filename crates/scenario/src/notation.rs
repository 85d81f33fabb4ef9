//! The short notation: `document:d1`, `group:g#member`, `ticket:7#viewer@user:ann`, `ticket:7#viewer@user:ann [policy]`.
//!
//! A type ends at the first `:`, an id at the `#`, a relation at the `@`; so ids may contain `:` and `@`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// A resource: `type:id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// Its type.
    pub resource_type: String,
    /// Its id.
    pub id: String,
}

/// A subject: `type:id`, `type:*` or `type:id#relation`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Its type and id; the id `*` stands for all of the type.
    pub object: Object,
    /// Its relation, for a group.
    pub relation: Option<String>,
}

/// A resource, a relation and a subject: what a check asks and what a warrant says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// The resource.
    pub resource: Object,
    /// The relation.
    pub relation: String,
    /// The subject.
    pub subject: Subject,
}

/// A tuple with the policy it depends on, if it depends on one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Warrant {
    /// The tuple.
    pub tuple: Tuple,
    /// The policy's text.
    pub policy: Option<String>,
}

/// A text that is not in the notation, and what it should look like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct NotationError {
    text: String,
    wanted: &'static str,
}

const OBJECT: &str = "a resource; write it as `type:id`, like `ticket:7`";
const SUBJECT: &str = "a subject; write it as `type:id`, `type:*` or `type:id#relation`, like `user:ann`";
const TUPLE: &str = "a tuple; write it as `resource#relation@subject`, like `ticket:7#viewer@user:ann`";
const WARRANT: &str =
    "a warrant; write it as `resource#relation@subject`, with its policy in `[…]` if it has one";

fn bad(text: &str, wanted: &'static str) -> NotationError {
    NotationError {
        text: text.to_owned(),
        wanted,
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn object(text: &str) -> Option<Object> {
    let (resource_type, id) = text.split_once(':')?;
    let is_id = !id.is_empty() && !id.contains(|char: char| char.is_whitespace() || "#[]".contains(char));
    (is_name(resource_type) && is_id).then(|| Object {
        resource_type: resource_type.to_owned(),
        id: id.to_owned(),
    })
}

fn subject(text: &str) -> Option<Subject> {
    match text.split_once('#') {
        None => Some(Subject {
            object: object(text)?,
            relation: None,
        }),
        Some((before, relation)) if is_name(relation) => Some(Subject {
            object: object(before)?,
            relation: Some(relation.to_owned()),
        }),
        Some(_) => None,
    }
}

fn tuple(text: &str) -> Option<Tuple> {
    let (resource, rest) = text.split_once('#')?;
    let (relation, who) = rest.split_once('@')?;
    let resource = object(resource)?;
    is_name(relation).then_some(())?;
    Some(Tuple {
        resource,
        relation: relation.to_owned(),
        subject: subject(who)?,
    })
}

impl FromStr for Object {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        object(text.trim()).ok_or_else(|| bad(text, OBJECT))
    }
}

impl FromStr for Subject {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        subject(text.trim()).ok_or_else(|| bad(text, SUBJECT))
    }
}

impl FromStr for Tuple {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        tuple(text.trim()).ok_or_else(|| bad(text, TUPLE))
    }
}

impl FromStr for Warrant {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let (before, policy) = match text.trim().split_once('[') {
            None => (text.trim(), None),
            Some((before, rest)) => {
                let policy = rest.strip_suffix(']').ok_or_else(|| bad(text, WARRANT))?;
                (before.trim_end(), Some(policy.to_owned()))
            }
        };
        Ok(Self {
            tuple: tuple(before).ok_or_else(|| bad(text, WARRANT))?,
            policy,
        })
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource_type, self.id)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)?;
        self.relation
            .as_ref()
            .map_or(Ok(()), |relation| write!(f, "#{relation}"))
    }
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}@{}", self.resource, self.relation, self.subject)
    }
}

impl fmt::Display for Warrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tuple.fmt(f)?;
        self.policy
            .as_ref()
            .map_or(Ok(()), |policy| write!(f, " [{policy}]"))
    }
}

/// Reads a value from its notation, so that a mistake is reported with its line.
pub(crate) fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = NotationError>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(de::Error::custom)
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl<'de> Deserialize<'de> for Tuple {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_every_form() {
        for text in [
            "ticket:7#viewer@user:ann",
            "ticket:7#viewer@user:*",
            "report:a:b#editor@role:admin#member",
            "store:s#owner@user:a@b.com",
            "doc:d#viewer@user:auth0|1 [tenant == \"a\" && roles[0] == \"x\"]",
        ] {
            assert_eq!(text.parse::<Warrant>().unwrap().to_string(), text);
        }
        let warrant: Warrant = "doc:d#viewer@user:u[a == [1]]".parse().unwrap();
        assert_eq!(warrant.policy.as_deref(), Some("a == [1]"));
    }

    #[test]
    fn says_what_it_should_look_like() {
        for text in [
            "",
            "ticket:7",
            "ticket#viewer@user:ann",
            "ticket:7#viewer@ann",
            "ticket:7#vi er@user:ann",
            "t:1#v@u:2 [x",
        ] {
            let error = text.parse::<Warrant>().unwrap_err().to_string();
            assert!(
                error.contains("write it as `resource#relation@subject`"),
                "{error}"
            );
        }
        let error = "ticket".parse::<Object>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`ticket` is not a resource; write it as `type:id`, like `ticket:7`"
        );
    }
}
