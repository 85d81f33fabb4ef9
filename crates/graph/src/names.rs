//! Type and relation names as symbols. Append-only; a few thousand at most, so the whole table is copied when it grows.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{GraphError, Symbol};

#[derive(Debug, Clone)]
pub(crate) struct Names {
    list: Vec<Arc<str>>,
    /// Short names, where their hash says or in the next places; at most half of the places, of which there is a power of two, are taken.
    short: Vec<Option<(Short, Symbol)>>,
    long: FxHashMap<Arc<str>, Symbol>,
}

/// Longest name that is looked up as numbers, in bytes.
const SHORT: usize = 24;

/// A name of at most [`SHORT`] bytes, as numbers. Every decision looks three names up, and nearly all names are short: hashing and comparing
/// numbers takes a third of what texts take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Short {
    len: usize,
    /// The first and the last bytes, eight of each where there are so many. They may share some.
    ends: [u64; 2],
    /// The eight bytes after the first eight, of a name that the ends do not cover.
    middle: u64,
}

impl Short {
    #[inline]
    fn of(name: &str) -> Option<Self> {
        let bytes = name.as_bytes();
        let ends = if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            [u64::from_le_bytes(*first), u64::from_le_bytes(*last)]
        } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            [
                u64::from(u32::from_le_bytes(*first)),
                u64::from(u32::from_le_bytes(*last)),
            ]
        } else if let (Some(first), Some(last)) = (bytes.first(), bytes.last()) {
            let middle = bytes.get(bytes.len() / 2).unwrap_or(first);
            [u64::from(u16::from_le_bytes([*first, *middle])), u64::from(*last)]
        } else {
            [0; 2]
        };
        let middle = match bytes.get(8..16) {
            Some(middle) if bytes.len() > 16 => middle
                .first_chunk()
                .map_or(0, |middle| u64::from_le_bytes(*middle)),
            _ => 0,
        };
        (bytes.len() <= SHORT).then_some(Self {
            len: bytes.len(),
            ends,
            middle,
        })
    }

    /// The upper bits are the good ones.
    #[inline]
    fn hash(&self) -> u64 {
        // Odd numbers with as many ones as zeros, so that every bit of the name reaches the upper ones.
        let [first, last] = self.ends;
        let ends = first.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ last;
        let middle = self.middle.wrapping_mul(0xa24b_aed4_963e_e407).rotate_left(31);
        (ends ^ middle ^ self.len as u64).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }
}

impl Default for Names {
    fn default() -> Self {
        Self {
            list: vec![Arc::from("")],
            short: vec![None; 16],
            long: FxHashMap::default(),
        }
    }
}

impl Names {
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<Symbol> {
        let Some(short) = Short::of(name) else {
            return self.long.get(name).copied();
        };
        let mut place = self.first(&short);
        while let Some((known, symbol)) = self.short[place] {
            if known == short {
                return Some(symbol);
            }
            place = (place + 1) & (self.short.len() - 1);
        }
        None
    }

    #[inline]
    fn first(&self, short: &Short) -> usize {
        (short.hash() >> (64 - self.short.len().trailing_zeros())) as usize
    }

    /// Where a short name can be: from the place that its hash says, each place once.
    #[inline]
    fn places(&self, short: &Short) -> impl Iterator<Item = usize> + use<> {
        let (first, count) = (self.first(short), self.short.len());
        (first..first + count).map(move |place| place & (count - 1))
    }

    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.list.get(symbol.index()).map_or("", |name| name)
    }

    pub(crate) fn add(&mut self, name: &str) -> Result<Symbol, GraphError> {
        let number = u16::try_from(self.list.len()).map_err(|_| GraphError::TooManyNames)?;
        let text: Arc<str> = Arc::from(name);
        self.list.push(Arc::clone(&text));
        match Short::of(name) {
            Some(short) => self.put(short, Symbol(number)),
            None => {
                self.long.insert(text, Symbol(number));
            }
        }
        Ok(Symbol(number))
    }

    fn put(&mut self, short: Short, symbol: Symbol) {
        if self.list.len() * 2 > self.short.len() {
            let doubled = vec![None; self.short.len() * 2];
            for (short, symbol) in std::mem::replace(&mut self.short, doubled).into_iter().flatten() {
                self.put(short, symbol);
            }
        }
        let free = self.places(&short).find(|place| self.short[*place].is_none());
        if let Some(place) = free {
            self.short[place] = Some((short, symbol));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().skip(1).map(|name| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of every length up to 28 that differ in one place, or are the beginning or the end of another.
    #[test]
    fn every_name_is_found_and_no_other_is() {
        let mut all: Vec<String> = Vec::new();
        for len in 1..=28 {
            all.push("a".repeat(len));
            for at in 0..len {
                let mut name = vec![b'a'; len];
                name[at] = b'b';
                all.push(String::from_utf8(name).unwrap());
            }
        }
        let (stored, strange): (Vec<_>, Vec<_>) = all.iter().enumerate().partition(|(at, _)| at % 2 == 0);
        let mut names = Names::default();
        let symbols: Vec<Symbol> = stored.iter().map(|(_, name)| names.add(name).unwrap()).collect();
        for ((_, name), symbol) in stored.iter().zip(&symbols) {
            assert_eq!(names.get(name), Some(*symbol), "{name}");
            assert_eq!(names.text(*symbol), **name);
        }
        for (_, name) in strange {
            assert_eq!(names.get(name), None, "{name}");
        }
        assert_eq!(names.get(""), None);
    }
}
