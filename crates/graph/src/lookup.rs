//! From (type, id) to the resource's number: a persistent hash table of small buckets.
//!
//! A bucket is one line of the processor's cache, and all its tags are compared at once, without a branch that could be
//! predicted wrongly: a lookup costs one wait for memory, and two lookups can wait at the same time. What has no room in its
//! bucket is in another one of the same page. The table doubles when buckets average more than [`FULL`] entries, or a page has
//! no room. A write copies one page and its path, so readers of a published snapshot are never disturbed.

use std::hash::{BuildHasher, Hash, Hasher};
use std::hint::black_box;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rustc_hash::FxHashMap;

use crate::cow::CowVec;
use crate::objects::Objects;
use crate::{ObjectId, Symbol};

/// Entries for which a bucket has room: with its length they fill 64 bytes.
const ROOM: usize = 10;

/// Average entries of a bucket before the table doubles.
const FULL: usize = 6;

/// Buckets of a page, as a power of two.
const PAGE_BITS: u32 = 3;
const PAGE: usize = 1 << PAGE_BITS;

/// Where there is no entry. No resource has this number.
const NOTHING: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Bucket {
    objects: [u32; ROOM],
    /// Tags of sixteen bits, in words that are compared as a whole.
    tags: [u64; 2],
    last_tags: u32,
    len: u8,
    /// An entry that belongs here is, or was, in another bucket of the page.
    spilled: bool,
}

/// The lowest bit of each tag of a word.
const EACH: u64 = 0x0001_0001_0001_0001;

/// The highest bit of each sixteen that are zero, and perhaps of some above those.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(EACH) & !word & (EACH << 15)
}

/// Entries of a bucket: bit `16 * i + w` is the entry `i` of word `w`.
#[derive(Debug, Clone, Copy)]
struct Marks(u64);

impl Iterator for Marks {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(bit % 16 * 4 + bit / 16)
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            objects: [NOTHING; ROOM],
            tags: [0; 2],
            last_tags: 0,
            len: 0,
            spilled: false,
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Page {
    buckets: [Bucket; PAGE],
}

impl Bucket {
    /// The entries that may have this tag: all that have it, and now and then one that comes after such an entry in its word.
    #[inline]
    fn matches(&self, tag: u16) -> Marks {
        let wanted = u64::from(tag) * EACH;
        let rest = u64::from(self.last_tags ^ wanted as u32) | u64::from(u32::MAX) << 32;
        let [first, second, rest] = [self.tags[0] ^ wanted, self.tags[1] ^ wanted, rest].map(zeros);
        Marks(first >> 15 | second >> 14 | rest >> 13)
    }

    fn tag(&self, at: usize) -> u16 {
        let word = self
            .tags
            .get(at / 4)
            .copied()
            .unwrap_or(u64::from(self.last_tags));
        (word >> (at % 4 * 16)) as u16
    }

    fn set_tag(&mut self, at: usize, tag: u16) {
        let shift = at % 4 * 16;
        match self.tags.get_mut(at / 4) {
            Some(word) => *word = *word & !(0xffff << shift) | u64::from(tag) << shift,
            None => self.last_tags = self.last_tags & !(0xffff << shift) | u32::from(tag) << shift,
        }
    }

    /// The resources of some entries.
    #[inline]
    fn marked(&self, marks: Marks) -> impl Iterator<Item = ObjectId> {
        marks.map(|at| ObjectId(self.objects.get(at).copied().unwrap_or(NOTHING)))
    }

    /// Adds an entry; `false` when there is no room.
    fn push(&mut self, tag: u16, object: u32) -> bool {
        let at = usize::from(self.len);
        if at == ROOM {
            return false;
        }
        self.set_tag(at, tag);
        self.objects[at] = object;
        self.len += 1;
        true
    }

    /// Removes an entry; `false` when it is not here.
    fn remove(&mut self, object: u32) -> bool {
        let Some(at) = self.entries().position(|known| known == object) else {
            return false;
        };
        let last = usize::from(self.len) - 1;
        self.set_tag(at, self.tag(last));
        self.objects[at] = self.objects[last];
        self.objects[last] = NOTHING;
        self.len -= 1;
        true
    }

