//! Resources by number: type, id, creation time, metadata. Sixty-four to a leaf, ids packed end to end.

use std::sync::Arc;

use serde_json::Value;

use crate::by_type::ByType;
use crate::cow::CowVec;
use crate::{ObjectId, Symbol};

const LEAF: usize = 64;

/// Longest id, in bytes: the ids of a leaf end within what a `u16` can count.
const MAX_ID: usize = u16::MAX as usize / LEAF;

/// What deciding needs to know of a resource, next to its neighbours'.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    resource_type: Symbol,
    /// Where the id ends in the leaf's text; it starts where the one before ends.
    end: u16,
}

#[derive(Debug, Clone)]
struct Leaf {
    text: String,
    heads: [Head; LEAF],
    /// Bit `i`: slot `i` exists. A deleted resource leaves its bit clear for good.
    alive: u64,
    /// Bit `i`: slot `i` is the wildcard of its type, which is not a resource.
    wildcard: u64,
    /// Microseconds since the Unix epoch.
    created: [i64; LEAF],
    /// Bit `i`: slot `i` has metadata, of which there are as many before it as bits below it.
    described: u64,
    meta: Vec<Arc<Value>>,
}

impl Leaf {
    #[inline]
    fn span(&self, slot: usize) -> std::ops::Range<usize> {
        let start = if slot == 0 { 0 } else { self.heads[slot - 1].end };
        usize::from(start)..usize::from(self.heads[slot].end)
    }

    #[inline]
    fn id(&self, slot: usize) -> &str {
        self.text.get(self.span(slot)).unwrap_or("")
    }

    /// Where the metadata of a slot is, or would go.
    #[inline]
    fn meta_place(&self, slot: usize) -> Result<usize, usize> {
        let before = (self.described & ((1 << slot) - 1)).count_ones() as usize;
        if self.described >> slot & 1 == 1 {
            Ok(before)
        } else {
            Err(before)
        }
    }

    fn set_meta(&mut self, slot: usize, meta: Option<Arc<Value>>) {
        match (self.meta_place(slot), meta) {
            (Ok(at), Some(meta)) => self.meta[at] = meta,
            (Ok(at), None) => {
                self.meta.remove(at);
                self.described &= !(1 << slot);
            }
            (Err(at), Some(meta)) => {
                self.meta.insert(at, meta);
                self.described |= 1 << slot;
            }
            (Err(_), None) => {}
        }
    }

    /// Compares bytes: where ids begin and end need not be looked at.
    #[inline]
    fn has_id(&self, slot: usize, id: &str) -> bool {
        self.text.as_bytes().get(self.span(slot)) == Some(id.as_bytes())
    }
}

/// What is known of one resource.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Its number.
    pub object: ObjectId,
    /// Its type's symbol.
    pub resource_type: Symbol,
    /// Its id.
    pub id: &'a str,
    /// When it was created, microseconds since the Unix epoch.
    pub created_at: i64,
    /// Its metadata, a JSON object.
    pub meta: Option<&'a Value>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Objects {
    leaves: CowVec<Leaf>,
    by_type: ByType,
    len: usize,
    alive: usize,
}

fn split(object: ObjectId) -> (usize, usize) {
    (object.0 as usize / LEAF, object.0 as usize % LEAF)
}

impl Objects {
    /// From now on changes copy only what they are about.
    pub(crate) fn lay_over(&mut self) {
        self.leaves.lay_over();
        self.by_type.lay_over();
    }

    /// How many numbers were given out.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many resources exist.
    pub(crate) fn alive(&self) -> usize {
        self.alive
    }

    #[inline]
    fn at(&self, object: ObjectId) -> Option<(&Leaf, usize)> {
        let (leaf, slot) = split(object);
        (object.0 < self.len as u32)
            .then(|| self.leaves.get(leaf))?
            .map(|leaf| (leaf, slot))
    }

    #[inline]
    pub(crate) fn type_of(&self, object: ObjectId) -> Symbol {
        self.at(object)
            .map_or(Symbol::NONE, |(leaf, slot)| leaf.heads[slot].resource_type)
    }

    #[inline]
    pub(crate) fn id(&self, object: ObjectId) -> &str {
        self.at(object).map_or("", |(leaf, slot)| leaf.id(slot))
    }

