//! Queries and parameters, from the JSON of a request to the texts that Postgres gets.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// Arrays nested deeper than this are refused. Postgres allows six dimensions.
const DEEPEST: usize = 16;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Single(Query),
    Batch(Vec<Query>),
}

/// One statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Option<String>>,
    /// Whether rows are arrays, if the query says so itself.
    pub(crate) array_mode: Option<bool>,
}

/// Unknown keys mean nothing. A batch is what has no `query`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    query: Option<String>,
    #[serde(borrow)]
    queries: Option<Vec<WireQuery<'a>>>,
    #[serde(borrow, default)]
    params: Vec<&'a RawValue>,
    array_mode: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireQuery<'a> {
    query: String,
    #[serde(borrow, default)]
    params: Vec<&'a RawValue>,
    array_mode: Option<bool>,
}

impl Body {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::refused(format!("could not parse the HTTP request body: {error}"))
        };
        let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
        match (wire.query, wire.queries) {
            (Some(query), _) => {
                let query = WireQuery {
                    query,
                    params: wire.params,
                    array_mode: wire.array_mode,
                };
                Ok(Self::Single(query.read()?))
            }
            (None, Some(queries)) => {
                let queries = queries.into_iter().map(WireQuery::read);
                Ok(Self::Batch(queries.collect::<Result<_>>()?))
            }
            (None, None) => Err(unreadable(&"it has neither `query` nor `queries`")),
        }
    }
}

impl WireQuery<'_> {
    fn read(self) -> Result<Query> {
        let parameters = self.params.into_iter().map(parameter);
        Ok(Query {
            sql: self.query,
            parameters: parameters.collect::<Result<_>>()?,
            array_mode: self.array_mode,
        })
    }
}

/// A parameter as Postgres reads it. Numbers stay as they were written, so that none loses digits.
fn parameter(value: &RawValue) -> Result<Option<String>> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') => Ok(Some(string(text)?)),
        Some(b'[') => {
            let mut out = String::new();
            write_array(&mut out, text, 0)?;
            Ok(Some(out))
        }
        Some(b'{') => Ok(Some(compact(text))),
        _ => Ok(Some(text.to_owned())),
    }
}

fn string(text: &str) -> Result<String> {
    serde_json::from_str(text)
        .map_err(|error| Error::refused(format!("could not parse a parameter: {error}")))
}

/// An array of Postgres. Strings are quoted as in JSON, whose quotes and backslashes Postgres reads the same.
fn write_array(out: &mut String, text: &str, depth: usize) -> Result<()> {
    if depth > DEEPEST {
        return Err(Error::refused(format!(
            "a parameter has arrays nested deeper than {DEEPEST}"
        )));
    }
    let elements: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| Error::refused(format!("could not parse a parameter: {error}")))?;
    out.push('{');
    for (number, element) in elements.into_iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        let element = element.get();
        match element.as_bytes().first() {
            Some(b'n') => out.push_str("NULL"),
            Some(b'"') => write_quoted(out, &string(element)?),
            Some(b'[') => write_array(out, element, depth + 1)?,
            Some(b'{') => write_quoted(out, &compact(element)),
            _ => out.push_str(element),
        }
    }
    out.push('}');
    Ok(())
}

fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// JSON without the space between its parts.
fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in text.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = character == '\\' && !escaped;
        } else if character.is_ascii_whitespace() {
            continue;
        } else {
            in_string = character == '"';
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(json: &str) -> Vec<Option<String>> {
        let body = format!(r#"{{"query":"select","params":[{json}],"other":1}}"#);
        match Body::read(body.as_bytes()).unwrap() {
            Body::Single(query) => query.parameters,
            Body::Batch(_) => unreachable!(),
        }
    }

    #[test]
    fn turns_parameters_into_text() {
        let text = |json: &str| parameters(json).remove(0);
        assert_eq!(text("null"), None);
        for (json, expected) in [
            ("true", "true"),
            ("42", "42"),
            ("12345678901234567890.10", "12345678901234567890.10"),
            ("\"a\\u00e9\\n\"", "aé\n"),
            (r#"{"a": [1, "b \" c"], "d": {}}"#, r#"{"a":[1,"b \" c"],"d":{}}"#),
            (
                r#"[true,null,"NULL",42,"bar\"-\\"]"#,
                r#"{true,NULL,"NULL",42,"bar\"-\\"}"#,
            ),
            (r#"[{"foo": 1}]"#, r#"{"{\"foo\":1}"}"#),
            ("[[1,2],[3,null]]", "{{1,2},{3,NULL}}"),
            (r#"["a\nb"]"#, "{\"a\nb\"}"),
            ("[]", "{}"),
        ] {
            assert_eq!(text(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn tells_one_query_from_a_batch() {
        assert_eq!(Body::read(br#"{"queries":[]}"#).unwrap(), Body::Batch(vec![]));
        let batch =
            Body::read(br#"{"queries":[{"query":"a"},{"query":"b","params":["1"],"arrayMode":true}]}"#)
                .unwrap();
        let Body::Batch(queries) = batch else {
            panic!("a batch")
        };
        assert_eq!(
            queries[1],
            Query {
                sql: "b".into(),
                parameters: vec![Some("1".into())],
                array_mode: Some(true)
            }
        );
    }

    #[test]
    fn says_what_it_cannot_read() {
        for (body, message) in [
            (
                "",
                "could not parse the HTTP request body: EOF while parsing a value at line 1 column 0",
            ),
            (
                "{}",
                "could not parse the HTTP request body: it has neither `query` nor `queries`",
            ),
            (
                r#"{"query":1}"#,
                "could not parse the HTTP request body: invalid type: integer `1`, expected a string at line 1 column 10",
            ),
        ] {
            assert_eq!(Body::read(body.as_bytes()).unwrap_err().to_string(), message);
        }
        let deep = format!(
            r#"{{"query":"a","params":[{}{}]}}"#,
            "[".repeat(50),
            "]".repeat(50)
        );
        assert_eq!(
            Body::read(deep.as_bytes()).unwrap_err().to_string(),
            "a parameter has arrays nested deeper than 16"
        );
    }
}
