//! The checked schema.

use std::collections::HashMap;
use std::sync::Arc;

use rowgate_policy::Policy;

use crate::ast::{RelationDef, Rule, Schema, Span, TypeDef};
use crate::cycles::Graph;

/// A schema whose every name leads somewhere and whose policies compile. Immutable, and cheap to clone.
#[derive(Debug, Clone)]
pub struct Model {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    schema: Arc<Schema>,
    index: Index,
    dependencies: Graph,
    policies: HashMap<String, Arc<Policy>>,
}

/// A group warrant as a dependency: the relation it grants, as (resource type, relation), and the relation that its
/// subject's members have, as (subject type, relation).
pub type GroupEdge<'a> = ((&'a str, &'a str), (&'a str, &'a str));

impl Model {
    pub(crate) fn new(
        schema: Schema,
        index: Index,
        dependencies: Graph,
        policies: HashMap<String, Arc<Policy>>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                schema: Arc::new(schema),
                index,
                dependencies,
                policies,
            }),
        }
    }

    /// The schema it was made from.
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    /// The schema it was made from, shared.
    pub fn schema_arc(&self) -> Arc<Schema> {
        Arc::clone(&self.inner.schema)
    }

    /// The type of that name.
    pub fn type_def(&self, name: &str) -> Option<&TypeDef> {
        self.inner.schema.types.get(self.inner.index.type_at(name)?)
    }

    /// The relation of that name of that type.
    pub fn relation(&self, resource_type: &str, relation: &str) -> Option<&RelationDef> {
        let (ty, at) = self.inner.index.relation_at(resource_type, relation)?;
        self.inner.schema.types.get(ty)?.relations.get(at)
    }

    /// The compiled policy of that name.
    pub fn policy(&self, name: &str) -> Option<&Arc<Policy>> {
        self.inner.policies.get(name)
    }

    /// Whether a warrant for `relation` on a `resource_type` may have this subject: `type:id`, `type:*`, or
    /// `type:id#relation`. A relation or type that is not defined accepts nothing.
    pub fn accepts(
        &self,
        resource_type: &str,
        relation: &str,
        subject_type: &str,
        subject_relation: Option<&str>,
        subject_is_wildcard: bool,
    ) -> bool {
        let Some(relation) = self.relation(resource_type, relation) else {
            return false;
        };
        if subject_is_wildcard && subject_relation.is_some() {
            return false;
        }
        let Some(allowed) = &relation.allowed else {
            return true;
        };
        let mut bare = false;
        let mut groups = false;
        let mut listed = false;
        for subject in allowed
            .iter()
            .filter(|subject| subject.resource_type.text == subject_type)
        {
            match &subject.relation {
                None => bare = true,
                Some(group) => {
                    groups = true;
                    listed |= Some(group.text.as_str()) == subject_relation;
                }
            }
        }
        match subject_relation {
            None => bare,
            // A type listed alone stands for its groups too, until one of them is listed by name.
            Some(_) => listed || (bare && !groups),
        }
    }

    /// Whether, with these group warrants, a relation depends on itself through `none_of`.
    ///
    /// The cycle comes as `type#relation` steps, from the one whose rule has the `none_of` back to itself. Its first step
    /// is the one inside the `none_of`. The schema alone has no such cycle, so one that is found goes through a warrant.
    pub fn negative_cycle_with(&self, edges: &mut dyn Iterator<Item = GroupEdge<'_>>) -> Option<Vec<String>> {
        if !self.inner.dependencies.has_negative() {
            return None;
        }
        let index = &self.inner.index;
        let mut graph = self.inner.dependencies.clone();
        for ((resource_type, relation), (subject_type, subject_relation)) in edges {
            let from = index.node(resource_type, relation);
            let to = index.node(subject_type, subject_relation);
            if let (Some(from), Some(to)) = (from, to) {
                graph.add(from, to, false);
            }
        }
        let cycle = graph.negative_cycles().into_iter().next()?;
        Some(
            cycle
                .into_iter()
                .map(|node| index.node_name(&self.inner.schema, node))
                .collect(),
        )
    }
}

