//! Tables with parents, guarded by permissions of the authorization API, as relations of types. Everything after this stage knows
//! relations alone.
//!
//! * A table whose type is a resource type holds resources of it: `authz-file`, with ids `ORGANIZATION/KEY`, `parent` in columns, and the rules
//!   that every resource type has.
//! * A table whose type is declared nowhere gets a type that only the bindings know: `parent` in columns, and of each permission that guards
//!   something the rule `may_P on parent`.
//!
//! `types` is what the schema says about resource types, `table` the translation of one table.

mod table;
mod types;

use std::collections::BTreeSet;

use rowgate_schema::Model;
use rowgate_schema::build::{any, computed, edge, on, type_def};

use crate::authz::{MEMBERSHIP, NAME, relation};
use crate::document::{Bindings, Subject};
use crate::report::Report;
use table::Lowering;

/// Bindings in which every guard is a relation.
#[derive(Debug, Clone)]
pub(crate) struct Lowered {
    pub(crate) bindings: Bindings,
    /// The schema, with the types that only the bindings know.
    pub(crate) model: Model,
    /// The tables that something is wrong with, by index. They are as they were written.
    pub(crate) failed: BTreeSet<usize>,
}

/// A type that only the bindings know.
#[derive(Debug)]
struct OwnType {
    name: String,
    /// The types of the schema that its parents have.
    parents: BTreeSet<String>,
}

/// What the schema gets from the bindings.
#[derive(Debug, Default)]
struct Additions {
    types: Vec<OwnType>,
    /// The relations of the permissions that guard a table.
    permissions: BTreeSet<String>,
    /// The types whose resources columns name by the id that the API gave.
    named: BTreeSet<String>,
}

pub(crate) fn lower(bindings: &Bindings, model: &Model, report: &mut Report) -> Lowered {
    let mut lowered = Lowered {
        bindings: bindings.clone(),
        model: model.clone(),
        failed: BTreeSet::new(),
    };
    let subject = &mut lowered.bindings.subject;
    if subject.resource_type == Subject::MEMBERSHIP_TYPE && model.type_def(Subject::MEMBERSHIP_TYPE).is_none()
    {
        subject.resource_type = MEMBERSHIP.to_owned();
    }
    let is_membership = subject.resource_type == MEMBERSHIP;
    let mut lowering = Lowering::new(bindings, model, report);
    lowering.subject(is_membership);
    for (index, table) in lowered.bindings.tables.iter_mut().enumerate() {
        match lowering.table(index) {
            Some(next) => *table = next,
            None => {
                lowered.failed.insert(index);
            }
        }
    }
    let additions = lowering.additions;
    if !lowered.failed.is_empty() {
        // Without all of them, nothing more can be said of tables that refer to each other.
        let tables = bindings.tables.iter().enumerate();
        let with_parents = tables.filter(|(_, table)| !table.parents.is_empty());
        lowered.failed.extend(with_parents.map(|(index, _)| index));
    } else if !additions.types.is_empty() {
        match extended(model, &additions) {
            Ok(model) => lowered.model = model,
            Err(problem) => {
                report.error("too_large", "table", problem);
                lowered.failed.extend(0..bindings.tables.len());
            }
        }
    }
    lowered
}

/// The schema with the types of the bindings.
fn extended(model: &Model, additions: &Additions) -> Result<Model, String> {
    let mut schema = model.schema().clone();
    if let Some(names) = schema.types.iter_mut().find(|def| def.name.text == NAME) {
        names.relations.extend(additions.permissions.iter().map(|may| {
            let rules = additions.named.iter().map(|far| on(may, relation::NAMES, far));
            computed(may, any(rules.collect()))
        }));
    }
    for own in &additions.types {
        let far: Vec<&str> = own.parents.iter().map(String::as_str).collect();
        let mut relations = vec![edge(relation::PARENT, &far)];
        relations.extend(additions.permissions.iter().map(|may| {
            let rules = far.iter().map(|far| on(may, relation::PARENT, far));
            computed(may, any(rules.collect()))
        }));
        schema.types.push(type_def(&own.name, relations));
    }
    let first = |found: Vec<rowgate_schema::Diagnostic>| {
        let first = found.into_iter().next();
        first.map_or_else(String::new, |first| first.message)
    };
    rowgate_schema::resolve(schema)
        .map(|(model, _)| model)
        .map_err(first)
}
