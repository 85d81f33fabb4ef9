//! Regular expressions: RE2 syntax on the linear-time `regex` engine, bounded in size.

use regex::{Regex, RegexBuilder};

use crate::limits::{MAX_PATTERN_BYTES, MAX_PATTERN_DEPTH, MAX_PATTERN_SIZE};

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub struct Pattern(Box<Regex>);

impl Pattern {
    /// Compiles a pattern; the error is one line for people.
    pub(crate) fn compile(pattern: &str) -> Result<Pattern, String> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(format!(
                "the regular expression is longer than {MAX_PATTERN_BYTES} bytes"
            ));
        }
        RegexBuilder::new(&from_re2(pattern))
            .size_limit(MAX_PATTERN_SIZE)
            .dfa_size_limit(MAX_PATTERN_SIZE)
            .nest_limit(MAX_PATTERN_DEPTH)
            .build()
            .map(|regex| Pattern(Box::new(regex)))
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
                error => {
                    let text = error.to_string();
                    let last = text
                        .lines()
                        .rev()
                        .find(|line| !line.trim().is_empty())
                        .unwrap_or_default();
                    let reason = last.trim().trim_start_matches("error: ");
                    format!("invalid regular expression: {reason}")
                }
            })
    }

    /// Whether the text contains a match.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// Rewrites what RE2 and the `regex` crate read differently: `\d`, `\w`, `\s` and `\b` are ASCII in RE2, and inside
/// brackets `[`, `&` and `~` are ordinary characters.
fn from_re2(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    let mut class_start = false;
    while let Some(c) = chars.next() {
        let at_start = std::mem::take(&mut class_start);
        match c {
            '\\' => match chars.next() {
                Some('Q') if !in_class => quoted(&mut chars, &mut out),
                Some(escaped) => match ascii_class(escaped, in_class) {
                    Some(class) => out.push_str(class),
                    None => {
                        out.push('\\');
                        out.push(escaped);
                    }
                },
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                class_start = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            ']' if in_class && !at_start => {
                in_class = false;
                out.push(']');
            }
            // A bracket that opens a class, closes nothing: the first `]` is itself.
            ']' if in_class => out.push_str("\\]"),
            '[' if chars.peek() == Some(&':') => out.push_str(&posix_class(&mut chars)),
            '[' | '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// The ASCII meaning of a Perl class or word boundary.
fn ascii_class(escaped: char, in_class: bool) -> Option<&'static str> {
    Some(match escaped {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => "[\\t\\n\\f\\r ]",
        'S' => "[^\\t\\n\\f\\r ]",
        'b' if !in_class => "(?-u:\\b)",
        'B' if !in_class => "(?-u:\\B)",
        _ => return None,
    })
}

type Chars<'p> = std::iter::Peekable<std::str::Chars<'p>>;

/// `\Q…\E`: everything literally.
fn quoted(chars: &mut Chars<'_>, out: &mut String) {
    let mut literal = String::new();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            break;
        }
        literal.push(c);
    }
    out.push_str(&regex::escape(&literal));
}

/// `[:alpha:]` and its like, or an escaped bracket when it is not one.
fn posix_class(chars: &mut Chars<'_>) -> String {
    let mut ahead = chars.clone();
    ahead.next();
    let mut name = String::new();
    while let Some(c) = ahead.next_if(|c| c.is_ascii_lowercase() || *c == '^') {
        name.push(c);
    }
    if ahead.next() == Some(':') && ahead.next() == Some(']') {
        *chars = ahead;
        format!("[:{name}:]")
    } else {
        "\\[".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_ascii_as_in_re2() {
        for (pattern, text, expected) in [
            (r"^\d+$", "123", true),
            (r"^\d+$", "١٢٣", false),
            (r"^\w+$", "naïve", false),
            (r"^[\w.]+$", "a.b_c", true),
            (r"^[^\s]+$", "a b", false),
            (r"\bcat\b", "a cat.", true),
            (r"^[[]$", "[", true),
            (r"^[]a]$", "]", true),
            (r"^[^]a]$", "b", true),
            (r"^[a&&b~]+$", "&~", true),
            (r"^[[:alpha:]]+$", "abc", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^.$", "é", true),
            ("", "x", true),
            ("(?i)ABC", "xabc", true),
        ] {
            let compiled = Pattern::compile(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
            assert_eq!(compiled.is_match(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn large_and_malformed_patterns_are_refused() {
        for pattern in [
            "(",
            "[a",
            "a{1000}{1000}{1000}",
            r"\pL{1000}",
            "*",
            "\\",
            &"a".repeat(2000),
            &"(".repeat(900),
        ] {
            assert!(Pattern::compile(pattern).is_err(), "{pattern}");
        }
    }
}
