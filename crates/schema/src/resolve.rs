//! Every check that needs more than one place of the schema, and the way to a [`Model`].

mod cycle;
mod policies;
mod relations;

use std::collections::HashSet;

use rowgate_policy::suggest;

use crate::ast::{Schema, Span, Version};
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::limits::{MAX_POLICIES, MAX_RELATIONS, MAX_TYPES};
use crate::model::{Index, Model};
use crate::names;

/// Checks a schema. Either a [`Model`] with warnings, or errors and warnings.
pub fn resolve(schema: Schema) -> Result<(Model, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut sink = Sink::default();
    too_large(&schema, &mut sink);
    if sink.has_errors() {
        return Err(sink.finish());
    }
    let mut checker = Checker {
        schema: &schema,
        index: Index::new(&schema),
        policy_names: schema
            .policies
            .iter()
            .map(|policy| policy.name.text.as_str())
            .collect(),
        sink,
    };
    checker.duplicates();
    let policies = checker.policies();
    checker.relations();
    checker.unused_types();
    let dependencies = checker.index.dependencies(&schema);
    checker.cycles(&dependencies);

    let Checker { index, sink, .. } = checker;
    let failed = sink.has_errors();
    let found = sink.finish();
    if failed {
        return Err(found);
    }
    Ok((Model::new(schema, index, dependencies, policies), found))
}

struct Checker<'s> {
    schema: &'s Schema,
    index: Index,
    policy_names: HashSet<&'s str>,
    sink: Sink,
}

impl<'s> Checker<'s> {
    /// Reports with the place: the span of a text, the path of a JSON document.
    fn report(&mut self, diagnostic: Diagnostic, span: Span, path: impl FnOnce() -> String) {
        let placed = if span.is_empty() {
            diagnostic.at_path(path())
        } else {
            diagnostic.at(span)
        };
        self.sink.push(placed);
    }

    /// Names that are used twice, and names that cannot be used.
    fn duplicates(&mut self) {
        let schema = self.schema;
        for (at, def) in schema.types.iter().enumerate() {
            let ty = &def.name;
            if let Some(error) = names::check("type", &ty.text) {
                self.report(error, ty.span, || type_path(at));
            }
            if self.index.type_at(&ty.text) != Some(at) {
                let error =
                    Diagnostic::error("duplicate_type", format!("type `{}` is defined twice", ty.text))
                        .help("put its relations into one type, or rename one of the two");
                self.report(error, ty.span, || type_path(at));
            }
            let mut seen = HashSet::new();
            for relation in &def.relations {
                let name = &relation.name;
                if let Some(error) = names::check("relation", &name.text) {
                    self.report(error, name.span, || relation_path(at, &name.text));
                }
                if !seen.insert(name.text.as_str()) {
                    let message = format!("relation `{}` is declared twice in type `{}`", name.text, ty.text);
                    let error = Diagnostic::error("duplicate_relation", message);
                    let error = error.help("put its subjects into one pair of brackets");
                    self.report(error, name.span, || relation_path(at, &name.text));
                }
            }
        }
    }

    /// A type that declares nothing and that nothing mentions. Where a relation is not restricted, or a rule asks for more
    /// than warrants, every type may be a subject.
    fn unused_types(&mut self) {
        let schema = self.schema;
        let mut mentioned = HashSet::new();
        for relation in schema.types.iter().flat_map(|def| &def.relations) {
            let Some(allowed) = &relation.allowed else { return };
            if relation
                .rule
                .as_ref()
                .is_some_and(relations::holds_without_warrants)
            {
                return;
            }
            mentioned.extend(allowed.iter().map(|subject| subject.resource_type.text.as_str()));
        }
        for (at, def) in schema.types.iter().enumerate() {
            if def.relations.is_empty() && !mentioned.contains(def.name.text.as_str()) {
                let message = format!(
                    "type `{}` has no relations and is nobody's subject",
                    def.name.text
                );
                self.report(Diagnostic::warning("unused_type", message), def.name.span, || {
                    type_path(at)
                });
            }
        }
    }

    /// "Did you mean" over the schema's types, unless there is no room for another diagnostic.
    fn similar_type(&self, severity: Severity, name: &str) -> Option<String> {
        let types = self.schema.types.iter().map(|def| def.name.text.as_str());
        self.sink
            .has_room(severity)
            .then(|| suggest::did_you_mean(name, types))?
    }

    /// "Did you mean" over the relations of a type, or which there are.
    fn similar_relation(&self, severity: Severity, ty: usize, name: &str) -> Option<String> {
        if !self.sink.has_room(severity) {
            return None;
        }
        let names: Vec<&str> = self.schema.types[ty]
            .relations
            .iter()
            .map(|relation| relation.name.text.as_str())
            .collect();
        suggest::did_you_mean(name, names.iter().copied()).or_else(|| {
            let list = || {
                names
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            (1..=8)
                .contains(&names.len())
                .then(|| format!("its relations are {}", list()))
        })
    }

    /// The error for something a version does not have yet.
    fn needs_version(&self, what: &str, version: Version) -> Option<Diagnostic> {
        (self.schema.version < version).then(|| {
            let message = format!(
                "{what} needs version {version}; this schema is version {}",
                self.schema.version
            );
            let help = format!("write `version {version}` in the first line");
            Diagnostic::error("version_too_low", message).help(help)
        })
    }
}

/// Reports every limit that the schema exceeds.
fn too_large(schema: &Schema, sink: &mut Sink) {
    let relations: usize = schema.types.iter().map(|def| def.relations.len()).sum();
    let counts = [
        ("types", "too_many_types", schema.types.len(), MAX_TYPES),
        ("relations", "too_many_relations", relations, MAX_RELATIONS),
        (
            "policies",
            "too_many_policies",
            schema.policies.len(),
            MAX_POLICIES,
        ),
    ];
    for (what, code, count, limit) in counts {
        if count > limit {
            let message = format!("the schema has {count} {what}; the limit is {limit}");
            sink.push(Diagnostic::error(code, message));
        }
    }
}

fn type_path(at: usize) -> String {
    format!("resource_types[{at}]")
}

fn relation_path(ty: usize, relation: &str) -> String {
    format!("resource_types[{ty}].relations.{relation}")
}

fn policy_path(policy: &str) -> String {
    format!("policies.{policy}")
}
