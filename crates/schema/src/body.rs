//! The text of a policy between its braces: where it ends, and how it is indented.
//!
//! # The rule of indentation
//!
//! A body is kept as its author wrote it, less the white space around it and less the indentation it has only because
//! it stands in a schema:
//!
//! * Carriage returns become line feeds (`\r\n` becomes one).
//! * When the body starts on a line of its own, that first line's indentation is the *margin*, and every further line
//!   loses as much of the margin as it begins with. When it starts on the line of its `{` there is no margin.
//! * A line that begins inside a back-tick string belongs to the string and is left alone.
//!
//! The canonical form puts the body on lines of its own, four spaces in, with empty lines left empty. That is the exact
//! inverse: [`dedent`] of [`indent`] gives back every trimmed body.

/// Where a scanner stands inside a body.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Code,
    Quoted(u8),
    Raw,
    LineComment,
    BlockComment,
}

/// Follows strings, comments and braces through a body, a byte at a time.
struct Scanner {
    within: Within,
    depth: usize,
}

impl Scanner {
    fn new() -> Self {
        Self {
            within: Within::Code,
            depth: 0,
        }
    }

    /// Takes the byte at `at` and says how many bytes it used, or `None` at the brace that closes the body.
    fn step(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let (byte, next) = (text[at], text.get(at + 1).copied());
        let mut used = 1;
        self.within = match (self.within, byte) {
            (Within::Code, b'"' | b'\'') => Within::Quoted(byte),
            (Within::Code, b'`') => Within::Raw,
            (Within::Code, b'/') if next == Some(b'/') => Within::LineComment,
            (Within::Code, b'/') if next == Some(b'*') => {
                used = 2;
                Within::BlockComment
            }
            (Within::Code, b'{') => {
                self.depth += 1;
                Within::Code
            }
            (Within::Code, b'}') => {
                self.depth = self.depth.checked_sub(1)?;
                Within::Code
            }
            // A quoted string cannot span lines: one left open ends here, so that the rest of the schema is still read.
            (Within::Quoted(_) | Within::LineComment, b'\n') => Within::Code,
            (Within::Quoted(quote), b'\\') => {
                used = if matches!(next, None | Some(b'\n')) { 1 } else { 2 };
                Within::Quoted(quote)
            }
            (Within::Quoted(quote), _) if byte == quote => Within::Code,
            (Within::Raw, b'`') => Within::Code,
            (Within::BlockComment, b'*') if next == Some(b'/') => {
                used = 2;
                Within::Code
            }
            (within, _) => within,
        };
        Some(used)
    }
}

/// The offset of the `}` that closes a body starting at the beginning of `text`.
pub(crate) fn end(text: &str) -> Option<usize> {
    let mut scanner = Scanner::new();
    let mut at = 0;
    while at < text.len() {
        match scanner.step(text.as_bytes(), at) {
            Some(used) => at += used,
            None => return Some(at),
        }
    }
    None
}

/// Whether a body can stand between braces: its own braces, strings and comments end before it does.
pub(crate) fn is_enclosable(expression: &str) -> bool {
    end(&format!("{expression}\n}}")) == Some(expression.len() + 1)
}

/// Carriage returns become line feeds.
pub(crate) fn unify_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// For every line of `text` (split at line feeds), whether it begins inside a back-tick string.
fn begins_in_string(text: &str) -> Vec<bool> {
    let mut scanner = Scanner::new();
    let mut lines = vec![false];
    let mut at = 0;
    while at < text.len() {
        let used = scanner.step(text.as_bytes(), at).unwrap_or(1);
        if text.as_bytes()[at] == b'\n' {
            lines.push(scanner.within == Within::Raw);
        }
        at += used;
    }
    lines
}

/// The body as the expression it stands for, and where in `raw` each line of the expression comes from.
///
/// The second part is exact unless `raw` holds lone carriage returns.
pub(crate) fn dedent(raw: &str) -> (String, Vec<usize>) {
    let leading = raw.len() - raw.trim_start().len();
    let margin = raw[..leading]
        .rfind('\n')
        .map_or("", |newline| &raw[newline + 1..leading]);
    let in_string = begins_in_string(raw.trim());

    let mut expression = String::with_capacity(raw.len());
    let mut starts = Vec::with_capacity(in_string.len());
    let mut at = leading;
    for (number, line) in raw.trim().split('\n').enumerate() {
        let keep = number == 0 || in_string.get(number).copied().unwrap_or(false);
        let cut = if keep { 0 } else { common_prefix(line, margin) };
        if number > 0 {
            expression.push('\n');
        }
        starts.push(at + cut);
        let text = &line[cut..];
        expression.push_str(text.strip_suffix('\r').unwrap_or(text));
        at += line.len() + 1;
    }
    if expression.contains('\r') {
        expression = unify_newlines(&expression);
    }
    (expression, starts)
}

/// Bytes at the start of `line` that agree with `margin`.
fn common_prefix(line: &str, margin: &str) -> usize {
    line.chars()
        .zip(margin.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum()
}

/// Writes an expression as the lines of a canonical body.
pub(crate) fn indent(expression: &str, out: &mut String) {
    if expression.is_empty() {
        return;
    }
    let in_string = begins_in_string(expression);
    for (number, line) in expression.split('\n').enumerate() {
        if !line.is_empty() && !in_string.get(number).copied().unwrap_or(false) {
            out.push_str("    ");
        }
        out.push_str(line);
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_at_its_own_brace() {
        assert_eq!(end("a } b"), Some(2));
        assert_eq!(end("{k: {}} } b"), Some(8));
        assert_eq!(end(r#""}" '}' "\"}" }"#), Some(14));
        assert_eq!(end("`}\n}` // }\n /* } */ }"), Some(20));
        assert_eq!(end("\"open }\n }"), Some(9));
        assert_eq!(end("a"), None);
    }

    #[test]
    fn what_leaves_its_braces_is_not_enclosable() {
        assert!(is_enclosable("a // }"));
        assert!(is_enclosable("any(x, {# > 1})"));
        assert!(!is_enclosable("a }"));
        assert!(!is_enclosable("{"));
        assert!(!is_enclosable("`open"));
        assert!(!is_enclosable("a } policy x() { true"));
    }

    #[test]
    fn the_first_lines_indentation_is_the_margin() {
        let (text, starts) = dedent("\n      let a = 1;\n        a >\n    0\n  ");
        assert_eq!(text, "let a = 1;\n  a >\n0");
        assert_eq!(starts, [7, 24, 34]);
    }

    #[test]
    fn a_body_on_the_line_of_its_brace_has_no_margin() {
        assert_eq!(dedent(" a &&\n    b ").0, "a &&\n    b");
    }

    #[test]
    fn strings_keep_their_lines() {
        let (text, _) = dedent("\n    x == `one\n    two` &&\n    y\n");
        assert_eq!(text, "x == `one\n    two` &&\ny");
        let mut out = String::new();
        indent(&text, &mut out);
        assert_eq!(out, "    x == `one\n    two` &&\n    y\n");
    }

    #[test]
    fn windows_line_ends_are_read_as_line_ends() {
        assert_eq!(dedent("\r\n  a &&\r\n  b\r\n").0, "a &&\nb");
    }
}