/// Where each type and relation stands in its schema. Of duplicates, the first.
#[derive(Debug)]
pub(crate) struct Index {
    types: HashMap<String, TypeEntry>,
    /// (type, relation) of every node of the dependency graph.
    nodes: Vec<(usize, usize)>,
}

#[derive(Debug)]
struct TypeEntry {
    at: usize,
    first_node: usize,
    relations: HashMap<String, usize>,
}

impl Index {
    pub(crate) fn new(schema: &Schema) -> Self {
        let mut index = Self {
            types: HashMap::new(),
            nodes: Vec::new(),
        };
        for (at, def) in schema.types.iter().enumerate() {
            let first_node = index.nodes.len();
            let mut relations = HashMap::new();
            for (relation_at, relation) in def.relations.iter().enumerate() {
                relations.entry(relation.name.text.clone()).or_insert(relation_at);
                index.nodes.push((at, relation_at));
            }
            let entry = TypeEntry {
                at,
                first_node,
                relations,
            };
            index.types.entry(def.name.text.clone()).or_insert(entry);
        }
        index
    }

    pub(crate) fn type_at(&self, name: &str) -> Option<usize> {
        self.types.get(name).map(|entry| entry.at)
    }

    pub(crate) fn relation_at(&self, resource_type: &str, relation: &str) -> Option<(usize, usize)> {
        let entry = self.types.get(resource_type)?;
        Some((entry.at, *entry.relations.get(relation)?))
    }

    fn node(&self, resource_type: &str, relation: &str) -> Option<usize> {
        let entry = self.types.get(resource_type)?;
        Some(entry.first_node + entry.relations.get(relation)?)
    }

    /// The type and relation of a node, as places in the schema.
    pub(crate) fn node_place(&self, node: usize) -> (usize, usize) {
        self.nodes[node]
    }

    /// `type#relation`
    pub(crate) fn node_name(&self, schema: &Schema, node: usize) -> String {
        let (ty, relation) = self.nodes[node];
        let def = &schema.types[ty];
        format!("{}#{}", def.name.text, def.relations[relation].name.text)
    }

    /// The dependencies that the schema itself declares: by rules, and by groups listed in brackets. What a bare type in
    /// brackets, or none, lets in is known only once there are warrants.
    pub(crate) fn dependencies(&self, schema: &Schema) -> Graph {
        let mut graph = Graph::new(self.nodes.len());
        for (from, &(ty, relation)) in self.nodes.iter().enumerate() {
            let def = &schema.types[ty];
            let relation = &def.relations[relation];
            for subject in relation.allowed.iter().flatten() {
                let group = subject.relation.as_ref();
                let to = group.and_then(|group| self.node(&subject.resource_type.text, &group.text));
                if let Some(to) = to {
                    graph.add(from, to, false);
                }
            }
            if let Some(rule) = &relation.rule {
                self.rule_dependencies(def, rule, false, &mut |to, negative, _| {
                    graph.add(from, to, negative)
                });
            }
        }
        graph
    }

    /// Calls `found(node, negative, place)` for each relation that a rule of `def` depends on.
    pub(crate) fn rule_dependencies(
        &self,
        def: &TypeDef,
        rule: &Rule,
        negative: bool,
        found: &mut impl FnMut(usize, bool, Span),
    ) {
        let (target, relation) = match rule {
            Rule::Relation { relation } => (&def.name, relation),
            Rule::On {
                relation,
                resource_type,
                ..
            } => (resource_type, relation),
            Rule::Policy { .. } => return,
            Rule::Group { op, rules, .. } => {
                let negative = negative || *op == crate::ast::GroupOp::NoneOf;
                rules
                    .iter()
                    .for_each(|rule| self.rule_dependencies(def, rule, negative, found));
                return;
            }
        };
        if let Some(node) = self.node(&target.text, &relation.text) {
            found(node, negative, relation.span);
        }
    }
}
