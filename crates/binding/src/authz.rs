//! How what the authorization API calls things becomes names and ids of the graph, and back. Every encoding is injective.
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
use std::fmt;

/// The built-in resource type of organizations.
pub const ORGANIZATION: &str = "organization";

/// What every type of the authorization API begins with. A slug begins with a letter or a digit, so no resource type is called like one
/// of the types below.
pub const PREFIX: &str = "authz-";

/// The graph's type of organizations.
pub const ORGANIZATION_TYPE: &str = "authz-organization";

/// What there is once in an environment: its settings, and the end of every list.
pub const ENVIRONMENT: &str = "authz--environment";
/// The id of that.
pub const SELF: &str = "self";
/// Users.
pub const USER: &str = "authz--user";
/// Organization memberships: the subjects of checks.
pub const MEMBERSHIP: &str = "authz--membership";
/// Groups of memberships.
pub const GROUP: &str = "authz--group";
/// Permissions.
pub const PERMISSION: &str = "authz--permission";
/// Roles: each has a warrant for every permission that it carries.
pub const ROLE: &str = "authz--role";
/// A role on a resource, and who has it there.
pub const GRANT: &str = "authz--grant";
/// Resource types.
pub const TYPE: &str = "authz--type";
/// Other names of things: external ids, mail addresses, ids of resources.
pub const NAME: &str = "authz--name";

/// Relations that are not permissions.
pub mod relation {
    /// What is part of the environment's lists.
    pub const ENVIRONMENT: &str = "environment";
    /// What belongs to an organization.
    pub const ORGANIZATION: &str = "organization";
    /// Whose a membership is.
    pub const USER: &str = "user";
    /// Who is in a group or has a grant.
    pub const MEMBER: &str = "member";
    /// What a deactivated membership has instead of `member`, until it is active again.
    pub const PARKED: &str = "parked";
    /// The role of a grant.
    pub const ROLE: &str = "role";
    /// The grants on a resource.
    pub const GRANT: &str = "grant";
    /// What a resource is under.
    pub const PARENT: &str = "parent";
    /// What another name stands for.
    pub const NAMES: &str = "names";
}

const MAY: &str = "may_";

/// Slugs have no capital letters, so these stand for what a relation's name cannot contain.
const CAPITALS: [(char, char); 3] = [(':', 'C'), ('.', 'D'), ('*', 'S')];

/// What no name has in it.
const IN_NO_NAME: char = '!';

/// Longest encoded part of an id. With an organization in front it stays within what an id may have.
pub const MAX_ENCODED: usize = 190;

/// What an id begins with that is a hash because the encoded text is too long. No encoded text begins like this.
pub const HASHED: &str = "%~";

/// Whether a type belongs to the authorization API.
#[must_use]
pub fn is_reserved(resource_type: &str) -> bool {
    resource_type.starts_with(PREFIX)
}

/// The graph's type of a resource type.
#[must_use]
pub fn type_name(slug: &str) -> String {
    written(|name| write_type_name(name, slug))
}

/// The same into a place that is there already.
///
/// # Errors
/// There is no room.
pub fn write_type_name(into: &mut impl fmt::Write, slug: &str) -> fmt::Result {
    into.write_str(PREFIX)?;
    into.write_str(slug)
}

/// As text on the heap, where there is always room.
fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    match write(&mut text) {
        Ok(()) => text,
        Err(fmt::Error) => String::new(),
    }
}

/// The resource type of a type of the graph, if it is one.
#[must_use]
pub fn type_slug(name: &str) -> Option<&str> {
    let slug = name.strip_prefix(PREFIX)?;
    (!slug.starts_with('-')).then_some(slug)
}

/// The relation of a permission. A text with the capitals that stand for other characters is no permission's slug, and is given a name that no
/// relation has: it must not pass for the permission that it would be taken for.
#[must_use]
pub fn permission_relation(slug: &str) -> String {
    let mut name = vec![0; MAY.len() + slug.len()];
    permission_bytes(slug, &mut name);
    // One byte of ASCII for another: it is text as before.
    String::from_utf8(name).unwrap_or_default()
}

/// The same in a place that is there already; `None` if it is too small.
#[must_use]
pub fn permission_relation_in<'b>(slug: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
    let name = buffer.get_mut(..MAY.len() + slug.len())?;
    permission_bytes(slug, name);
    std::str::from_utf8(name).ok()
}

/// Fills a place that is exactly as long as the relation.
fn permission_bytes(slug: &str, name: &mut [u8]) {
    let (may, rest) = name.split_at_mut(MAY.len());
    may.copy_from_slice(MAY.as_bytes());
    for (byte, of) in rest.iter_mut().zip(slug.bytes()) {
        *byte = STAND_INS[usize::from(of)];
    }
}

