//! Snapshots: which one counts, and how one takes the place of another.
//!
//! A snapshot counts from the moment the log's base is set to its revision, by a transaction of the storage
//! engine. A file that no base refers to is a leftover, of a process that ended before that moment or just
//! after, and is removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::Embedded;
use super::files::{corrupt, io_error, private, remove, sync_dir};
use super::log::snapshot_possible;
use super::snapshot_file::{SnapshotHeader, SnapshotReader, SnapshotWriter};
use crate::{EnvironmentId, ErrorKind, Result, Revision};

/// How the names of snapshot files begin.
pub(super) const SNAPSHOT: &str = "snapshot-";
const SUFFIX: &str = ".rgs";
/// What is not complete yet ends in this.
pub(super) const UNFINISHED: &str = ".tmp";

impl Embedded {
    pub(super) fn open_snapshot(
        &self,
        environment: EnvironmentId,
    ) -> Result<Option<(Revision, Box<dyn Read + Send>)>> {
        let record = self.read_environment(environment)?;
        // The file is looked for by the base. A new snapshot may take its place in between, so look again.
        let mut before = None;
        loop {
            let base = self.read_head(environment)?.base;
            if base == Revision::ZERO {
                return Ok(None);
            }
            let path = self.snapshot_path(environment, base);
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound && before != Some(base) => {
                    before = Some(base);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(corrupt(path.display(), "the file is missing"));
                }
                Err(error) => return Err(io_error("open", &path, error)),
            };
            let reader = SnapshotReader::open(BufReader::new(file), &path)?;
            let expected = SnapshotHeader {
                environment,
                uid: record.uid,
                revision: base,
            };
            if *reader.header() != expected {
                return Err(corrupt(
                    path.display(),
                    "it is the snapshot of another environment or revision",
                ));
            }
            return Ok(Some((base, Box::new(reader))));
        }
    }

    pub(super) fn replace_snapshot(
        &self,
        environment: EnvironmentId,
        revision: Revision,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let uid = self.read_environment(environment)?.uid;
        // One at a time: two would only compete for the disk.
        let _one = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let head = self.read_head(environment)?;
        snapshot_possible(&head, revision)
            .map_err(|failure| failure.into_error("read", self.engine.path()))?;
        if revision == Revision::ZERO {
            return Ok(());
        }
        let path = self.snapshot_path(environment, revision);
        let unfinished = path.with_extension(&UNFINISHED[1..]);
        let header = SnapshotHeader {
            environment,
            uid,
            revision,
        };
        if let Err(error) = write_file(&unfinished, &header, write) {
            // It would be removed at the next start, but it may be what fills the disk.
            let _ = fs::remove_file(&unfinished);
            return Err(io_error("write", &unfinished, error));
        }
        fs::rename(&unfinished, &path).map_err(|error| io_error("rename", &unfinished, error))?;
        sync_dir(&self.dir)?;
        if let Err(error) = self.set_base(environment, revision) {
            // Removes the file unless the base refers to it, and leaves both if that cannot be found out now.
            let _ = self.sweep_snapshots(Some(environment));
            if !self
                .read_head(environment)
                .is_ok_and(|head| head.base == revision)
            {
                return Err(error);
            }
        }
        // The new snapshot counts. What fails from here on leaves something superfluous behind, which is
        // removed with the next snapshot or at the next start.
        let _ = self.sweep_snapshots(Some(environment));
        let _ = self.trim(environment);
        Ok(())
    }

    /// Removes snapshot files that no base refers to, of one environment or of all.
    pub(super) fn sweep_snapshots(&self, only: Option<EnvironmentId>) -> Result<()> {
        for (path, (environment, revision)) in snapshot_files(&self.dir)? {
            if only.is_some_and(|only| only != environment) {
                continue;
            }
            match self.read_head(environment) {
                Ok(head) if head.base == revision => {}
                Ok(_) => remove(&path)?,
                Err(error) if error.kind() == ErrorKind::EnvironmentUnknown => remove(&path)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn snapshot_path(&self, environment: EnvironmentId, revision: Revision) -> PathBuf {
        self.dir
            .join(format!("{SNAPSHOT}{environment}-{revision:020}{SUFFIX}"))
    }
}

fn write_file(
    path: &Path,
    header: &SnapshotHeader,
    write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let file = private(&mut options).open(path)?;
    let mut writer = SnapshotWriter::new(BufWriter::new(file), header)?;
    write(&mut writer)?;
    let file = writer
        .finish()?
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.sync_all()
}

/// The snapshot files of a directory: complete, whether they count or not.
pub(super) fn snapshot_files(dir: &Path) -> Result<Vec<(PathBuf, (EnvironmentId, Revision))>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| io_error("list", dir, error))? {
        let path = entry.map_err(|error| io_error("list", dir, error))?.path();
        if let Some(named) = path.file_name().and_then(|name| parse_name(name.to_str()?)) {
            found.push((path, named));
        }
    }
    Ok(found)
}

fn parse_name(name: &str) -> Option<(EnvironmentId, Revision)> {
    let (environment, revision) = name
        .strip_prefix(SNAPSHOT)?
        .strip_suffix(SUFFIX)?
        .split_once('-')?;
    Some((
        EnvironmentId(environment.parse().ok()?),
        Revision::from_u64(revision.parse().ok()?),
    ))
}
