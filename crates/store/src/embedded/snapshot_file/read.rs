//! Reading a snapshot file.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{FORMAT, MAGIC, MAX_CHUNK, MAX_UID, SnapshotHeader, chunk_checksum};
use crate::embedded::files::{corrupt, io_error};
use crate::{EnvironmentId, ErrorKind, Result, Revision, StoreError};

/// The payload of a snapshot file. Reading ends in an error of [`io::ErrorKind::InvalidData`] where the file
/// is damaged, and goes on giving that error.
pub(in crate::embedded) struct SnapshotReader<R: Read> {
    path: PathBuf,
    from: R,
    digest: blake3::Hasher,
    header: SnapshotHeader,
    chunk: Vec<u8>,
    taken: usize,
    chunks: u64,
    payload: u64,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Chunks,
    Done,
    Damaged(&'static str),
}

/// What is wrong with a file, or why it could not be read.
enum Trouble {
    Damage(&'static str),
    Io(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Trouble::Damage("it ends too early"),
            _ => Trouble::Io(error),
        }
    }
}

impl<R: Read> SnapshotReader<R> {
    /// Reads and checks the header.
    pub(in crate::embedded) fn open(mut from: R, path: &Path) -> Result<Self> {
        let mut digest = blake3::Hasher::new();
        let (format, header) = read_header(&mut from, &mut digest).map_err(|trouble| match trouble {
            Trouble::Damage(what) => corrupt(path.display(), what),
            Trouble::Io(error) => io_error("read", path, error),
        })?;
        if format > FORMAT {
            return Err(StoreError::new(
                ErrorKind::Version,
                format!(
                    "`{}` is a snapshot in format {format}, which is newer than this Rowgate; start the Rowgate that wrote \
                     it, or a later one",
                    path.display()
                ),
            ));
        }
        Ok(SnapshotReader {
            path: path.to_owned(),
            from,
            digest,
            header,
            chunk: Vec::new(),
            taken: 0,
            chunks: 0,
            payload: 0,
            state: State::Chunks,
        })
    }

    pub(in crate::embedded) fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    fn get<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        get(&mut self.from, &mut self.digest)
    }

    /// Reads the next chunk, or the footer.
    fn next_chunk(&mut self) -> Result<(), Trouble> {
        let len = u32::from_le_bytes(self.get()?) as usize;
        if len == 0 {
            return self.footer();
        }
        if len > MAX_CHUNK {
            return Err(Trouble::Damage("a chunk is too long"));
        }
        let checksum = u32::from_le_bytes(self.get()?);
        self.chunk.resize(len, 0);
        self.from.read_exact(&mut self.chunk)?;
        self.digest.update(&self.chunk);
        if chunk_checksum(self.chunks, &self.chunk) != checksum {
            return Err(Trouble::Damage("the checksum of a chunk does not match"));
        }
        self.chunks += 1;
        self.payload += len as u64;
        self.taken = 0;
        Ok(())
    }

    fn footer(&mut self) -> Result<(), Trouble> {
        if u64::from_le_bytes(self.get()?) != self.payload {
            return Err(Trouble::Damage("its length is not the one in its footer"));
        }
        let digest = self.digest.finalize();
        let stored: [u8; 32] = self.get()?;
        if digest != stored {
            return Err(Trouble::Damage("its digest does not match"));
        }
        if self.from.read(&mut [0])? != 0 {
            return Err(Trouble::Damage("something follows its end"));
        }
        self.state = State::Done;
        Ok(())
    }

    fn damage(&self, what: &'static str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, corrupt(self.path.display(), what))
    }
}

impl<R: Read> Read for SnapshotReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while self.taken == self.chunk.len() {
            match self.state {
                State::Chunks => {}
                State::Done => return Ok(0),
                State::Damaged(what) => return Err(self.damage(what)),
            }
            self.chunk.clear();
            self.taken = 0;
            if let Err(trouble) = self.next_chunk() {
                self.chunk.clear();
                self.taken = 0;
                let (what, error) = match trouble {
                    Trouble::Damage(what) => (what, self.damage(what)),
                    Trouble::Io(error) => ("it could not be read to its end", error),
                };
                self.state = State::Damaged(what);
                return Err(error);
            }
        }
        let given = out.len().min(self.chunk.len() - self.taken);
        out[..given].copy_from_slice(&self.chunk[self.taken..self.taken + given]);
        self.taken += given;
        Ok(given)
    }
}

fn get<const N: usize>(from: &mut impl Read, digest: &mut blake3::Hasher) -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    digest.update(&bytes);
    Ok(bytes)
}

fn read_header(from: &mut impl Read, digest: &mut blake3::Hasher) -> Result<(u16, SnapshotHeader), Trouble> {
    let mut checksum = crc32fast::Hasher::new();
    let magic: [u8; 8] = get(from, digest)?;
    if magic != MAGIC {
        return Err(Trouble::Damage("it does not begin like a snapshot"));
    }
    let format: [u8; 2] = get(from, digest)?;
    let uid_len: [u8; 2] = get(from, digest)?;
    let environment: [u8; 4] = get(from, digest)?;
    let revision: [u8; 8] = get(from, digest)?;
    for part in [&magic[..], &format, &uid_len, &environment, &revision] {
        checksum.update(part);
    }
    let mut uid = vec![0; usize::from(u16::from_le_bytes(uid_len)).min(MAX_UID)];
    from.read_exact(&mut uid)?;
    digest.update(&uid);
    checksum.update(&uid);
    let stored: [u8; 4] = get(from, digest)?;
    if checksum.finalize() != u32::from_le_bytes(stored) {
        return Err(Trouble::Damage("the checksum of its header does not match"));
    }
    let uid = String::from_utf8(uid).map_err(|_| Trouble::Damage("its uid is not text"))?;
    let header = SnapshotHeader {
        environment: EnvironmentId(u32::from_le_bytes(environment)),
        uid,
        revision: Revision::from_u64(u64::from_le_bytes(revision)),
    };
    Ok((u16::from_le_bytes(format), header))
}
