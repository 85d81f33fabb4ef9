//! Bounds on one decision.

use crate::explain::MAX_NODES;

/// How far one decision may go before it is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Hops on one path: group in group, folder in folder, relation by relation.
    pub depth: u32,
    /// Warrants and rules looked at. Sixteen steps of a policy count as one.
    pub work: u64,
    /// Nodes of a decision tree; 256 bytes of policies count as one. What lies beyond is left out.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 256,
            work: 50_000_000,
            nodes: MAX_NODES,
        }
    }
}
