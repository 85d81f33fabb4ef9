//! The edges at one resource, to be read: all of them, or those of a relation, or those to one other end.

use std::hint::black_box;

use crate::adjacency::ROOM;
use crate::edge::{self, Edge};
use crate::hub::{Block, Hub};
use crate::{ObjectId, Symbol};

/// The edges at one resource, as seen from it.
#[derive(Debug, Clone, Copy)]
pub struct Edges<'a> {
    pub(crate) inline: &'a [Edge],
    /// A very long list, which has nothing inline.
    pub(crate) hub: Option<&'a Hub>,
}

impl<'a> Edges<'a> {
    pub(crate) const NONE: Self = Self {
        inline: &[],
        hub: None,
    };

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hub.map_or(self.inline.len(), Hub::len)
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.inline.is_empty() && self.hub.is_none_or(|hub| hub.len() == 0)
    }

    /// All of them, unless there are so many that each would be too much.
    pub(crate) fn few(self) -> &'a [Edge] {
        if self.inline.len() > ROOM {
            &[]
        } else {
            self.inline
        }
    }

    /// Starts to fetch both ends.
    #[inline]
    pub(crate) fn touch(self) {
        black_box((
            self.inline.first().map(|edge| edge.key),
            self.inline.last().map(|edge| edge.key),
        ));
    }

    #[inline]
    fn between(self, low: u64, high: u64) -> EdgeRange<'a> {
        let here = if self.inline.is_empty() {
            &[]
        } else {
            edge::range(self.inline, low, high)
        };
        EdgeRange::new(here, self.hub, low, high)
    }

    /// The same edges, or at least those whose first symbol is `first`: for asking several things about one relation.
    #[inline]
    pub fn about(self, first: Symbol) -> Self {
        let (low, high) = (
            edge::key(first, Symbol::NONE, 0),
            edge::key(first, Symbol(u16::MAX), u32::MAX),
        );
        Self {
            inline: edge::range(self.inline, low, high),
            hub: self.hub,
        }
    }

    /// All edges, in order.
    pub fn all(self) -> EdgeRange<'a> {
        self.between(0, u64::MAX)
    }

    /// The edges whose first symbol is `first`.
    #[inline]
    pub fn of(self, first: Symbol) -> EdgeRange<'a> {
        self.between(
            edge::key(first, Symbol::NONE, 0),
            edge::key(first, Symbol(u16::MAX), u32::MAX),
        )
    }

    /// The edges whose first symbol is `first` and whose second is not [`Symbol::NONE`].
    #[inline]
    pub fn of_with_second(self, first: Symbol) -> EdgeRange<'a> {
        self.between(
            edge::key(first, Symbol(1), 0),
            edge::key(first, Symbol(u16::MAX), u32::MAX),
        )
    }

    /// The edges with these two symbols.
    #[inline]
    pub fn with(self, first: Symbol, second: Symbol) -> EdgeRange<'a> {
        self.between(edge::key(first, second, 0), edge::key(first, second, u32::MAX))
    }

    /// What its edges alone say of `first` with this second symbol to one resource: `Some(true)` with an unconditional edge to it,
    /// `Some(false)` with no edge to it and none that leads on to a group, `None` when it takes a closer look.
    #[inline]
    pub fn at_once(self, first: Symbol, second: Symbol, other: ObjectId) -> Option<bool> {
        if self.hub.is_some() {
            return None;
        }
        let key = edge::key(first, second, other.0);
        if self.inline.len() > ROOM {
            let about = self.about(first).inline;
            return said(edge::exactly(about, key), about);
        }
        // All of them in the place of a search: there are few, and nothing to predict wrongly.
        let (mut to, mut plainly, mut onward) = (false, false, false);
        for edge in self.inline {
            to |= edge.key == key;
            plainly |= edge.key == key && edge.policy.is_none();
            onward |= edge.first() == first && !edge.second().is_none();
        }
        match (plainly, to || onward) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        }
    }

    /// The edges with these two symbols to one resource: one for each policy.
    #[inline]
    pub fn to(self, first: Symbol, second: Symbol, other: ObjectId) -> EdgeRange<'a> {
        let key = edge::key(first, second, other.0);
        EdgeRange::new(edge::exactly(self.inline, key), self.hub, key, key)
    }
}

/// [`Edges::at_once`] of the edges to one resource, among all that have the same first symbol.
fn said(to: &[Edge], about: &[Edge]) -> Option<bool> {
    // An unconditional edge comes before those with policies, and edges to groups come last.
    match (to.first(), about.last()) {
        (Some(edge), _) => edge.policy.is_none().then_some(true),
        (None, Some(last)) if !last.second().is_none() => None,
        (None, _) => Some(false),
    }
}

/// Edges of one list whose keys lie in a range, in order.
#[derive(Debug, Clone)]
pub struct EdgeRange<'a> {
    here: std::slice::Iter<'a, Edge>,
    /// Blocks of a hub that were not looked at yet. Nearly every list has none, and then an edge costs what one of a slice costs.
    blocks: std::slice::Iter<'a, Block>,
    low: u64,
    high: u64,
}

impl<'a> EdgeRange<'a> {
    /// Whether there are certainly none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.here.len() == 0 && self.blocks.len() == 0
    }

    #[inline]
    fn new(inline: &'a [Edge], hub: Option<&'a Hub>, low: u64, high: u64) -> Self {
        Self {
            here: inline.iter(),
            blocks: hub.map_or(&[][..], |hub| hub.blocks_from(low)).iter(),
            low,
            high,
        }
    }

    #[cold]
    fn next_of_hub(&mut self) -> Option<&'a Edge> {
        loop {
            let block = self.blocks.next()?;
            self.here = edge::range(block, self.low, self.high).iter();
            if block.last().is_some_and(|last| last.key > self.high) {
                self.blocks = [].iter();
            }
            if let Some(edge) = self.here.next() {
                return Some(edge);
            }
        }
    }
}

impl<'a> Iterator for EdgeRange<'a> {
    type Item = &'a Edge;

    #[inline]
    fn next(&mut self) -> Option<&'a Edge> {
        match self.here.next() {
            None if self.blocks.len() > 0 => self.next_of_hub(),
            found => found,
        }
    }
}
