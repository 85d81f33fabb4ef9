//! What a type, a relation and an id may look like.

/// Longest type or relation name, in bytes.
pub const MAX_NAME: usize = 64;

/// Longest id, in bytes.
pub const MAX_ID: usize = 255;

/// Whether `text` can name a type, a relation or a policy: letters, digits, `-` and `_`.
pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether `text` can be the id of a resource: letters, digits and `- _ . @ | : + / = ~ %`.
///
/// `*` is not an id; it is the wildcard.
pub fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.@|:+/=~%".contains(&byte))
}
