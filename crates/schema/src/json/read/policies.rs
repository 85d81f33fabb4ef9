//! Policies in JSON.

use rowgate_policy::ParamType;
use serde_json::Value;

use super::{Reader, optional};
use crate::ast::{LineStarts, Parameter, PolicyDef, Span};
use crate::body;
use crate::diagnostic::{Diagnostic, shown};
use crate::json::Path;
use crate::parser::unknown_type;

impl Reader {
    /// A policy object; `key` is the name it stands under.
    pub(crate) fn policy(&mut self, key: Option<&str>, value: &Value, path: &Path<'_>) -> Option<PolicyDef> {
        let map = self.object(value, path)?;
        let own = match optional(map, "name") {
            Some(name) => Some(self.string(name, &path.field("name"))?),
            None => None,
        };
        let name = match (key, own) {
            (Some(key), Some(own)) if key != own => {
                let message = format!("policy `{}` stands under the name `{}`", shown(own), shown(key));
                self.error("policy_name_mismatch", &path.field("name"), message);
                return None;
            }
            (Some(name), _) | (None, Some(name)) => self.name(name, "policy", path),
            (None, None) => {
                self.required(map, "name", path)?;
                return None;
            }
        };
        if let Some(language) = optional(map, "language") {
            let path = path.field("language");
            let language = self.string(language, &path)?;
            if language != "expr" {
                let message = format!("policy language `{}` is not supported", shown(language));
                self.report(
                    Diagnostic::error("unsupported_language", message).help("use `expr`"),
                    &path,
                );
            }
        }
        let description = match optional(map, "description") {
            Some(text) => self
                .string(text, &path.field("description"))
                .map(body::unify_newlines),
            None => None,
        };
        let mut parameters = Vec::new();
        if let Some(list) = optional(map, "parameters") {
            let path = path.field("parameters");
            for (at, value) in self.array(list, &path).unwrap_or_default().iter().enumerate() {
                parameters.extend(self.parameter(value, &path.item(at)));
            }
        }
        let expression = self.required(map, "expression", path)?;
        let path = path.field("expression");
        let expression = body::unify_newlines(self.string(expression, &path)?)
            .trim()
            .to_owned();
        if !body::is_enclosable(&expression) {
            let message = "the braces, strings or comments of the expression do not end where it ends";
            self.error("unclosed_policy_body", &path, message);
        }
        Some(PolicyDef {
            name,
            description,
            parameters,
            expression,
            expression_span: Span::default(),
            expression_lines: LineStarts::default(),
        })
    }

    fn parameter(&mut self, value: &Value, path: &Path<'_>) -> Option<Parameter> {
        let map = self.object(value, path)?;
        let name = self.required(map, "name", path);
        let ty = self.required(map, "type", path);
        let name = self.name_at(name?, "parameter", &path.field("name"));
        let at = path.field("type");
        let ty = self.string(ty?, &at)?;
        let Some(ty) = ParamType::parse(ty) else {
            self.report(unknown_type(ty), &at);
            return None;
        };
        Some(Parameter { name: name?, ty })
    }
}
