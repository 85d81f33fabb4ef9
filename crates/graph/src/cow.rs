//! A persistent vector: cloning is one reference count, and changing one element copies one path.
//!
//! Three levels (root, branch of 256, leaf) reach every element with three loads whatever the size. The writer mutates
//! in place while nobody else holds the path and copies it otherwise, so a published snapshot never changes.

use std::sync::Arc;

const BRANCH: usize = 256;

/// A persistent vector of leaves.
#[derive(Debug)]
pub(crate) struct CowVec<T> {
    root: Arc<Vec<Arc<Vec<Arc<T>>>>>,
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
            root: Arc::default(),
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
        self.root
            .get(index / BRANCH)?
            .get(index % BRANCH)
            .map(|leaf| &**leaf)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.root
            .iter()
            .flat_map(|branch| branch.iter().map(|leaf| &**leaf))
    }
}

impl<T: Clone> CowVec<T> {
    /// The element for changing; whatever a snapshot shares is copied first.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.len {
            return None;
        }
        let branch = Arc::make_mut(&mut self.root).get_mut(index / BRANCH)?;
        Arc::make_mut(branch).get_mut(index % BRANCH).map(Arc::make_mut)
    }

    pub(crate) fn push(&mut self, value: T) {
        let root = Arc::make_mut(&mut self.root);
        if self.len.is_multiple_of(BRANCH) {
            root.push(Arc::new(Vec::with_capacity(BRANCH)));
        }
        if let Some(branch) = root.last_mut() {
            Arc::make_mut(branch).push(Arc::new(value));
        }
        self.len += 1;
    }
}

impl<T: Clone> FromIterator<T> for CowVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut out = Self::default();
        for item in items {
            out.push(item);
        }
        out
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
