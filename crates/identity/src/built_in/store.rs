//! Where private keys are durable.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::MAX_KEYS;

/// What is kept of a ring of keys. Wiped from memory after use, and never printed.
pub struct Contents(Zeroizing<Vec<u8>>);

impl Contents {
    /// Takes what a store kept.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// For a store to keep. There are private keys in it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contents(secret)")
    }
}

/// Why keys cannot be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// The operating system refuses.
    #[error("{path}: {error}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// Somebody else on the machine could read the keys, and may have.
    #[error(
        "{path} can be read by others on this machine (mode {mode:04o}); `chmod 600` it, and rotate the keys if somebody may have read it"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// What is there is not what was kept.
    #[error(
        "the signing keys of `{name}` cannot be read: {why}; restore them from a backup, or delete them and have every user sign in again"
    )]
    Damaged {
        /// The name of the ring.
        name: String,
        /// In what way.
        why: &'static str,
    },
    /// Another server changed the keys meanwhile.
    #[error("the signing keys of `{name}` were changed by another process; try again")]
    Changed {
        /// The name of the ring.
        name: String,
    },
    /// Rotated too often: those that were replaced are served until their last token has expired.
    #[error(
        "there are {MAX_KEYS} signing keys already, and the next of them is free in {after} seconds; rotate again then, or revoke all others"
    )]
    TooMany {
        /// In how many seconds one of them is served no more.
        after: u64,
    },
    /// The database that keeps them does not do what it should.
    #[error("the signing keys: {0}")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A name that cannot be one of a ring.
    #[error("the name of a ring has 1 to 64 letters, digits, `-` and `_`")]
    Name,
}

/// Where private keys are durable. Calls may block.
pub trait KeyStore: Send + Sync {
    /// What was kept under a name; `None` if nothing was.
    ///
    /// # Errors
    /// [`KeyStoreError`].
    fn load(&self, name: &str) -> Result<Option<Contents>, KeyStoreError>;

    /// Keeps something in the place of what was loaded. It is durable when this returns.
    ///
    /// # Errors
    /// [`KeyStoreError::Changed`] if something else is there by now, and the others.
    fn save(&self, name: &str, loaded: Option<&Contents>, contents: &Contents) -> Result<(), KeyStoreError>;

    /// Forgets a name.
    ///
    /// # Errors
    /// [`KeyStoreError`]; not if nothing is there.
    fn delete(&self, name: &str) -> Result<(), KeyStoreError>;

    /// Whether other processes change the keys while this one uses them.
    fn is_shared(&self) -> bool {
        false
    }

    /// Another text after each change of any ring, where [`KeyStore::is_shared`].
    ///
    /// # Errors
    /// [`KeyStoreError`].
    fn fingerprint(&self) -> Result<String, KeyStoreError> {
        Ok(String::new())
    }
}

/// A file for each ring, with mode 0600, in a directory with mode 0700 that one process uses at a time.
#[derive(Debug)]
pub struct KeyFiles {
    directory: PathBuf,
}

impl KeyFiles {
    /// In this directory, which is made when the first key is.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyStoreError> {
        let sane = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
        if !(1..=64).contains(&name.len()) || !name.chars().all(sane) {
            return Err(KeyStoreError::Name);
        }
        Ok(self.directory.join(format!("{name}.keys")))
    }
}

impl KeyStore for KeyFiles {
    fn load(&self, name: &str) -> Result<Option<Contents>, KeyStoreError> {
        let path = self.path(name)?;
        match std::fs::read(&path) {
            Ok(bytes) => {
                let contents = Contents::new(bytes);
                refuse_exposed(&path)?;
                Ok(Some(contents))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(KeyStoreError::Io { path, error }),
        }
    }

    fn save(&self, name: &str, loaded: Option<&Contents>, contents: &Contents) -> Result<(), KeyStoreError> {
        let path = self.path(name)?;
        let there = self.load(name)?;
        if there.as_ref().map(Contents::expose) != loaded.map(Contents::expose) {
            return Err(KeyStoreError::Changed {
                name: name.to_owned(),
            });
        }
        let io = |error| KeyStoreError::Io {
            path: path.clone(),
            error,
        };
        make_directory(&self.directory).map_err(io)?;
        replace(&self.directory, &path, contents.expose()).map_err(io)
    }

    fn delete(&self, name: &str) -> Result<(), KeyStoreError> {
        let path = self.path(name)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(KeyStoreError::Io { path, error }),
            _ => Ok(()),
        }
    }
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Writes beside and renames, so that there is always a whole file.
fn replace(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    // What an interrupted write left behind.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    #[cfg(unix)]
    std::fs::File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

#[cfg(unix)]
fn refuse_exposed(path: &Path) -> Result<(), KeyStoreError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(|error| KeyStoreError::Io {
        path: path.to_owned(),
        error,
    })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyStoreError::Exposed {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path) -> Result<(), KeyStoreError> {
    Ok(())
}
