//! Qualified names of tables and functions.

use std::fmt;

/// `schema.name`, as the database has it: letter case counts and nothing is folded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Qualified {
    /// The schema.
    pub schema: String,
    /// The name inside it.
    pub name: String,
}

/// The longest identifier of Postgres, in bytes.
pub(crate) const MAX_IDENTIFIER: usize = 63;

impl Qualified {
    /// A name in a schema.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            schema: schema.into(),
            name: name.into(),
        }
    }

    /// Reads `schema.name`. A part in double quotes may hold anything, with `""` for a double quote.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (schema, rest) = part(text)?;
        let Some(rest) = rest.strip_prefix('.') else {
            return Err(format!(
                "`{text}` does not say which schema it is in; write `public.{text}`"
            ));
        };
        let (name, rest) = part(rest)?;
        if !rest.is_empty() {
            return Err(format!("`{text}` has more than a schema and a name"));
        }
        Ok(Self { schema, name })
    }

    /// Reads `schema.function()`.
    pub fn parse_function(text: &str) -> Result<Self, String> {
        match text.trim().strip_suffix("()") {
            Some(name) => Self::parse(name),
            None => Err(format!(
                "`{text}` is not a function without arguments, such as `auth.user_id()`"
            )),
        }
    }
}

/// Why an identifier cannot be one, if it cannot.
pub(crate) fn identifier_problem(text: &str) -> Option<String> {
    if text.is_empty() {
        Some("a name is empty".to_owned())
    } else if text.len() > MAX_IDENTIFIER {
        Some(format!(
            "`{text}` has {} bytes; a name in Postgres has at most {MAX_IDENTIFIER}",
            text.len()
        ))
    } else if text.contains('\0') {
        Some("a name cannot hold the character NUL".to_owned())
    } else {
        None
    }
}

fn part(text: &str) -> Result<(String, &str), String> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => {
            quoted_part(quoted).ok_or_else(|| format!("a double quote in `{text}` is not closed"))?
        }
        None => {
            let end = text.find(['.', '"']).unwrap_or(text.len());
            (text[..end].to_owned(), &text[end..])
        }
    };
    match identifier_problem(&name) {
        Some(problem) => Err(problem),
        None => Ok((name, rest)),
    }
}

fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return Some((name, rest)),
        }
    }
}

impl fmt::Display for Qualified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in [&self.schema, &self.name].into_iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            if name.contains(['.', '"']) {
                write!(f, "\"{}\"", name.replace('"', "\"\""))?;
            } else {
                f.write_str(name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_case_and_may_be_quoted() {
        assert_eq!(
            Qualified::parse("public.Ticket"),
            Ok(Qualified::new("public", "Ticket"))
        );
        let odd = Qualified::new("a.b", "say \"hi\"");
        assert_eq!(odd.to_string(), r#""a.b"."say ""hi""""#);
        assert_eq!(Qualified::parse(&odd.to_string()), Ok(odd));
    }

    #[test]
    fn what_is_wrong_with_a_name_is_said() {
        let problem = |text| Qualified::parse(text).unwrap_err();
        assert_eq!(
            problem("ticket"),
            "`ticket` does not say which schema it is in; write `public.ticket`"
        );
        assert_eq!(problem("a.b.c"), "`a.b.c` has more than a schema and a name");
        assert_eq!(problem("a.\"b"), "a double quote in `\"b` is not closed");
        assert_eq!(problem(".b"), "a name is empty");
        assert!(problem(&format!("a.{}", "x".repeat(64))).contains("at most 63"));
    }

    #[test]
    fn a_function_is_written_with_empty_parentheses() {
        assert_eq!(
            Qualified::parse_function("auth.user_id()"),
            Ok(Qualified::new("auth", "user_id"))
        );
        assert!(Qualified::parse_function("auth.user_id").is_err());
        assert!(Qualified::parse_function("auth.user_id(1)").is_err());
    }
}