/// By byte, what stands for it.
const STAND_INS: [u8; 256] = stand_ins();

const fn stand_ins() -> [u8; 256] {
    let mut all = [0; 256];
    let mut byte = 0;
    while byte < all.len() {
        all[byte] = byte as u8;
        byte += 1;
    }
    let mut at = 0;
    while at < CAPITALS.len() {
        let (plain, capital) = CAPITALS[at];
        all[plain as usize] = capital as u8;
        all[capital as usize] = IN_NO_NAME as u8;
        at += 1;
    }
    all
}

/// The permission of a relation, if it is one's.
#[must_use]
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
#[must_use]
pub fn encode(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_ENCODED && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    if out.len() > MAX_ENCODED {
        return Cow::Owned(format!("{HASHED}{}", blake3::hash(text.as_bytes()).to_hex()));
    }
    Cow::Owned(out)
}

/// The text of an encoded part. `None` when only its hash is there.
#[must_use]
pub fn decode(encoded: &str) -> Option<Cow<'_, str>> {
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
#[must_use]
pub fn id_within(organization: &str, text: &str) -> String {
    written(|id| write_id_within(id, organization, &encode(text)))
}

/// The same of a text that is encoded, into a place that is there already.
///
/// # Errors
/// There is no room.
pub fn write_id_within(into: &mut impl fmt::Write, organization: &str, encoded: &str) -> fmt::Result {
    into.write_str(organization)?;
    into.write_char('/')?;
    into.write_str(encoded)
}

/// The organization and the encoded rest of such an id.
#[must_use]
pub fn split_id(id: &str) -> Option<(&str, &str)> {
    id.split_once('/')
}

/// What the policy of an assignment that only ends at some time begins with.
pub const UNTIL: &str = "now() < date(\"";
/// What it ends with.
pub const UNTIL_END: &str = "\")";

/// Whether a policy says until when an assignment counts, in UTC, and nothing else. Row-level security answers for such a policy.
#[must_use]
pub fn is_until(policy: &str) -> bool {
    let moment = policy
        .strip_prefix(UNTIL)
        .and_then(|rest| rest.strip_suffix(UNTIL_END));
    moment
        .and_then(|moment| moment.strip_suffix('Z'))
        .is_some_and(is_moment)
}

/// Whether a text is a date and time that exists: `2026-01-31T12:00:00` and perhaps a fraction.
fn is_moment(text: &str) -> bool {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.is_some_and(|fraction| fraction.is_empty() || fraction.len() > 9 || !digits(fraction)) {
        return false;
    }
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let fits = |(byte, form): (u8, &u8)| {
        if *form == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == *form
        }
    };
    if whole.len() != FORM.len() || !whole.bytes().zip(FORM).all(fits) {
        return false;
    }
    let number = |from: usize, to: usize| whole[from..to].parse::<u32>().unwrap_or(u32::MAX);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day) && number(11, 13) < 24 && number(14, 16) < 60 && number(17, 19) < 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_has_room_or_there_is_none() {
        let relation = permission_relation("project:edit");
        assert_eq!(relation, "may_projectCedit");
        let mut exact = [0; 16];
        assert_eq!(
            permission_relation_in("project:edit", &mut exact),
            Some(relation.as_str())
        );
        let mut small = [0; 15];
        assert_eq!(permission_relation_in("project:edit", &mut small), None);
    }

    #[test]
    fn only_an_end_in_utc_is_one() {
        for policy in [
            "now() < date(\"2026-01-31T12:00:00Z\")",
            "now() < date(\"2024-02-29T23:59:59.123456789Z\")",
            "now() < date(\"2000-02-29T00:00:00.5Z\")",
        ] {
            assert!(is_until(policy), "{policy}");
        }
        for policy in [
            "now() < date(\"2026-02-29T12:00:00Z\")",
            "now() < date(\"1900-02-29T12:00:00Z\")",
            "now() < date(\"2026-04-31T12:00:00Z\")",
            "now() < date(\"2026-13-01T12:00:00Z\")",
            "now() < date(\"2026-01-00T12:00:00Z\")",
            "now() < date(\"2026-01-31T24:00:00Z\")",
            "now() < date(\"2026-01-31T12:00:00+02:00\")",
            "now() < date(\"2026-01-31T12:00:00.Z\")",
            "now() < date(\"2026-01-31T12:00:00Z\") && (x)",
            "now() > date(\"2026-01-31T12:00:00Z\")",
            "true",
        ] {
            assert!(!is_until(policy), "{policy}");
        }
    }
}
