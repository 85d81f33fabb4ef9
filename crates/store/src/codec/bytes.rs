//! Writing and reading the parts that encodings are made of.

use super::DecodeError;

type Result<T> = std::result::Result<T, DecodeError>;

/// The version of the encodings that this code writes, their first byte.
const VERSION: u8 = 1;

/// Builds a sealed value: version, parts, checksum.
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn with_capacity(capacity: usize) -> Writer {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.push(VERSION);
        Writer { bytes }
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Seven bits at a time, the lowest first; the top bit says that more follow.
    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Eight bytes, little-endian.
    pub(super) fn i64(&mut self, value: i64) {
        self.raw(&value.to_le_bytes());
    }

    pub(super) fn raw(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    /// The length in bytes, then the UTF-8.
    pub(super) fn string(&mut self, value: &str) {
        self.varint(value.len() as u64);
        self.raw(value.as_bytes());
    }

    /// 0, or 1 and the string.
    pub(super) fn option(&mut self, value: Option<&str>) {
        match value {
            None => self.u8(0),
            Some(value) => {
                self.u8(1);
                self.string(value);
            }
        }
    }

    pub(super) fn seal(mut self) -> Vec<u8> {
        let checksum = crc32fast::hash(&self.bytes);
        self.raw(&checksum.to_le_bytes());
        self.bytes
    }
}

/// Reads a sealed value from the front. Every step is checked against what is left.
pub(super) struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks the seal and the version.
    pub(super) fn unseal(bytes: &'a [u8]) -> Result<Reader<'a>> {
        let (value, checksum) = bytes.split_last_chunk::<4>().ok_or(DecodeError::Checksum)?;
        if crc32fast::hash(value) != u32::from_le_bytes(*checksum) {
            return Err(DecodeError::Checksum);
        }
        match value.split_first() {
            Some((&VERSION, left)) => Ok(Reader { left }),
            Some((0, _)) | None => Err(DecodeError::Malformed("version")),
            Some((&newer, _)) => Err(DecodeError::Version(newer)),
        }
    }

    pub(super) fn left(&self) -> usize {
        self.left.len()
    }

    pub(super) fn raw(&mut self, len: usize, part: &'static str) -> Result<&'a [u8]> {
        let (taken, left) = self
            .left
            .split_at_checked(len)
            .ok_or(DecodeError::Malformed(part))?;
        self.left = left;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N]> {
        let (taken, left) = self
            .left
            .split_first_chunk()
            .ok_or(DecodeError::Malformed(part))?;
        self.left = left;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self, part: &'static str) -> Result<u8> {
        let [byte] = self.array(part)?;
        Ok(byte)
    }

    /// Accepts only the shortest form, so that each value has one encoding.
    pub(super) fn varint(&mut self, part: &'static str) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(part)?;
            let bits = u64::from(byte & 0x7f);
            let overflows = (bits << shift) >> shift != bits;
            let padded = byte == 0 && shift > 0;
            if overflows || padded {
                return Err(DecodeError::Malformed(part));
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed(part))
    }

    pub(super) fn varint32(&mut self, part: &'static str) -> Result<u32> {
        u32::try_from(self.varint(part)?).map_err(|_| DecodeError::Malformed(part))
    }

    pub(super) fn i64(&mut self, part: &'static str) -> Result<i64> {
        self.array(part).map(i64::from_le_bytes)
    }

    pub(super) fn string(&mut self, part: &'static str) -> Result<String> {
        let len = usize::try_from(self.varint(part)?).map_err(|_| DecodeError::Malformed(part))?;
        let bytes = self.raw(len, part)?;
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::Malformed(part))?;
        Ok(text.to_owned())
    }

    pub(super) fn option(&mut self, part: &'static str) -> Result<Option<String>> {
        match self.u8(part)? {
            0 => Ok(None),
            1 => self.string(part).map(Some),
            _ => Err(DecodeError::Malformed(part)),
        }
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<()> {
        if self.left.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Malformed("end"))
        }
    }
}
