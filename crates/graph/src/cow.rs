//! A persistent vector: cloning is one reference count, and changing one element copies one path.
//!
//! Three levels (root, branch of 256, leaf). The leaves of a full branch lie side by side in a slab, so that the place of one follows from its
//! index: what is read on the way there is little enough to stay near the processor, and only the leaf itself has to be waited for. The
//! writer changes in place while nobody else holds the path. Otherwise it copies it, and the leaf goes its own way; when half the leaves of a
//! branch have, they are brought together in a new slab. A published snapshot never changes.
//!
//! A path is a few kilobytes, which is little for a revision that stays and much for one request that adds an element or two. So what an overlay
//! adds lies beside these vectors ([`crate::Graph::overlay`]).

use std::sync::Arc;

const BRANCH: usize = 256;

/// With so many leaves apart a branch gets a new slab: each copy of a leaf pays for copying two, and at most half of a slab is wasted.
const APART: u32 = BRANCH as u32 / 2;

#[derive(Debug)]
#[repr(C, align(64))]
struct Branch<T> {
    slab: Option<Arc<[T]>>,
    /// Bit `i`: leaf `i` is not in the slab, but `own`.
    apart: [u64; BRANCH / 64],
    own: [Option<Arc<T>>; BRANCH],
}

impl<T> Branch<T> {
    fn empty() -> Self {
        Self {
            slab: None,
            apart: [0; BRANCH / 64],
            own: std::array::from_fn(|_| None),
        }
    }

    #[inline]
    fn is_apart(&self, slot: usize) -> bool {
        self.apart[slot / 64] >> (slot % 64) & 1 == 1
    }

    #[inline]
    fn get(&self, slot: usize) -> Option<&T> {
        if self.is_apart(slot) {
            self.own[slot].as_deref()
        } else {
            self.slab.as_deref()?.get(slot)
        }
    }

    fn set(&mut self, slot: usize, leaf: T) {
        self.own[slot] = Some(Arc::new(leaf));
        self.apart[slot / 64] |= 1 << (slot % 64);
    }
}

impl<T: Clone> Branch<T> {
    /// Its leaves, as many as there are.
    fn of(leaves: Vec<T>) -> Self {
        let mut branch = Self::empty();
        if leaves.len() == BRANCH {
            branch.slab = Some(leaves.into());
        } else {
            for (slot, leaf) in leaves.into_iter().enumerate() {
                branch.set(slot, leaf);
            }
        }
        branch
    }

    fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        if !self.is_apart(slot) && !self.owns_slab() {
            let leaf = self.get(slot)?.clone();
            self.set(slot, leaf);
            if self.apart.iter().map(|bits| bits.count_ones()).sum::<u32>() >= APART {
                self.bring_together();
            }
        }
        if self.is_apart(slot) {
            self.own[slot].as_mut().map(Arc::make_mut)
        } else {
            Arc::get_mut(self.slab.as_mut()?)?.get_mut(slot)
        }
    }

    fn owns_slab(&mut self) -> bool {
        self.slab
            .as_mut()
            .is_some_and(|slab| Arc::get_mut(slab).is_some())
    }

    /// All leaves side by side, unless some are missing.
    fn bring_together(&mut self) {
        if (0..BRANCH).any(|slot| self.get(slot).is_none()) {
            return;
        }
        let leaves = (0..BRANCH).filter_map(|slot| match self.own[slot].take() {
            Some(own) => Some(Arc::unwrap_or_clone(own)),
            None => self.get(slot).cloned(),
        });
        *self = Self::of(leaves.collect());
    }
}

impl<T> Clone for Branch<T> {
    fn clone(&self) -> Self {
        Self {
            slab: self.slab.clone(),
            apart: self.apart,
            own: self.own.clone(),
        }
    }
}

/// A persistent vector of leaves.
#[derive(Debug)]
pub(crate) struct CowVec<T> {
    root: Arc<[Arc<Branch<T>>]>,
    len: usize,
}

impl<T> Clone for CowVec<T> {
    fn clone(&self) -> Self {
        Self {
            root: Arc::clone(&self.root),
            len: self.len,
        }
    }
}

