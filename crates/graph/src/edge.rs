//! One side of a warrant as it lies in an adjacency list: 16 bytes, ordered by a single integer.

use crate::{ObjectId, PolicyId, Symbol, WarrantId};

/// An edge seen from one of its ends.
///
/// The key packs two symbols and the resource at the other end, so that everything of one relation is one range:
/// seen from the resource it is (relation, subject relation, subject); seen from the subject it is
/// (subject relation, relation, resource).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub(crate) key: u64,
    pub(crate) policy: PolicyId,
    pub(crate) warrant: WarrantId,
}

impl Edge {
    /// No edge: what fills a place that has none. It comes after every edge, for no resource has the number [`ObjectId::ABSENT`].
    pub(crate) const NONE: Edge = Edge {
        key: u64::MAX,
        policy: PolicyId::NONE,
        warrant: WarrantId(u32::MAX),
    };
}

pub(crate) fn key(first: Symbol, second: Symbol, other: u32) -> u64 {
    u64::from(first.0) << 48 | u64::from(second.0) << 32 | u64::from(other)
}

impl Edge {
    /// The symbol that the list is ordered by first.
    #[inline]
    pub fn first(&self) -> Symbol {
        Symbol((self.key >> 48) as u16)
    }

    /// The symbol that the list is ordered by second.
    #[inline]
    pub fn second(&self) -> Symbol {
        Symbol((self.key >> 32) as u16)
    }

    /// The resource at the other end.
    #[inline]
    pub fn other(&self) -> ObjectId {
        ObjectId(self.key as u32)
    }

    /// The warrant's policy.
    #[inline]
    pub fn policy(&self) -> PolicyId {
        self.policy
    }

    /// The warrant.
    #[inline]
    pub fn warrant(&self) -> WarrantId {
        self.warrant
    }

    /// What makes two edges of one list the same warrant.
    fn identity(&self) -> (u64, PolicyId) {
        (self.key, self.policy)
    }
}

/// Where `edge` is, or where it would go, in a sorted list.
pub(crate) fn position(list: &[Edge], edge: &Edge) -> Result<usize, usize> {
    list.binary_search_by_key(&edge.identity(), Edge::identity)
}

/// The part of a sorted list with exactly this key: one edge for each policy.
#[inline]
pub(crate) fn exactly(list: &[Edge], key: u64) -> &[Edge] {
    let start = if list.len() <= 16 {
        // Without a branch on what was read: there is nothing to predict wrongly.
        list.iter().map(|edge| usize::from(edge.key < key)).sum()
    } else {
        list.partition_point(|edge| edge.key < key)
    };
    let same = list[start..].iter().take_while(|edge| edge.key == key).count();
    &list[start..start + same]
}

/// The part of a sorted list whose keys lie in `low..=high`.
#[inline]
pub(crate) fn range(list: &[Edge], low: u64, high: u64) -> &[Edge] {
    // Most lists are a handful of edges. Counting them needs no branch on what was read, so nothing is predicted wrongly.
    let (start, end) = if list.len() <= 16 {
        let count = |(below, within), edge: &Edge| {
            (
                below + usize::from(edge.key < low),
                within + usize::from(edge.key <= high),
            )
        };
        let (below, within) = list.iter().fold((0, 0), count);
        (below, within.max(below))
    } else {
        let (from, to) = near_an_end(list, low, high);
        let within = &list[from..to];
        let start = within.partition_point(|edge| edge.key < low);
        (
            from + start,
            from + start + within[start..].partition_point(|edge| edge.key <= high),
        )
    };
    &list[start..end]
}

/// The part of a long sorted list that a range can be in. One that is at an end, as the few edges of another relation beside very many of
/// one, is told by what the search has to fetch anyway; half a dozen places in the middle would have to be fetched one after the other.
#[inline]
fn near_an_end(list: &[Edge], low: u64, high: u64) -> (usize, usize) {
    const NEAR: usize = 4;
    let (near, far) = (NEAR, list.len() - NEAR);
    let (first, last) = (list[near].key, list[far].key);
    if last < low {
        (far, list.len())
    } else if first > high {
        (0, near)
    } else {
        (0, list.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranges of few edges and many, at both ends of short lists and long ones, and in between.
    #[test]
    fn a_range_has_what_lies_in_it() {
        for len in [0, 1, 4, 16, 17, 18, 40, 100] {
            let list: Vec<Edge> = (0..len)
                .map(|at| Edge {
                    key: at / 2 * 10,
                    ..Edge::NONE
                })
                .collect();
            let bounds = (0..=len * 5 + 10).step_by(5);
            for (low, high) in bounds
                .clone()
                .flat_map(|low| bounds.clone().map(move |high| (low, high)))
            {
                let within = |edge: &&Edge| (low..=high).contains(&edge.key);
                assert!(
                    range(&list, low, high).iter().eq(list.iter().filter(within)),
                    "{len} {low} {high}"
                );
            }
        }
    }
}
