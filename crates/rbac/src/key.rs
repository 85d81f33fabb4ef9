//! Ids: a prefix and twenty-six characters that sort by time of creation.
//!
//! The characters are a ULID: 48 bits of milliseconds, 10 bits of the microseconds beyond, and 70 bits that tell things of the same
//! microsecond apart. Those are random where an id is stored. Where a thing has a name of its own they are a hash of that name, so
//! that the id need not be stored.

use std::fmt;

use crate::{Error, Result};

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;

/// The value of each byte that is a digit; [`NO_DIGIT`] of every other.
const VALUES: [u8; 256] = values();
const NO_DIGIT: u8 = u8::MAX;

const fn values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
}

const TIE_BITS: u32 = 70;

/// Where a thing stands in a list, and the second half of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u128);

impl Key {
    /// Of something created at a time, microseconds since the Unix epoch, and told apart by `tie`.
    fn new(at: i64, tie: u128) -> Self {
        let at = at.max(0) as u128;
        let (millis, micros) = (at / 1000, at % 1000);
        Self(millis << 80 | micros << TIE_BITS | tie & ((1 << TIE_BITS) - 1))
    }

    /// Of something that is told apart by what it is called.
    pub(crate) fn derived(at: i64, parts: &[&str]) -> Self {
        Self::new(at, hash(parts))
    }

    /// Of something new.
    pub(crate) fn random(at: i64) -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::Internal(format!("the operating system gives no randomness: {error}")))?;
        Ok(Self::new(at, u128::from_le_bytes(bytes)))
    }

    /// A hash alone, which is no time.
    pub(crate) fn hashed(parts: &[&str]) -> Self {
        Self(hash(parts))
    }

    /// When it was created, microseconds since the Unix epoch.
    pub fn at(self) -> i64 {
        let (millis, micros) = ((self.0 >> 80) as i64, (self.0 >> TIE_BITS & 0x3ff) as i64);
        millis * 1000 + micros
    }

    /// The key of an id, whatever its prefix.
    pub fn of_id(id: &str) -> Option<Self> {
        let digits = id.rsplit('_').next()?;
        if digits.len() != LENGTH || digits.as_bytes()[0] > b'7' {
            return None;
        }
        digits
            .bytes()
            .try_fold(0u128, |key, digit| {
                let value = VALUES[usize::from(digit)];
                (value != NO_DIGIT).then(|| key << 5 | u128::from(value))
            })
            .map(Self)
    }

    /// With a prefix.
    pub fn id(self, prefix: &str) -> String {
        format!("{prefix}_{self}")
    }
}

fn hash(parts: &[&str]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(bytes)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; LENGTH];
        for (at, digit) in text.iter_mut().rev().enumerate() {
            *digit = DIGITS[(self.0 >> (5 * at) & 31) as usize];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_and_sorts_by_it() {
        let at = 1_784_000_000_123_456;
        let key = Key::derived(at, &["a", "b"]);
        let id = key.id("authz_resource");
        assert_eq!(id.len(), "authz_resource_".len() + 26);
        assert_eq!(Key::of_id(&id), Some(key));
        assert_eq!(key.at(), at);
        assert!(Key::random(at + 1).unwrap().id("x") > Key::derived(at, &["a"]).id("x"));
        assert_ne!(Key::derived(at, &["a", "b"]), Key::derived(at, &["ab", ""]));
    }

    #[test]
    fn what_is_no_id_has_no_key() {
        for text in [
            "",
            "org_",
            "org_1",
            "org_01JZ7W3Q0X8S2N4V6B1C5D9E7l",
            "org_81JZ7W3Q0X8S2N4V6B1C5D9E7F",
        ] {
            assert_eq!(Key::of_id(text), None, "{text}");
        }
    }
}
