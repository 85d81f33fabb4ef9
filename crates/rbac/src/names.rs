//! How what the API calls things becomes names and ids of the graph, and back. Every encoding is injective.
//!
//! | the API's | in the graph |
//! |---|---|
//! | resource type `workspace` | type `authz-workspace` |
//! | resource `w 1` of `org_1` | id `org_1/w%201` |
//! | organization `org_1`, the root of its tree | `authz-organization:org_1` |
//! | permission `project:edit` | relation `may_projectCedit` |
//! | environment role `editor` | `authz--role:editor` |
//! | role `org-billing` of `org_1` | `authz--role:org_1/org-billing` |

use std::borrow::Cow;

/// The built-in resource type of organizations.
pub const ORGANIZATION: &str = "organization";

/// What every resource type is prefixed with. A slug begins with a letter or a digit, so no resource type is called like one of the
/// types below.
const TYPE_PREFIX: &str = "authz-";

/// The graph's type of organizations.
pub(crate) const ORGANIZATION_TYPE: &str = "authz-organization";

/// What there is once in an environment: its settings, and the end of every list.
pub(crate) const ENVIRONMENT: &str = "authz--environment";
/// The id of that.
pub(crate) const SELF: &str = "self";
/// Users.
pub const USER: &str = "authz--user";
/// Organization memberships: the subjects of checks.
pub const MEMBERSHIP: &str = "authz--membership";
/// Groups of memberships.
pub const GROUP: &str = "authz--group";
/// Permissions.
pub(crate) const PERMISSION: &str = "authz--permission";
/// Roles: each has a warrant for every permission that it carries.
pub(crate) const ROLE: &str = "authz--role";
/// A role on a resource, and who has it there.
pub(crate) const GRANT: &str = "authz--grant";
/// Resource types.
pub(crate) const TYPE: &str = "authz--type";
/// Other names of things: external ids, mail addresses, ids of resources.
pub(crate) const NAME: &str = "authz--name";

/// Relations that are not permissions.
pub(crate) mod relation {
    pub(crate) const ENVIRONMENT: &str = "environment";
    pub(crate) const ORGANIZATION: &str = "organization";
    pub(crate) const USER: &str = "user";
    pub(crate) const MEMBER: &str = "member";
    /// What a deactivated membership has instead of `member`, until it is active again.
    pub(crate) const PARKED: &str = "parked";
    pub(crate) const ROLE: &str = "role";
    pub(crate) const GRANT: &str = "grant";
    pub(crate) const PARENT: &str = "parent";
    pub(crate) const NAMES: &str = "names";
}

const MAY: &str = "may_";

/// Slugs have no capital letters, so these stand for what a relation's name cannot contain.
const CAPITALS: [(char, char); 3] = [(':', 'C'), ('.', 'D'), ('*', 'S')];

/// Longest encoded part of an id. With an organization in front it stays within what an id may have.
const MAX_ENCODED: usize = 190;

/// What an id begins with that is a hash because the encoded text is too long. No encoded text begins like this.
const HASHED: &str = "%~";

/// The graph's type of a resource type.
pub fn type_name(slug: &str) -> String {
    format!("{TYPE_PREFIX}{slug}")
}

/// The resource type of a type of the graph, if it is one.
pub fn type_slug(name: &str) -> Option<&str> {
    let slug = name.strip_prefix(TYPE_PREFIX)?;
    (!slug.starts_with('-')).then_some(slug)
}

/// The relation of a permission.
pub fn permission_relation(slug: &str) -> String {
    let mut name = String::with_capacity(MAY.len() + slug.len());
    name.push_str(MAY);
    name.extend(slug.chars().map(|char| {
        let capital = CAPITALS.iter().find(|(plain, _)| *plain == char);
        capital.map_or(char, |(_, capital)| *capital)
    }));
    name
}

/// The permission of a relation, if it is one's.
pub fn permission_slug(relation: &str) -> Option<String> {
    let name = relation.strip_prefix(MAY)?;
    let plain = name.chars().map(|char| {
        let capital = CAPITALS.iter().find(|(_, capital)| *capital == char);
        capital.map_or(char, |(plain, _)| *plain)
    });
    Some(plain.collect())
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.@|:+=".contains(&byte)
}

/// A text as part of an id: what an id may not contain, and `/` and `%`, as `%` and two digits; very long ones as a hash.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    if out.len() > MAX_ENCODED {
        return format!("{HASHED}{}", blake3::hash(text.as_bytes()).to_hex());
    }
    out
}

/// The text of an encoded part. `None` when only its hash is there.
pub(crate) fn decode(encoded: &str) -> Option<Cow<'_, str>> {
    if encoded.starts_with(HASHED) {
        return None;
    }
    if !encoded.contains('%') {
        return Some(Cow::Borrowed(encoded));
    }
    let mut out = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// The id of something that belongs to an organization: a resource by its external id, a role by its slug.
pub(crate) fn id_within(organization: &str, text: &str) -> String {
    format!("{organization}/{}", encode(text))
}

/// The organization and the encoded rest of such an id.
pub(crate) fn split_id(id: &str) -> Option<(&str, &str)> {
    id.split_once('/')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rowgate_engine::names::{is_id, is_name};

    #[test]
    fn permissions_become_relations_and_come_back() {
        for slug in ["project:edit", "a.b", "*", "a-b_c:d.*", ":::"] {
            let relation = permission_relation(slug);
            assert!(is_name(&relation), "{relation}");
            assert_eq!(permission_slug(&relation).as_deref(), Some(slug));
        }
        assert_eq!(permission_slug("member"), None);
        assert!(is_name(&permission_relation(&":".repeat(48))));
    }

    #[test]
    fn external_ids_become_ids_and_come_back() {
        for text in ["proj-456", "a:b/c d", "*", "%2F", "<b>", "\u{7f}", "~", "%~"] {
            let id = id_within("org_1", text);
            assert!(is_id(&id), "{id}");
            assert_eq!(decode(split_id(&id).unwrap().1).unwrap(), text);
        }
        let long = id_within("org_01JZ7W3Q0X8S2N4V6B1C5D9E7F", &"/".repeat(128));
        assert!(is_id(&long) && split_id(&long).unwrap().1.starts_with(HASHED));
        assert_eq!(decode(split_id(&long).unwrap().1), None);
    }

    #[test]
    fn resource_types_are_not_confused_with_other_types() {
        assert_eq!(type_slug("authz-role"), Some("role"));
        assert_eq!(type_slug(ROLE), None);
        assert_eq!(type_slug("role"), None);
    }
}
