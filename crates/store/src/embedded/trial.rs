//! Opening a file without changing it.
//!
//! The storage engine writes while it opens a file: marks, what it repairs after a crash. When it then finds
//! the file damaged, that has happened already. So a file is first opened on trial, with the writes kept in
//! memory and thrown away, and only a file that passes is opened for real.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

const PAGE: usize = 4096;

#[derive(Debug)]
pub(super) struct Trial {
    file: Box<dyn StorageBackend>,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    len: u64,
    /// How much of the file still shows: it was never cut shorter than this.
    shows: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

impl Trial {
    pub(super) fn new(file: Box<dyn StorageBackend>) -> io::Result<Trial> {
        let len = file.len()?;
        Ok(Trial {
            file,
            written: Mutex::new(Written {
                len,
                shows: len,
                pages: BTreeMap::new(),
            }),
        })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page as it is in the file, with zeros where the file does not show.
    fn original(&self, page: u64, shows: u64) -> io::Result<Vec<u8>> {
        let start = page * PAGE as u64;
        let mut bytes = vec![0; PAGE];
        let there = shows.saturating_sub(start).min(PAGE as u64) as usize;
        if there > 0 {
            self.file.read(start, &mut bytes[..there])?;
        }
        Ok(bytes)
    }
}

/// The pages that a range touches: number, place in the page, place in the range, length.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset.checked_add(done as u64).filter(|_| done < len)?;
        let (page, within) = (at / PAGE as u64, (at % PAGE as u64) as usize);
        let piece = (PAGE - within).min(len - done);
        let from = done;
        done += piece;
        Some((page, within, from, piece))
    })
}

impl StorageBackend for Trial {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        if offset
            .checked_add(out.len() as u64)
            .is_none_or(|end| end > written.len)
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if written.pages.is_empty() && written.shows == written.len {
            return self.file.read(offset, out);
        }
        for (page, within, from, len) in pieces(offset, out.len()) {
            let original;
            let bytes = match written.pages.get(&page) {
                Some(bytes) => bytes,
                None => {
                    original = self.original(page, written.shows)?;
                    &original
                }
            };
            out[from..from + len].copy_from_slice(&bytes[within..within + len]);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut written = self.written();
        if len < written.len {
            let first_gone = len.div_ceil(PAGE as u64);
            written.pages.split_off(&first_gone);
            if let Some(last) = written.pages.get_mut(&(len / PAGE as u64)) {
                last[(len % PAGE as u64) as usize..].fill(0);
            }
        }
        written.shows = written.shows.min(len);
        written.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        for (page, within, from, len) in pieces(offset, data.len()) {
            if !written.pages.contains_key(&page) {
                let original = self.original(page, written.shows)?;
                written.pages.insert(page, original);
            }
            if let Some(bytes) = written.pages.get_mut(&page) {
                bytes[within..within + len].copy_from_slice(&data[from..from + len]);
            }
        }
        written.len = written.len.max(offset.saturating_add(data.len() as u64));
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}
