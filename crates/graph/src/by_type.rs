//! The resources of each type by number, so that a list of one type costs what it has.
//!
//! Numbers are only given out upwards, so a list grows at its end and its blocks stay where they are; one that has lost all of its numbers
//! is left empty until the graph is numbered anew.

use std::sync::Arc;

use crate::cow::CowVec;
use crate::{ObjectId, Symbol};

const BLOCK: usize = 256;

#[derive(Debug, Clone)]
struct Block {
    /// The number that the block began with; all that were ever in it are at least this.
    first: u32,
    /// In ascending order.
    numbers: Vec<u32>,
}

#[derive(Debug, Clone, Default)]
struct List {
    blocks: CowVec<Block>,
    /// How many numbers were ever put in, which says whether the last block is full.
    pushed: usize,
    len: usize,
}

impl List {
    fn push(&mut self, number: u32) {
        if self.pushed.is_multiple_of(BLOCK) {
            self.blocks.push(Block {
                first: number,
                numbers: Vec::new(),
            });
        }
        if let Some(last) = self.blocks.get_mut(self.blocks.len().saturating_sub(1)) {
            last.numbers.push(number);
            self.pushed += 1;
            self.len += 1;
        }
    }

    fn remove(&mut self, number: u32) {
        let after = self.first_block(|block| block.first > number);
        let Some(block) = after.checked_sub(1).and_then(|index| self.blocks.get_mut(index)) else {
            return;
        };
        if let Ok(at) = block.numbers.binary_search(&number) {
            block.numbers.remove(at);
            self.len -= 1;
        }
    }

    /// The index of the first block of which something is true that stays true from there on.
    fn first_block(&self, is: impl Fn(&Block) -> bool) -> usize {
        let (mut low, mut high) = (0, self.blocks.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.blocks.get(middle).is_some_and(&is) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    fn range(&self, start: u32, end: u32) -> impl DoubleEndedIterator<Item = u32> {
        let from = self.first_block(|block| block.first > start).saturating_sub(1);
        let to = self.first_block(|block| block.first >= end).max(from);
        let blocks = (from..to).filter_map(|index| self.blocks.get(index));
        blocks.flat_map(move |block| {
            let low = block.numbers.partition_point(|number| *number < start);
            let high = block.numbers.partition_point(|number| *number < end);
            block.numbers[low..high.max(low)].iter().copied()
        })
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct ByType {
    lists: Arc<Vec<List>>,
    /// In an overlay: what it has added, with the types.
    added: Option<Arc<Vec<(Symbol, ObjectId)>>>,
}

impl ByType {
    /// From now on what is added lies beside the lists.
    pub(crate) fn lay_over(&mut self) {
        self.added.get_or_insert_default();
    }

    /// Adds a number that is greater than all before it.
    pub(crate) fn push(&mut self, resource_type: Symbol, object: ObjectId) {
        if let Some(added) = &mut self.added {
            Arc::make_mut(added).push((resource_type, object));
            return;
        }
        let lists = Arc::make_mut(&mut self.lists);
        if lists.len() <= resource_type.index() {
            lists.resize_with(resource_type.index() + 1, List::default);
        }
        lists[resource_type.index()].push(object.0);
    }

    pub(crate) fn remove(&mut self, resource_type: Symbol, object: ObjectId) {
        if let Some(added) = &mut self.added {
            Arc::make_mut(added).retain(|(_, known)| *known != object);
        }
        if let Some(list) = Arc::make_mut(&mut self.lists).get_mut(resource_type.index()) {
            list.remove(object.0);
        }
    }

    pub(crate) fn len(&self, resource_type: Symbol) -> usize {
        let below = self.lists.get(resource_type.index()).map_or(0, |list| list.len);
        below + self.added_of(resource_type).count()
    }

    fn added_of(&self, resource_type: Symbol) -> impl DoubleEndedIterator<Item = ObjectId> {
        let added = self.added.iter().flat_map(|added| added.iter());
        added.filter_map(move |(of, object)| (*of == resource_type).then_some(*object))
    }

    /// Those among the numbers `start..end`, in ascending order.
    pub(crate) fn range(
        &self,
        resource_type: Symbol,
        start: u32,
        end: u32,
    ) -> impl DoubleEndedIterator<Item = ObjectId> {
        let list = self.lists.get(resource_type.index());
        let below = list.into_iter().flat_map(move |list| list.range(start, end));
        let added = self.added_of(resource_type);
        below
            .map(ObjectId)
            .chain(added.filter(move |object| (start..end).contains(&object.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_what_was_pushed_and_not_removed() {
        let (one, other) = (Symbol(1), Symbol(3));
        let mut lists = ByType::default();
        let mut kept = std::collections::BTreeSet::new();
        for number in 0..2_000 {
            if number % 3 == 0 {
                lists.push(other, ObjectId(number));
            } else {
                lists.push(one, ObjectId(number));
                kept.insert(number);
            }
        }
        let before = lists.clone();
        // A whole block, single ones, one that is not there and one of another type.
        for number in (400..1_000).chain([1, 1_999, 5_000, 3]) {
            lists.remove(one, ObjectId(number));
            kept.remove(&number);
        }
        lists.push(one, ObjectId(2_000));
        kept.insert(2_000);
        assert_eq!(lists.len(one), kept.len());
        assert_eq!(
            (lists.len(other), lists.len(Symbol(2)), lists.len(Symbol(9))),
            (667, 0, 0)
        );
        for (start, end) in [
            (0, u32::MAX),
            (2, 2),
            (5, 3),
            (399, 1_001),
            (500, 600),
            (1_998, 2_001),
        ] {
            let want: Vec<u32> = kept
                .iter()
                .copied()
                .filter(|n| (start..end).contains(n))
                .collect();
            let found: Vec<u32> = lists.range(one, start, end).map(|object| object.0).collect();
            assert_eq!(found, want, "{start}..{end}");
            let back: Vec<u32> = lists
                .range(one, start, end)
                .rev()
                .map(|object| object.0)
                .collect();
            assert!(back.iter().rev().eq(&want), "{start}..{end} from the back");
        }
        assert_eq!(before.len(one), 1_333, "a clone does not see later changes");
        assert_eq!(before.range(one, 0, u32::MAX).count(), 1_333);
    }
}
