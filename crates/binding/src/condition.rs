//! `where`: which rows count. A small language of our own, so that no SQL passes through from the document.
//!
//! ```text
//! condition  = test { "and" test }
//! test       = column "is" [ "not" ] "null"
//!            | column ( "=" | "<>" ) literal
//!            | column [ "not" ] "in" "(" literal { "," literal } ")"
//! literal    = 'text' | integer | true | false
//! ```
//!
//! A column is a bare word, or anything in double quotes. A row counts when every test is true; a test on a null column is not.

use std::fmt;

/// One test of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// What it must be.
    pub test: Test,
}

/// What a column must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// `is null`
    Null,
    /// `is not null`
    NotNull,
    /// `= literal`, `in (…)`
    In(Vec<Literal>),
    /// `<> literal`, `not in (…)`
    NotIn(Vec<Literal>),
}

/// A value in a condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Literal {
    /// `'text'`
    Text(String),
    /// `42`
    Integer(i64),
    /// `true`, `false`
    Boolean(bool),
}

/// Reads a whole `where`.
pub(crate) fn parse(text: &str) -> Result<Vec<Condition>, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
    };
    parser.tokens.reverse();
    let mut conditions = vec![parser.test()?];
    while !parser.tokens.is_empty() {
        if !parser.keyword("and") {
            return Err(format!("expected `and`, found {}", parser.shown()));
        }
        conditions.push(parser.test()?);
    }
    Ok(conditions)
}

/// The text of conditions, which reads as the same conditions.
pub(crate) fn write(conditions: &[Condition]) -> String {
    let tests: Vec<String> = conditions.iter().map(Condition::to_string).collect();
    tests.join(" and ")
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Integer(i64),
    Symbol(&'static str),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '\'' => {
                let (text, after) = delimited(rest, '\'')?;
                (Token::Text(text), after)
            }
            '"' => {
                let (name, after) = delimited(rest, '"')?;
                (Token::Quoted(name), after)
            }
            '-' | '0'..='9' => {
                let end = rest[1..]
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
                    .map_or(rest.len(), |at| at + 1);
                let number = rest[..end]
                    .parse()
                    .map_err(|_| format!("`{}` is not an integer", &rest[..end]))?;
                (Token::Integer(number), &rest[end..])
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
                    .unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), &rest[end..])
            }
            c => {
                let symbol = ["<>", "!=", "=", "(", ")", ","]
                    .into_iter()
                    .find(|symbol| rest.starts_with(symbol));
                let Some(symbol) = symbol else {
                    return Err(format!("`{}` cannot stand in a `where`", c.escape_debug()));
                };
                (Token::Symbol(symbol), &rest[symbol.len()..])
            }
        };
        out.push(token);
        rest = after.trim_start();
    }
    Ok(out)
}

fn delimited(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            out.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            out.push(quote);
            chars.next();
        } else {
            return Ok((out, &text[at + quote.len_utf8()..]));
        }
    }
    Err(format!("a `{quote}` is not closed"))
}

struct Parser {
    /// The next token is the last.
    tokens: Vec<Token>,
}

impl Parser {
    fn test(&mut self) -> Result<Condition, String> {
        let column = match self.tokens.pop() {
            Some(Token::Word(name) | Token::Quoted(name)) => name,
            other => return Err(format!("expected a column, found {}", shown(other.as_ref()))),
        };
        let test = if self.keyword("is") {
            let not = self.keyword("not");
            if !self.keyword("null") {
                return Err(format!("expected `null`, found {}", self.shown()));
            }
            if not { Test::NotNull } else { Test::Null }
        } else if self.symbol("=") {
            Test::In(vec![self.literal()?])
        } else if self.symbol("<>") || self.symbol("!=") {
            Test::NotIn(vec![self.literal()?])
        } else {
            let not = self.keyword("not");
            if !self.keyword("in") {
                let found = self.shown();
                return Err(format!(
                    "expected `is`, `=`, `<>` or `in` after `{column}`, found {found}"
                ));
            }
            let list = self.list()?;
            if not { Test::NotIn(list) } else { Test::In(list) }
        };
        Ok(Condition { column, test })
    }