    #[inline]
    pub(crate) fn is(&self, object: ObjectId, resource_type: Symbol, id: &str) -> bool {
        self.at(object).is_some_and(|(leaf, slot)| {
            leaf.heads[slot].resource_type == resource_type && leaf.has_id(slot, id)
        })
    }

    pub(crate) fn is_wildcard(&self, object: ObjectId) -> bool {
        self.at(object)
            .is_some_and(|(leaf, slot)| leaf.wildcard >> slot & 1 == 1)
    }

    /// The resource, unless it was deleted or is a wildcard.
    pub(crate) fn resource(&self, object: ObjectId) -> Option<Resource<'_>> {
        let (leaf, slot) = self.at(object)?;
        (leaf.alive >> slot & 1 == 1 && leaf.wildcard >> slot & 1 == 0).then(|| Resource {
            object,
            resource_type: leaf.heads[slot].resource_type,
            id: leaf.id(slot),
            created_at: leaf.created[slot],
            meta: leaf.meta_place(slot).ok().map(|at| &*leaf.meta[at]),
        })
    }

    pub(crate) fn push(&mut self, resource_type: Symbol, id: &str, created_at: i64) -> Option<ObjectId> {
        if id.len() > MAX_ID {
            return None;
        }
        let number = u32::try_from(self.len).ok().filter(|number| *number < u32::MAX)?;
        let (index, slot) = split(ObjectId(number));
        if slot == 0 {
            self.leaves.push(Leaf {
                text: String::new(),
                heads: [Head::default(); LEAF],
                alive: 0,
                wildcard: 0,
                created: [0; LEAF],
                described: 0,
                meta: Vec::new(),
            });
        }
        let leaf = self.leaves.get_mut(index)?;
        leaf.text.push_str(id);
        leaf.heads[slot] = Head {
            resource_type,
            end: leaf.text.len() as u16,
        };
        leaf.created[slot] = created_at;
        leaf.alive |= 1 << slot;
        if id == "*" {
            leaf.wildcard |= 1 << slot;
        } else {
            self.alive += 1;
            self.by_type.push(resource_type, ObjectId(number));
        }
        if slot == LEAF - 1 {
            leaf.text.shrink_to_fit();
        }
        self.len += 1;
        Some(ObjectId(number))
    }

    pub(crate) fn set_meta(&mut self, object: ObjectId, meta: Option<Arc<Value>>) {
        let (index, slot) = split(object);
        if let Some(leaf) = self.leaves.get_mut(index) {
            leaf.set_meta(slot, meta);
        }
    }

    pub(crate) fn kill(&mut self, object: ObjectId) {
        let (index, slot) = split(object);
        if let Some(leaf) = self.leaves.get_mut(index) {
            if leaf.alive >> slot & 1 == 1 && leaf.wildcard >> slot & 1 == 0 {
                self.alive -= 1;
                self.by_type.remove(leaf.heads[slot].resource_type, object);
            }
            leaf.alive &= !(1 << slot);
            leaf.set_meta(slot, None);
            if leaf.alive == 0 && slot == LEAF - 1 {
                leaf.text = String::new();
            }
        }
    }

    /// Everything that exists, oldest first (or, from the back, newest first).
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = Resource<'_>> {
        self.range(0, u32::MAX)
    }

    /// What exists among the numbers `start..end`, oldest first.
    pub(crate) fn range(&self, start: u32, end: u32) -> impl DoubleEndedIterator<Item = Resource<'_>> {
        (start..end.min(self.len as u32)).filter_map(|number| self.resource(ObjectId(number)))
    }
    /// How many resources of a type exist.
    pub(crate) fn count_of(&self, resource_type: Symbol) -> usize {
        self.by_type.len(resource_type)
    }

    /// What exists of a type among the numbers `start..end`, oldest first.
    pub(crate) fn range_of(
        &self,
        resource_type: Symbol,
        start: u32,
        end: u32,
    ) -> impl DoubleEndedIterator<Item = Resource<'_>> {
        let numbers = self.by_type.range(resource_type, start, end);
        numbers.filter_map(|object| self.resource(object))
    }
}