    fn entries(&self) -> impl Iterator<Item = u32> {
        self.objects.iter().take(usize::from(self.len)).copied()
    }
}

impl Page {
    /// Adds an entry to its bucket or, when that is full, to the next one that is not; `false` when there is no room.
    fn push(&mut self, slot: usize, tag: u16, object: u32) -> bool {
        if self.buckets[slot].push(tag, object) {
            return true;
        }
        self.buckets[slot].spilled = true;
        (1..PAGE).any(|step| self.buckets[(slot + step) % PAGE].push(tag, object))
    }

    fn remove(&mut self, slot: usize, object: u32) -> bool {
        (0..PAGE).any(|step| self.buckets[(slot + step) % PAGE].remove(object))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    seed: RandomState,
    pages: CowVec<Page>,
    /// There are two to this power of buckets.
    bits: u32,
    len: usize,
    /// In an overlay: what it has added, by hash and by how many came before with the same one.
    added: Option<Arc<FxHashMap<(u64, u32), ObjectId>>>,
}

impl Default for Lookup {
    fn default() -> Self {
        Self {
            seed: RandomState::default(),
            pages: [Page::default()].into_iter().collect(),
            bits: PAGE_BITS,
            len: 0,
            added: None,
        }
    }
}

/// A bucket and the entries of it that may be the one.
pub(crate) struct Probe<'a> {
    page: &'a Page,
    slot: usize,
    marks: Marks,
    tag: u16,
}

impl Lookup {
    /// From now on what is added lies beside the pages.
    pub(crate) fn lay_over(&mut self) {
        self.added.get_or_insert_default();
    }

    /// What an overlay has added with this hash, as places and resources.
    fn added_with(&self, hash: u64) -> impl Iterator<Item = ((u64, u32), ObjectId)> {
        let added = self.added.iter();
        added.flat_map(move |added| {
            let places = (0..).map(move |before| (hash, before));
            places.map_while(|place| Some((place, *added.get(&place)?)))
        })
    }

    /// What only an overlay may have.
    #[inline]
    pub(crate) fn above(&self, objects: &Objects, resource_type: Symbol, id: &str) -> Option<ObjectId> {
        self.added.as_ref()?;
        self.find_added(objects, resource_type, id)
    }

    #[cold]
    fn find_added(&self, objects: &Objects, resource_type: Symbol, id: &str) -> Option<ObjectId> {
        let with_hash = self.added_with(self.hash(resource_type, id));
        with_hash
            .map(|(_, object)| object)
            .find(|object| objects.is(*object, resource_type, id))
    }

    fn hash(&self, resource_type: Symbol, id: &str) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u16(resource_type.0);
        id.hash(&mut hasher);
        hasher.finish()
    }

    /// The page and the bucket in it.
    #[inline]
    fn place(&self, hash: u64) -> (usize, usize) {
        let bucket = (hash >> (64 - self.bits)) as usize;
        (bucket / PAGE, bucket % PAGE)
    }

