//! What an argument may be.

use std::io::Read;

use rowgate_scenario::notation::{Object, Subject, Tuple};
use rowgate_schema::Document;
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Result};

/// Largest file that is read into memory, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// A JSON object: its text, or `@file`.
pub(crate) fn json_object(what: &str, argument: &str) -> Result<Map<String, Value>> {
    let text = match argument.strip_prefix('@') {
        Some(path) => read_text(path)?,
        None => argument.to_owned(),
    };
    let help = format!("the {what} is a JSON object, like '{{\"region\": \"eu\"}}', or @file");
    let wrong = |message: String| Failure::with_help(message, help.as_str());
    let document: Document =
        serde_json::from_str(&text).map_err(|error| wrong(format!("the {what} is not JSON: {error}")))?;
    match document.into_value() {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(wrong(format!("the {what} is JSON, but not an object"))),
        Err(repeated) => {
            let places: Vec<String> = repeated.iter().map(ToString::to_string).collect();
            Err(wrong(format!(
                "the {what} says something twice: {}",
                places.join("; ")
            )))
        }
    }
}

/// The URL of a database, which an option or the environment gives.
pub(crate) fn database(given: Option<&String>) -> Result<&str> {
    let url = given.map(String::as_str).filter(|url| !url.is_empty());
    url.ok_or_else(|| {
        Failure::with_help(
            "which database?",
            "say --database postgres://USER:PASSWORD@HOST/DATABASE, or put the URL into ROWGATE_PG_URL",
        )
    })
}

/// The text of a file; `-` is the standard input.
pub(crate) fn read_text(path: &str) -> Result<String> {
    let mut text = String::new();
    let read = if path == "-" {
        std::io::stdin()
            .lock()
            .take(MAX_FILE + 1)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text))
    };
    let size = read.map_err(|error| Failure::file(path, &error))?;
    if size as u64 > MAX_FILE {
        return Err(Failure::new(format!("{path}: larger than {MAX_FILE} bytes")));
    }
    Ok(text)
}

/// `SUBJECT RELATION RESOURCE [more]`, or `RESOURCE#RELATION@SUBJECT [more]`.
pub(crate) fn tuple(arguments: &[String]) -> Result<(Tuple, Option<&str>)> {
    let help =
        "write `SUBJECT RELATION RESOURCE`, like `user:ann viewer ticket:7`, or `ticket:7#viewer@user:ann`";
    let wrong = |message: String| Failure::with_help(message, help);
    match arguments {
        [whole] | [whole, _] if whole.contains('@') && whole.contains('#') => {
            let tuple = whole.parse().map_err(|error| wrong(format!("{error}")))?;
            Ok((tuple, arguments.get(1).map(String::as_str)))
        }
        [subject, relation, resource] | [subject, relation, resource, _] => {
            let subject: Subject = subject.parse().map_err(|error| wrong(format!("{error}")))?;
            let resource: Object = resource.parse().map_err(|error| wrong(format!("{error}")))?;
            let tuple = Tuple {
                resource,
                relation: relation.clone(),
                subject,
            };
            Ok((tuple, arguments.get(3).map(String::as_str)))
        }
        _ => Err(wrong(
            "these arguments are not a subject, a relation and a resource".to_owned(),
        )),
    }
}

/// A resource `type:id`.
pub(crate) fn object(argument: &str) -> Result<Object> {
    argument.parse().map_err(|error| Failure::new(format!("{error}")))
}

/// A tuple in the JSON of requests.
pub(crate) fn tuple_json(tuple: &Tuple) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert(
        "resource_type".into(),
        tuple.resource.resource_type.clone().into(),
    );
    out.insert("resource_id".into(), tuple.resource.id.clone().into());
    out.insert("relation".into(), tuple.relation.clone().into());
    let mut subject = json!({
        "resource_type": tuple.subject.object.resource_type,
        "resource_id": tuple.subject.object.id,
    });
    if let Some(relation) = &tuple.subject.relation {
        subject["relation"] = relation.clone().into();
    }
    out.insert("subject".into(), subject);
    out
}

/// A warrant of an answer in the short notation.
pub(crate) fn warrant_text(warrant: &Value) -> String {
    let field = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
    let subject = warrant.get("subject").cloned().unwrap_or_default();
    let mut text = format!(
        "{}:{}#{}@{}:{}",
        field(warrant, "resource_type"),
        field(warrant, "resource_id"),
        field(warrant, "relation"),
        field(&subject, "resource_type"),
        field(&subject, "resource_id"),
    );
    if let Some(relation) = subject
        .get("relation")
        .and_then(Value::as_str)
        .filter(|relation| !relation.is_empty())
    {
        text.push('#');
        text.push_str(relation);
    }
    if let Some(policy) = warrant
        .get("policy")
        .and_then(Value::as_str)
        .filter(|policy| !policy.is_empty())
    {
        text.push_str(&format!(" [{policy}]"));
    }
    text
}