    fn list(&mut self) -> Result<Vec<Literal>, String> {
        if !self.symbol("(") {
            return Err(format!("expected `(`, found {}", self.shown()));
        }
        let mut list = vec![self.literal()?];
        while self.symbol(",") {
            list.push(self.literal()?);
        }
        if !self.symbol(")") {
            return Err(format!("expected `)`, found {}", self.shown()));
        }
        Ok(list)
    }

    fn literal(&mut self) -> Result<Literal, String> {
        match self.tokens.pop() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Integer(number)) => Ok(Literal::Integer(number)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Ok(Literal::Boolean(true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Ok(Literal::Boolean(false)),
            other => {
                let found = shown(other.as_ref());
                Err(format!(
                    "expected a text in single quotes, an integer, `true` or `false`, found {found}"
                ))
            }
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let here =
            matches!(self.tokens.last(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        if here {
            self.tokens.pop();
        }
        here
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let here = matches!(self.tokens.last(), Some(Token::Symbol(found)) if *found == symbol);
        if here {
            self.tokens.pop();
        }
        here
    }

    fn shown(&self) -> String {
        shown(self.tokens.last())
    }
}

fn shown(token: Option<&Token>) -> String {
    match token {
        None => "the end".to_owned(),
        Some(Token::Word(word)) => format!("`{word}`"),
        Some(Token::Quoted(name)) => format!("`\"{name}\"`"),
        Some(Token::Text(text)) => format!("`'{text}'`"),
        Some(Token::Integer(number)) => format!("`{number}`"),
        Some(Token::Symbol(symbol)) => format!("`{symbol}`"),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" ", self.column.replace('"', "\"\""))?;
        let (one, many, list) = match &self.test {
            Test::Null => return f.write_str("is null"),
            Test::NotNull => return f.write_str("is not null"),
            Test::In(list) => ("=", "in", list),
            Test::NotIn(list) => ("<>", "not in", list),
        };
        if let [literal] = list.as_slice() {
            return write!(f, "{one} {literal}");
        }
        let list: Vec<String> = list.iter().map(Literal::to_string).collect();
        write!(f, "{many} ({})", list.join(", "))
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Literal::Integer(number) => write!(f, "{number}"),
            Literal::Boolean(truth) => write!(f, "{truth}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_as_the_same() {
        let text =
            "deleted_at IS NULL and \"Kind\" in ('a', 'it''s') and n <> -4 and b != true and c not in (1,2)";
        let conditions = parse(text).unwrap();
        assert_eq!(conditions.len(), 5);
        assert_eq!(
            write(&conditions),
            "\"deleted_at\" is null and \"Kind\" in ('a', 'it''s') and \"n\" <> -4 and \"b\" <> true and \"c\" not in (1, 2)"
        );
        assert_eq!(parse(&write(&conditions)), Ok(conditions));
    }

    #[test]
    fn nothing_but_tests_of_columns_is_read() {
        for (text, problem) in [
            ("", "expected a column, found the end"),
            (
                "a = b",
                "expected a text in single quotes, an integer, `true` or `false`, found `b`",
            ),
            ("a is null or true", "expected `and`, found `or`"),
            ("a = 'x'; drop table t", "`;` cannot stand in a `where`"),
            ("a = 'x", "a `'` is not closed"),
            ("a = 1.5", "`1.5` is not an integer"),
            (
                "lower(a) = 'x'",
                "expected `is`, `=`, `<>` or `in` after `lower`, found `(`",
            ),
            ("a in (1", "expected `)`, found the end"),
        ] {
            assert_eq!(parse(text).unwrap_err(), problem, "{text}");
        }
    }
}
