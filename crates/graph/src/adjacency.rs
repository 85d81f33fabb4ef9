//! Edges by resource. A short list lies in a line of its own, where lines are wanted; the others of a leaf lie end to end, and a very long one
//! moves out into a [`Hub`].

use std::hint::black_box;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::ObjectId;
use crate::cow::CowVec;
use crate::edge::{self, Edge};
use crate::edges::Edges;
use crate::hub::Hub;

/// Resources of a leaf.
const LEAF: usize = 64;

/// A list longer than this becomes a hub.
const INLINE: usize = 192;

/// Edges for which a line has room.
pub(crate) const ROOM: usize = 4;

/// A list of at most [`ROOM`] edges: one line of the processor's cache, whose place follows from the resource's number. So it costs one wait
/// for memory; where a list lies among others has to be read first, and costs another.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Line([Edge; ROOM]);

impl Line {
    const EMPTY: Line = Line([Edge::NONE; ROOM]);

    /// Counted without a branch, for nobody can predict it.
    #[inline]
    fn edges(&self) -> &[Edge] {
        let len = self
            .0
            .iter()
            .map(|edge| usize::from(edge.key != Edge::NONE.key))
            .sum();
        self.0.get(..len).unwrap_or(&self.0)
    }

    fn fill(&mut self, list: &[Edge]) {
        self.0 = Self::EMPTY.0;
        self.0[..list.len()].copy_from_slice(list);
    }
}

/// `LINES`: how many slots have lines, all or none.
#[derive(Debug, Clone)]
struct Leaf<const LINES: usize> {
    /// Lists that have room here. Their place among the others is empty.
    lines: [Line; LINES],
    /// `ends[i]` is where the list of slot `i` ends in `edges`; it starts where the one before ends.
    ends: [u16; LEAF],
    edges: Vec<Edge>,
    /// Slots whose list is a hub, by slot. Their inline list is empty.
    hubs: Vec<(u8, Hub)>,
}

impl<const LINES: usize> Default for Leaf<LINES> {
    fn default() -> Self {
        Self {
            lines: [const { Line::EMPTY }; LINES],
            ends: [0; LEAF],
            edges: Vec::new(),
            hubs: Vec::new(),
        }
    }
}

impl<const LINES: usize> Leaf<LINES> {
    #[inline]
    fn line(&self, slot: usize) -> &[Edge] {
        self.lines.get(slot).map_or(&[], Line::edges)
    }

    #[inline]
    fn span(&self, slot: usize) -> std::ops::Range<usize> {
        let start = if slot == 0 { 0 } else { self.ends[slot - 1] };
        usize::from(start)..usize::from(self.ends[slot])
    }

    #[inline]
    fn at(&self, slot: usize) -> Edges<'_> {
        let line = self.line(slot);
        if !line.is_empty() {
            return Edges {
                inline: line,
                hub: None,
            };
        }
        Edges {
            inline: self.edges.get(self.span(slot)).unwrap_or(&[]),
            hub: self.hub(slot),
        }
    }

    /// The list itself where it has a line, as nearly all have; otherwise what says where it is.
    #[inline]
    fn touch(&self, slot: usize) {
        match self.lines.get(slot) {
            Some(line) => _ = black_box(line.0[0].key),
            None => _ = black_box((self.ends[slot], self.edges.as_ptr())),
        }
    }

    #[inline]
    fn hub(&self, slot: usize) -> Option<&Hub> {
        if self.hubs.is_empty() {
            return None;
        }
        self.hubs
            .iter()
            .find(|(at, _)| usize::from(*at) == slot)
            .map(|(_, hub)| hub)
    }

    fn insert(&mut self, slot: usize, edge: Edge) -> bool {
        if let Some((_, hub)) = self.hubs.iter_mut().find(|(at, _)| usize::from(*at) == slot) {
            return hub.insert(edge);
        }
        let list = self.at(slot).inline;
        let Err(at) = edge::position(list, &edge) else {
            return false;
        };
        let len = list.len();
        let mut longer = [Edge::NONE; ROOM];
        if len < ROOM && LINES > 0 {
            longer[..at].copy_from_slice(&list[..at]);
            longer[at] = edge;
            longer[at + 1..=len].copy_from_slice(&list[at..]);
            self.lines[slot].0 = longer;
            return true;
        }
        self.move_in(slot);
        let start = self.span(slot).start;
        self.edges.insert(start + at, edge);
        self.ends[slot..].iter_mut().for_each(|end| *end += 1);
        if len + 1 > INLINE {
            self.move_out(slot);
        }
        true
    }

    fn remove(&mut self, slot: usize, edge: &Edge) -> bool {
        if let Some((_, hub)) = self.hubs.iter_mut().find(|(at, _)| usize::from(*at) == slot) {
            return hub.remove(edge);
        }
        let list = self.at(slot).inline;
        let Ok(at) = edge::position(list, edge) else {
            return false;
        };
        let len = list.len();
        if len <= ROOM && LINES > 0 {
            let line = &mut self.lines[slot].0;
            line.copy_within(at + 1.., at);
            line[ROOM - 1] = Edge::NONE;
            return true;
        }
        let span = self.span(slot);
        self.edges.remove(span.start + at);
        self.ends[slot..].iter_mut().for_each(|end| *end -= 1);
        if len - 1 == ROOM && LINES > 0 {
            let list = self.take(slot);
            self.lines[slot].fill(&list);
        }
        true
    }

    /// From its line to the others.
    fn move_in(&mut self, slot: usize) {
        let Some(line) = self.lines.get_mut(slot) else {
            return;
        };
        let list = line.edges().to_vec();
        *line = Line::EMPTY;
        let start = self.span(slot).start;
        self.edges.splice(start..start, list.iter().copied());
        self.ends[slot..]
            .iter_mut()
            .for_each(|end| *end += list.len() as u16);
    }

    /// From the others to a hub.
    fn move_out(&mut self, slot: usize) {
        let list = self.take(slot);
        self.hubs.push((slot as u8, Hub::from_sorted(&list)));
    }

    /// From the others to nowhere.
    fn take(&mut self, slot: usize) -> Vec<Edge> {
        let span = self.span(slot);
        let taken = span.len() as u16;
        let list = self.edges.drain(span).collect();
        self.ends[slot..].iter_mut().for_each(|end| *end -= taken);
        list
    }

    fn fill(&mut self, pairs: &[(ObjectId, Edge)]) {
        let mut pairs = pairs.iter().peekable();
        let mut list = Vec::new();
        for slot in 0..LEAF {
            list.clear();
            while let Some((_, edge)) = pairs.next_if(|(object, _)| split(*object).1 == slot) {
                list.push(*edge);
            }
            if list.len() > INLINE {
                self.hubs.push((slot as u8, Hub::from_sorted(&list)));
            } else if list.len() <= ROOM && LINES > 0 {
                self.lines[slot].fill(&list);
            } else {
                self.edges.extend_from_slice(&list);
            }
            self.ends[slot] = self.edges.len() as u16;
        }
        self.edges.shrink_to_fit();
    }
}

