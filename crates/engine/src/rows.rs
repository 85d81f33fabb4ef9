//! Resources that are rows of an application's tables, as far as one request has read them.
//!
//! A decision about such a resource needs its row. The engine reads nothing itself: it decides with the rows it was given and, where
//! that leaves the answer open, ends in [`EngineError::Unread`] with the resources whose rows it needs. The caller reads them and asks
//! again. A row that was not read counts as unknown meanwhile, so a yes or a no that does not depend on it needs no further reading.
//!
//! The edges that a row stands for are warrants in the snapshot that the caller made for the request. What is kept here is whether there is
//! a row, and the values of its attributes.

use rowgate_graph::{ObjectId, Snapshot, Symbol};
use rowgate_policy::Context;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

use crate::Value;

/// The bound types of a schema and the rows that were read.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    types: Arc<FxHashSet<Symbol>>,
    /// The relations, by type, of which all edges were read wherever the row was; `None` for every relation.
    complete: Option<FxHashSet<(Symbol, Symbol)>>,
    /// The relations, by type, that rows hold, and where: what a decision tree says in the place of warrants.
    places: Arc<FxHashMap<(Symbol, Symbol), String>>,
    read: FxHashMap<ObjectId, Option<Attributes>>,
}

/// The columns of one row that policies may look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    /// All attributes of the type. A request's context has no say in them.
    pub names: Arc<[String]>,
    /// Those that are not null.
    pub values: Context,
}

impl Rows {
    /// No row was read yet of these types. A name that the graph does not know has no resources.
    pub fn unread<'a>(graph: &Snapshot, types: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            types: Arc::new(types.into_iter().filter_map(|name| graph.symbol(name)).collect()),
            complete: None,
            places: Arc::default(),
            read: FxHashMap::default(),
        }
    }

    /// Tells where the edges of relations are, each as (type, relation, place). The place is for people: "column `owner_id` of table `public.file`".
    #[must_use]
    pub fn held_in<'a>(
        mut self,
        graph: &Snapshot,
        places: impl IntoIterator<Item = (&'a str, &'a str, String)>,
    ) -> Self {
        let symbols = |(resource_type, relation, place): (&str, &str, String)| {
            Some(((graph.symbol(resource_type)?, graph.symbol(relation)?), place))
        };
        self.places = Arc::new(places.into_iter().filter_map(symbols).collect());
        self
    }

    /// Where the edges of a relation are that rows hold.
    pub(crate) fn place(&self, resource_type: Symbol, relation: Symbol) -> Option<&str> {
        self.places.get(&(resource_type, relation)).map(String::as_str)
    }

    /// Limits what was read to the edges of these relations, each as (type, relation). Any other one of a row counts as unread.
    pub fn only<'a>(&mut self, graph: &Snapshot, relations: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let symbols =
            |(resource_type, relation)| Some((graph.symbol(resource_type)?, graph.symbol(relation)?));
        self.complete = Some(relations.into_iter().filter_map(symbols).collect());
    }

    /// Whether resources of this type are rows.
    pub fn is_bound(&self, resource_type: Symbol) -> bool {
        self.types.contains(&resource_type)
    }

    /// Tells what was read of a resource: `None` when there is no row.
    pub fn put(&mut self, object: ObjectId, row: Option<Attributes>) {
        self.read.insert(object, row);
    }

    /// Whether the row was read, and is not there.
    pub(crate) fn is_missing(&self, object: ObjectId) -> bool {
        matches!(self.read.get(&object), Some(None))
    }

    /// What is known before looking at the warrants of a resource: no row is a no, an unread one is unknown.
    #[inline]
    pub(crate) fn verdict(&self, object: ObjectId, resource_type: Symbol, relation: Symbol) -> Option<Value> {
        if !self.is_bound(resource_type) {
            return None;
        }
        match self.read.get(&object) {
            Some(Some(_)) if self.is_complete(resource_type, relation) => None,
            Some(None) => Some(Value::False),
            Some(Some(_)) | None => Some(Value::Unknown),
        }
    }

    /// Whether all edges of a relation were read. Whether there is a row at all is asked without a relation.
    fn is_complete(&self, resource_type: Symbol, relation: Symbol) -> bool {
        let complete = self.complete.as_ref();
        relation.is_none() || complete.is_none_or(|complete| complete.contains(&(resource_type, relation)))
    }

    /// The context with which a schema policy is evaluated on a resource, where its row has attributes.
    pub(crate) fn context(&self, object: ObjectId, context: &Context) -> Option<Context> {
        let attributes = self.read.get(&object)?.as_ref()?;
        if attributes.names.is_empty() {
            return None;
        }
        let own = |name: &String| attributes.names.contains(name);
        let mut merged: Context = context
            .iter()
            .filter(|(name, _)| !own(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        merged.extend(
            attributes
                .values
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        Some(merged)
    }
}
