//! The adjacency of a resource with very many edges: sorted blocks, so that a write copies a block and not the whole list.

use std::sync::Arc;

use crate::edge::{self, Edge};

/// A block is split when it grows past this.
const BLOCK: usize = 512;

/// Some of the sorted edges.
pub(crate) type Block = Arc<Vec<Edge>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Hub {
    blocks: Arc<Vec<Block>>,
    len: usize,
}

impl Hub {
    /// From edges already sorted.
    pub(crate) fn from_sorted(edges: &[Edge]) -> Self {
        let blocks = edges
            .chunks(BLOCK * 3 / 4)
            .map(|block| Arc::new(block.to_vec()))
            .collect();
        Self {
            blocks: Arc::new(blocks),
            len: edges.len(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The block that holds `edge`, or would.
    fn block_of(&self, edge: &Edge) -> usize {
        self.blocks
            .partition_point(|block| block.first().is_some_and(|first| first <= edge))
            .saturating_sub(1)
    }

    pub(crate) fn insert(&mut self, edge: Edge) -> bool {
        let index = self.block_of(&edge);
        let blocks = Arc::make_mut(&mut self.blocks);
        if blocks.is_empty() {
            blocks.push(Arc::default());
        }
        let Some(block) = blocks.get_mut(index).map(Arc::make_mut) else {
            return false;
        };
        let Err(at) = edge::position(block, &edge) else {
            return false;
        };
        block.insert(at, edge);
        if block.len() > BLOCK {
            let upper = block.split_off(BLOCK / 2);
            blocks.insert(index + 1, Arc::new(upper));
        }
        self.len += 1;
        true
    }

    pub(crate) fn remove(&mut self, edge: &Edge) -> bool {
        let index = self.block_of(edge);
        let blocks = Arc::make_mut(&mut self.blocks);
        let Some(block) = blocks.get_mut(index).map(Arc::make_mut) else {
            return false;
        };
        let Ok(at) = edge::position(block, edge) else {
            return false;
        };
        block.remove(at);
        if block.is_empty() {
            blocks.remove(index);
        }
        self.len -= 1;
        true
    }

    /// The blocks that can hold keys of at least `low`.
    pub(crate) fn blocks_from(&self, low: u64) -> &[Block] {
        let start = self
            .blocks
            .partition_point(|block| block.last().is_some_and(|last| last.key < low));
        &self.blocks[start..]
    }
}
