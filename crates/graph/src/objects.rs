//! Resources by number: type, id, creation time, metadata. Sixty-four to a leaf.

use std::hint::black_box;
use std::sync::Arc;

use serde_json::Value;

use crate::by_type::ByType;
use crate::cow::CowVec;
use crate::{ObjectId, Symbol};

const LEAF: usize = 64;

/// Longest id, in bytes: the long ids of a leaf end within what a `u16` can count.
const MAX_ID: usize = u16::MAX as usize / LEAF;

/// Longest id that a name holds: a UUID has 36 characters.
const SHORT: usize = 37;

/// The length of an id that is longer.
const LONG: u8 = u8::MAX;

/// Type and id of a resource, side by side: a lookup ends with one wait for memory.
#[derive(Debug, Clone, Copy)]
struct Name {
    resource_type: Symbol,
    /// [`LONG`]: `text` has the places in the leaf's text where the id begins and ends.
    len: u8,
    text: [u8; SHORT],
}

impl Name {
    const NONE: Name = Name {
        resource_type: Symbol::NONE,
        len: 0,
        text: [0; SHORT],
    };

    /// `None` for an id that is too long.
    fn short(resource_type: Symbol, id: &str) -> Option<Self> {
        let mut text = [0; SHORT];
        text.get_mut(..id.len())?.copy_from_slice(id.as_bytes());
        Some(Self {
            resource_type,
            len: id.len() as u8,
            text,
        })
    }

    fn long(resource_type: Symbol, start: u16, end: u16) -> Self {
        let mut text = [0; SHORT];
        text[..2].copy_from_slice(&start.to_le_bytes());
        text[2..4].copy_from_slice(&end.to_le_bytes());
        Self {
            resource_type,
            len: LONG,
            text,
        }
    }

    fn span(&self) -> std::ops::Range<usize> {
        let at = |at: usize| usize::from(u16::from_le_bytes([self.text[at], self.text[at + 1]]));
        at(0)..at(2)
    }

    /// As the leaf's bit says, which lies elsewhere: whoever asks has read the type just now.
    #[inline]
    fn is_wildcard(&self) -> bool {
        self.has_short(b"*")
    }

    /// Whether it has this short id. A few numbers are compared where a text would take a loop.
    #[inline]
    fn has_short(&self, id: &[u8]) -> bool {
        let Some(text) = self.text.get(..id.len()) else {
            return false;
        };
        usize::from(self.len) == id.len() && same(text, id)
    }
}

/// Whether two texts of the same length, of at most [`SHORT`] bytes, are the same.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    fn ends<const N: usize>(text: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        text.first_chunk().zip(text.last_chunk())
    }
    if a.len() > 32 {
        a == b
    } else if let (Some(a), Some(b)) = (ends::<16>(a), ends::<16>(b)) {
        (u128::from_ne_bytes(*a.0) ^ u128::from_ne_bytes(*b.0))
            | (u128::from_ne_bytes(*a.1) ^ u128::from_ne_bytes(*b.1))
            == 0
    } else if let (Some(a), Some(b)) = (ends::<8>(a), ends::<8>(b)) {
        (u64::from_ne_bytes(*a.0) ^ u64::from_ne_bytes(*b.0))
            | (u64::from_ne_bytes(*a.1) ^ u64::from_ne_bytes(*b.1))
            == 0
    } else {
        a == b
    }
}

#[derive(Debug, Clone)]
struct Leaf {
    names: [Name; LEAF],
    /// Bit `i`: slot `i` exists. A deleted resource leaves its bit clear for good.
    alive: u64,
    /// Bit `i`: slot `i` is the wildcard of its type, which is not a resource.
    wildcard: u64,
    /// Microseconds since the Unix epoch.
    created: [i64; LEAF],
    /// Bit `i`: slot `i` has metadata, of which there are as many before it as bits below it.
    described: u64,
    meta: Vec<Arc<Value>>,
    /// Ids that are too long for names, end to end.
    text: String,
}

impl Leaf {
    const EMPTY: Leaf = Leaf {
        names: [Name::NONE; LEAF],
        alive: 0,
        wildcard: 0,
        created: [0; LEAF],
        described: 0,
        meta: Vec::new(),
        text: String::new(),
    };

    #[inline]
    fn id(&self, slot: usize) -> &str {
        let name = &self.names[slot];
        match name.text.get(..usize::from(name.len)) {
            // It was a text when it was written.
            Some(short) => std::str::from_utf8(short).unwrap_or(""),
            None => self.text.get(name.span()).unwrap_or(""),
        }
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
    /// In an overlay: the leaves of what it has added. They follow the others, of which the last one may not be full.
    added: Option<Arc<Vec<Leaf>>>,
}

fn split(object: ObjectId) -> (usize, usize) {
    (object.0 as usize / LEAF, object.0 as usize % LEAF)
}

impl Objects {
    /// From now on what is added has leaves of its own.
    pub(crate) fn lay_over(&mut self) {
        if self.added.is_none() {
            self.added = Some(Arc::default());
            self.len = self.leaves.len() * LEAF;
            self.by_type.lay_over();
        }
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
            .then(|| self.leaves.get(leaf).or_else(|| self.leaf_above(leaf)))?
            .map(|leaf| (leaf, slot))
    }

