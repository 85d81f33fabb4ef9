//! Quoting source text and values in messages.

use crate::limits::MAX_QUOTE;

/// At most [`MAX_QUOTE`] characters of a text, on one line.
pub(crate) fn abbreviate(text: &str) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut blank = false;
    for c in text.chars() {
        // A run of blanks, such as a line break with its indentation, is one space.
        if c.is_whitespace() {
            if blank {
                continue;
            }
            blank = true;
        } else {
            blank = false;
        }
        if count + 1 >= MAX_QUOTE {
            out.push('…');
            break;
        }
        out.push(if c.is_whitespace() || c.is_control() {
            ' '
        } else {
            c
        });
        count += 1;
    }
    out
}

/// At most `bytes` bytes of a text, whole characters.
pub(crate) fn up_to(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
