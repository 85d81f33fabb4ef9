//! The file format of a snapshot, as drawn in `FORMAT.md`: a header, chunks, a footer.
//!
//! Each chunk carries a checksum, so no damaged byte reaches the caller. The footer carries a digest of
//! everything before it, so a file that was cut or pieced together is recognised at its end.

mod read;
mod write;

pub(super) use read::SnapshotReader;
pub(super) use write::SnapshotWriter;

use crate::{EnvironmentId, Revision};

const MAGIC: [u8; 8] = *b"RGSNAP\r\n";
const FORMAT: u16 = 1;

/// A chunk is this long, but for the last one.
const CHUNK: usize = 256 * 1024;
/// The longest chunk that is accepted.
const MAX_CHUNK: usize = 1 << 20;
/// The longest uid that is accepted.
const MAX_UID: usize = 4096;

/// Whose snapshot it is, and of which revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SnapshotHeader {
    pub(super) environment: EnvironmentId,
    pub(super) uid: String,
    pub(super) revision: Revision,
}

/// The checksum of a chunk. It covers the place in the file, so that a chunk in the wrong place is
/// recognised.
fn chunk_checksum(index: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&index.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}
