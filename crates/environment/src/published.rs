//! What readers see: the schema and the warrants of one environment at one revision.

use std::sync::Arc;

use rowgate_engine::{Program, View};
use rowgate_graph::Snapshot;
use rowgate_schema::Model;

/// One revision of an environment. A request takes one and keeps to it.
#[derive(Debug, Clone)]
pub struct Published {
    /// The schema.
    pub model: Model,
    /// The schema as compiled against the graph.
    pub program: Arc<Program>,
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

    /// To ask questions.
    pub fn view(&self) -> View<'_> {
        View::new(&self.program, &self.graph)
    }
}
