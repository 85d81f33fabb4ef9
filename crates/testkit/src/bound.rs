//! Resources that are rows of an application's tables.

use crate::names::Resource;
use crate::policies::Context;
use std::collections::{BTreeMap, BTreeSet};

/// Which types are bound to tables, and the rows there are.
///
/// The edges of the rows stand among the warrants of the world: a warrant or a row, an edge means the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bound {
    /// The bound types, each with its attributes: parameters of schema policies that come from the row.
    pub types: BTreeMap<String, BTreeSet<String>>,
    /// The rows, with those of their attributes that are not null.
    pub rows: BTreeMap<Resource, Context>,
}

impl Bound {
    /// Whether a resource of a bound type lacks its row, so that nothing holds on it.
    #[must_use]
    pub fn has_no_row(&self, resource: &Resource) -> bool {
        self.types.contains_key(&resource.resource_type) && !self.rows.contains_key(resource)
    }

    /// What a schema policy sees on a resource: attributes come from the row alone, the rest from the request.
    #[must_use]
    pub fn context(&self, resource: &Resource, request: &Context) -> Context {
        let Some(attributes) = self.types.get(&resource.resource_type) else {
            return request.clone();
        };
        let mut seen = request.clone();
        for name in attributes {
            seen.remove(name);
        }
        for (name, value) in self.rows.get(resource).into_iter().flatten() {
            seen.insert(name.clone(), value.clone());
        }
        seen
    }
}
