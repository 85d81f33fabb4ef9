//! JSON to a [`Schema`]. Strict about shapes, so that a rule is never read as something its author did not write;
//! unknown fields are left alone. `null` stands for an absent optional field.

use serde_json::{Map, Value};

mod policies;

use super::Path;
use crate::ast::{GroupOp, Name, RelationDef, Rule, Schema, Span, SubjectType, TypeDef, Version};
use crate::diagnostic::{Diagnostic, Sink, shown};
use crate::limits::MAX_RULE_DEPTH;
use crate::names;

/// Reads one document and collects what is wrong with it.
#[derive(Default)]
pub(crate) struct Reader {
    pub sink: Sink,
    version: Version,
    ignored_brackets: bool,
}

impl Reader {
    fn error(&mut self, code: &'static str, path: &Path<'_>, message: impl Into<String>) {
        self.report(Diagnostic::error(code, message), path);
    }

    fn report(&mut self, diagnostic: Diagnostic, path: &Path<'_>) {
        self.sink.push(match path {
            Path::Root => diagnostic,
            _ => diagnostic.at_path(path.to_string()),
        });
    }

    fn wrong_shape(&mut self, path: &Path<'_>, expected: &str, found: &Value) {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.error("wrong_shape", path, format!("expected {expected}, found {found}"));
    }

    fn object<'v>(&mut self, value: &'v Value, path: &Path<'_>) -> Option<&'v Map<String, Value>> {
        if value.as_object().is_none() {
            self.wrong_shape(path, "an object", value);
        }
        value.as_object()
    }

    fn array<'v>(&mut self, value: &'v Value, path: &Path<'_>) -> Option<&'v [Value]> {
        if value.as_array().is_none() {
            self.wrong_shape(path, "an array", value);
        }
        value.as_array().map(Vec::as_slice)
    }

    fn string<'v>(&mut self, value: &'v Value, path: &Path<'_>) -> Option<&'v str> {
        if value.as_str().is_none() {
            self.wrong_shape(path, "a string", value);
        }
        value.as_str()
    }

