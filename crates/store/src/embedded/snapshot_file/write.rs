//! Writing a snapshot file.

use std::io::{self, Write};

use super::{CHUNK, FORMAT, MAGIC, SnapshotHeader, chunk_checksum};

/// Frames what is written to it. [`SnapshotWriter::finish`] completes the file.
pub(in crate::embedded) struct SnapshotWriter<W: Write> {
    to: W,
    digest: blake3::Hasher,
    chunk: Vec<u8>,
    chunks: u64,
    payload: u64,
}

impl<W: Write> SnapshotWriter<W> {
    pub(in crate::embedded) fn new(to: W, header: &SnapshotHeader) -> io::Result<Self> {
        let uid_len = u16::try_from(header.uid.len()).map_err(|_| io::Error::other("the uid is too long"))?;
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&uid_len.to_le_bytes());
        bytes.extend_from_slice(&header.environment.0.to_le_bytes());
        bytes.extend_from_slice(&header.revision.get().to_le_bytes());
        bytes.extend_from_slice(header.uid.as_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let mut writer = SnapshotWriter {
            to,
            digest: blake3::Hasher::new(),
            chunk: Vec::with_capacity(CHUNK),
            chunks: 0,
            payload: 0,
        };
        writer.put(&bytes)?;
        Ok(writer)
    }

    /// Writes what is left, then the end mark, the length and the digest.
    pub(in crate::embedded) fn finish(mut self) -> io::Result<W> {
        self.put_chunk()?;
        self.put(&0u32.to_le_bytes())?;
        let payload = self.payload;
        self.put(&payload.to_le_bytes())?;
        let digest = self.digest.finalize();
        self.to.write_all(digest.as_bytes())?;
        Ok(self.to)
    }

    fn put_chunk(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(&mut self.chunk);
        // A chunk has at most CHUNK bytes.
        self.put(&(chunk.len() as u32).to_le_bytes())?;
        self.put(&chunk_checksum(self.chunks, &chunk).to_le_bytes())?;
        self.put(&chunk)?;
        self.chunks += 1;
        self.payload += chunk.len() as u64;
        self.chunk = chunk;
        self.chunk.clear();
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.to.write_all(bytes)
    }
}

impl<W: Write> Write for SnapshotWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.put_chunk()?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Does nothing: only the whole file counts.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