    #[inline]
    pub(crate) fn probe(&self, resource_type: Symbol, id: &str) -> Option<Probe<'_>> {
        self.probe_at(self.hash(resource_type, id))
    }

    #[inline]
    pub(crate) fn probe_at(&self, hash: u64) -> Option<Probe<'_>> {
        let (page, slot) = self.place(hash);
        let page = self.pages.get(page)?;
        let tag = hash as u16;
        Some(Probe {
            page,
            slot,
            marks: page.buckets[slot].matches(tag),
            tag,
        })
    }

    /// Starts to fetch the bucket of a resource; the hash finds it ([`Self::probe_at`]).
    #[inline]
    pub(crate) fn seek(&self, resource_type: Symbol, id: &str) -> u64 {
        let hash = self.hash(resource_type, id);
        let (page, slot) = self.place(hash);
        if let Some(page) = self.pages.get(page) {
            black_box(page.buckets[slot].len);
        }
        hash
    }

    #[inline]
    pub(crate) fn find(&self, objects: &Objects, resource_type: Symbol, id: &str) -> Option<ObjectId> {
        let probe = self.probe(resource_type, id);
        let found = probe.and_then(|probe| probe.find(objects, resource_type, id));
        found.or_else(|| self.above(objects, resource_type, id))
    }

    /// Two lookups whose waits for memory overlap.
    #[inline]
    pub(crate) fn find_both(
        &self,
        objects: &Objects,
        first: (Symbol, &str),
        second: (Symbol, &str),
    ) -> [Option<ObjectId>; 2] {
        let probes = [self.probe(first.0, first.1), self.probe(second.0, second.1)];
        let [a, b] = probes;
        let [a, b] = [
            a.and_then(|probe| probe.find(objects, first.0, first.1)),
            b.and_then(|probe| probe.find(objects, second.0, second.1)),
        ];
        [
            a.or_else(|| self.above(objects, first.0, first.1)),
            b.or_else(|| self.above(objects, second.0, second.1)),
        ]
    }

    /// Adds a resource that is not in the table yet.
    pub(crate) fn insert(&mut self, objects: &Objects, object: ObjectId, resource_type: Symbol, id: &str) {
        let hash = self.hash(resource_type, id);
        let before = self.added_with(hash).count() as u32;
        if let Some(added) = &mut self.added {
            Arc::make_mut(added).insert((hash, before), object);
            return;
        }
        if self.len >= FULL << self.bits {
            self.resize(self.bits + 1, objects);
        }
        while !self.put(hash, object.0) {
            self.resize(self.bits + 1, objects);
        }
        self.len += 1;
    }

    fn put(&mut self, hash: u64, object: u32) -> bool {
        let (page, slot) = self.place(hash);
        let page = self.pages.get_mut(page);
        page.is_some_and(|page| page.push(slot, hash as u16, object))
    }

    pub(crate) fn remove(&mut self, object: ObjectId, resource_type: Symbol, id: &str) {
        let hash = self.hash(resource_type, id);
        let above = self.added_with(hash).find(|(_, known)| *known == object);
        if let (Some((place, _)), Some(added)) = (above, &mut self.added) {
            // The place stays taken: others with the same hash may come after it.
            Arc::make_mut(added).insert(place, ObjectId::ABSENT);
            return;
        }
        let (page, slot) = self.place(hash);
        if let Some(page) = self.pages.get_mut(page) {
            self.len -= usize::from(page.remove(slot, object.0));
        }
    }

    /// Makes room for `total` entries at once.
    pub(crate) fn reserve(&mut self, objects: &Objects, total: usize) {
        let mut bits = self.bits;
        while total > FULL << bits {
            bits += 1;
        }
        if bits > self.bits {
            self.resize(bits, objects);
        }
    }

    /// Makes the table larger, and once more as long as a page has no room.
    fn resize(&mut self, bits: u32, objects: &Objects) {
        let old = std::mem::take(&mut self.pages);
        self.bits = bits;
        while !self.fill(&old, objects) {
            self.bits += 1;
        }
    }

    fn fill(&mut self, old: &CowVec<Page>, objects: &Objects) -> bool {
        let mut fresh = vec![Page::default(); 1 << (self.bits - PAGE_BITS)];
        for object in old
            .iter()
            .flat_map(|page| page.buckets.iter().flat_map(Bucket::entries))
        {
            let object = ObjectId(object);
            let hash = self.hash(objects.type_of(object), objects.id(object));
            let (page, slot) = self.place(hash);
            if !fresh[page].push(slot, hash as u16, object.0) {
                return false;
            }
        }
        self.pages = fresh.into_iter().collect();
        true
    }
}

