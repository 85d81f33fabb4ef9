//! Where the programs of a version are.

use std::path::{Path, PathBuf};

/// A major version of Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The oldest that is supported.
    V15,
    /// The newest.
    V18,
}

impl Version {
    /// `15`, `18`
    #[must_use]
    pub fn major(self) -> u32 {
        match self {
            Version::V15 => 15,
            Version::V18 => 18,
        }
    }

    /// The directory of `initdb`, `postgres` and `pg_ctl`: the one that `ROWGATE_PG15_BIN` names (or `ROWGATE_PG18_BIN`), the
    /// distribution's package, or what `make postgres` installed.
    #[must_use]
    pub fn bin(self) -> PathBuf {
        let major = self.major();
        let variable = format!("ROWGATE_PG{major}_BIN");
        let installed =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/postgres/{major}/bin"));
        let places = std::env::var_os(&variable).map(PathBuf::from).into_iter().chain([
            PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")),
            installed,
        ]);
        let found = places.into_iter().find(|bin| bin.join("initdb").exists());
        let bin = found.unwrap_or_else(|| {
            panic!("there is no PostgreSQL {major}: run `make postgres`, or set {variable}")
        });
        bin.canonicalize().expect("the directory that was just found")
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.major().fmt(f)
    }
}