/// Where nearly all lists are short: the warrants on a resource. Each costs a line, also where there is none.
pub(crate) type Lined = Adjacency<LEAF>;

/// Where many lists are empty or long: the warrants that name a subject.
pub(crate) type Packed = Adjacency<0>;

/// A list that an overlay has changed.
#[derive(Debug, Clone)]
struct Changed {
    inline: Vec<Edge>,
    hub: Option<Hub>,
}

impl Changed {
    fn of(shared: Edges<'_>) -> Self {
        Self {
            inline: shared.inline.to_vec(),
            hub: shared.hub.cloned(),
        }
    }

    fn edges(&self) -> Edges<'_> {
        Edges {
            inline: &self.inline,
            hub: self.hub.as_ref(),
        }
    }

    fn insert(&mut self, edge: Edge) -> bool {
        if let Some(hub) = &mut self.hub {
            return hub.insert(edge);
        }
        let place = edge::position(&self.inline, &edge);
        if let Err(at) = place {
            self.inline.insert(at, edge);
        }
        place.is_err()
    }

    fn remove(&mut self, edge: &Edge) -> bool {
        if let Some(hub) = &mut self.hub {
            return hub.remove(edge);
        }
        let place = edge::position(&self.inline, edge);
        if let Ok(at) = place {
            self.inline.remove(at);
        }
        place.is_ok()
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Adjacency<const LINES: usize> {
    leaves: CowVec<Leaf<LINES>>,
    /// In an overlay: the lists that it has changed, whatever the leaves say.
    changed: Option<Arc<FxHashMap<ObjectId, Changed>>>,
}

fn split(object: ObjectId) -> (usize, usize) {
    (object.0 as usize / LEAF, object.0 as usize % LEAF)
}

impl<const LINES: usize> Adjacency<LINES> {
    /// From now on a change copies the list that it is about.
    pub(crate) fn lay_over(&mut self) {
        self.changed.get_or_insert_default();
    }

    /// The list in an overlay, to be changed.
    fn above(&mut self, object: ObjectId) -> Option<&mut Changed> {
        let changed = Arc::make_mut(self.changed.as_mut()?);
        let shared = || Changed::of(shared(&self.leaves, object));
        Some(changed.entry(object).or_insert_with(shared))
    }

    #[inline]
    pub(crate) fn edges(&self, object: ObjectId) -> Edges<'_> {
        match &self.changed {
            None => shared(&self.leaves, object),
            Some(changed) => self.overlaid(changed, object),
        }
    }

    /// Apart, so that there is little to the usual way.
    #[cold]
    fn overlaid<'a>(&'a self, changed: &'a FxHashMap<ObjectId, Changed>, object: ObjectId) -> Edges<'a> {
        let changed = changed.get(&object).map(Changed::edges);
        changed.unwrap_or_else(|| shared(&self.leaves, object))
    }

    /// Starts to fetch what [`Self::edges`] reads first.
    #[inline]
    pub(crate) fn touch(&self, object: ObjectId) {
        let (index, slot) = split(object);
        if let Some(leaf) = self.leaves.get(index) {
            leaf.touch(slot);
        }
    }

    pub(crate) fn insert(&mut self, object: ObjectId, edge: Edge) -> bool {
        if let Some(list) = self.above(object) {
            return list.insert(edge);
        }
        let (index, slot) = split(object);
        while self.leaves.len() <= index {
            self.leaves.push(Leaf::default());
        }
        let leaf = self.leaves.get_mut(index);
        leaf.is_some_and(|leaf| leaf.insert(slot, edge))
    }

    pub(crate) fn remove(&mut self, object: ObjectId, edge: &Edge) -> bool {
        if let Some(list) = self.above(object) {
            return list.remove(edge);
        }
        let (index, slot) = split(object);
        let leaf = self.leaves.get_mut(index);
        leaf.is_some_and(|leaf| leaf.remove(slot, edge))
    }

    /// Builds the whole at once from `(resource, edge)` pairs sorted by both.
    pub(crate) fn from_sorted(objects: usize, edges: &[(ObjectId, Edge)]) -> Self {
        let mut rest = edges;
        let leaves = (0..objects.div_ceil(LEAF)).map(|index| {
            let mut leaf = Leaf::default();
            let mine = rest.partition_point(|(object, _)| (object.0 as usize) < (index + 1) * LEAF);
            let (here, after) = rest.split_at(mine);
            rest = after;
            leaf.fill(here);
            leaf
        });
        Self {
            leaves: leaves.collect(),
            changed: None,
        }
    }
}

