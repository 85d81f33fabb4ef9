//! What the schema of the environment declares: tells a slip of the pen from what is just not so.

use rowgate_engine::query::text::{Names, Query, Select};
use rowgate_scenario::notation::Tuple;
use rowgate_schema::did_you_mean;
use serde_json::Value;

use crate::client::{Ask, Client, ClientError};
use crate::failure::Failure;
use crate::output;

/// A failure with hints, where it may be about a name. They are looked up only then.
pub(crate) fn explained(error: ClientError, hints: impl FnOnce() -> Vec<String>) -> Failure {
    match &error {
        ClientError::Refused(refused) if matches!(refused.status, 400 | 404) => {
            Failure::from(error).explained(&hints())
        }
        _ => error.into(),
    }
}

/// Most relations that are listed where none is similar.
const MOST_LISTED: usize = 8;

/// Types with their relations.
pub(crate) struct Declared(Vec<(String, Vec<String>)>);

impl Declared {
    /// The schema of an environment. Without one there are no hints; that is not worth an error.
    pub(crate) fn by(client: &Client) -> Self {
        let schema = client.get(&Ask {
            path: &["fga", "v1", "schema"],
            ..Ask::default()
        });
        Self::read(&schema.unwrap_or_default())
    }

    fn read(schema: &Value) -> Self {
        let types = schema.get("resource_types").and_then(Value::as_array);
        let relations = |def: &Value| {
            let relations = def.get("relations").and_then(Value::as_object);
            relations
                .into_iter()
                .flat_map(|all| all.keys().cloned())
                .collect()
        };
        let types = types.into_iter().flatten();
        Self(
            types
                .map(|def| (output::field(def, "type").to_owned(), relations(def)))
                .collect(),
        )
    }

    fn relations(&self, resource_type: &str) -> Option<&[String]> {
        let def = self.0.iter().find(|(name, _)| name == resource_type);
        def.map(|(_, relations)| relations.as_slice())
    }

    /// What to say about a type, if it is not declared.
    fn about_type(&self, name: &str) -> Option<String> {
        if self.0.is_empty() || self.relations(name).is_some() {
            return None;
        }
        let near = did_you_mean(name, self.0.iter().map(|(known, _)| known.as_str()));
        let near = near.map_or(String::new(), |near| format!("; {near}"));
        Some(format!("the schema has no type `{name}`{near}"))
    }

    /// What to say about a relation, if its type is declared and it is not.
    fn about_relation(&self, resource_type: &str, relation: &str) -> Option<String> {
        let known = self.relations(resource_type)?;
        if known.iter().any(|known| known == relation) {
            return None;
        }
        let near = did_you_mean(relation, known.iter().map(String::as_str)).or_else(|| {
            let list: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            (1..=MOST_LISTED)
                .contains(&list.len())
                .then(|| format!("its relations are {}", list.join(", ")))
        });
        let near = near.map_or(String::new(), |near| format!("; {near}"));
        Some(format!(
            "type `{resource_type}` has no relation `{relation}`{near}"
        ))
    }

    /// What a tuple names that is not declared.
    pub(crate) fn about_tuple(&self, tuple: &Tuple) -> Vec<String> {
        let (resource, subject) = (&tuple.resource, &tuple.subject);
        let group = subject.relation.as_ref();
        let hints = [
            self.about_type(&resource.resource_type),
            self.about_relation(&resource.resource_type, &tuple.relation),
            self.about_type(&subject.object.resource_type),
            group.and_then(|relation| self.about_relation(&subject.object.resource_type, relation)),
        ];
        once(hints.into_iter().flatten())
    }

    /// What a query names that is not declared.
    pub(crate) fn about_query(&self, query: &Query) -> Vec<String> {
        let (types, relations_of, relations, other) = match &query.select {
            Select::Resources {
                types,
                subject,
                relations,
            } => (
                named(types),
                named(types),
                named(relations),
                &subject.resource_type,
            ),
            Select::Subjects {
                relations,
                types,
                resource,
            } => {
                let of = std::slice::from_ref(&resource.resource_type);
                (named(types), of, named(relations), &resource.resource_type)
            }
        };
        let mut hints: Vec<String> = types.iter().filter_map(|name| self.about_type(name)).collect();
        hints.extend(self.about_type(other));
        for relation in relations {
            let about: Vec<String> = relations_of
                .iter()
                .filter_map(|name| self.about_relation(name, relation))
                .collect();
            // Of several types it is enough that one has it.
            if about.len() == relations_of.len() {
                hints.extend(about);
            }
        }
        once(hints)
    }

    /// What a filter names that is not declared: a type, and a relation of it.
    pub(crate) fn about_filter(&self, resource_type: Option<&str>, relation: Option<&str>) -> Vec<String> {
        let Some(resource_type) = resource_type else {
            return Vec::new();
        };
        let relation = relation.and_then(|relation| self.about_relation(resource_type, relation));
        self.about_type(resource_type)
            .into_iter()
            .chain(relation)
            .collect()
    }
}

fn named(names: &Names) -> &[String] {
    match names {
        Names::All => &[],
        Names::These(names) => names,
    }
}

/// Each hint once, in order.
fn once(hints: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut out = Vec::new();
    for hint in hints {
        if !out.contains(&hint) {
            out.push(hint);
        }
    }
    out
}
