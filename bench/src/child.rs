//! Processes of their own, so that one measurement does not see the memory of another.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Runs this program with other arguments and reads what it found.
pub fn run(args: &[&str]) -> Result<Value> {
    eprintln!("-- {}", args.join(" "));
    let output = Command::new(std::env::current_exe()?)
        .args(args)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "`{}` failed: {}",
        args.join(" "),
        output.status
    );
    serde_json::from_slice(&output.stdout).with_context(|| format!("the answer of `{}`", args.join(" ")))
}

/// A directory that goes away.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new one in the system's directory for such.
    pub fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("rowgate-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left for the system to clean up.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
