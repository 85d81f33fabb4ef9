//! Warrants by number, in the order in which they were created. Sixty-four to a leaf.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::cow::CowVec;
use crate::{ObjectId, PolicyId, Symbol, WarrantId};

const LEAF: usize = 64;

/// A stored warrant in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarrantRef {
    /// Its resource.
    pub resource: ObjectId,
    /// Its subject.
    pub subject: ObjectId,
    /// Its relation.
    pub relation: Symbol,
    /// Its subject's relation, [`Symbol::NONE`] for a direct warrant.
    pub subject_relation: Symbol,
    /// Its policy.
    pub policy: PolicyId,
    /// When it was created, microseconds since the Unix epoch.
    pub created_at: i64,
}

#[derive(Debug, Clone)]
struct Leaf {
    warrants: Vec<WarrantRef>,
    alive: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Warrants {
    leaves: CowVec<Leaf>,
    len: usize,
    alive: usize,
    /// In an overlay: the warrants that it has created and, as `None`, deleted.
    changed: Option<Arc<FxHashMap<WarrantId, Option<WarrantRef>>>>,
}

impl Warrants {
    /// From now on changes lie beside the leaves.
    pub(crate) fn lay_over(&mut self) {
        self.changed.get_or_insert_default();
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive
    }

    pub(crate) fn get(&self, warrant: WarrantId) -> Option<&WarrantRef> {
        if let Some(changed) = self.changed.as_ref().and_then(|changed| changed.get(&warrant)) {
            return changed.as_ref();
        }
        let (index, slot) = (warrant.0 as usize / LEAF, warrant.0 as usize % LEAF);
        let leaf = self.leaves.get(index)?;
        (leaf.alive >> slot & 1 == 1).then(|| leaf.warrants.get(slot))?
    }

    pub(crate) fn push(&mut self, warrant: WarrantRef) -> Option<WarrantId> {
        let number = u32::try_from(self.len).ok()?;
        if let Some(changed) = &mut self.changed {
            Arc::make_mut(changed).insert(WarrantId(number), Some(warrant));
            self.len += 1;
            self.alive += 1;
            return Some(WarrantId(number));
        }
        let (index, slot) = (self.len / LEAF, self.len % LEAF);
        if slot == 0 {
            self.leaves.push(Leaf {
                warrants: Vec::with_capacity(LEAF),
                alive: 0,
            });
        }
        let leaf = self.leaves.get_mut(index)?;
        leaf.warrants.push(warrant);
        leaf.alive |= 1 << slot;
        self.len += 1;
        self.alive += 1;
        Some(WarrantId(number))
    }

    pub(crate) fn kill(&mut self, warrant: WarrantId) {
        if self.changed.is_some() {
            self.alive -= usize::from(self.get(warrant).is_some());
        }
        if let Some(changed) = &mut self.changed {
            Arc::make_mut(changed).insert(warrant, None);
            return;
        }
        let (index, slot) = (warrant.0 as usize / LEAF, warrant.0 as usize % LEAF);
        if let Some(leaf) = self.leaves.get_mut(index) {
            self.alive -= usize::from(leaf.alive >> slot & 1 == 1);
            leaf.alive &= !(1 << slot);
            if leaf.alive == 0 && leaf.warrants.len() == LEAF {
                leaf.warrants = Vec::new();
            }
        }
    }

    /// How many numbers are out of use.
    pub(crate) fn dead(&self) -> usize {
        self.len - self.alive
    }

    /// The stored warrants older than `before`, newest first.
    pub(crate) fn newest_first(&self, before: WarrantId) -> impl Iterator<Item = (WarrantId, &WarrantRef)> {
        let end = before.0.min(self.len as u32);
        (0..end)
            .rev()
            .filter_map(|number| Some((WarrantId(number), self.get(WarrantId(number))?)))
    }

    /// The stored warrants from `from` on, oldest first.
    pub(crate) fn oldest_first(&self, from: u32) -> impl Iterator<Item = (WarrantId, &WarrantRef)> {
        (from..self.len as u32).filter_map(|number| Some((WarrantId(number), self.get(WarrantId(number))?)))
    }
}