    /// A field that must be there.
    fn required<'v>(
        &mut self,
        map: &'v Map<String, Value>,
        name: &str,
        path: &Path<'_>,
    ) -> Option<&'v Value> {
        let value = optional(map, name);
        if value.is_none() {
            self.error("missing_field", path, format!("the field `{name}` is missing"));
        }
        value
    }

    fn name(&mut self, text: &str, what: &str, path: &Path<'_>) -> Name {
        if let Some(error) = names::bad_characters(what, text) {
            self.report(error, path);
        }
        Name {
            text: text.to_owned(),
            span: Span::default(),
        }
    }

    fn name_at(&mut self, value: &Value, what: &str, path: &Path<'_>) -> Option<Name> {
        let text = self.string(value, path)?;
        Some(self.name(text, what, path))
    }

    pub(crate) fn schema(&mut self, value: &Value) -> Option<Schema> {
        let root = &Path::Root;
        let map = self.object(value, root)?;
        if let Some(version) = optional(map, "version") {
            let path = root.field("version");
            let number = self.string(version, &path)?;
            match Version::parse(number) {
                Some(version) => self.version = version,
                None => {
                    let message = format!("version `{}` is not supported", shown(number));
                    let error = Diagnostic::error("unsupported_version", message);
                    self.report(error.help("supported versions are 0.1, 0.2 and 0.3"), &path);
                }
            }
        }
        let mut schema = Schema {
            version: self.version,
            ..Schema::default()
        };
        if let Some(types) = self.required(map, "resource_types", root) {
            let path = root.field("resource_types");
            for (at, value) in self.array(types, &path).unwrap_or_default().iter().enumerate() {
                schema.types.extend(self.type_def(value, &path.item(at)));
            }
        }
        if let Some(policies) = optional(map, "policies") {
            let path = root.field("policies");
            for (name, value) in self.object(policies, &path).into_iter().flatten() {
                let path = path.field(name);
                schema.policies.extend(self.policy(Some(name), value, &path));
            }
        }
        Some(schema)
    }

    pub(crate) fn type_def(&mut self, value: &Value, path: &Path<'_>) -> Option<TypeDef> {
        let map = self.object(value, path)?;
        let name = self.required(map, "type", path);
        let relations = self.required(map, "relations", path);
        let name = self.name_at(name?, "type", &path.field("type"));
        let relations = self.relations(relations?, &path.field("relations"));
        Some(TypeDef {
            name: name?,
            relations: relations?,
        })
    }

    pub(crate) fn relations(&mut self, value: &Value, path: &Path<'_>) -> Option<Vec<RelationDef>> {
        let map = self.object(value, path)?;
        Some(
            map.iter()
                .filter_map(|(name, value)| self.relation(name, value, &path.field(name)))
                .collect(),
        )
    }

    fn relation(&mut self, name: &str, value: &Value, path: &Path<'_>) -> Option<RelationDef> {
        let name = self.name(name, "relation", path);
        let map = self.object(value, path)?;
        let allowed = optional(map, "allowed_types")
            .and_then(|allowed| self.allowed_types(allowed, &path.field("allowed_types")));
        let rule = if RULE_FIELDS.iter().any(|field| optional(map, field).is_some()) {
            self.rule(map, path, 0)
        } else {
            None
        };
        Some(RelationDef { name, allowed, rule })
    }

    fn allowed_types(&mut self, value: &Value, path: &Path<'_>) -> Option<Vec<SubjectType>> {
        let mut subjects = Vec::new();
        for (at, value) in self.array(value, path)?.iter().enumerate() {
            let path = path.item(at);
            let Some(text) = self.string(value, &path) else {
                continue;
            };
            let (resource_type, relation) = match text.split_once('#') {
                Some((resource_type, relation)) => (resource_type, Some(relation)),
                None => (text, None),
            };
            if relation.is_some() && self.version < Version::V0_2 {
                let message = format!("`{}` needs version 0.2", shown(text));
                self.error("version_too_low", &path, message);
            }
            let resource_type = self.name(resource_type, "type", &path);
            let relation = relation.map(|relation| self.name(relation, "relation", &path));
            subjects.push(SubjectType {
                resource_type,
                relation,
            });
        }
        if self.version >= Version::V0_2 {
            return Some(subjects);
        }
        if !subjects.is_empty() && !std::mem::replace(&mut self.ignored_brackets, true) {
            let warning = Diagnostic::warning("brackets_ignored", "version 0.1 does not restrict subjects");
            let help = "say `\"version\": \"0.2\"` or later to have `allowed_types` enforced";
            self.report(warning.help(help), path);
        }
        None
    }

    fn rule(&mut self, map: &Map<String, Value>, path: &Path<'_>, depth: usize) -> Option<Rule> {
        let [inherit_if, of_type, with_relation, rules, policy] = RULE_FIELDS.map(|f| optional(map, f));
        if let Some(policy) = policy {
            let others = RULE_FIELDS
                .iter()
                .find(|field| **field != "policy" && optional(map, field).is_some());
            if let Some(other) = others {
                let message = format!("`policy` and `{other}` cannot stand in one rule");
                let error = Diagnostic::error("conflicting_rule", message);
                self.report(
                    error.help("put two rules under an operator such as `all_of`"),
                    path,
                );
                return None;
            }
            let policy = self.name_at(policy, "policy", &path.field("policy"))?;
            return Some(Rule::Policy { policy });
        }
        let Some(inherit_if) = inherit_if else {
            self.error("missing_field", path, "a rule needs `inherit_if` or `policy`");
            return None;
        };
        let at = path.field("inherit_if");
        let word = self.string(inherit_if, &at)?;
        if let Some(op) = GroupOp::parse(word) {
            if of_type.is_some() || with_relation.is_some() {
                let message = format!("`of_type` and `with_relation` do not go with `{word}`");
                self.error("conflicting_rule", path, message);
                return None;
            }
            let Some(rules) = rules else {
                self.error("empty_operator", path, format!("`{word}` has no `rules`"));
                return None;
            };
            return self.group(op, rules, path, depth);
        }
        if rules.is_some() {
            let message = format!(
                "`rules` goes with `any_of`, `all_of` and `none_of`, not `{}`",
                shown(word)
            );
            self.error("conflicting_rule", path, message);
            return None;
        }
        let relation = self.name(word, "relation", &at);
        match (of_type, with_relation) {
            (None, None) => Some(Rule::Relation { relation }),
            (Some(of_type), Some(with_relation)) => {
                let resource_type = self.name_at(of_type, "type", &path.field("of_type"));
                let edge = self.name_at(with_relation, "relation", &path.field("with_relation"));
                Some(Rule::On {
                    relation,
                    edge: edge?,
                    resource_type: resource_type?,
                })
            }
            (Some(_), None) => {
                self.error("missing_field", path, "`of_type` needs `with_relation` beside it");
                None
            }
            (None, Some(_)) => {
                self.error("missing_field", path, "`with_relation` needs `of_type` beside it");
                None
            }
        }
    }

    fn group(&mut self, op: GroupOp, rules: &Value, path: &Path<'_>, depth: usize) -> Option<Rule> {
        if depth == MAX_RULE_DEPTH {
            let message = format!("more than {MAX_RULE_DEPTH} operators inside one another");
            self.error("nesting_too_deep", path, message);
            return None;
        }
        let at = path.field("rules");
        let values = self.array(rules, &at)?;
        if values.is_empty() {
            self.error("empty_operator", path, format!("`{}` has no rules", op.keyword()));
        }
        let mut rules = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let path = at.item(index);
            if let Some(map) = self.object(value, &path) {
                rules.extend(self.rule(map, &path, depth + 1));
            }
        }
        Some(Rule::Group {
            op,
            rules,
            span: Span::default(),
        })
    }
}

/// The fields of a rule; a relation has them beside `allowed_types`.
const RULE_FIELDS: [&str; 5] = ["inherit_if", "of_type", "with_relation", "rules", "policy"];

fn optional<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    map.get(name).filter(|value| !value.is_null())
}
