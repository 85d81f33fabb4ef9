//! Files of people: CSV, JSON lines and TOML.

use serde_json::{Map, Value};

use crate::failure::{Failure, Result};
use crate::input;

/// Columns that a CSV file may have.
const COLUMNS: [&str; 7] = [
    "email",
    "external_id",
    "first_name",
    "last_name",
    "organization",
    "organization_name",
    "roles",
];

/// What separates roles in a CSV file.
const BETWEEN_ROLES: char = ';';

/// The entries of a file, each with the line that it stands on.
pub(super) fn read(file: &str) -> Result<Vec<Value>> {
    let text = input::read_text(file)?;
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    let people = match extension {
        "csv" => csv(file, &text)?,
        "jsonl" | "ndjson" => json_lines(file, &text)?,
        "toml" => toml(file, &text)?,
        _ => {
            return Err(Failure::with_help(
                format!("{file} is of no known kind"),
                "name it `.csv`, `.jsonl` or `.toml`, after what it is",
            ));
        }
    };
    if people.is_empty() {
        return Err(Failure::new(format!("{file} has no entries")));
    }
    Ok(people)
}

fn at(file: &str, line: usize, what: impl std::fmt::Display) -> Failure {
    Failure::new(format!("{file}: line {line}: {what}"))
}

fn entry(mut fields: Map<String, Value>, line: usize) -> Value {
    fields.insert("line".into(), line.into());
    Value::Object(fields)
}

fn json_lines(file: &str, text: &str) -> Result<Vec<Value>> {
    let mut people = Vec::new();
    for (line, text) in (1..)
        .zip(text.lines())
        .filter(|(_, text)| !text.trim().is_empty())
    {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => people.push(entry(fields, line)),
            Ok(_) => return Err(at(file, line, "not a JSON object")),
            Err(error) => return Err(at(file, line, format_args!("not JSON: {error}"))),
        }
    }
    Ok(people)
}

fn toml(file: &str, text: &str) -> Result<Vec<Value>> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        person: Vec<toml::Spanned<Map<String, Value>>>,
    }
    let read: File =
        toml::from_str(text).map_err(|error| Failure::new(format!("{file} is not right: {error}")))?;
    let mut lines = Lines::of(text);
    let people = read.person.into_iter();
    Ok(people
        .map(|person| {
            let line = lines.at(person.span().start);
            entry(person.into_inner(), line)
        })
        .collect())
}

/// Which line a place of a text is on. Places are asked for in their order, so each byte is looked at once.
struct Lines<'a> {
    rest: &'a [u8],
    offset: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            rest: text.as_bytes(),
            offset: 0,
            line: 1,
        }
    }

    fn at(&mut self, offset: usize) -> usize {
        let ahead = offset.saturating_sub(self.offset).min(self.rest.len());
        let (passed, rest) = self.rest.split_at(ahead);
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        (self.rest, self.offset) = (rest, self.offset + ahead);
        self.line
    }
}

fn csv(file: &str, text: &str) -> Result<Vec<Value>> {
    // Spreadsheets begin their files so.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let begin = |position: Option<&csv::Position>| {
        // A row's position is where the row before ends, its line break not included.
        let end = position.map_or(0, |position| position.byte() as usize);
        let rest = text.bytes().skip(end);
        end + rest.take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
    };
    let wrong = |error: csv::Error| {
        let line = Lines::of(text).at(begin(error.position()));
        at(file, line, error)
    };
    let columns = reader.headers().map_err(wrong)?.clone();
    for (number, column) in columns.iter().enumerate() {
        if !COLUMNS.contains(&column) {
            let message = format!(
                "the column `{column}` means nothing here; known are {}",
                COLUMNS.join(", ")
            );
            return Err(at(file, 1, message));
        }
        if columns.iter().take(number).any(|before| before == column) {
            return Err(at(file, 1, format_args!("the column `{column}` is there twice")));
        }
    }
    let (mut people, mut lines) = (Vec::new(), Lines::of(text));
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        let line = lines.at(begin(row.position()));
        let mut fields = Map::new();
        for (column, value) in columns.iter().zip(&row).filter(|(_, value)| !value.is_empty()) {
            let value = match column {
                "roles" => {
                    let roles = value.split(BETWEEN_ROLES).map(str::trim);
                    roles.filter(|role| !role.is_empty()).map(Value::from).collect()
                }
                _ => value.into(),
            };
            fields.insert(column.to_owned(), value);
        }
        people.push(entry(fields, line));
    }
    Ok(people)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn failure<T: std::fmt::Debug>(read: Result<T>) -> String {
        read.unwrap_err().to_string()
    }

    #[test]
    fn reads_csv_with_the_lines_that_entries_stand_on() {
        let text = "\u{feff}email,first_name,organization,roles\r\n\
                    ann@example.com,\"Ann \"\"A\"\", of\nBern\",acme,admin; billing\r\n\
                    bob@example.com,,,\r\n";
        assert_eq!(
            csv("p.csv", text).unwrap(),
            [
                json!({"email": "ann@example.com", "first_name": "Ann \"A\", of\nBern", "organization": "acme",
                       "roles": ["admin", "billing"], "line": 2}),
                json!({"email": "bob@example.com", "line": 4}),
            ]
        );
        assert!(failure(csv("p.csv", "emial\nx\n")).contains("line 1: the column `emial`"));
        assert!(failure(csv("p.csv", "email,email\nx,y\n")).contains("twice"));
        assert!(failure(csv("p.csv", "email,roles\na@b.c\n")).contains("line 2"));
    }

    #[test]
    fn reads_json_lines() {
        let text = "{\"email\":\"a@b.c\"}\n\n{\"external_id\":\"7\"}\n";
        assert_eq!(
            json_lines("p.jsonl", text).unwrap(),
            [
                json!({"email": "a@b.c", "line": 1}),
                json!({"external_id": "7", "line": 3})
            ]
        );
        assert!(failure(json_lines("p.jsonl", "{}\n[]\n")).contains("line 2: not a JSON object"));
        assert!(failure(json_lines("p.jsonl", "{}\n{\n")).contains("line 2: not JSON"));
    }

    #[test]
    fn reads_toml() {
        let text = "[[person]]\nemail = \"a@b.c\"\n\n[[person]]\nexternal_id = \"7\"\nroles = [\"admin\"]\n";
        let people = toml("p.toml", text).unwrap();
        assert_eq!(people.len(), 2);
        assert_eq!(people[0]["email"], "a@b.c");
        assert_eq!(people[1]["roles"], json!(["admin"]));
        assert_eq!((&people[0]["line"], &people[1]["line"]), (&json!(1), &json!(4)));
        assert!(failure(toml("p.toml", "[[people]]\n")).contains("people"));
    }
}
