//! A persistent vector: cloning is one reference count, and changing one element copies one path.
//!
//! Three levels (root, branch of 256, leaf) reach every element with three loads whatever the size: root and branches hold
//! their pointers in place. The writer mutates in place while nobody else holds the path and copies it otherwise, so a
//! published snapshot never changes.

use std::sync::Arc;

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
        self.root.get(index / BRANCH)?.0[index % BRANCH].as_deref()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.root
            .iter()
            .flat_map(|branch| branch.0.iter().filter_map(Option::as_deref))
    }
}

impl<T: Clone> CowVec<T> {
    /// The element for changing; whatever a snapshot shares is copied first.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.len {
            return None;
        }
        let branch = Arc::make_mut(&mut self.root).get_mut(index / BRANCH)?;
        Arc::make_mut(branch).0[index % BRANCH]
            .as_mut()
            .map(Arc::make_mut)
    }

    pub(crate) fn push(&mut self, value: T) {
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
}
