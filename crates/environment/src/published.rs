//! What readers see: the schema and the warrants of one environment at one revision.

use std::sync::Arc;

use rowgate_engine::{Program, View};
use rowgate_graph::Snapshot;
use rowgate_schema::Model;

use crate::bound::Bound;

/// One revision of an environment. A request takes one and keeps to it.
#[derive(Debug, Clone)]
pub struct Published {
    /// The schema.
    pub model: Model,
    /// The schema as compiled against the graph.
    pub program: Arc<Program>,
    /// The bindings in force, if there are any.
    pub bound: Option<Arc<Bound>>,
    /// The warrants and resources.
    pub graph: Snapshot,
    /// Numbers of warrants and resources mean the same as long as this does: it changes when they are given out anew, on start-up
    /// and when the graph is compacted. Cursors over lists in order of creation carry it.
    pub epoch: u64,
}

impl Published {
    /// The revision.
    pub fn revision(&self) -> u64 {
        self.graph.revision()
    }

    /// To ask questions. Those that need rows of bound tables end in [`rowgate_engine::EngineError::Unread`]; see [`Published::with_rows`].
    pub fn view(&self) -> View<'_> {
        let view = View::new(&self.program, &self.graph);
        match &self.bound {
            Some(bound) => view.with_rows(&bound.unread),
            None => view,
        }
    }
}
