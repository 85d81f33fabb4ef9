//! The checked bindings and their lookups.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rowgate_schema::Diagnostic;

use crate::depend::Dependency;
use crate::document::{Bindings, Source, Table};

/// Bindings that agree with a schema. Immutable, and cheap to clone.
#[derive(Debug, Clone)]
pub struct Resolved {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    bindings: Bindings,
    by_type: HashMap<String, usize>,
    dependencies: Vec<Dependency>,
    warnings: Vec<Diagnostic>,
}

impl Resolved {
    pub(crate) fn new(bindings: Bindings, dependencies: Vec<Dependency>, warnings: Vec<Diagnostic>) -> Self {
        let types = bindings.tables.iter().enumerate();
        let by_type = types
            .map(|(at, table)| (table.resource_type.clone(), at))
            .collect();
        Self {
            inner: Arc::new(Inner {
                bindings,
                by_type,
                dependencies,
                warnings,
            }),
        }
    }

    /// The bindings they were made from.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.inner.bindings
    }

    /// The bound tables, in the order of the document.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.inner.bindings.tables
    }

    /// The table whose rows are the resources of a type.
    #[must_use]
    pub fn table_of_type(&self, resource_type: &str) -> Option<&Table> {
        let at = self.inner.by_type.get(resource_type)?;
        self.inner.bindings.tables.get(*at)
    }

    /// The places that hold the edges of a relation; none for a relation of stored warrants.
    #[must_use]
    pub fn sources(&self, resource_type: &str, relation: &str) -> &[Source] {
        self.table_of_type(resource_type)
            .and_then(|table| table.relations.get(relation))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether a relation is held by columns, so that no warrant can be written to it.
    #[must_use]
    pub fn is_bound(&self, resource_type: &str, relation: &str) -> bool {
        !self.sources(resource_type, relation).is_empty()
    }

    /// The parameters of schema policies that come from the row of a resource, and their columns.
    #[must_use]
    pub fn attributes(&self, resource_type: &str) -> Option<&BTreeMap<String, String>> {
        self.table_of_type(resource_type).map(|table| &table.attributes)
    }

    /// What every guarded relation depends on, in the order of tables and commands.
    #[must_use]
    pub fn dependencies(&self) -> &[Dependency] {
        &self.inner.dependencies
    }

    /// What is probably not meant.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.inner.warnings
    }
}
