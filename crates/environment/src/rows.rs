//! A revision together with rows of bound tables that one request has read.

use rowgate_binding::Resolved;
use rowgate_engine::View;
use rowgate_engine::rows::{Attributes, Rows};
use rowgate_graph::{Graph, ObjectId, Snapshot, Tuple};
use rowgate_policy::Context;

use crate::published::Published;
use crate::{Error, Result};

/// What was read of a resource of a bound type.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The type.
    pub resource_type: String,
    /// The id.
    pub resource_id: String,
    /// What the row says; `None` when there is no row.
    pub found: Option<Found>,
}

/// What a row says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Its edges.
    pub edges: Vec<Edge>,
    /// Those of its attributes that are not null.
    pub attributes: Context,
}

/// An edge that a row stands for: the row's resource `# relation @` subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The relation.
    pub relation: String,
    /// The subject's type.
    pub subject_type: String,
    /// The subject's id.
    pub subject_id: String,
    /// The subject's relation, for a group.
    pub subject_relation: Option<String>,
}

/// A revision as one request sees it: the warrants and the rows it has read.
#[derive(Debug)]
pub struct WithRows<'p> {
    published: &'p Published,
    graph: Snapshot,
    rows: Rows,
}

impl WithRows<'_> {
    /// To ask questions.
    pub fn view(&self) -> View<'_> {
        View::new(&self.published.program, &self.graph).with_rows(&self.rows)
    }

    /// The warrants and the edges of the rows.
    pub fn graph(&self) -> &Snapshot {
        &self.graph
    }
}

impl Published {
    /// This revision with rows. What others see stays as it is. With `relations`, each as (type, relation), what was read is all of their
    /// edges and nothing is known of others.
    ///
    /// # Errors
    /// [`Error::Refused`] when the environment has no bindings, and [`Error::Graph`] when the rows do not fit into memory.
    pub fn with_rows<'a, 'r>(
        &self,
        read: impl IntoIterator<Item = &'r Row>,
        relations: Option<impl IntoIterator<Item = (&'a str, &'a str)>>,
    ) -> Result<WithRows<'_>> {
        let Some(bound) = &self.bound else {
            return Err(Error::Refused {
                code: "internal_error",
                message: "rows were read, and the environment has no bindings".into(),
            });
        };
        let mut graph = Graph::overlay(self.graph.clone());
        let mut rows = bound.unread.clone();
        if let Some(relations) = relations {
            rows.only(graph.state(), relations);
        }
        for row in read {
            let Row {
                resource_type,
                resource_id,
                found,
            } = row;
            let object = graph.ensure_resource(resource_type, resource_id, 0)?;
            let attributes = found.as_ref().map(|found| Attributes {
                names: bound.attributes_of(resource_type),
                values: found.attributes.clone(),
            });
            rows.put(object, attributes);
            forget_leftovers(&mut graph, object, row, &bound.bindings);
            for edge in found.iter().flat_map(|found| &found.edges) {
                let tuple = Tuple {
                    resource_type,
                    resource_id,
                    relation: &edge.relation,
                    subject_type: &edge.subject_type,
                    subject_id: &edge.subject_id,
                    subject_relation: edge.subject_relation.as_deref(),
                    policy: None,
                };
                graph.create_warrant(&tuple, 0)?;
            }
        }
        Ok(WithRows {
            published: self,
            graph: graph.into_state(),
            rows,
        })
    }
}

/// Takes away warrants that were stored before a relation was bound: the edges of a bound relation are what the rows say.
fn forget_leftovers(graph: &mut Graph, object: ObjectId, row: &Row, bindings: &Resolved) {
    let state = graph.state();
    let edges = state.subjects(object).all();
    let bound = edges.filter(|edge| bindings.is_bound(&row.resource_type, state.name(edge.first())));
    let leftovers: Vec<_> = bound.map(|edge| edge.warrant()).collect();
    for warrant in leftovers {
        graph.delete(warrant);
    }
}
