//! The bytes of a commit and of the records, as drawn in `FORMAT.md`.
//!
//! Everything that is stored is sealed: its last four bytes are a checksum of the rest. A value therefore
//! decodes to what was encoded or not at all, and decoding never panics, whatever the bytes.

mod bytes;
mod commit;
mod records;

pub use commit::{decode_commit, encode_commit};
pub(crate) use records::{
    Head, decode_api_key, decode_audit, decode_environment, encode_api_key, encode_audit, encode_environment,
};

use std::error::Error;
use std::fmt;

/// Why bytes are not an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The checksum does not match: the bytes are not the ones that were written.
    Checksum,
    /// They were written by a newer Rowgate, in this version of the encoding.
    Version(u8),
    /// The checksum matches, and yet this part of them makes no sense.
    Malformed(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Checksum => f.write_str("the checksum does not match"),
            DecodeError::Version(version) => {
                write!(f, "encoding version {version} is newer than this Rowgate")
            }
            DecodeError::Malformed(part) => write!(f, "malformed {part}"),
        }
    }
}

impl Error for DecodeError {}
