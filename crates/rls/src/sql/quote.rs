//! The one place where names and values become SQL text.

use rowgate_binding::Qualified;

/// An identifier in double quotes. Without line breaks, so that laying out SQL cannot change it.
pub(crate) fn ident(name: &str) -> String {
    let quoted = name.replace('"', "\"\"");
    if quoted.contains(['\n', '\r']) {
        let escaped = quoted
            .replace('\\', "\\\\")
            .replace('\n', "\\000A")
            .replace('\r', "\\000D");
        format!("U&\"{escaped}\"")
    } else {
        format!("\"{quoted}\"")
    }
}

/// A qualified name in double quotes.
pub(crate) fn qualified(name: &Qualified) -> String {
    format!("{}.{}", ident(&name.schema), ident(&name.name))
}

/// A text in single quotes, whatever `standard_conforming_strings` is, and without line breaks. A value never holds NUL: no name, id
/// or document can.
pub(crate) fn text(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains(['\\', '\n', '\r']) {
        let escaped = quoted
            .replace('\\', "\\\\")
            .replace('\n', "\\n")
            .replace('\r', "\\r");
        format!("E'{escaped}'")
    } else {
        format!("'{quoted}'")
    }
}

/// The body of a function between dollar signs, with a tag that the body does not hold.
pub(crate) fn body(sql: &str) -> String {
    let mut tag = "$$".to_owned();
    for number in 1.. {
        if !sql.contains(&tag) {
            break;
        }
        tag = format!("$body{number}$");
    }
    format!("{tag} {sql} {tag}")
}

/// A list of texts, for `in (…)` and `array[…]`.
pub(crate) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = values.into_iter().map(text).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_its_quotes() {
        assert_eq!(ident("a\"; drop table t"), "\"a\"\"; drop table t\"");
        assert_eq!(text("it's"), "'it''s'");
        assert_eq!(text("a\\'b"), "E'a\\\\''b'");
        assert_eq!(text("a\nb"), "E'a\\nb'");
        assert_eq!(body("return 'a$b$c'"), "$$ return 'a$b$c' $$");
        assert_eq!(body("return '$$;$body1$'"), "$body2$ return '$$;$body1$' $body2$");
        assert_eq!(ident("a\n\\\"b"), "U&\"a\\000A\\\\\"\"b\"");
        assert_eq!(qualified(&Qualified::new("a.b", "C")), "\"a.b\".\"C\"");
    }
}
