//! Bindings to JSON.

use serde_json::{Map, Value, json};

use crate::condition;
use crate::document::{Bindings, Parent, Source, Subject, Table};

impl Bindings {
    /// The JSON form, which reads as the same bindings.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let tables: Vec<Value> = self.tables.iter().map(table_to_json).collect();
        json!({
            "environment": self.environment,
            "roles": self.roles,
            "subject": subject_to_json(&self.subject),
            "table": tables,
        })
    }
}

fn subject_to_json(subject: &Subject) -> Value {
    let mut out = Map::new();
    out.insert("type".into(), subject.resource_type.as_str().into());
    match &subject.claim {
        Some(claim) => out.insert("claim".into(), claim.as_str().into()),
        None => out.insert("id".into(), format!("{}()", subject.function).into()),
    };
    out.into()
}

fn table_to_json(table: &Table) -> Value {
    let sources = |sources: &Vec<Source>| sources.iter().map(source_to_json).collect::<Vec<_>>();
    let relations: Map<String, Value> = table
        .relations
        .iter()
        .map(|(name, of)| (name.clone(), sources(of).into()))
        .collect();
    let policies: Map<String, Value> = table
        .policies
        .iter()
        .map(|(command, relation)| (command.keyword().to_owned(), relation.as_str().into()))
        .collect();
    let mut out = Map::new();
    out.insert("name".into(), table.name.to_string().into());
    out.insert("type".into(), table.resource_type.as_str().into());
    out.insert("id".into(), json!(table.id));
    if table.id_is_unique {
        out.insert("id_is_unique".into(), true.into());
    }
    if !table.conditions.is_empty() {
        out.insert("where".into(), condition::write(&table.conditions).into());
    }
    if let Some(organization) = &table.organization {
        out.insert("organization".into(), organization.as_str().into());
    }
    if !table.parents.is_empty() {
        let parents: Vec<Value> = table.parents.iter().map(parent_to_json).collect();
        out.insert("parent".into(), parents.into());
    }
    out.insert("relations".into(), relations.into());
    out.insert("attributes".into(), json!(table.attributes));
    out.insert("policies".into(), policies.into());
    out.into()
}

fn parent_to_json(parent: &Parent) -> Value {
    json!({"type": parent.resource_type, "column": parent.columns, "by": parent.by.word()})
}

fn source_to_json(source: &Source) -> Value {
    let mut out = Map::new();
    if let Some(join) = &source.join {
        out.insert("table".into(), join.name.to_string().into());
        out.insert("key".into(), json!(join.key));
        if !join.conditions.is_empty() {
            out.insert("where".into(), condition::write(&join.conditions).into());
        }
    }
    out.insert("column".into(), json!(source.columns));
    out.insert("type".into(), source.resource_type.as_str().into());
    if let Some(relation) = &source.relation {
        out.insert("relation".into(), relation.as_str().into());
    }
    out.into()
}
