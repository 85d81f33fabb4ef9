//! What one request has found out so far, by (resource, relation). Keys are integers; it dies with the request.

use rowgate_graph::{ObjectId, Symbol};
use rustc_hash::FxHashMap;

use crate::Value;

/// Beyond this many entries a hash table replaces the walk through the keys.
const WALK: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// To be computed (again); the value is a lower bound.
    Fresh,
    /// Being computed, as the n-th on the current path.
    Open(u32),
    /// Computed in pass `pass`, but resting on something still open.
    Provisional { pass: u32 },
    /// Settled.
    Final,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) state: State,
    /// The outermost open entry that the value rests on.
    pub(crate) low: u32,
    /// Somebody used the value before it was final.
    pub(crate) read: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Entry {
    const FRESH: Self = Self {
        value: Value::False,
        state: State::Fresh,
        low: u32::MAX,
        read: false,
    };
}

/// The first [`WALK`] entries need no memory of their own: most questions have no more.
#[derive(Debug)]
pub(crate) struct Memo {
    len: usize,
    keys: [u64; WALK],
    entries: [Entry; WALK],
    further: Vec<Entry>,
    /// All of them, once there are more.
    index: FxHashMap<u64, u32>,
}

impl Default for Memo {
    fn default() -> Self {
        Self {
            len: 0,
            keys: [0; WALK],
            entries: [Entry::FRESH; WALK],
            further: Vec::new(),
            index: FxHashMap::default(),
        }
    }
}

pub(crate) fn key(object: ObjectId, relation: Symbol) -> u64 {
    u64::from(object.get()) << 16 | relation.index() as u64
}

impl Memo {
    /// The slot of a key; a new one is fresh and false.
    #[inline]
    pub(crate) fn slot(&mut self, object: ObjectId, relation: Symbol) -> Slot {
        let key = key(object, relation);
        if self.len > WALK {
            return self.slot_further(key);
        }
        let known = &self.keys[..self.len];
        if let Some(at) = known.iter().position(|known| *known == key) {
            return Slot(at as u32);
        }
        let at = self.len;
        if at == WALK {
            let places = (0..).zip(&self.keys);
            self.index.extend(places.map(|(at, key)| (*key, at)));
            return self.slot_further(key);
        }
        self.keys[at] = key;
        self.entries[at] = Entry::FRESH;
        self.len += 1;
        Slot(at as u32)
    }

    #[cold]
    fn slot_further(&mut self, key: u64) -> Slot {
        let next = self.len as u32;
        let slot = *self.index.entry(key).or_insert(next);
        if slot == next {
            self.further.push(Entry::FRESH);
            self.len += 1;
        }
        Slot(slot)
    }

    #[inline]
    pub(crate) fn at(&mut self, slot: Slot) -> &mut Entry {
        let at = slot.0 as usize;
        match at.checked_sub(WALK) {
            None => &mut self.entries[at],
            Some(further) => &mut self.further[further],
        }
    }

    /// Whether nothing is being computed: then a new question may use what is settled.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.further.clear();
        self.index.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_where_they_are_when_there_are_many() {
        let mut memo = Memo::default();
        for round in 0..2 {
            let keys = || (0..3 * WALK as u32).map(ObjectId::from_number);
            let slots: Vec<Slot> = keys().map(|object| memo.slot(object, Symbol::NONE)).collect();
            for (low, slot) in (0..).zip(&slots) {
                assert_eq!(memo.at(*slot).low, u32::MAX, "round {round}");
                memo.at(*slot).low = low;
            }
            for (low, object) in (0..).zip(keys()) {
                let slot = memo.slot(object, Symbol::NONE);
                assert_eq!((slot, memo.at(slot).low), (slots[low as usize], low));
            }
            memo.clear();
        }
    }
}