/// The list of the leaves.
#[inline]
fn shared<const LINES: usize>(leaves: &CowVec<Leaf<LINES>>, object: ObjectId) -> Edges<'_> {
    let (index, slot) = split(object);
    match leaves.get(index) {
        Some(leaf) => leaf.at(slot),
        None => Edges::NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PolicyId, Symbol, WarrantId};
    use std::collections::BTreeSet;

    fn edge(first: u16, second: u16, other: u32) -> Edge {
        Edge {
            key: edge::key(Symbol(first), Symbol(second), other),
            policy: PolicyId::NONE,
            warrant: WarrantId(other),
        }
    }

    /// Lists in lines, small lists, lists that become hubs, removals and snapshots against a plain set.
    #[test]
    fn agrees_with_a_plain_set() {
        agrees::<LEAF>();
        agrees::<0>();
    }

    fn agrees<const LINES: usize>() {
        let mut adjacency: Adjacency<LINES> = Adjacency::default();
        let mut plain: BTreeSet<(u32, Edge)> = BTreeSet::new();
        let mut state = 7u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let mut published = Vec::new();
        for round in 0..20_000 {
            // One list becomes long; the others grow out of their lines and back.
            let (object, others) = if random(2) == 0 {
                (5, 2000)
            } else {
                (random(1000), 2)
            };
            let edge = edge(random(3) as u16 + 1, random(2) as u16, random(others) + 76);
            if random(3) > 0 {
                assert_eq!(
                    adjacency.insert(ObjectId(object), edge),
                    plain.insert((object, edge))
                );
            } else {
                assert_eq!(
                    adjacency.remove(ObjectId(object), &edge),
                    plain.remove(&(object, edge))
                );
            }
            if round % 5000 == 0 {
                published.push((adjacency.clone(), plain.clone()));
            }
        }
        published.push((adjacency, plain.clone()));
        let pairs: Vec<(ObjectId, Edge)> = plain
            .iter()
            .map(|(object, edge)| (ObjectId(*object), *edge))
            .collect();
        published.push((Adjacency::from_sorted(1000, &pairs), plain));
        for (adjacency, plain) in published {
            for object in 0..1000 {
                let want: Vec<&Edge> = plain
                    .iter()
                    .filter(|(at, _)| *at == object)
                    .map(|(_, edge)| edge)
                    .collect();
                let edges = adjacency.edges(ObjectId(object));
                assert!(edges.all().eq(want.iter().copied()));
                assert_eq!(edges.len(), want.len());
                let two = |edge: &&Edge| edge.first() == Symbol(2);
                assert!(edges.of(Symbol(2)).eq(want.iter().copied().filter(two)));
                let group = |edge: &&Edge| two(edge) && !edge.second().is_none();
                assert!(
                    edges
                        .of_with_second(Symbol(2))
                        .eq(want.iter().copied().filter(group))
                );
                let one = |edge: &&Edge| two(edge) && edge.second().is_none() && edge.other().0 == 77;
                assert!(
                    edges
                        .to(Symbol(2), Symbol::NONE, ObjectId(77))
                        .eq(want.iter().copied().filter(one))
                );
            }
        }
    }

    #[test]
    fn a_line_is_one_of_the_cache() {
        assert_eq!((size_of::<Line>(), align_of::<Line>()), (64, 64));
    }
}
