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

#[derive(Debug, Default)]
pub(crate) struct Memo {
    keys: Vec<u64>,
    entries: Vec<Entry>,
    index: FxHashMap<u64, u32>,
}

pub(crate) fn key(object: ObjectId, relation: Symbol) -> u64 {
    u64::from(object.get()) << 16 | relation.index() as u64
}

impl Memo {
    /// The slot of a key; a new one is fresh and false.
    #[inline]
    pub(crate) fn slot(&mut self, object: ObjectId, relation: Symbol) -> Slot {
        let key = key(object, relation);
        let found = if self.keys.len() <= WALK {
            self.keys
                .iter()
                .position(|known| *known == key)
                .map(|at| at as u32)
        } else {
            self.index.get(&key).copied()
        };
        if let Some(slot) = found {
            return Slot(slot);
        }
        let slot = self.keys.len() as u32;
        if slot == 0 {
            self.keys.reserve(2 * WALK);
            self.entries.reserve(2 * WALK);
        }
        self.keys.push(key);
        self.entries.push(Entry {
            value: Value::False,
            state: State::Fresh,
            low: u32::MAX,
            read: false,
        });
        if self.keys.len() > WALK {
            if self.index.is_empty() {
                self.index
                    .extend(self.keys.iter().enumerate().map(|(at, key)| (*key, at as u32)));
            } else {
                self.index.insert(key, slot);
            }
        }
        Slot(slot)
    }

    #[inline]
    pub(crate) fn at(&mut self, slot: Slot) -> &mut Entry {
        &mut self.entries[slot.0 as usize]
    }

    /// Whether nothing is being computed: then a new question may use what is settled.
    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.entries.clear();
        self.index.clear();
    }
}