impl Probe<'_> {
    /// What it nearly always is.
    #[inline]
    pub(crate) fn likely(&self) -> Option<ObjectId> {
        self.page.buckets[self.slot].marked(self.marks).next()
    }

    #[inline]
    pub(crate) fn find(&self, objects: &Objects, resource_type: Symbol, id: &str) -> Option<ObjectId> {
        let bucket = &self.page.buckets[self.slot];
        // Tags are long: the first entry that has the right one is nearly always it.
        match bucket.marked(self.marks).next() {
            Some(object) if objects.is(object, resource_type, id) => Some(object),
            None if !bucket.spilled => None,
            _ => self.find_further(objects, resource_type, id),
        }
    }

    #[cold]
    fn find_further(&self, objects: &Objects, resource_type: Symbol, id: &str) -> Option<ObjectId> {
        let is_it = |object: &ObjectId| objects.is(*object, resource_type, id);
        let bucket = &self.page.buckets[self.slot];
        let found = bucket.marked(self.marks).find(is_it);
        if found.is_some() || !bucket.spilled {
            return found;
        }
        (1..PAGE).find_map(|step| {
            let bucket = &self.page.buckets[(self.slot + step) % PAGE];
            bucket.marked(bucket.matches(self.tag)).find(is_it)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_added_through_many_doublings_and_not_what_was_removed() {
        let mut objects = Objects::default();
        let mut lookup = Lookup::default();
        let types = [Symbol(1), Symbol(2)];
        // Some are too long to lie beside their types.
        let id_of = |i: usize| {
            format!(
                "{}{i}",
                if i.is_multiple_of(5) {
                    "r".repeat(35)
                } else {
                    "r".into()
                }
            )
        };
        for i in 0..5000 {
            let (kind, id) = (types[i % 2], id_of(i / 2));
            let object = objects.push(kind, &id, 0).unwrap();
            lookup.insert(&objects, object, kind, &id);
        }
        let old = lookup.clone();
        for i in (0..2500).step_by(3) {
            let object = lookup.find(&objects, types[0], &id_of(i)).unwrap();
            lookup.remove(object, types[0], &id_of(i));
        }
        for i in 0..2500 {
            let id = id_of(i);
            let [first, second] = lookup.find_both(&objects, (types[0], &id), (types[1], &id));
            assert_eq!(first.is_some(), i % 3 != 0);
            assert_eq!(first, lookup.find(&objects, types[0], &id));
            assert!(second.is_some());
            assert!(old.find(&objects, types[0], &id).is_some());
        }
        assert_eq!(lookup.find(&objects, Symbol(3), "r1"), None);
    }

    #[test]
    fn what_has_no_room_in_its_bucket_is_in_the_page_until_that_is_full() {
        let mut page = Page::default();
        let total = (PAGE * ROOM) as u32;
        for object in 0..total {
            assert!(page.push(3, object as u16 % 7, object));
        }
        assert!(!page.push(3, 0, total));
        assert!(page.buckets[3].spilled && !page.buckets[4].spilled);
        for object in [3, 40, 49, 0, 33] {
            assert!(page.remove(3, object));
            assert!(!page.remove(3, object));
        }
        let mut left: Vec<u32> = page.buckets.iter().flat_map(Bucket::entries).collect();
        left.sort_unstable();
        assert!(
            left.into_iter()
                .eq((0..total).filter(|object| ![3, 40, 49, 0, 33].contains(object)))
        );
    }

    #[test]
    fn every_entry_with_a_tag_is_marked_and_none_before_the_first() {
        let mut bucket = Bucket::default();
        let known: Vec<u16> = (0..ROOM as u16)
            .map(|at| [0, 1, 0x8000, 0xffff][at as usize % 4] ^ (at / 4))
            .collect();
        for (at, tag) in known.iter().enumerate() {
            assert!(bucket.push(*tag, at as u32));
        }
        for wanted in [0, 1, 2, 3, 0x7fff, 0x8000, 0x8001, 0x8002, 0xfffd, 0xfffe, 0xffff] {
            let marked: Vec<usize> = bucket.matches(wanted).collect();
            let right: Vec<usize> = (0..ROOM).filter(|at| known[*at] == wanted).collect();
            assert!(
                right.iter().all(|at| marked.contains(at)),
                "{wanted:x}: {marked:?}"
            );
            assert_eq!(marked.is_empty(), right.is_empty(), "{wanted:x}: {marked:?}");
            assert!(known.iter().enumerate().all(|(at, tag)| bucket.tag(at) == *tag));
        }
    }

    #[test]
    fn a_bucket_is_one_line_of_the_cache() {
        assert_eq!((size_of::<Bucket>(), align_of::<Bucket>()), (64, 64));
    }
}
