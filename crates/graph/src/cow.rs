//! A persistent vector: cloning is one reference count, and changing one element copies one path.
//!
//! Three levels (root, branch of 256, leaf) reach every element with three loads whatever the size: root and branches hold
//! their pointers in place. The writer mutates in place while nobody else holds the path and copies it otherwise, so a
//! published snapshot never changes.
//!
//! A path is a few hundred reference counts, which is little for a revision that stays and much for one request that adds an element or
//! two. For those there is the overlay: what is changed lies beside what is shared.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxHashMap;

const BRANCH: usize = 256;

#[derive(Debug)]
struct Branch<T>([Option<Arc<T>>; BRANCH]);

impl<T> Branch<T> {
    fn empty() -> Self {
        Self(std::array::from_fn(|_| None))
    }
}

impl<T> Clone for Branch<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A persistent vector of leaves.
#[derive(Debug)]
pub(crate) struct CowVec<T> {
    root: Arc<[Arc<Branch<T>>]>,
    len: usize,
    /// Elements that were changed or added since this became an overlay. They come before those of the root.
    over: Option<Arc<FxHashMap<usize, T>>>,
}

impl<T> Clone for CowVec<T> {
    fn clone(&self) -> Self {
        Self {
            root: Arc::clone(&self.root),
            len: self.len,
            over: self.over.clone(),
        }
    }
}

impl<T> Default for CowVec<T> {
    fn default() -> Self {
        Self {
            root: Arc::from([]),
            len: 0,
            over: None,
        }
    }
}

impl<T> CowVec<T> {
    /// From now on changes copy the element that they are about and nothing else.
    pub(crate) fn lay_over(&mut self) {
        self.over.get_or_insert_default();
    }

    pub(crate) fn is_overlay(&self) -> bool {
        self.over.is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        if let Some(over) = &self.over
            && let Some(changed) = over.get(&index)
        {
            return Some(changed);
        }
        self.shared(index)
    }

    #[inline]
    fn shared(&self, index: usize) -> Option<&T> {
        self.root.get(index / BRANCH)?.0[index % BRANCH].as_deref()
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
        if let Some(over) = &mut self.over {
            return Some(match Arc::make_mut(over).entry(index) {
                Entry::Occupied(changed) => changed.into_mut(),
                Entry::Vacant(place) => {
                    let shared = self.root.get(index / BRANCH)?.0[index % BRANCH].as_deref()?;
                    place.insert(shared.clone())
                }
            });
        }
        let branch = Arc::make_mut(&mut self.root).get_mut(index / BRANCH)?;
        Arc::make_mut(branch).0[index % BRANCH]
            .as_mut()
            .map(Arc::make_mut)
    }

    pub(crate) fn push(&mut self, value: T) {
        if let Some(over) = &mut self.over {
            Arc::make_mut(over).insert(self.len, value);
            self.len += 1;
            return;
        }
        let (branch, slot) = (self.len / BRANCH, self.len % BRANCH);
        if slot == 0 {
            let branches = self.root.iter().cloned().chain([Arc::new(Branch::empty())]);
            self.root = branches.collect();
        }
        if let Some(branch) = Arc::make_mut(&mut self.root).get_mut(branch) {
            Arc::make_mut(branch).0[slot] = Some(Arc::new(value));
            self.len += 1;
        }
    }
}

impl<T: Clone> FromIterator<T> for CowVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut branches = Vec::new();
        let mut len = 0;
        for (index, item) in items.into_iter().enumerate() {
            if index % BRANCH == 0 {
                branches.push(Branch::empty());
            }
            if let Some(branch) = branches.last_mut() {
                branch.0[index % BRANCH] = Some(Arc::new(item));
            }
            len = index + 1;
        }
        Self {
            root: branches.into_iter().map(Arc::new).collect(),
            len,
            over: None,
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

    #[test]
    fn an_overlay_changes_and_grows_like_any_other_and_what_lies_below_stays() {
        let below: CowVec<usize> = (0..1000).collect();
        let mut over = below.clone();
        over.lay_over();
        *over.get_mut(700).unwrap() = 1;
        *over.get_mut(700).unwrap() += 1;
        for value in 1000..1003 {
            over.push(value);
        }
        *over.get_mut(1001).unwrap() = 7;
        let before = over.clone();
        *over.get_mut(3).unwrap() = 0;
        over.push(9);
        assert!(over.get(1004).is_none());
        let wanted = |upper: &[usize]| -> Vec<usize> {
            let lower = (0..1000).map(|at| if at == 700 { 2 } else { at });
            lower.chain(upper.iter().copied()).collect()
        };
        assert!(before.iter().copied().eq(wanted(&[1000, 7, 1002])));
        let mut last = wanted(&[1000, 7, 1002, 9]);
        last[3] = 0;
        assert!(over.iter().copied().eq(last));
        assert!(below.iter().copied().eq(0..1000));
        // Three elements and a half thousand that nobody copied.
        assert!(Arc::ptr_eq(&below.root, &over.root));
    }
}
