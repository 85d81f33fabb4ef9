//! From (type, id) to the resource's number: a persistent hash table of small buckets.
//!
//! A bucket lies in one piece of memory and all its tags are compared at once, without a branch that could be predicted
//! wrongly: a lookup costs one wait for memory, and two lookups can wait at the same time. The table doubles when buckets
//! average more than [`FULL`] entries. A write copies one bucket and its path, so readers of a published snapshot are
//! never disturbed.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;

use crate::cow::CowVec;
use crate::objects::Objects;
use crate::{ObjectId, Symbol};

/// Entries for which a bucket has room; few have more.
const ROOM: usize = 32;

/// Average entries of a bucket before the table doubles.
const FULL: usize = 20;

#[derive(Debug, Clone)]
struct Bucket {
    tags: [u16; ROOM],
    objects: [u32; ROOM],
    len: u32,
    /// What has no room in the bucket itself.
    more: Vec<(u16, u32)>,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            tags: [0; ROOM],
            objects: [0; ROOM],
            len: 0,
            more: Vec::new(),
        }
    }
}

impl Bucket {
    /// Bit `i`: entry `i` has this tag.
    #[inline]
    fn matches(&self, tag: u16) -> u32 {
        let mut mask = 0u32;
        for (at, known) in self.tags.iter().enumerate() {
            mask |= u32::from(*known == tag) << at;
        }
        mask & (((1u64 << self.len) - 1) as u32)
    }

    fn push(&mut self, tag: u16, object: u32) {
        let at = self.len as usize;
        if at < ROOM {
            self.tags[at] = tag;
            self.objects[at] = object;
            self.len += 1;
        } else {
            self.more.push((tag, object));
        }
    }

    fn entries(&self) -> impl Iterator<Item = u32> {
        let inside = self.objects.iter().take(self.len as usize).copied();
        inside.chain(self.more.iter().map(|(_, object)| *object))
    }

    /// Removes an entry; `false` when it is not here.
    fn remove(&mut self, object: u32) -> bool {
        let len = self.len as usize;
        if let Some(at) = self.objects[..len].iter().position(|known| *known == object) {
            if let Some((tag, last)) = self.more.pop() {
                (self.tags[at], self.objects[at]) = (tag, last);
            } else {
                self.tags[at] = self.tags[len - 1];
                self.objects[at] = self.objects[len - 1];
                self.len -= 1;
            }
            return true;
        }
        let before = self.more.len();
        self.more.retain(|(_, known)| *known != object);
        before != self.more.len()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    seed: RandomState,
    buckets: CowVec<Bucket>,
    bits: u32,
    len: usize,
}

impl Default for Lookup {
    fn default() -> Self {
        Self {
            seed: RandomState::default(),
            buckets: [Bucket::default()].into_iter().collect(),
            bits: 0,
            len: 0,
        }
    }
}

/// A bucket and the entries of it that may be the one.
struct Probe<'a> {
    bucket: &'a Bucket,
    mask: u32,
    tag: u16,
}

impl Lookup {
    fn hash(&self, resource_type: Symbol, id: &str) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u16(resource_type.0);
        id.hash(&mut hasher);
        hasher.finish()
    }

    fn bucket_of(&self, hash: u64) -> usize {
        if self.bits == 0 {
            0
        } else {
            (hash >> (64 - self.bits)) as usize
        }
    }

    #[inline]
    fn probe(&self, resource_type: Symbol, id: &str) -> Option<Probe<'_>> {
        let hash = self.hash(resource_type, id);
        let bucket = self.buckets.get(self.bucket_of(hash))?;
        let tag = hash as u16;
        Some(Probe {
            bucket,
            mask: bucket.matches(tag),
            tag,
        })
    }

    #[inline]
    pub(crate) fn find(&self, objects: &Objects, resource_type: Symbol, id: &str) -> Option<ObjectId> {
        self.probe(resource_type, id)?.find(objects, resource_type, id)
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
        [
            a.and_then(|probe| probe.find(objects, first.0, first.1)),
            b.and_then(|probe| probe.find(objects, second.0, second.1)),
        ]
    }

    /// Adds a resource that is not in the table yet.
    pub(crate) fn insert(&mut self, objects: &Objects, object: ObjectId, resource_type: Symbol, id: &str) {
        if self.len >= FULL * self.buckets.len() {
            self.resize(self.bits + 1, objects);
        }
        let hash = self.hash(resource_type, id);
        let bucket = self.bucket_of(hash);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.push(hash as u16, object.0);
        }
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, object: ObjectId, resource_type: Symbol, id: &str) {
        let bucket = self.bucket_of(self.hash(resource_type, id));
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            self.len -= usize::from(bucket.remove(object.0));
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

    fn resize(&mut self, bits: u32, objects: &Objects) {
        let old = std::mem::take(&mut self.buckets);
        let mut fresh: Vec<Bucket> = vec![Bucket::default(); 1 << bits];
        self.bits = bits;
        for object in old.iter().flat_map(Bucket::entries) {
            let object = ObjectId(object);
            let hash = self.hash(objects.type_of(object), objects.id(object));
            fresh[self.bucket_of(hash)].push(hash as u16, object.0);
        }
        self.buckets = fresh.into_iter().collect();
    }
}

impl Probe<'_> {
    #[inline]
    fn find(&self, objects: &Objects, resource_type: Symbol, id: &str) -> Option<ObjectId> {
        let mut mask = self.mask;
        while mask != 0 {
            let object = ObjectId(self.bucket.objects[mask.trailing_zeros() as usize]);
            if objects.is(object, resource_type, id) {
                return Some(object);
            }
            mask &= mask - 1;
        }
        let more = self.bucket.more.iter().filter(|(tag, _)| *tag == self.tag);
        more.map(|(_, object)| ObjectId(*object))
            .find(|object| objects.is(*object, resource_type, id))
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
        for i in 0..5000 {
            let (kind, id) = (types[i % 2], format!("r{}", i / 2));
            let object = objects.push(kind, &id, 0).unwrap();
            lookup.insert(&objects, object, kind, &id);
        }
        let old = lookup.clone();
        for i in (0..2500).step_by(3) {
            let object = lookup.find(&objects, types[0], &format!("r{i}")).unwrap();
            lookup.remove(object, types[0], &format!("r{i}"));
        }
        for i in 0..2500 {
            let id = format!("r{i}");
            let [first, second] = lookup.find_both(&objects, (types[0], &id), (types[1], &id));
            assert_eq!(first.is_some(), i % 3 != 0);
            assert_eq!(first, lookup.find(&objects, types[0], &id));
            assert!(second.is_some());
            assert!(old.find(&objects, types[0], &id).is_some());
        }
        assert_eq!(lookup.find(&objects, Symbol(3), "r1"), None);
    }

    /// Before the table has doubled, one bucket has more entries than it has room.
    #[test]
    fn a_bucket_with_more_than_it_has_room_for_still_finds_everything() {
        let mut bucket = Bucket::default();
        (0..50).for_each(|object| bucket.push(object as u16 % 7, object));
        for object in [3, 40, 49, 0, 33] {
            assert!(bucket.remove(object));
            assert!(!bucket.remove(object));
        }
        let mut left: Vec<u32> = bucket.entries().collect();
        left.sort_unstable();
        assert!(
            left.into_iter()
                .eq((0..50).filter(|object| ![3, 40, 49, 0, 33].contains(object)))
        );
    }
}
