//! `/openapi.json`, and the answers of the server held against it: path, status, body.

use std::collections::{BTreeSet, HashMap};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{Answer, Served};

/// The document, and what of it was seen.
pub struct Document {
    pub value: Value,
    validators: HashMap<String, Validator>,
    pub seen: BTreeSet<String>,
}

impl Document {
    pub fn of(server: &Served) -> Self {
        let value = server.send("GET", "/openapi.json", &[], None).ok();
        Self {
            value,
            validators: HashMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// The documented path that a request goes to.
    fn route(&self, path: &str) -> String {
        let path = path.split('?').next().unwrap();
        let fits = |route: &str| {
            let (mut wanted, mut given) = (route.split('/'), path.split('/'));
            loop {
                match (wanted.next(), given.next()) {
                    (None, None) => return true,
                    (Some("{id}"), Some(_)) if route.ends_with("{id}") && wanted.clone().next().is_none() => {
                        return true;
                    }
                    (Some(segment), Some(_)) if segment.starts_with('{') => {}
                    (Some(segment), Some(text)) if segment == text => {}
                    _ => return false,
                }
            }
        };
        let mut routes: Vec<&String> = self.value["paths"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|route| fits(route))
            .collect();
        routes.sort_by_key(|route| route.matches('{').count());
        routes
            .first()
            .unwrap_or_else(|| panic!("{path} is not documented"))
            .to_string()
    }

    /// Holds an answer against it.
    #[track_caller]
    pub fn check(&mut self, method: &str, path: &str, answer: &Answer) {
        let route = self.route(path);
        let operation = &self.value["paths"][&route][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {route} is not documented");
        let status = answer.status.to_string();
        let mut response = &operation["responses"][&status];
        if let Some(reference) = response["$ref"].as_str() {
            response = self.value.pointer(&reference[1..]).unwrap();
        }
        assert!(
            response.is_object(),
            "{method} {route} answered {status}, which is not documented: {}",
            answer.text
        );
        assert!(!answer.header("x-request-id").is_empty());
        self.seen.insert(format!("{method} {route} {status}"));
        let Some((kind, media)) = response["content"]
            .as_object()
            .and_then(|content| content.iter().next())
        else {
            assert_eq!(
                (answer.text.as_str(), answer.header("content-type")),
                ("", ""),
                "{method} {route}"
            );
            return;
        };
        assert!(
            answer.header("content-type").starts_with(kind.as_str()),
            "{method} {route}: {answer:?}"
        );
        if kind != "application/json" {
            return;
        }
        let components = self.value["components"].clone();
        let mut schema = json!({"components": components});
        schema
            .as_object_mut()
            .unwrap()
            .extend(media["schema"].as_object().unwrap().clone());
        let validator = self
            .validators
            .entry(media["schema"].to_string())
            .or_insert_with(|| jsonschema::draft202012::new(&schema).unwrap());
        // Drivers expect it without a charset.
        let body = match route.as_str() {
            "/sql" => serde_json::from_str(&answer.text).unwrap(),
            _ => answer.json(),
        };
        let errors: Vec<String> = validator
            .iter_errors(&body)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{method} {route} {status}: {errors:?}\n{body}");
    }

    /// The operations of a part of the document: path, method and description.
    pub fn operations(&self, part: Part) -> Vec<(String, String, Value)> {
        let mut operations = Vec::new();
        for (route, methods) in self.value["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if method != "parameters" && Part::of(route) == part {
                    operations.push((route.clone(), method.to_uppercase(), operation.clone()));
                }
            }
        }
        operations
    }

    /// Every status that an operation documents was seen. What a test cannot bring about is left out: bodies that never come,
    /// failures, a full disk.
    pub fn all_seen(&self, route: &str, method: &str, operation: &Value) {
        for status in operation["responses"].as_object().unwrap().keys() {
            let rare = ["408", "500", "503", "504", "507"].contains(&status.as_str());
            let wanted = format!("{method} {route} {status}");
            assert!(
                rare || self.seen.contains(&wanted),
                "{wanted} is documented and was not seen"
            );
        }
    }
}

/// Which test file covers a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `/authorization` and what belongs to it.
    Authorization,
    /// `/sql`, which has errors of its own, and needs a database.
    Sql,
    /// Everything else.
    Rest,
}

impl Part {
    fn of(route: &str) -> Self {
        let authorization = [
            "/authorization/",
            "/organizations",
            "/user_management/",
            "/rowgate/v1/authorization/",
        ];
        if authorization.iter().any(|prefix| route.starts_with(prefix)) {
            Self::Authorization
        } else if route == "/sql" {
            Self::Sql
        } else {
            Self::Rest
        }
    }
}
