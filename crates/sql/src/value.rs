//! A value's text, as Postgres writes it, in JSON.

use crate::error::{Error, Result};
use crate::kind::Kind;

/// Arrays nested deeper than Postgres allows are something else.
const DEEPEST: usize = 8;

/// Writes a text as a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing to memory does not fail, and a string has no keys that could.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a value by its kind.
pub(crate) fn write(out: &mut Vec<u8>, text: &str, kind: &Kind) -> Result<()> {
    match kind {
        Kind::Bool if text == "t" => out.extend_from_slice(b"true"),
        Kind::Bool if text == "f" => out.extend_from_slice(b"false"),
        Kind::Number => out.extend_from_slice(text.as_bytes()),
        Kind::Float if is_finite(text) => out.extend_from_slice(text.as_bytes()),
        Kind::Json => out.extend_from_slice(text.as_bytes()),
        Kind::Array(element) => write_array(out, text, element)?,
        Kind::Bool | Kind::Float | Kind::Text => write_text(out, text),
    }
    Ok(())
}

fn is_finite(text: &str) -> bool {
    !matches!(text, "NaN" | "Infinity" | "-Infinity")
}

fn write_array(out: &mut Vec<u8>, text: &str, element: &Kind) -> Result<()> {
    // Bounds that are not the usual come first: `[0:1]={1,2}`.
    let start = if text.starts_with('[') {
        text.find('=').map_or(0, |at| at + 1)
    } else {
        0
    };
    let mut reader = Reader {
        text,
        at: start,
        element,
    };
    reader.array(out, 0)?;
    if reader.at == text.len() {
        Ok(())
    } else {
        Err(broken())
    }
}

fn broken() -> Error {
    Error::Answer("an array has another form than expected")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    element: &'a Kind,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn array(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        if self.peek() != Some(b'{') || depth > DEEPEST {
            return Err(broken());
        }
        self.at += 1;
        out.push(b'[');
        if self.peek() == Some(b'}') {
            self.at += 1;
            out.push(b']');
            return Ok(());
        }
        loop {
            match self.peek().ok_or_else(broken)? {
                b'{' => self.array(out, depth + 1)?,
                b'"' => {
                    let value = self.quoted()?;
                    write(out, &value, self.element)?;
                }
                _ => self.bare(out)?,
            }
            match self.peek() {
                Some(b',') => out.push(b','),
                Some(b'}') => {
                    self.at += 1;
                    out.push(b']');
                    return Ok(());
                }
                _ => return Err(broken()),
            }
            self.at += 1;
        }
    }

    fn bare(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let rest = self.text.get(self.at..).ok_or_else(broken)?;
        let value = rest
            .get(..rest.find([',', '}']).ok_or_else(broken)?)
            .ok_or_else(broken)?;
        self.at += value.len();
        if value == "NULL" {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        write(out, value, self.element)
    }

    fn quoted(&mut self) -> Result<String> {
        let rest = self.text.get(self.at + 1..).ok_or_else(broken)?;
        let mut value = String::new();
        let mut characters = rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += at + 2;
                    return Ok(value);
                }
                '\\' => value.push(characters.next().ok_or_else(broken)?.1),
                other => value.push(other),
            }
        }
        Err(broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str, kind: Kind) -> String {
        let mut out = Vec::new();
        write(&mut out, text, &kind).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_scalars() {
        assert_eq!(json("t", Kind::Bool), "true");
        assert_eq!(json("42", Kind::Number), "42");
        assert_eq!(json("1.5e+20", Kind::Float), "1.5e+20");
        assert_eq!(json("NaN", Kind::Float), "\"NaN\"");
        assert_eq!(json("-Infinity", Kind::Float), "\"-Infinity\"");
        assert_eq!(json("{\"a\": 1}", Kind::Json), "{\"a\": 1}");
        assert_eq!(json("9223372036854775807", Kind::Text), "\"9223372036854775807\"");
        assert_eq!(json("a\"b\\\n", Kind::Text), r#""a\"b\\\n""#);
    }

    #[test]
    fn writes_arrays() {
        let numbers = || Kind::Array(Box::new(Kind::Number));
        let texts = || Kind::Array(Box::new(Kind::Text));
        assert_eq!(json("{}", numbers()), "[]");
        assert_eq!(json("{1,NULL,3}", numbers()), "[1,null,3]");
        assert_eq!(json("{{1,2},{3,4}}", numbers()), "[[1,2],[3,4]]");
        assert_eq!(json("[0:1]={1,2}", numbers()), "[1,2]");
        assert_eq!(
            json(r#"{a,"NULL","b,c","\"q\\",""}"#, texts()),
            r#"["a","NULL","b,c","\"q\\",""]"#
        );
        assert_eq!(
            json(r#"{"{\"a\": 1}"}"#, Kind::Array(Box::new(Kind::Json))),
            r#"[{"a": 1}]"#
        );
    }

    #[test]
    fn refuses_what_is_no_array() {
        for text in ["", "1", "{1", "{1}}", "{\"a", "[x", "{1,,", "{{{{{{{{{{{1"] {
            let mut out = Vec::new();
            assert!(
                write(&mut out, text, &Kind::Array(Box::new(Kind::Number))).is_err(),
                "{text}"
            );
        }
    }
}