impl<T> Default for CowVec<T> {
    fn default() -> Self {
        Self {
            root: Arc::from([]),
            len: 0,
        }
    }
}

impl<T> CowVec<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.root.get(index / BRANCH)?.get(index % BRANCH)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        (0..self.len).filter_map(|index| self.get(index))
    }
}

impl<T: Clone> CowVec<T> {
    /// The element for changing; whatever a snapshot shares is copied first.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.len {
            return None;
        }
        let branch = Arc::make_mut(&mut self.root).get_mut(index / BRANCH)?;
        Arc::make_mut(branch).get_mut(index % BRANCH)
    }

    pub(crate) fn push(&mut self, value: T) {
        let (branch, slot) = (self.len / BRANCH, self.len % BRANCH);
        if slot == 0 {
            let branches = self.root.iter().cloned().chain([Arc::new(Branch::empty())]);
            self.root = branches.collect();
        }
        if let Some(branch) = Arc::make_mut(&mut self.root).get_mut(branch) {
            let branch = Arc::make_mut(branch);
            branch.set(slot, value);
            if slot + 1 == BRANCH {
                branch.bring_together();
            }
            self.len += 1;
        }
    }
}

impl<T: Clone> FromIterator<T> for CowVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items = items.into_iter().peekable();
        let (mut branches, mut len) = (Vec::new(), 0);
        while items.peek().is_some() {
            let leaves: Vec<T> = items.by_ref().take(BRANCH).collect();
            len += leaves.len();
            branches.push(Arc::new(Branch::of(leaves)));
        }
        Self {
            root: branches.into(),
            len,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_does_not_see_later_changes() {
        let mut vec: CowVec<usize> = (0..1000).collect();
        let before = vec.clone();
        *vec.get_mut(700).unwrap() = 1;
        vec.push(1000);
        assert_eq!(
            (before.get(700), before.get(1000), before.len()),
            (Some(&700), None, 1000)
        );
        assert_eq!(
            (vec.get(700), vec.get(1000), vec.len()),
            (Some(&1), Some(&1000), 1001)
        );
        assert!(before.iter().copied().eq(0..1000));
    }

    /// Random changes and snapshots against plain vectors, so many that branches get new slabs several times.
    #[test]
    fn agrees_with_plain_vectors() {
        let mut state = 7u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        let mut plain: Vec<usize> = (0..700).collect();
        let mut vec: CowVec<usize> = plain.iter().copied().collect();
        let mut published = vec![(vec.clone(), plain.clone())];
        for round in 0..20_000 {
            let at = random(plain.len());
            // One that nobody holds is changed in place, one that a snapshot holds is not.
            if random(300) == 0 {
                published.push((vec.clone(), plain.clone()));
            }
            if random(20) == 0 {
                plain.push(round);
                vec.push(round);
            }
            plain[at] = round;
            *vec.get_mut(at).unwrap() = round;
            assert_eq!(vec.get(at), Some(&round));
            if published.len() > 10 {
                let (old, wanted) = published.remove(random(10));
                assert!(old.iter().copied().eq(wanted));
            }
        }
        published.push((vec.clone(), plain));
        let beyond = vec.len();
        assert!(vec.get(beyond).is_none() && vec.get_mut(beyond).is_none());
        for (old, wanted) in published {
            assert_eq!(old.len(), wanted.len());
            assert!(old.iter().copied().eq(wanted));
        }
    }

    #[test]
    fn the_leaves_of_a_full_branch_lie_side_by_side() {
        let is_slab = |vec: &CowVec<usize>, branch: usize| vec.root[branch].apart == [0; BRANCH / 64];
        let mut vec: CowVec<usize> = (0..300).collect();
        assert!(is_slab(&vec, 0) && !is_slab(&vec, 1));
        (300..600).for_each(|at| vec.push(at));
        assert!(is_slab(&vec, 1) && !is_slab(&vec, 2));
        for changed in 1..=APART as usize {
            let held = vec.clone();
            *vec.get_mut(changed).unwrap() = 0;
            assert_eq!(is_slab(&vec, 0), changed == APART as usize);
            assert!(held.iter().copied().skip(changed).eq(changed..600));
        }
    }
}