    fn leaf_above(&self, index: usize) -> Option<&Leaf> {
        self.added.as_ref()?.get(index - self.leaves.len())
    }

    fn leaf_mut(&mut self, index: usize) -> Option<&mut Leaf> {
        match (&mut self.added, index.checked_sub(self.leaves.len())) {
            (Some(added), Some(above)) => Arc::make_mut(added).get_mut(above),
            _ => self.leaves.get_mut(index),
        }
    }

    #[inline]
    pub(crate) fn type_of(&self, object: ObjectId) -> Symbol {
        self.at(object)
            .map_or(Symbol::NONE, |(leaf, slot)| leaf.names[slot].resource_type)
    }

    /// Starts to fetch type and id, and where the text of a long id lies.
    #[inline]
    pub(crate) fn touch(&self, object: ObjectId) {
        if let Some((leaf, slot)) = self.at(object) {
            black_box((leaf.names[slot].resource_type, leaf.text.as_ptr()));
        }
    }

    /// Starts to fetch the text of a long id, which lies apart. Its type and id should have been touched a while ago: they are waited for.
    #[inline]
    pub(crate) fn touch_text(&self, object: ObjectId) {
        if let Some((leaf, slot)) = self.at(object)
            && leaf.names[slot].len == LONG
        {
            black_box(leaf.text.as_bytes().get(leaf.names[slot].span().start).copied());
        }
    }

    #[inline]
    pub(crate) fn id(&self, object: ObjectId) -> &str {
        self.at(object).map_or("", |(leaf, slot)| leaf.id(slot))
    }

    #[inline]
    pub(crate) fn is(&self, object: ObjectId, resource_type: Symbol, id: &str) -> bool {
        self.at(object).is_some_and(|(leaf, slot)| {
            let name = &leaf.names[slot];
            let has_id = name.has_short(id.as_bytes()) || name.len == LONG && leaf.id(slot) == id;
            name.resource_type == resource_type && has_id
        })
    }

    pub(crate) fn is_wildcard(&self, object: ObjectId) -> bool {
        self.at(object)
            .is_some_and(|(leaf, slot)| leaf.names[slot].is_wildcard())
    }

    /// Whether it is of a type and not the wildcard of it.
    #[inline]
    pub(crate) fn is_of(&self, object: ObjectId, resource_type: Symbol) -> bool {
        self.at(object).is_some_and(|(leaf, slot)| {
            let name = &leaf.names[slot];
            name.resource_type == resource_type && !name.is_wildcard()
        })
    }

    /// The resource, unless it was deleted or is a wildcard.
    pub(crate) fn resource(&self, object: ObjectId) -> Option<Resource<'_>> {
        let (leaf, slot) = self.at(object)?;
        (leaf.alive >> slot & 1 == 1 && leaf.wildcard >> slot & 1 == 0).then(|| Resource {
            object,
            resource_type: leaf.names[slot].resource_type,
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
            match &mut self.added {
                Some(added) => Arc::make_mut(added).push(Leaf::EMPTY),
                None => self.leaves.push(Leaf::EMPTY),
            }
        }
        let leaf = self.leaf_mut(index)?;
        leaf.names[slot] = Name::short(resource_type, id).unwrap_or_else(|| {
            let start = leaf.text.len() as u16;
            leaf.text.push_str(id);
            Name::long(resource_type, start, leaf.text.len() as u16)
        });
        leaf.created[slot] = created_at;
        leaf.alive |= 1 << slot;
        if id == "*" {
            leaf.wildcard |= 1 << slot;
        }
        if slot == LEAF - 1 {
            leaf.text.shrink_to_fit();
        }
        if id != "*" {
            self.alive += 1;
            self.by_type.push(resource_type, ObjectId(number));
        }
        self.len += 1;
        Some(ObjectId(number))
    }

    pub(crate) fn set_meta(&mut self, object: ObjectId, meta: Option<Arc<Value>>) {
        let (index, slot) = split(object);
        if let Some(leaf) = self.leaf_mut(index) {
            leaf.set_meta(slot, meta);
        }
    }

    pub(crate) fn kill(&mut self, object: ObjectId) {
        let (index, slot) = split(object);
        if let Some(known) = self.resource(object).map(|known| known.resource_type) {
            self.alive -= 1;
            self.by_type.remove(known, object);
        }
        if let Some(leaf) = self.leaf_mut(index) {
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
