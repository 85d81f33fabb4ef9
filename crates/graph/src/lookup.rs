//! From (type, id) to the resource's number: a persistent hash table of small buckets.
//!
//! A bucket is a short list of (hash, number) pairs; the table doubles when buckets average more than [`FULL`] entries. A
//! write copies one bucket and its path, so readers of a published snapshot are never disturbed.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;

use crate::cow::CowVec;
use crate::objects::Objects;
use crate::{ObjectId, Symbol};

const FULL: usize = 24;

/// High half: hash bits. Low half: the resource's number.
type Entry = u64;

#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    seed: RandomState,
    buckets: CowVec<Vec<Entry>>,
    bits: u32,
    len: usize,
}

impl Default for Lookup {
    fn default() -> Self {
        Self {
            seed: RandomState::default(),
            buckets: [Vec::new()].into_iter().collect(),
            bits: 0,
            len: 0,
        }
    }
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
    pub(crate) fn find(&self, objects: &Objects, resource_type: Symbol, id: &str) -> Option<ObjectId> {
        let hash = self.hash(resource_type, id);
        let tag = hash as u32;
        let bucket = self.buckets.get(self.bucket_of(hash))?;
        bucket
            .iter()
            .filter(|entry| (**entry >> 32) as u32 == tag)
            .map(|entry| ObjectId(*entry as u32))
            .find(|object| objects.is(*object, resource_type, id))
    }

    /// Adds a resource that is not in the table yet.
    pub(crate) fn insert(&mut self, objects: &Objects, object: ObjectId, resource_type: Symbol, id: &str) {
        if self.len >= FULL * self.buckets.len() {
            self.double(objects);
        }
        self.put(object, resource_type, id);
        self.len += 1;
    }

    fn put(&mut self, object: ObjectId, resource_type: Symbol, id: &str) {
        let hash = self.hash(resource_type, id);
        let bucket = self.bucket_of(hash);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.push(u64::from(hash as u32) << 32 | u64::from(object.0));
        }
    }

    pub(crate) fn remove(&mut self, object: ObjectId, resource_type: Symbol, id: &str) {
        let bucket = self.bucket_of(self.hash(resource_type, id));
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            let before = bucket.len();
            bucket.retain(|entry| *entry as u32 != object.0);
            self.len -= before - bucket.len();
        }
    }

    fn double(&mut self, objects: &Objects) {
        self.resize(self.bits + 1, objects);
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
        let mut fresh: Vec<Vec<Entry>> = vec![Vec::new(); 1 << bits];
        self.bits = bits;
        for entry in old.iter().flatten() {
            let object = ObjectId(*entry as u32);
            let hash = self.hash(objects.type_of(object), objects.id(object));
            fresh[self.bucket_of(hash)].push(*entry);
        }
        self.buckets = fresh.into_iter().collect();
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
            assert_eq!(lookup.find(&objects, types[0], &id).is_some(), i % 3 != 0);
            assert!(lookup.find(&objects, types[1], &id).is_some());
            assert!(old.find(&objects, types[0], &id).is_some());
        }
        assert_eq!(lookup.find(&objects, Symbol(3), "r1"), None);
    }
}
