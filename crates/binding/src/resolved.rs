//! The checked bindings and their lookups.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rowgate_schema::{Diagnostic, Model};

use crate::depend::{self, Dependency};
use crate::document::{Bindings, Source, Table};

/// Bindings that agree with a schema. Immutable, and cheap to clone.
#[derive(Debug, Clone)]
pub struct Resolved {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    written: Bindings,
    bindings: Bindings,
    model: Model,
    by_type: HashMap<String, usize>,
    dependencies: Vec<Dependency>,
    warnings: Vec<Diagnostic>,
}

impl Resolved {
    /// Of the bindings as written, the same with every guard a relation, and the schema with the types that only they know.
    pub(crate) fn new(
        written: Bindings,
        bindings: Bindings,
        model: Model,
        warnings: Vec<Diagnostic>,
    ) -> Self {
        let dependencies = depend::all(&bindings, &model);
        let types = bindings.tables.iter().enumerate();
        let by_type = types
            .map(|(at, table)| (table.resource_type.clone(), at))
            .collect();
        Self {
            inner: Arc::new(Inner {
                written,
                bindings,
                model,
                by_type,
                dependencies,
                warnings,
            }),
        }
    }

    /// The bindings they were made from.
    #[must_use]
    pub fn written(&self) -> &Bindings {
        &self.inner.written
    }

    /// The bindings in which every guard is a relation, also where a permission was written.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.inner.bindings
    }

    /// The schema, with the types that only the bindings know.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.inner.model
    }

    /// The same bindings under the schema without its rules, in which what holds holds explicitly.
    ///
    /// # Errors
    /// When the schema does not make sense without them.
    pub fn explicit(&self) -> Result<Self, Vec<Diagnostic>> {
        let mut schema = self.model().schema().clone();
        for relation in schema.types.iter_mut().flat_map(|def| &mut def.relations) {
            relation.rule = None;
        }
        let (model, _) = rowgate_schema::resolve(schema)?;
        Ok(Self::new(
            self.written().clone(),
            self.bindings().clone(),
            model,
            Vec::new(),
        ))
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
